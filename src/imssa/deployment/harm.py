"""What each cell of a written chip does to the kernels: by how much their answers are wrong for it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from imssa.deployment.modes import blocks_in
from imssa.mapping import Tailored, TailoredCompiler
from imssa.mapping.impulse import Wanted, squared_errors
from imssa.mapping.layout import Place, Side, together
from imssa.mapping.sensitivity import CHUNK_BYTES, crossing_costs

Arrays = list[Float64[np.ndarray, "word_lines pairs"]]
Masks = list[Bool[np.ndarray, "word_lines pairs"]]


class _Crossing(NamedTuple):
    """Cells of a phase where a row of one kernel crosses a column of another."""

    array: int
    rows: Int64[np.ndarray, "rows 1"]
    pairs: Int64[np.ndarray, "1 columns"]
    cost: Float64[np.ndarray, "rows columns"]


class Harm:
    """Finds cells that alone make a kernel's answer more wrong than a share of it.

    A cell of a kernel is judged by the kernel's impulse response with this one weight as it is held,
    all others as they are meant; a cell that joins two kernels by what it carries from the one into the
    other (`imssa.mapping.sensitivity.crossing_costs`); as there are more of these, each may do less: the
    tolerance is divided by the root of the number of kernels of the phase.

    Args:
        compiler: That made the program.
        tailored: The program.
    """

    def __init__(self, compiler: TailoredCompiler, tailored: Tailored) -> None:
        self._compiler, self._tailored = compiler, tailored
        self._meant = [
            compiler.wanted[place.layer].of(place.feature).with_blocks(block)
            for place, block in zip(tailored.places, tailored.blocks, strict=True)
        ]
        groups = [group for group in together(tailored.places) if len(group) > 1]
        self._crossings = [self._crossing(group) for group in groups]

    def cells(self, held: Arrays, asked: Masks, largest: float) -> Masks:
        """Of the cells that are asked, those that do more harm than a share.

        Args:
            held: Weights of all arrays, as of `imssa.deployment.modes.held_arrays`.
            asked: The cells.
            largest: Relative error of an impulse response (2-norm) that is let through.
        """
        found = [np.zeros_like(mask) for mask in asked]
        for place, mine in self._own(held, asked, largest):
            found[place.array][place.cells] |= mine
        for crossing in self._crossings:
            array, at = crossing.array, (crossing.rows, crossing.pairs)
            share = held[array][at] / self._compiler.chip.window_siemens
            found[array][at] |= asked[array][at] & (crossing.cost * share**2 > largest**2)
        return found

    def _own(
        self, held: Arrays, asked: Masks, largest: float
    ) -> Iterator[tuple[Place, Bool[np.ndarray, "rows columns"]]]:
        """The cells of each kernel that are wrong."""
        tailored = self._tailored
        blocks = blocks_in(self._compiler, tailored, held)
        for place, block, meant in zip(tailored.places, blocks, self._meant, strict=True):
            mine = asked[place.array][place.cells] & (place.signs != 0)
            if mine.any():
                yield place, _wrong(block, meant, mine, largest)

    def _crossing(self, group: list[Place]) -> _Crossing:
        first, compiler = group[0], self._compiler
        wanted = compiler.wanted[first.layer].of([place.feature for place in group])
        whole = np.ones((1, 2))
        cost = crossing_costs(wanted, compiler.line_max[first.layer], whole)[..., 0]
        rows, columns = ([getattr(place, side) for place in group] for side in ("rows", "columns"))
        used = _joined(rows, "sign")[:, None] * _joined(columns, "sign") != 0
        lines, pairs = _joined(rows, "line"), _joined(columns, "line")
        return _Crossing(first.array, lines[:, None], pairs[None], len(group) * cost * used)


def _joined(sides: list[Side], name: str) -> Int64[np.ndarray, " lines"]:
    return np.concatenate([getattr(side, name) for side in sides])


def _wrong(
    block: Float64[np.ndarray, "rows columns"],
    meant: Wanted,
    asked: Bool[np.ndarray, "rows columns"],
    largest: float,
) -> Bool[np.ndarray, "rows columns"]:
    """Of the cells that are asked, those that alone make their kernel too wrong."""
    number, found = np.argwhere(asked), np.zeros_like(asked)
    chunk = max(1, CHUNK_BYTES // (8 * block.size))
    for first in range(0, len(number), chunk):
        row, column = number[first : first + chunk].T
        variants = np.repeat(meant.blocks[None], len(row), axis=0)
        variants[np.arange(len(row)), row, column] = block[row, column]
        found[row, column] = squared_errors(variants, meant) > largest**2
    return found
