"""What a program puts on an array's word lines while it hears a recording."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from imssa.crossbar import Chip, SimulatedChip, execute, write_program
from imssa.crossbar.chip import ReadAddress
from imssa.errors import ShapeError
from imssa.hardware.converters import Converters
from imssa.kernels.passes import digits
from imssa.kernels.random import Key
from imssa.program import ArrayContents, Program
from imssa.program.operations import Phase


@dataclass(frozen=True)
class PhaseDrive:
    """The voltages of one read.

    Attributes:
        volt: Of each word line; 0 where the phase drives none.
        driven: Word lines that the phase drives.
        read: Bit lines that it reads.
        words: Which read, in words: "phase 0 of the program, step 17, its largest drive".
    """

    volt: Float64[np.ndarray, " word_lines"]
    driven: Bool[np.ndarray, " word_lines"]
    read: Bool[np.ndarray, " bit_lines"]
    words: str


def first_phase(program: Program, array: int) -> tuple[int, Phase]:
    """Number and phase of the first that uses an array.

    Raises:
        ShapeError: The program has no such array, or no phase uses it.
    """
    for number, phase in enumerate(program.phases):
        if phase.array == array:
            return number, phase
    raise ShapeError(
        given=f"array {array}",
        rule=f"the program's phases use the arrays {sorted({p.array for p in program.phases})}",
        remedy="Name one of them.",
    )


def largest_drive(
    program: Program,
    key: Key,
    array: int,
    codes: Int64[np.ndarray, "length features"] | None = None,
    *,
    instance: int = 0,
) -> PhaseDrive:
    """The largest drive of the first phase on an array; with converters of many passes, one pass.

    Args:
        program: The program.
        key: The key of a study, so that the chip instance is that of its results.
        array: Number of the array.
        codes: Input codes of one recording; None: the largest code on every line of the phase.
        instance: Number of the chip instance that hears the recording.

    Raises:
        ShapeError: No phase uses the array, or codes that the program cannot take.
    """
    number, phase = first_phase(program, array)
    converters, chip = program.chip.converters, program.chip
    if codes is None:
        drive = np.full(len(phase.word_lines), converters.pass_max)
        where = "all at the largest code"
    else:
        heard = _Listening(SimulatedChip(chip, key, instance), phase)
        write_program(program, heard)
        execute(program, heard, codes[None], np.array([len(codes)]))
        drives = np.concatenate(heard.drives)
        step = int(np.abs(drives).sum(axis=1).argmax())
        drive, where = _busiest_pass(drives[step], converters), f"step {step}, its largest drive"
    volt = np.zeros(chip.arrays.word_lines)
    volt[phase.word_lines] = drive * (chip.read_voltage_volt / converters.pass_max)
    driven = np.isin(np.arange(chip.arrays.word_lines), phase.word_lines)
    read = np.isin(np.arange(chip.arrays.bit_lines) // 2, phase.pairs)
    return PhaseDrive(volt, driven, read, f"phase {number} of the program, {where}")


def _busiest_pass(
    drive: Int64[np.ndarray, " lines"], converters: Converters
) -> Int64[np.ndarray, " lines"]:
    """What the pass with the largest sum drives the lines with."""
    passes = [digits(drive, bit, sign) for bit, sign, _ in converters.passes.tolist()]
    return max(passes, key=lambda part: int(np.abs(part).sum()))


class _Listening(Chip):
    """A chip that keeps what one phase drives."""

    def __init__(self, chip: Chip, phase: Phase) -> None:
        self._chip, self._phase = chip, phase
        self.drives: list[Int64[np.ndarray, "batch lines"]] = []

    def write(self, array: int, contents: ArrayContents) -> None:
        """Writes an array."""
        self._chip.write(array, contents)

    def read(self, array: int) -> Float64[np.ndarray, "word_lines bit_lines"]:
        """Conductances of an array in siemens."""
        return self._chip.read(array)

    def mvm(
        self, phase: Phase, drive: Int64[np.ndarray, "batch lines"], address: ReadAddress
    ) -> Int64[np.ndarray, "batch pairs"]:
        """ADC codes of the phase's pairs for DAC codes on its word lines."""
        if phase is self._phase:
            self.drives.append(drive.copy())
        return self._chip.mvm(phase, drive, address)
