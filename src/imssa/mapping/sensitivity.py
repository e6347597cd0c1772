"""What each cell costs on a pair of each kind: the error of its kernel's impulse response.

A cell whose pair cannot hold its weight holds the nearest one. Its cost is the squared relative error
of the kernel that has this one weight wrong; finite, not a derivative, since a wrong weight of A may
turn a mode into an integrator. Costs of several wrong cells are added, which is their effect to first
order; what a whole arrangement does is computed exactly afterwards.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from imssa.mapping.impulse import Wanted, reach, squared_errors

CHUNK_BYTES: Final = 2**24
LEVELS: Final = np.array([-1.0, 0.0, 1.0])
"""Weights, in units of the largest, at which errors are computed; pairs with a defect end there."""

FAINT: Final = 1e-6
"""Cost of a weight wrong by the whole window that the answer does not show, as in an idle mode."""

Intervals = Float64[np.ndarray, "kinds 2"]
Group = Float64[np.ndarray, "all_rows all_columns kinds"]
Costs = Float64[np.ndarray, "kernels rows columns kinds"]


def own_costs(
    wanted: Wanted, line_max: Int64[np.ndarray, " columns"], intervals: Intervals
) -> Costs:
    """Cost of each of a kernel's own cells on a pair of each kind.

    Args:
        wanted: The kernels of a layer.
        line_max: Largest code of each column's pair.
        intervals: What each kind holds, as of `held_intervals`.
    """
    weight = wanted.blocks / line_max
    held = np.clip(weight[..., None], intervals[:, 0], intervals[:, 1])
    return _between(_at_levels(wanted, line_max), weight, held)


def _at_levels(
    wanted: Wanted, line_max: Int64[np.ndarray, " columns"]
) -> Float64[np.ndarray, "kernels rows columns levels"]:
    """Squared error of each kernel with one cell at each level."""
    found = np.zeros((*wanted.blocks.shape, len(LEVELS)))
    changed = np.argwhere(LEVELS * line_max[:, None] != wanted.blocks[..., None])
    chunk = max(1, CHUNK_BYTES // (8 * wanted.blocks[0].size))
    for first in range(0, len(changed), chunk):
        kernel, row, column, level = changed[first : first + chunk].T
        variants = wanted.blocks[kernel]
        variants[np.arange(len(kernel)), row, column] = LEVELS[level] * line_max[column]
        found[kernel, row, column, level] = squared_errors(variants, wanted.of(kernel))
    return found


def _between(
    table: Float64[np.ndarray, "kernels rows columns levels"],
    weight: Float64[np.ndarray, "kernels rows columns"],
    held: Costs,
) -> Costs:
    """Costs of what is held, quadratic from the weight to the nearest level beyond it.

    Where there is none on that side (a device holds more than any weight), the nearest other level
    tells the curvature.
    """
    move = held - weight[..., None]
    away = LEVELS - weight[..., None]
    same_side = np.sign(away)[..., None, :] == np.sign(move)[..., None]
    other = np.where(away != 0, 1.0 / FAINT + np.abs(away), np.inf)[..., None, :]
    gap = np.where(same_side, np.abs(move[..., None] - away[..., None, :]), other)
    level = gap.argmin(axis=-1)
    reference = np.take_along_axis(away, level, axis=-1)
    cost = np.take_along_axis(table, level, axis=-1)
    share = np.divide(move, reference, out=np.zeros_like(move), where=move != 0)
    return np.asarray(cost * share**2 + FAINT * move**2)


def group_costs(
    own: Costs,
    wanted: Wanted,
    line_max: Int64[np.ndarray, " columns"],
    intervals: Intervals,
) -> Group:
    """Costs of kernels that share their phases, as one block of all their rows and columns.

    Args:
        own: Costs of the kernels' own cells.
        wanted: The kernels of the group.
        line_max: Largest code of each column's pair.
        intervals: What each kind holds.
    """
    costs = crossing_costs(wanted, line_max, intervals)
    costs += FAINT * _leaked(intervals) ** 2
    count, lines = own.shape[:2]
    for kernel in range(count):
        part = slice(kernel * lines, (kernel + 1) * lines)
        costs[part, part] = own[kernel]
    return costs


def crossing_costs(
    wanted: Wanted, line_max: Int64[np.ndarray, " columns"], intervals: Intervals
) -> Group:
    """Costs where a row of one kernel crosses a column of another; nothing for its own.

    The weight must be zero there; what it is instead carries the one kernel's drive into the other's
    answer, by about the product of their norms.
    """
    driven, heard = reach(wanted)
    into = heard * line_max / np.sqrt(wanted.scale)[:, None]
    other = 1.0 - np.eye(len(driven))
    leak = driven[:, :, None, None, None] * into[None, None, :, :, None] * _leaked(intervals)
    costs = other[:, None, :, None, None] * leak**2
    return np.asarray(costs.reshape(driven.size, into.size, len(intervals)))


def _leaked(intervals: Intervals) -> Float64[np.ndarray, " kinds"]:
    """Weight of each kind where it should be zero, in units of the window."""
    return np.asarray(np.clip(0.0, intervals[:, 0], intervals[:, 1]))
