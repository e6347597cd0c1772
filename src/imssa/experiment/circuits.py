"""A program's arrays as circuits: netlists, and ngspice as the judge of the transfer matrix."""

from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.netlist import netlist
from imssa.circuit.ngspice import compare, find_ngspice
from imssa.circuit.wires import Wires
from imssa.crossbar.arrays import program_array, wires_of
from imssa.errors import ShapeError
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.program import Program
from imssa.program.files import write_atomically

LIMIT: Final = 1e-6
"""Largest difference that passes, relative to the array's largest current."""


@dataclass(frozen=True)
class Verified:
    """One array under one input, by Y and by ngspice.

    Attributes:
        array: Number of the array.
        drive: Number of the input.
        largest_current_ampere: Of the bit lines, by ngspice.
        relative_error: Largest difference of a bit-line current, relative to that.
        phase: Whose lines were in use, where idle ones float; None: those of all phases.
    """

    array: int
    drive: int
    largest_current_ampere: float
    relative_error: float
    phase: int | None = None

    @property
    def passed(self) -> bool:
        """Whether the two agree."""
        return self.relative_error <= LIMIT


def _conductance(program: Program, array: int, seed: int) -> Any:
    """What chip 0 of a seed holds after writing."""
    if not 0 <= array < len(program.arrays):
        raise ShapeError(
            given=f"--array {array}",
            rule=f"the program uses the arrays 0 to {len(program.arrays) - 1}",
            remedy="Name one of them.",
        )
    key = Key.root(seed).child("chip").child("array", array)
    one = np.zeros(1, np.int64)
    written = program_array(program.arrays[array], program.chip, key, one, array=array)
    return written.devices.conductance_siemens[0]


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines of an array that are in use together, as masks, and by which phase."""

    driven: NDArray[np.bool_]
    read: NDArray[np.bool_]
    phase: int | None


def _in_use(program: Program, array: int) -> list[_Lines]:
    """Lines in use: those of each phase where idle ones float, else all that the program drives.

    Idle lines at 0 V are as good as driven with 0 V: one Y, and one comparison, serves all phases.
    """
    shape = program.chip.arrays
    rows, columns = np.arange(shape.word_lines), np.arange(shape.bit_lines)
    phases = [(n, p) for n, p in enumerate(program.phases) if p.array == array]
    wires = program.chip.wires
    if wires is not None and wires.by_phase:
        found: dict[bytes, _Lines] = {}
        for number, p in phases:
            lines = _Lines(np.isin(rows, p.word_lines), np.isin(columns // 2, p.pairs), number)
            found.setdefault(lines.driven.tobytes() + lines.read.tobytes(), lines)
        return list(found.values())
    used = np.concatenate([np.zeros(0, np.int64), *(p.word_lines for _, p in phases)])
    return [_Lines(np.isin(rows, used), np.ones(len(columns), np.bool_), None)]


def _drives(program: Program, array: int, lines: _Lines, count: int, seed: int) -> Any:
    """Full-range random voltages on the word lines in use."""
    generator = Key.root(seed).child("drive", array).numpy()
    largest = code_max(program.chip.converters.dac_bits)
    driven = np.flatnonzero(lines.driven)
    volts = np.zeros((count, len(lines.driven)))
    volts[:, driven] = generator.integers(-largest, largest + 1, (count, len(driven)))
    return volts * program.volt_per_step


def _about(program: Program, array: int, seed: int, origin: str) -> list[str]:
    """What a netlist's comment says of the array: where it comes from."""
    chip, step = program.chip, f"{program.volt_per_step:.6g}"
    recipe, version = _named(program, "recipe", "name"), _named(program, "provenance", "version")
    source = f"{origin or 'not named'} (recipe {recipe}, compiled by imssa {version})"
    ideal = "" if chip.wires else " Its wires are ideal."
    return [
        f"Written by imssa {package_version('imssa')}.",
        f"Program: {source}, array {array} of {len(program.arrays)}.",
        f"Chip: {chip.name}, instance 0 of seed {seed}, with the errors of its devices.{ideal}",
        f"Source of the chip's numbers: {chip.source}",
        f"Drive: a random input code for each driven word line (seed {seed}), {step} V a code.",
    ]


def _named(program: Program, part: str, name: str) -> str:
    """A word of the program's provenance, where it has it."""
    found = program.provenance.get(part)
    return str(found.get(name, "not named")) if isinstance(found, dict) else "not named"


def write_netlist(program: Program, array: int, out: Path, seed: int, origin: str = "") -> None:
    """Writes the netlist of one programmed array under one random input.

    Where idle lines float, the lines in use are those of the first phase on the array.

    Args:
        program: The program.
        array: Number of the array.
        out: The file.
        seed: Of the chip and of the input.
        origin: Name of the program's file, for the comment at the head.

    Raises:
        ShapeError: The program has no such array.
        OutputError: The file cannot be written.
    """
    conductance = _conductance(program, array, seed)
    wires = wires_of(program.chip) or Wires()
    lines = _in_use(program, array)[0]
    drive = _drives(program, array, lines, 1, seed)[0]
    about = _about(program, array, seed, origin)
    if lines.phase is not None:
        about.append(f"Lines in use: those of phase {lines.phase} of the program.")
    text = netlist(conductance, wires, drive, driven=lines.driven, read=lines.read, about=about)
    write_atomically(out, text.encode())


def verify(program: Program, arrays: tuple[int, ...], drives: int, seed: int) -> list[Verified]:
    """Bit-line currents of programmed arrays by Y and by ngspice; for each phase if lines float.

    Args:
        program: The program.
        arrays: Which arrays; none: all.
        drives: Random inputs an array.
        seed: Of the chip and of the inputs.

    Raises:
        MissingToolError: ngspice is not installed.
        ShapeError: The program has no such array.
    """
    find_ngspice()
    wires = wires_of(program.chip) or Wires()
    found = []
    for array in arrays or tuple(range(len(program.arrays))):
        conductance = _conductance(program, array, seed)
        for lines in _in_use(program, array):
            for number, volts in enumerate(_drives(program, array, lines, drives, seed)):
                result = compare(conductance, wires, volts, driven=lines.driven, read=lines.read)
                largest = float(np.abs(result.ngspice_ampere).max())
                error = result.largest_relative_error
                found.append(Verified(array, number, largest, error, lines.phase))
    return found
