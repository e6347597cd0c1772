"""How hard word lines are driven: measured while a program hears sequences, or assumed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from imssa.cost.ranges import Range
from imssa.crossbar.chip import Chip, ReadAddress, SimulatedChip
from imssa.crossbar.executor import execute, write_program
from imssa.kernels.passes import digits
from imssa.kernels.random import Key
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents, Program

Lines = Float64[np.ndarray, " lines"]

ASSUMED_RMS = Range(0.1, 0.3, 1.0)
"""Root mean square of an amplitude relative to the largest, where no sequence was heard."""

ASSUMED_DIGITS = Range(0.1, 0.5, 1.0)
"""Share of binary digits that are set, where input is bit-serial."""


@dataclass(frozen=True)
class Drives:
    """Squared line voltages, relative to the largest, summed over the passes of a conversion.

    Attributes:
        squares: For each phase of a step and each of its lines the mean over steps and sequences, as
            (low, typical, high).
        origin: In words: where they come from.
    """

    squares: tuple[Float64[np.ndarray, "3 lines"], ...]
    origin: str


def assumed_drives(program: Program) -> Drives:
    """The same assumption for every line; each digit of a code has its own pass where it is serial."""
    converters = program.chip.converters
    signs = 2 if converters.polarity == "two-pass" else 1
    if converters.drive == "bit-serial":
        square = ASSUMED_DIGITS * (len(converters.passes) / signs)
        words = f"assumed: {_three(ASSUMED_DIGITS)} of the binary digits set"
    else:
        square = ASSUMED_RMS.each(lambda rms: rms**2)
        words = f"assumed: {_three(ASSUMED_RMS)} of the largest voltage, root mean square"
    three = np.array([[square.low], [square.typical], [square.high]])
    squares = tuple(np.repeat(three, len(phase.word_lines), 1) for phase in program.phases)
    return Drives(squares, words)


def measured_drives(
    program: Program,
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
) -> Drives:
    """What lines carry on the ideal chip while the program hears sequences.

    Raises:
        ShapeError: Inputs that the program cannot take.
    """
    ideal = SimulatedChip(program.chip.only(), Key.root(0))
    meter = _Meter(ideal, program)
    write_program(program, meter)
    execute(program, meter, inputs, lengths)
    squares = tuple(
        np.repeat(meter.sums[number][None] / max(meter.rows[number], 1), 3, 0)
        for number in range(len(program.phases))
    )
    steps = int(lengths.sum())
    return Drives(squares, f"measured: {len(inputs)} sequences, {steps} time steps")


def _three(value: Range) -> str:
    return f"{value.low:g}, {value.typical:g} or {value.high:g}"


class _Meter(Chip):
    """A chip that adds up the squares of what each phase drives."""

    def __init__(self, chip: Chip, program: Program) -> None:
        self._chip = chip
        self._parts = _squares_of(program)
        self.sums: list[Lines] = [np.zeros(len(p.word_lines)) for p in program.phases]
        self.rows = [0] * len(program.phases)

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
        self.sums[address.event] += self._parts(drive).sum(axis=0)
        self.rows[address.event] += len(drive)
        return self._chip.mvm(phase, drive, address)


def _squares_of(
    program: Program,
) -> Callable[[Int64[np.ndarray, "batch lines"]], Float64[np.ndarray, "batch lines"]]:
    """Squares of DAC codes relative to the largest voltage, summed over the passes."""
    converters = program.chip.converters
    passes = [(bit, sign) for bit, sign, _ in converters.passes.tolist()]

    def squares(drive: Int64[np.ndarray, "batch lines"]) -> Float64[np.ndarray, "batch lines"]:
        parts = [digits(drive, bit, sign) / converters.pass_max for bit, sign in passes]
        return np.asarray(sum(part**2 for part in parts))

    return squares
