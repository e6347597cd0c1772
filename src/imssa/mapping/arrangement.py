"""The signed arrangement of a block's rows and columns under which an array's defects do least harm.

A block's rows go to word lines and its columns to pairs, each with a sign, no two to the same. With the
columns fixed, the best rows are a linear assignment problem (each row on each line has a cost, with
the better of its signs), and the other way round; both are solved in turn until nothing improves, from
several starts. Any rectangular block can be arranged so; spare lines are simply more lines.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from scipy.optimize import linear_sum_assignment

from imssa.kernels.random import Key
from imssa.mapping.differential import KINDS, Kinds, mirrored
from imssa.mapping.layout import Side

STARTS: Final = 24
"""Starts for arrays that hold a block badly."""

FEW_STARTS: Final = 6
"""Starts after which a cost below ``GOOD`` is let stand."""

GOOD: Final = 1e-4
"""A cost, as of a kernel whose answer is wrong by a hundredth."""

TURNS: Final = 20
SMALL: Final = 1e-9
"""Costs below this are none."""

KICKS: Final = (0.5, 0.1, 0.35, 0.2)
"""Shares of the columns that are moved and negated between one start and the next."""

Costs = Float64[np.ndarray, "rows columns kinds"]
_Hot = Float64[np.ndarray, "signs lines pairs kinds"]


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Both sides of a block, and the cost of what is still wrong."""

    rows: Side
    columns: Side
    cost: float


def arrange(costs: Costs, kinds: Kinds, start: Arrangement, key: Key) -> Arrangement:
    """Looks for the arrangement of least cost.

    Args:
        costs: Cost of each cell on a pair of each kind (a pair's kind is as of `pair_kinds`); sums
            over the cells are minimized.
        kinds: Kind of each pair of the array; lines that may not be used are left out.
        start: Where to begin: lines are indices into ``kinds``, and the cost is not looked at.
        key: Of the other starts.
    """
    hot = _hot(kinds)
    rng = key.numpy()
    best = _settled(costs, hot, start.rows, start.columns)
    for number in range(1, STARTS):
        if best.cost <= (SMALL if number < FEW_STARTS else GOOD):
            break
        shuffled = _shuffled(best.columns, kinds.shape[1], KICKS[number % len(KICKS)], rng)
        found = _settled(costs, hot, best.rows, shuffled)
        best = min(best, found, key=lambda one: one.cost)
    return best


def cost_of(costs: Costs, kinds: Kinds, rows: Side, columns: Side) -> float:
    """Cost of an arrangement."""
    return float(cell_costs(costs, kinds, rows, columns).sum())


def cell_costs(
    costs: Costs, kinds: Kinds, rows: Side, columns: Side
) -> Float64[np.ndarray, "rows columns"]:
    """Cost of each cell."""
    found = seen_kinds(kinds, rows, columns)
    return np.asarray(np.take_along_axis(costs, found[..., None], axis=2)[..., 0])


def seen_kinds(kinds: Kinds, rows: Side, columns: Side) -> Int64[np.ndarray, "rows columns"]:
    """Kind of the pair under each cell, as the weight before its signs sees it."""
    found = kinds[np.ix_(rows.line, columns.line)]
    negated = rows.sign[:, None] * columns.sign[None, :] < 0
    return np.where(negated, mirrored(found), found)


def _hot(kinds: Kinds) -> _Hot:
    """One where a pair is of a kind: as it is, and negated."""
    return np.stack([np.eye(KINDS)[k] for k in (kinds, mirrored(kinds))])


def _settled(costs: Costs, hot: _Hot, rows: Side, columns: Side) -> Arrangement:
    """Rows and columns solved in turn until the cost stays; it never rises."""
    turned, hot_turned = costs.transpose(1, 0, 2), hot.transpose(0, 2, 1, 3)
    cost = np.inf
    for _ in range(TURNS):
        rows, _ = _assigned(costs, hot, columns)
        columns, found = _assigned(turned, hot_turned, rows)
        if found >= cost - SMALL or found <= SMALL:
            return Arrangement(rows, columns, min(cost, found))
        cost = found
    return Arrangement(rows, columns, cost)


def _assigned(costs: Costs, hot: _Hot, columns: Side) -> tuple[Side, float]:
    """The best lines and signs of the rows while the columns stay."""
    own, other = (
        np.where(columns.sign[:, None] > 0, hot[i][:, columns.line], hot[1 - i][:, columns.line])
        for i in (0, 1)
    )
    flat = costs.reshape(len(costs), -1)
    straight, negated = (flat @ seen.reshape(len(seen), -1).T for seen in (own, other))
    cost = np.minimum(straight, negated)
    row, line = linear_sum_assignment(cost)
    sign = np.where(negated < straight, -1, 1)[row, line]
    return Side(line.astype(np.int64), sign.astype(np.int64)), float(cost[row, line].sum())


def _shuffled(side: Side, count: int, share: float, rng: np.random.Generator) -> Side:
    """A share of the lines exchanged, also for spare ones, and as many signs turned."""
    spare = np.setdiff1d(np.arange(count), side.line)
    everything = np.concatenate([side.line, spare])
    chosen = rng.permutation(count)[: max(2, int(share * count))]
    everything[chosen] = everything[rng.permutation(chosen)]
    turned = rng.random(len(side)) < share
    return Side(everything[: len(side)], np.where(turned, -side.sign, side.sign))
