"""Who lives where on the arrays of a program: kernels, dense parts, cells between them."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.program.operations import Phase
from imssa.program.program import Program

FREE: Final = -1
"""A cell that is never written."""

CROSSING: Final = -2
"""A cell between two inhabitants of the same phases: written to zero, since both its lines are used."""

_KERNEL: Final = re.compile(r"(state|stream|adc|readout)\.(\d+)")
_DENSE: Final = (
    (re.compile(r"encoded\b.*"), "encoder"),
    (re.compile(r"mixed\.(\d+)\b.*"), r"mixing of layer \1"),
    (re.compile(r"logits\b.*"), "decoder"),
)
"""Dense parts by the register that takes their sums, as the compiler names these."""


@dataclass(frozen=True, order=True)
class Inhabitant:
    """A kernel, or a dense part of a network.

    Attributes:
        layer: Of a kernel; None: a dense part.
        feature: Of a kernel.
        part: Which dense part, in words.
    """

    layer: int = -1
    feature: int = -1
    part: str = ""

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel."""
        return not self.part

    @property
    def words(self) -> str:
        """Its name: "kernel 3 of layer 0", "encoder"."""
        return self.part or f"kernel {self.feature} of layer {self.layer}"


@dataclass(frozen=True, eq=False)
class Occupancy:
    """Who lives where on one array.

    Attributes:
        array: Number of the array.
        inhabitants: In order of layer and feature, dense parts first.
        owner: Of each cell: a number of the inhabitants, or ``FREE``, or ``CROSSING``.
    """

    array: int
    inhabitants: tuple[Inhabitant, ...]
    owner: Int64[np.ndarray, "word_lines pairs"]

    @property
    def kernels(self) -> int:
        """How many kernels live here."""
        return sum(one.is_kernel for one in self.inhabitants)

    @property
    def parts(self) -> tuple[str, ...]:
        """Dense parts that live here."""
        return tuple(one.part for one in self.inhabitants if one.part)

    @property
    def word_lines_used(self) -> int:
        """Word lines with an inhabited cell."""
        return int((self.owner >= 0).any(axis=1).sum())

    @property
    def pairs_used(self) -> int:
        """Bit-line pairs with an inhabited cell."""
        return int((self.owner >= 0).any(axis=0).sum())

    @property
    def inhabited_cells(self) -> int:
        """Cells inside the blocks of the inhabitants."""
        return int((self.owner >= 0).sum())

    @property
    def utilization(self) -> float:
        """Share of the array's cells that are inhabited."""
        return self.inhabited_cells / self.owner.size


def occupancies(program: Program) -> tuple[Occupancy, ...]:
    """Reads from the phases of a program who lives on each of its arrays.

    A cell belongs to whom both its word line and its pair belong to in some phase.
    """
    found: list[dict[Inhabitant, list[tuple[np.ndarray, np.ndarray]]]] = [
        {} for _ in program.arrays
    ]
    for phase in program.phases:
        for one, cells in _blocks(phase, program).items():
            found[phase.array].setdefault(one, []).append(cells)
    return tuple(
        _occupancy(number, blocks, program.arrays[number].written)
        for number, blocks in enumerate(found)
    )


def _occupancy(
    number: int,
    blocks: dict[Inhabitant, list[tuple[np.ndarray, np.ndarray]]],
    written: np.ndarray,
) -> Occupancy:
    inhabitants = tuple(sorted(blocks))
    owner = np.where(written, CROSSING, FREE)
    for place, one in enumerate(inhabitants):
        for lines, pairs in blocks[one]:
            owner[np.ix_(lines, pairs)] = place
    return Occupancy(number, inhabitants, owner)


def _blocks(phase: Phase, program: Program) -> dict[Inhabitant, tuple[np.ndarray, np.ndarray]]:
    """Word lines and pairs of each inhabitant that a phase uses."""
    rows = _owners(phase, program, phase.drive, phase.drive_register, phase.drive_index)
    columns = _owners(phase, program, phase.read, phase.read_register, phase.read_index)
    return {
        one: (phase.word_lines[rows[one]], phase.pairs[columns[one]])
        for one in rows.keys() & columns.keys()
    }


def _owners(
    phase: Phase,
    program: Program,
    names: tuple[str, ...],
    register: np.ndarray,
    index: np.ndarray,
) -> dict[Inhabitant, np.ndarray]:
    """Places among a phase's lines that belong to each inhabitant."""
    if not any(name.startswith("state.") for name in phase.drive):
        return {Inhabitant(part=_part(phase)): np.arange(len(index))}
    layer = np.zeros(len(names), np.int64)
    lines = np.ones(len(names), np.int64)
    for number, name in enumerate(names):
        layer[number], lines[number] = _layer_and_lines(name, program)
    owners = np.stack([layer[register], index // lines[register]], axis=1)
    return {
        Inhabitant(*one): np.flatnonzero((owners == one).all(axis=1))
        for one in np.unique(owners, axis=0).tolist()
    }


def _layer_and_lines(name: str, program: Program) -> tuple[int, int]:
    """The layer that a kernel's register belongs to, and how many of its elements a kernel has."""
    match = _KERNEL.fullmatch(name)
    if match is None:
        return -1, 1
    sizes = {r.name: r.size for r in program.registers}
    kernels = sizes.get(f"stream.{match[2]}", sizes[name])
    return int(match[2]), max(sizes[name] // kernels, 1)


def _part(phase: Phase) -> str:
    """A dense part in words."""
    for pattern, words in _DENSE:
        match = pattern.fullmatch(phase.read[0]) if phase.read else None
        if match is not None:
            return match.expand(words)
    return f"{', '.join(phase.drive)} to {', '.join(phase.read)}"
