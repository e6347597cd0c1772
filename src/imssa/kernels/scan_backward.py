"""The quantized recurrence backward, with straight-through gradients.

The gradient of a rounded and clipped value is that of the unrounded one, and zero where the code
stands at an end of its range. Registers are run again from the checkpoint before each block.
"""

from typing import Any

import numba
import numpy as np

from imssa.kernels.scan_forward import Room, room_of, run_tile
from imssa.kernels.scan_lanes import (
    Item,
    gather,
    gather_gradient,
    item_of,
    longest,
    repeat_slots,
    scatter,
    slots_of,
    spread_tile,
    sum_tile,
    zeros_like,
)
from imssa.kernels.scan_plan import Layout, Tables
from imssa.kernels.scan_step import (
    Limits,
    back_vector,
    last_read_back,
)
from imssa.kernels.vectors import BYTES, inner


@inner
def _back_tile(
    tile: int,
    item: Item,
    current: int,
    last: bool,
    rows: Any,
    limits: Limits,
    cut: Layout,
    room: Room,
    g_y: Any,
    adjoint: Any,
    sums: Any,
) -> None:
    """Runs the modes of a tile backward; leaves B on the lines' gradients in ``sums`` of the room."""
    slots, lanes = slots_of(cut), BYTES // rows.itemsize
    kept, steps = room.kept, item.steps
    if current and last:
        spread_tile(g_y[steps * slots :], tile, 1, cut, room.read)
        for lane in range(0, cut.tile, lanes):
            place = (cut.width, tile * cut.tile + lane, cut.tile, lane)
            last_read_back(room.read, rows, limits, place, room.state, adjoint, sums)
    spread_tile(g_y[(1 - current) * slots :], tile, steps, cut, room.read)
    for lane in range(0, cut.tile, lanes):
        place = (cut.width, tile * cut.tile + lane, cut.tile, lane)
        back_vector(steps, room.read, room.u, rows, limits, place, kept, adjoint, room.read, sums)
    sum_tile(room.read, tile, steps, cut, room.sums)


@inner
def _direct_back(steps: int, slots: int, direct: Any, g_y: Any, room: Room, total: Any) -> None:
    """D: its gradient, and what it adds to that of the inputs (``sums`` to ``outputs``)."""
    for t in range(steps):
        g, u = g_y[(t + 1) * slots :][:slots], room.inputs[t * slots :][:slots]
        given, out = room.sums[t * slots :][:slots], room.outputs[t * slots :][:slots]
        for i in range(slots):
            total[i] += np.float64(g[i]) * u[i]
            out[i] = given[i] + g[i] * direct[i]


@inner
def _back_block(
    item: Item,
    current: int,
    last: bool,
    rows: Any,
    limits: Limits,
    cut: Layout,
    room: Room,
    g_y: Any,
    adjoint: Any,
    sums: Any,
) -> None:
    """Runs an item over a block again, then backward."""
    for tile in range(cut.width // cut.tile):
        run_tile(tile, item.steps, rows, limits, cut, room, room.kept)
        _back_tile(tile, item, current, last, rows, limits, cut, room, g_y, adjoint, sums)


@numba.njit(cache=True, nogil=True)
def backward(
    first: int,
    end: int,
    g_y: Any,
    y: Any,
    u: Any,
    lengths: Any,
    tables: Tables,
    limits: Limits,
    cut: Layout,
    current: int,
    checkpoints: Any,
    g_u: Any,
    sums: Any,
    g_direct: Any,
) -> None:
    """Runs items first .. end - 1; puts gradients of inputs, of lanes' constants and of D."""
    room = room_of(cut, tables.rows)
    outer = zeros_like(room.state, len(room.inputs))
    adjoint = zeros_like(room.state, len(room.state))
    slots = slots_of(cut)
    for number in range(first, end):
        adjoint[:], room.inputs[:], outer[:] = 0.0, 0.0, 0.0  # slots that are empty stay zero
        rows = tables.rows[number // cut.batch_blocks]
        repeat_slots(tables.direct, item_of(number, 0, cut, u), cut, room.direct)
        last = True
        for block in range(cut.blocks - 1, -1, -1):
            item = item_of(number, block, cut, u)
            if item.start < longest(item, lengths):
                for i in range(len(room.state)):
                    room.state[i] = checkpoints[number, block, i]
                gather(u, lengths, item, cut, room.inputs)
                gather_gradient(g_y, y, lengths, item, cut, tables.per_step, limits.adc_max, outer)
                _back_block(
                    item,
                    current,
                    last,
                    rows,
                    limits,
                    cut,
                    room,
                    outer,
                    adjoint,
                    sums[number],
                )
                _direct_back(item.steps, slots, room.direct, outer, room, g_direct[number])
                last = False
            scatter(room.outputs, lengths, item, cut, g_u)
