"""One array as a grid of blocks: which kernels it holds in how many phases.

Kernels of equal size on R block rows and S block columns are cells (i, j) of a grid. Two of them may
share a phase only where they share neither row nor column and both cells where they cross, (i, j') and
(i', j), are empty: the kernels are edges of a bipartite graph and the phases a strong edge colouring of
it, every phase an induced matching. Blocks of neighbouring lines lose nothing by standing on the grid:
of the lines t, t + n, t + 2n, ... (W - R n <= t < n) every block of n of the W lines holds exactly one.

*Bounds on the number E of kernels in P phases*, with r_i kernels in row i, c_j in column j, m_x in phase x:

1. The kernels of a kernel's row and column exclude one another: r_i + c_j - 1 <= P at every kernel. So
   E <= alpha R + beta S for all alpha, beta with alpha/r + beta/c >= 1 wherever r + c <= P + 1.
2. Phase x is met by m_x rows and m_x columns, that is by m_x^2 cells. A kernel's cell is met, in its row
   and in its column, by its own phase alone, an empty one by at most r_i phases. Hence
   sum m_x^2 <= E + sum_i r_i (S - r_i) = E (1 + S) - sum_i r_i^2, and likewise for columns. Sums of squares
   are least when all are equal, so about E (1/P + 1/R) <= 1 + S.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from math import isqrt
from typing import Final, Literal

import numpy as np

from imssa.kernels.random import Key

WORK: Final = 60_000
"""Cells that a search looks at before it gives up."""

SEARCHED_CELLS: Final = 500
"""Grids with more cells are filled in a few orders, without a search."""

Cell = tuple[int, int]
Phases = tuple[tuple[Cell, ...], ...]
Choice = Literal["first", "last", "antidiagonal"]
ORDERED_CHOICES: Final[tuple[Choice, ...]] = ("antidiagonal", "first")
SEARCH_CHOICES: Final[tuple[Choice, ...]] = ("first", "last")


def least_squares(total: int, parts: int) -> int:
    """Least sum of squares of whole numbers with a given sum.

    Example:
        >>> least_squares(7, 3)
        17
    """
    each, more = divmod(total, parts)
    return parts * each * each + more * (2 * each + 1)


@lru_cache(maxsize=1 << 16)
def phases_bound(rows: int, columns: int, kernels: int) -> int:
    """Fewest phases in which a grid may hold so many kernels, by both bounds; one for none.

    Example:
        >>> [phases_bound(7, 3, kernels) for kernels in (3, 7, 21)]
        [1, 3, 21]
    """
    low, high = 1, max(1, kernels)
    while low < high:
        middle = (low + high) // 2
        if _possible(rows, columns, kernels, middle):
            high = middle
        else:
            low = middle + 1
    return low


def _possible(rows: int, columns: int, kernels: int, phases: int) -> bool:
    squares = least_squares(kernels, phases)
    return (
        squares <= kernels * (1 + columns) - least_squares(kernels, rows)
        and squares <= kernels * (1 + rows) - least_squares(kernels, columns)
        and kernels <= _neighbour_bound(rows, columns, phases)
    )


@lru_cache(maxsize=4096)
def _neighbour_bound(rows: int, columns: int, phases: int) -> int:
    """Bound 1: the least alpha R + beta S.

    The points (1/r, 1/c) with r + c = P + 1 lie on a convex curve, so the best alpha and beta make two
    neighbours of them tight, or one of the two is zero.
    """
    if phases >= rows + columns - 1:
        return rows * columns
    r = np.arange(max(1, phases + 1 - rows), min(columns, phases) + 1, dtype=float)
    c = phases + 1 - r
    x, y = 1 / r, 1 / c
    found = [rows * r[-1], columns * c[0]]
    if len(r) > 1:
        area = x[:-1] * y[1:] - x[1:] * y[:-1]
        alpha, beta = (y[1:] - y[:-1]) / area, (x[:-1] - x[1:]) / area
        found.append((alpha * rows + beta * columns).min())
    return int(min(found) + 1e-6)


@dataclass(eq=False)
class Grid:
    """A grid that is being filled; phases are bits.

    Attributes:
        rows: Block rows.
        columns: Block columns.
        all_phases: One bit for each phase.
        by_row: Phase of each kernel, by column, for each row.
        by_column: The same by row for each column.
        row_phases: Phases of each row.
        column_phases: Phases of each column.
        kernels: How many there are.
    """

    rows: int
    columns: int
    all_phases: int
    by_row: list[dict[int, int]] = field(init=False)
    by_column: list[dict[int, int]] = field(init=False)
    row_phases: list[int] = field(init=False)
    column_phases: list[int] = field(init=False)
    kernels: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.by_row = [{} for _ in range(self.rows)]
        self.by_column = [{} for _ in range(self.columns)]
        self.row_phases, self.column_phases = [0] * self.rows, [0] * self.columns

    def put(self, row: int, column: int, phase: int) -> None:
        """Puts a kernel on an empty cell."""
        self.by_row[row][column] = self.by_column[column][row] = phase
        self.row_phases[row] |= phase
        self.column_phases[column] |= phase
        self.kernels += 1

    def take(self, row: int, column: int) -> int:
        """Takes a kernel away; gives its phase."""
        phase = self.by_row[row].pop(column)
        del self.by_column[column][row]
        self.row_phases[row] ^= phase
        self.column_phases[column] ^= phase
        self.kernels -= 1
        return phase

    def fill(self, cells: list[Cell], wanted: int, choice: Choice) -> list[Cell]:
        """Puts kernels on empty cells one by one.

        Args:
            cells: In the order in which they are tried; those in use are passed over.
            wanted: Kernels at which to stop.
            choice: Which of the free phases a cell gets; the antidiagonal's own only where it is free.

        Returns:
            The cells that were filled.
        """
        found = []
        count = self.all_phases.bit_length()
        for row, column in cells:
            if self.kernels >= wanted:
                break
            in_row, in_column = self.by_row[row], self.by_column[column]
            taken, other = self.row_phases[row], self.column_phases[column]
            if column in in_row or taken & other:
                continue  # a kernel stands here, or two of one phase cross here
            taken |= other
            for there in in_column:
                taken |= self.row_phases[there]
            for there in in_row:
                taken |= self.column_phases[there]
            free = self.all_phases & ~taken
            if free:
                phase = 1 << free.bit_length() - 1 if choice == "last" else free & -free
                own = 1 << (row + column) % count
                if choice == "antidiagonal" and free & own:
                    phase = own
                in_row[column] = in_column[row] = phase
                self.row_phases[row] |= phase
                self.column_phases[column] |= phase
                self.kernels += 1
                found.append((row, column))
        return found

    @property
    def phases(self) -> Phases:
        """Cells of each phase in use, the fullest first."""
        found: dict[int, list[Cell]] = {}
        for row, kernels in enumerate(self.by_row):
            for column, phase in kernels.items():
                found.setdefault(phase, []).append((row, column))
        ordered = sorted(found.values(), key=lambda cells: (-len(cells), cells))
        return tuple(tuple(sorted(cells)) for cells in ordered)


@lru_cache(maxsize=4096)
def fewest_phases(rows: int, columns: int, kernels: int) -> Phases:
    """Cells for so many kernels in as few phases as are found, phase by phase, the fullest first.

    Bisects between the lower bound and a phase for each kernel, which always serves.

    Args:
        rows: Block rows.
        columns: Block columns.
        kernels: At most rows times columns.

    Example:
        >>> [len(fewest_phases(7, 3, kernels)) for kernels in (3, 7, 21)]
        [1, 3, 21]
    """
    low, high = phases_bound(rows, columns, kernels), kernels
    best: Phases = tuple((divmod(cell, columns),) for cell in range(kernels))
    while low < high:
        middle = (low + high) // 2
        found = _search(rows, columns, middle, kernels)
        if found is None:
            low = middle + 1
        else:
            best, high = found, min(middle, len(found))
    return best


def _search(rows: int, columns: int, phases: int, wanted: int) -> Phases | None:
    """The kernels in at most so many phases, or None where the search finds no way."""
    best: Grid | None = None
    for order in (*_orders(rows, columns), *_blocks_first(rows, columns, phases)):
        for choice in ORDERED_CHOICES:
            grid = Grid(rows, columns, (1 << phases) - 1)
            grid.fill(order, wanted, choice)
            if grid.kernels >= wanted:
                return grid.phases
            best = grid if best is None or grid.kernels > best.kernels else best
    return best.phases if best is not None and _improve(best, wanted) else None


@lru_cache(maxsize=64)
def _orders(rows: int, columns: int) -> list[list[Cell]]:
    """Orders in which to fill: diagonals whose numbers have fewest twos in base 3 first, or plain.

    Cells on the diagonals d of a set without three numbers in arithmetic progression, as those without
    a two in base 3, may share the phase of their antidiagonal: with d and d' their crossings lie on the
    diagonal (d + d') / 2.
    """
    cells = [divmod(cell, columns) for cell in range(rows * columns)]
    around = max(rows, columns)
    return [
        sorted(cells, key=lambda c: ((c[0] - c[1]) % around, c[0])),
        sorted(cells, key=lambda c: (_twos(c[0] - c[1] + columns), c[0] - c[1], c[0])),
        sorted(cells, key=lambda c: (_twos((c[0] - c[1]) % around), (c[0] - c[1]) % around, c[0])),
        sorted(cells, key=lambda c: (c[0] + c[1], c[0])),
    ]


def _blocks_first(rows: int, columns: int, phases: int) -> Iterator[list[Cell]]:
    """Orders that begin with full blocks of a by b cells, a b <= P, one after the other on the diagonal."""
    many = (
        phases > 8
    )  # then only the flattest, the squarest, the tallest and one that uses all columns
    heights = {1, isqrt(phases), -(-phases // columns), phases} if many else range(1, phases + 1)
    for a in sorted(heights):
        b = phases // a
        if a <= rows and b <= columns:
            cells = [divmod(cell, columns) for cell in range(rows * columns)]
            own = [cell for cell in cells if cell[0] // a == cell[1] // b]
            yield own + [cell for cell in cells if cell[0] // a != cell[1] // b]


def _twos(number: int) -> int:
    """Digits 2 of a number in base 3."""
    count = 0
    while number:
        number, digit = divmod(number, 3)
        count += digit == 2
    return count


def _improve(grid: Grid, wanted: int) -> bool:
    """Takes a few kernels away at random and fills up again, as long as no kernel is lost by it."""
    rng = Key.root(0).child("grid", grid.rows, grid.columns, wanted).numpy()
    cells = [divmod(cell, grid.columns) for cell in range(grid.rows * grid.columns)]
    done = 0 if len(cells) <= SEARCHED_CELLS else WORK
    while done < WORK and grid.kernels < wanted:
        before, order = grid.kernels, [cells[n] for n in rng.permutation(len(cells))]
        full = [cell for cell in order if cell[1] in grid.by_row[cell[0]]]
        empty = [cell for cell in order if cell[1] not in grid.by_row[cell[0]]]
        gone = [(cell, grid.take(*cell)) for cell in full[: int(rng.integers(1, 4))]]
        again = [*empty, *(cell for cell, _ in gone)]
        new = grid.fill(again, wanted, SEARCH_CHOICES[int(rng.integers(2))])
        if grid.kernels < before:
            for cell in new:
                grid.take(*cell)
            for (row, column), phase in gone:
                grid.put(row, column, phase)
        done += len(cells)
    return grid.kernels >= wanted
