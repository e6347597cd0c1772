"""Where each kernel lives: word lines, bit-line pairs and a sign for each of both."""

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from jaxtyping import Int64

from imssa.hardware.description import ChipDescription

Lines = Int64[np.ndarray, " lines"]

LayoutName = Literal["one-shot", "phased", "fewest-phases"]
Layout = LayoutName | int
"""How kernels share arrays.

"one-shot": no two kernels share a line. "phased": as few arrays as possible, then as few phases.
"fewest-phases": one phase a layer, then as few arrays as possible. A number: at most so many phases a
time step for all layers together, arrays working side by side, as few arrays as possible, then as few
phases.
"""

ONE_SHOT: Final[LayoutName] = "one-shot"


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a block: a physical line and a sign for each of its rows (or columns).

    Routing and signs are digital, so they cost nothing and change no code (DESIGN section 4).

    Attributes:
        line: Word line of each row, or bit-line pair of each column; no two are equal.
        sign: 1 or -1: what is driven, or what is read, is negated. 0: the line is not in use, as of
            a mode that is switched off.
    """

    line: Lines
    sign: Lines

    def __len__(self) -> int:
        """Number of rows or columns."""
        return len(self.line)

    @property
    def used(self) -> Lines:
        """The lines in use."""
        return np.asarray(self.line[self.sign != 0])

    @property
    def in_order(self) -> Int64[np.ndarray, " used"]:
        """Index of the lines in use, by number."""
        order = np.argsort(self.line)
        return np.asarray(order[self.sign[order] != 0])

    def without(self, off: Lines) -> "Side":
        """The same with some rows (or columns) out of use."""
        sign = self.sign.copy()
        sign[off] = 0
        return Side(self.line, sign)

    @staticmethod
    def straight(first: int, lines: int) -> "Side":
        """Neighbouring lines from ``first`` on, without negation.

        Example:
            >>> Side.straight(4, 3).line.tolist()
            [4, 5, 6]
        """
        return Side(first + np.arange(lines), np.ones(lines, np.int64))


@dataclass(frozen=True, eq=False)
class Place:
    """The block of one kernel: a signed assignment on each side.

    Attributes:
        layer: The kernel's layer.
        feature: The kernel's feature.
        array: The array.
        rows: Word lines: of the states, then of the input.
        columns: Bit-line pairs: of the states, then of the output.
        phase: Number of the phase, among those of its layer on its array.
    """

    layer: int
    feature: int
    array: int
    rows: Side
    columns: Side
    phase: int = 0

    @property
    def signs(self) -> Int64[np.ndarray, "rows columns"]:
        """By what each weight is multiplied where it stands."""
        return np.asarray(self.rows.sign[:, None] * self.columns.sign[None, :])

    @property
    def cells(self) -> tuple[Int64[np.ndarray, "rows 1"], Int64[np.ndarray, "1 columns"]]:
        """Index of the block in a matrix of word lines by pairs."""
        return self.rows.line[:, None], self.columns.line[None, :]


def kernels_per_array(lines: int, chip: ChipDescription) -> int:
    """Blocks of ``lines`` word lines and pairs that share neither with another."""
    return min(chip.arrays.word_lines // lines, chip.arrays.pairs // lines)


def one_shot(
    layers: list[tuple[int, int]], chip: ChipDescription, spare: tuple[int, int] = (0, 0)
) -> tuple[Place, ...]:
    """Places all kernels, so that all of a layer run in one MVM an array.

    Args:
        layers: Number of kernels and lines of a kernel, for each layer.
        chip: Its arrays; their count is not looked at.
        spare: Word lines and pairs that are kept free in each array.
    """
    places: list[Place] = []
    array, row, column = 0, 0, 0
    word_lines, pairs = chip.arrays.word_lines - spare[0], chip.arrays.pairs - spare[1]
    for layer, (kernels, lines) in enumerate(layers):
        for feature in range(kernels):
            full = row + lines > word_lines or column + lines > pairs
            if full:
                array, row, column = array + 1, 0, 0
            sides = Side.straight(row, lines), Side.straight(column, lines)
            places.append(Place(layer, feature, array, *sides))
            row, column = row + lines, column + lines
    return tuple(places)


def together(places: tuple[Place, ...]) -> list[list[Place]]:
    """Places that are driven and read in the same phases, in the order layer, phase, array."""
    groups: dict[tuple[int, int, int], list[Place]] = {}
    for place in places:
        groups.setdefault((place.layer, place.phase, place.array), []).append(place)
    return [groups[key] for key in sorted(groups)]


def arrays_of(places: tuple[Place, ...]) -> int:
    """How many arrays kernels stand on."""
    return max(place.array for place in places) + 1


def sharing(groups: list[list[Place]]) -> list[bool]:
    """Whether each group has a word line or a pair that another group needs too."""
    users: Counter[tuple[str, int, int]] = Counter()
    lines = [
        {
            *(("word line", p.array, n) for p in group for n in p.rows.line.tolist()),
            *(("pair", p.array, n) for p in group for n in p.columns.line.tolist()),
        }
        for group in groups
    ]
    for own in lines:
        users.update(own)
    return [any(users[line] > 1 for line in own) for own in lines]
