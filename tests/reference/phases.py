"""What the rule of phases says of kernels on arrays, cell by cell."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

Cell = tuple[int, int, int]


def cells_of(place: Any, rows_of: Any = None) -> set[Cell]:
    """Array, word line and pair of each cell where the rows of one place cross the columns of another."""
    rows = (rows_of or place).rows.line.tolist()
    return {(place.array, *cell) for cell in product(rows, place.columns.line.tolist())}


def broken(places: Any, word_lines: int, pairs: int) -> list[str]:
    """Every way in which places break the rule; places have layer, phase, array, rows and columns."""
    taken = Counter(cell for place in places for cell in cells_of(place))
    faults = [f"{cell} is used twice" for cell, count in taken.items() if count > 1]
    faults += [
        f"{cell} lies outside"
        for cell in taken
        if not (0 <= cell[1] < word_lines and 0 <= cell[2] < pairs)
    ]
    groups = defaultdict(list)
    for place in places:
        groups[place.array, place.layer, place.phase].append(place)
    for name, members in groups.items():
        for one, other in combinations(members, 2):
            faults += [f"{name}: {fault}" for fault in _of_two(one, other, taken)]
    return faults


def _of_two(one: Any, other: Any, taken: Counter[Cell]) -> Iterator[str]:
    for side in ("rows", "columns"):
        if set(getattr(one, side).line) & set(getattr(other, side).line):
            yield f"two kernels share {side} in one phase"
    for rows_of, columns_of in ((one, other), (other, one)):
        if any(taken[cell] for cell in cells_of(columns_of, rows_of)):
            yield "where two kernels cross in one phase there is another"


def phases_a_step(places: Any) -> int:
    """Layers run one after the other, arrays side by side."""
    used: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for place in places:
        used[place.layer][place.array].add(place.phase)
    return sum(max(len(phases) for phases in arrays.values()) for arrays in used.values())
