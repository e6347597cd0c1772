"""Kernels on a grid: phases that are valid, and bounds that hold."""

from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from imssa.mapping.grid import fewest_phases, least_squares, phases_bound

Cell = tuple[int, int]


def may_share(one: Cell, other: Cell, full: set[Cell]) -> bool:
    (i, j), (k, m) = one, other
    return i != k and j != m and (i, m) not in full and (k, j) not in full


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), data=st.data())
def test_phases_obey_the_rule_and_the_bound(rows: int, columns: int, data: Any) -> None:
    kernels = data.draw(st.integers(1, rows * columns))
    phases = fewest_phases(rows, columns, kernels)
    cells = [cell for phase in phases for cell in phase]
    full = set(cells)
    assert len(cells) == len(full) == kernels
    assert full <= set(product(range(rows), range(columns)))
    assert all(may_share(a, b, full) for phase in phases for a, b in combinations(phase, 2))
    assert phases_bound(rows, columns, kernels) <= len(phases) <= kernels
    assert [len(p) for p in phases] == sorted((len(p) for p in phases), reverse=True)


def most_kernels(rows: int, columns: int, phases: int) -> int:
    """The largest number of kernels in so many phases, by integer programming."""
    cells = list(product(range(rows), range(columns)))
    number = {cell: n for n, cell in enumerate(cells)}
    width, lines = len(cells) * phases, []

    def at(cell: Cell, phase: int) -> int:
        return number[cell] * phases + phase

    for one, other in combinations(cells, 2):
        crossings = {(one[0], other[1]), (other[0], one[1])}
        for phase in range(phases):
            line = np.zeros(width)
            line[[at(one, phase), at(other, phase)]] = 1
            if not crossings & {one, other}:  # the crossing is empty, or only one of them is here
                for crossing in crossings:
                    more = line.copy()
                    more[[at(crossing, p) for p in range(phases)]] += 1
                    lines.append((more, 2))
            else:
                lines.append((line, 1))
    for cell in cells:
        line = np.zeros(width)
        line[[at(cell, p) for p in range(phases)]] = 1
        lines.append((line, 1))
    matrix, limit = (np.array(part) for part in zip(*lines, strict=True))
    rule = LinearConstraint(matrix, ub=limit)
    found = milp(
        -np.ones(width), constraints=rule, integrality=np.ones(width, int), bounds=Bounds(0, 1)
    )
    assert found.status == 0
    return round(-found.fun)


@pytest.mark.parametrize(
    ("rows", "columns", "phases"),
    [(2, 2, 2), (3, 2, 2), (3, 2, 3), (3, 3, 2), (3, 3, 3), (4, 2, 3), (4, 3, 2), (4, 2, 5)],
)
def test_small_grids_are_filled_as_well_as_can_be(rows: int, columns: int, phases: int) -> None:
    most = most_kernels(rows, columns, phases)
    assert len(fewest_phases(rows, columns, most)) <= phases
    assert phases_bound(rows, columns, most) <= phases
    if most < rows * columns:
        assert len(fewest_phases(rows, columns, most + 1)) > phases


def test_a_grid_without_its_diagonal_takes_half_as_many_phases_as_kernels() -> None:
    """(i, j) and (j, i) share a phase: six kernels in three phases, on three rows and columns."""
    assert len(fewest_phases(3, 3, 6)) == phases_bound(3, 3, 6) == 3


def test_the_grid_of_four_modes_on_64_lines() -> None:
    """DESIGN section 6: 3 kernels in one phase, 7 in 3, 21 in 21."""
    assert [len(fewest_phases(7, 3, n)) for n in (3, 6, 7, 21)] == [1, 2, 3, 21]
    assert [phases_bound(7, 3, n) for n in (3, 6, 21)] == [1, 2, 21]


@given(total=st.integers(0, 40), parts=st.integers(1, 12))
def test_least_squares_are_those_of_equal_parts(total: int, parts: int) -> None:
    split = np.bincount(np.arange(total) % parts, minlength=parts)
    assert least_squares(total, parts) == int((split**2).sum())
    if parts > 1 and split[0] > 0:
        split[0], split[-1] = split[0] + 1, split[-1] - 1
        assert least_squares(total, parts) < int((split**2).sum())


@given(rows=st.integers(1, 200), columns=st.integers(1, 200), phases=st.integers(1, 300))
def test_more_kernels_never_need_fewer_phases_by_the_bound(
    rows: int, columns: int, phases: int
) -> None:
    kernels = min(phases, rows * columns)
    bounds = [phases_bound(rows, columns, n) for n in range(1, kernels + 1, max(1, kernels // 9))]
    assert bounds == sorted(bounds)
    assert phases_bound(rows, columns, rows * columns) == rows * columns
    assert phases_bound(rows, columns, min(rows, columns)) == 1
