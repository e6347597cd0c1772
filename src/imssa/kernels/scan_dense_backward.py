"""The quantized recurrence on deviating devices or in several passes, backward.

Gradients are straight-through, as in :mod:`imssa.kernels.scan_backward`, each block run again from the
registers before it. They go through the weights as the devices hold them, deviations included.
"""

from typing import Any

import numba
import numpy as np

from imssa.kernels.pointer import moved, pointer
from imssa.kernels.products import product
from imssa.kernels.scan_dense import Room, Slot, fill_slot, room_of, run_block, slot_of
from imssa.kernels.scan_dense_tables import GAIN, HALF, INVERSE, KEPT, TO_ADC

_U1, _U2, _U3 = np.uint64(1), np.uint64(2), np.uint64(3)


@numba.njit(nogil=True, forceinline=True)
def _output_back(
    slot: Slot, limits: Any, g: float, u: float, drive: Any, sums: Any, adjoint: Any
) -> Any:
    """Gradient of an output that is read apart; gives what it adds to that of the input."""
    last, width = slot.lines - _U1, slot.width
    row, of_outputs = moved(slot.by_read, last * width), moved(sums, _U3 * last)
    for i in range(last):
        of_outputs[i] += g * drive[i]
        back = g * row[i] * limits.drive_scale
        adjoint[i] += back if abs(drive[i]) < limits.dac_max else 0.0
    of_outputs[last] += g * u
    return g * row[last]


@numba.njit(nogil=True, forceinline=True)
def _line_gradients(
    slot: Slot, limits: Any, before: Any, after: Any, codes: Any, adjoint: Any, rows: Any, out: Any
) -> None:
    """Gradients of accumulated lines from those of the registers; these become what the leak passes."""
    t, w, top = slot.table, slot.width, limits.register_max
    gain, half = moved(t, np.uint64(GAIN) * w), moved(t, np.uint64(HALF) * w)
    kept, to_adc = moved(t, np.uint64(KEPT) * w), moved(t, np.uint64(TO_ADC) * w)
    leaks = moved(rows, w)
    for j in range(slot.lines - _U1):
        g = adjoint[j] if abs(after[j]) < top else 0.0
        leaks[j] += g * before[j]
        adjoint[j] = g * kept[j]
        g = g if abs(codes[j]) * gain[j] + half[j] < top else 0.0
        rows[j] += g * codes[j]
        out[j] = g * to_adc[j] if abs(codes[j]) < limits.conversion_max else 0.0


@numba.njit(nogil=True)
def _back_step(slot: Slot, limits: Any, drive: Any, room: Room, sums: Any) -> Any:
    """Goes back through one MVM; gives the gradient of the input."""
    last, width = slot.lines - _U1, slot.width
    adjoint, g, back = room.adjoint, room.gradient, room.acc
    product(slot.by_read, np.uint64(0), slot.lines, width, g, back)
    n: Any
    for n in range(last >> _U1):
        i, cell = n << _U1, n << _U2
        d, e, first, second = drive[i], drive[i + _U1], g[i], g[i + _U1]
        sums[cell] += first * d
        sums[cell + _U1] += first * e
        sums[cell + _U2] += second * d
        sums[cell + _U3] += second * e
    of_inputs, of_outputs = moved(sums, _U2 * last), moved(sums, _U3 * last)
    for i in range(last):
        of_inputs[i] += g[i] * drive[last]
    for i in range(slot.lines):
        of_outputs[i] += g[last] * drive[i]
    for i in range(last):
        passed = back[i] * limits.drive_scale
        adjoint[i] += passed if abs(drive[i]) < limits.dac_max else 0.0
    return back[last]


@numba.njit(nogil=True)
def _back_block(
    dense: Any, limits: Any, slot: Slot, given: Any, hop: Any, steps: int, room: Room, sums: Any
) -> None:
    """Goes back over a block that was run; ``given`` are u, y, g_y and g_u from its start on."""
    u, y, g_y, g_u = given
    of_weights, of_rows = sums
    width, last, lam = slot.width, slot.lines - _U1, room.adjoint
    per_step = moved(slot.table, np.uint64(INVERSE) * width)[last]
    for n in range(steps):
        t = np.uint64(steps - 1 - n)
        row, place = t * width, t * hop
        before, after = moved(room.states, row), moved(room.states, row + width)
        codes, drive = moved(room.codes, row), moved(room.drives, row)
        g_out = g_y[place] * per_step if abs(y[place]) < limits.conversion_max else 0.0
        total = 0.0
        if dense.current:
            read = moved(room.drives, row + width)
            total = _output_back(slot, limits, g_out, u[place], read, of_weights, lam)
            g_out = 0.0
        _line_gradients(slot, limits, before, after, codes, lam, of_rows, room.gradient)
        room.gradient[last] = g_out
        g_u[place] = total + _back_step(slot, limits, drive, room, of_weights)


@numba.njit(cache=True, nogil=True)
def dense_backward(
    first: int,
    end: int,
    g_y: Any,
    y: Any,
    u: Any,
    lengths: Any,
    dense: Any,
    limits: Any,
    block: int,
    arrays: Any,
    checkpoints: Any,
    states_codes: Any,
    g_u: Any,
    sums: Any,
    rows: Any,
) -> None:
    """Straight-through gradients of kernels ``first`` .. ``end - 1``.

    Puts gradients of the inputs, and adds those of A, B, C and D, side by side in ``sums``, and those
    of the gains and of what leaks, (features, 2, width).
    """
    batch, length, features = u.shape
    room, hop = room_of(arrays), np.uint64(features)
    lines, width = dense.weights.shape[1], dense.weights.shape[2]
    for h in range(first, end):
        of_weights = moved(pointer(sums), np.uint64(h * sums.shape[1]))
        of_rows = moved(pointer(rows), np.uint64(h * 2 * width))
        for b in range(batch):
            slot = slot_of(dense, h, b, room)
            fill_slot(dense, h, b, slot)
            g_u[b, lengths[b] :, h] = 0.0
            for j in range(slot.width):
                room.adjoint[j] = 0.0
                room.gradient[j] = 0.0
            for number in range((lengths[b] + block - 1) // block - 1, -1, -1):
                start = number * block
                steps = min(block, lengths[b] - start)
                for j in range(lines - 1):
                    room.state[np.uint64(j)] = checkpoints[h * batch + b, number, j]
                at = np.uint64((b * length + start) * features + h)
                given = (
                    moved(pointer(u), at),
                    moved(pointer(y), at),
                    moved(pointer(g_y), at),
                    moved(pointer(g_u), at),
                )
                where = (start, b, h)
                if len(states_codes):
                    known = pointer(states_codes)
                    item = (h * batch + b) * length + start
                    known = moved(known, np.uint64(item * (lines - 1)))
                    run_block(dense, limits, slot, given[0], hop, where, steps, room, known)
                else:
                    run_block(dense, limits, slot, given[0], hop, where, steps, room, None)
                _back_block(dense, limits, slot, given, hop, steps, room, (of_weights, of_rows))
