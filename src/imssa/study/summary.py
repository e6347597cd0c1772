"""Means of a study's results with their standard errors, for its table and its figure."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from imssa.evaluation.metrics import crossed_estimate
from imssa.study.config import Label
from imssa.study.ledger import unpacked
from imssa.study.table import Table

Place = tuple[Label, ...]

POOLED: Final = ("seed",)
"""Axes that are averaged over unless the study names them: one draw of chance says nothing alone."""


@dataclass(frozen=True)
class Mean:
    """The mean of some rows.

    Attributes:
        mean: Share of right answers.
        standard_error: Over chips and recordings; where an axis is averaged over, over its values.
        chips: Rows behind it.
        points: Points of the axes behind it.
    """

    mean: float
    standard_error: float
    chips: int
    points: int


def means(table: Table, names: list[str], axes: list[str]) -> dict[Place, Mean]:
    """Means of all rows that agree in some columns.

    Args:
        table: The results.
        names: These columns: axes, or "measure".
        axes: All axes; those not among `names` are averaged over.
    """
    rest = [axis for axis in axes if axis not in names]
    grouped: dict[Place, dict[Place, list[dict[str, Any]]]] = {}
    for row in table:
        if row["value"] is not None:
            at, other = (tuple(row[n] for n in columns) for columns in (names, rest))
            grouped.setdefault(at, {}).setdefault(other, []).append(row)
    return {at: _mean(list(points.values())) for at, points in grouped.items()}


def _mean(points: list[list[dict[str, Any]]]) -> Mean:
    shared = {tuple(sorted(row["trial"] for row in point)): point for point in points}
    points = list(shared.values())  # one trial at several points is measured once
    rows = [row for point in points for row in point]
    each = np.array([np.mean([row["value"] for row in point]) for point in points])
    if len(points) > 1:  # chips of one network are alike: points count, not chips
        error = float(each.std(ddof=1) / np.sqrt(len(each)))
    elif rows[0]["items"] > 1:
        right = np.array([unpacked(row["right"], row["items"]) for row in rows], np.float64)
        error = crossed_estimate(right).standard_error
    else:
        error = 0.0
    return Mean(float(each.mean()), error, len(rows), len(points))
