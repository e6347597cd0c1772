"""The arrangement of a linear map's tile under which an array's defects do least harm."""

from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from imssa.kernels.random import Key
from imssa.mapping.arrangement import Arrangement, arrange, seen_kinds
from imssa.mapping.dense import LinearMap, Tile
from imssa.mapping.differential import Kinds
from imssa.mapping.layout import Side
from imssa.mapping.losses import MapLoss

SMALL: Final = 1e-6
"""Cost of a weight wrong by the whole window where the map has none at all."""


def arranged_tile(
    tile: Tile,
    one: LinearMap,
    kinds: Kinds,
    others: list[Tile],
    intervals: Float64[np.ndarray, "kinds 2"],
) -> Tile:
    """A tile on the lines of its array that serve it best.

    Lines that no other tile of the array uses are free to take; lines it shares stay its own.

    Args:
        tile: Where it stands.
        one: Its map.
        kinds: Of the array's pairs.
        others: The other tiles of its array, as they stand.
        intervals: What each kind of pair holds, as of `held_intervals`.
    """
    rows, pairs = (
        _free(count, getattr(tile, side), [getattr(t, side) for t in others])
        for count, side in zip(kinds.shape, ("rows", "columns"), strict=True)
    )
    weights = tile.weights(one.linear)
    start = Arrangement(_within(tile.rows, rows), _within(tile.columns, pairs), np.inf)
    key = Key.root(0).child("arrangement", tile.name, tile.cut, tile.outputs)
    costs = tile_costs(weights, one.line_max, intervals)
    best = arrange(costs, kinds[np.ix_(rows, pairs)], start, key)
    return replace(
        tile,
        rows=Side(rows[best.rows.line], best.rows.sign),
        columns=Side(pairs[best.columns.line], best.columns.sign),
    )


def tile_loss(
    tile: Tile, one: LinearMap, kinds: Kinds, intervals: Float64[np.ndarray, "kinds 2"]
) -> MapLoss | None:
    """What a tile's pairs do not hold; None where they hold all."""
    wanted = tile.weights(one.linear) / one.line_max
    held = intervals[seen_kinds(kinds, tile.rows, tile.columns)]
    error = np.clip(wanted, held[..., 0], held[..., 1]) - wanted
    if not error.any():
        return None
    share = float(np.linalg.norm(error) / max(float(np.linalg.norm(wanted)), SMALL))
    place = tile.inputs, tile.outputs, tile.array
    return MapLoss(tile.name, *place, share, int(np.count_nonzero(error)))


def tile_costs(
    weights: Int64[np.ndarray, "rows columns"],
    line_max: int,
    intervals: Float64[np.ndarray, "kinds 2"],
) -> Float64[np.ndarray, "rows columns kinds"]:
    """Squared error of each weight on a pair of each kind, relative to the power of its output.

    Inputs are taken to be alike: they are codes that fill the same converter.
    """
    wanted = weights[..., None] / line_max
    error = (np.clip(wanted, intervals[:, 0], intervals[:, 1]) - wanted) ** 2
    power = (wanted**2).sum(0, keepdims=True)
    return np.asarray(error / np.maximum(power, SMALL))


def _free(count: int, own: Side, others: list[Side]) -> Int64[np.ndarray, " free"]:
    """Lines that a tile may stand on: where another stands on one of its own, its own alone."""
    taken = np.concatenate([np.zeros(0, np.int64), *(side.line for side in others)])
    if np.isin(own.line, taken).any():
        return np.sort(own.line)
    return np.setdiff1d(np.arange(count), taken)


def _within(side: Side, free: Int64[np.ndarray, " free"]) -> Side:
    return Side(np.searchsorted(free, side.line), side.sign)
