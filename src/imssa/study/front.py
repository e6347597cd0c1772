"""Accuracy against a cost: the points that no other beats in both."""

from collections.abc import Iterable

from imssa.study.table import Table

Pair = tuple[float, float]


def with_cost(rows: Table, table: Table, cost: str, axes: list[str]) -> Table:
    """Rows with what their point costs in a further column; those whose cost failed are left out.

    Args:
        rows: Of the results.
        table: All results.
        cost: Which one.
        axes: All axes.
    """

    def place(row: dict[str, object]) -> tuple[object, ...]:
        return tuple(row[axis] for axis in axes)

    costs = {place(r): r["value"] for r in table if r["measure"] == cost and r["error"] is None}
    return [{**row, cost: costs[place(row)]} for row in rows if place(row) in costs]


def front_of(points: Iterable[Pair]) -> list[Pair]:
    """Of pairs of cost and accuracy those that no other beats, the cheapest first.

    Example:
        >>> front_of([(2.0, 0.9), (1.0, 0.8), (3.0, 0.85), (2.0, 0.7)])
        [(1.0, 0.8), (2.0, 0.9)]
    """
    front: list[Pair] = []
    for cost, accuracy in sorted(points, key=lambda p: (p[0], -p[1])):
        if not front or accuracy > front[-1][1]:
            front.append((cost, accuracy))
    return front
