"""The quantized recurrence on deviating devices or in several passes: one kernel, one sequence at a time.

Devices that deviate make every weight of a kernel's block count, those that should be zero too: an
MVM is a dense product, lines by lines. Deviations and variances are multiples of a fixed fraction of
a code, so their sums are exact in any order; a read's noise is a function of line, pass, step,
sequence, kernel and whether the output is read apart. Codes are float64; lines stand in the
order of the array: re and im of each mode, then the input or the output.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from imssa.kernels.passes import digit
from imssa.kernels.pointer import moved, pointer
from imssa.kernels.products import padded, product
from imssa.kernels.random import GROUP, read_words, to_normal
from imssa.kernels.scan_plan import update_of
from imssa.kernels.scan_types import LEAKY, Noise, Scales, Weights

INVERSE, GAIN, HALF, LEAK, LEAK_HALF, KEPT, TO_ADC = range(7)
"""Rows of a kernel's table: one over the ADC step, gain and what is added before rounding, the share
that leaks and likewise, what is left of a register, gain over ADC step."""
_U1, _U2, _U3 = np.uint64(1), np.uint64(2), np.uint64(3)


class Dense(NamedTuple):
    """Constants of all kernels; rows are padded to ``width`` columns.

    Attributes:
        weights: (features, driven lines, width).
        deviation: Added to them, (draws, features, driven lines, width); no draws: exact devices.
        variance: Of each weight at a read, the same shape, float32.
        table: Constants of each line, (features, rows, width), see `INVERSE`.
        passes: Bit, sign and weight of each pass.
        reads: Whether any variance is above zero.
        current: Whether the output is read after the state's update.
        key0: Random key of the reads.
        key1: The same, its upper word.
    """

    weights: Any
    deviation: Any
    variance: Any
    table: Any
    passes: Any
    reads: bool
    current: bool
    key0: int
    key1: int


class Slot(NamedTuple):
    """Pointers to one kernel's numbers, as one sequence sees them, and their sizes."""

    by_drive: Any
    by_read: Any
    variance: Any
    table: Any
    lines: Any
    width: Any


class Room(NamedTuple):
    """Pointers to working arrays of one thread; what is kept has a row for each step of a block."""

    state: Any
    part: Any
    squares: Any
    acc: Any
    noise: Any
    words: Any
    apart: Any
    adjoint: Any
    gradient: Any
    by_drive: Any
    by_read: Any
    states: Any
    drives: Any
    codes: Any


@numba.njit(nogil=True, forceinline=True)
def _fill_slot(dense: Any, h: int, b: int, slot: Slot) -> None:
    """Weights with their deviations, by driven and by read line."""
    lines, width = slot.lines, slot.width
    draws = dense.deviation.shape[0]
    for i in range(lines):
        for j in range(lines):
            w = dense.weights[h, i, j]
            if draws:
                w += dense.deviation[b % draws, h, i, j]
            slot.by_drive[i * width + j] = w
            slot.by_read[j * width + i] = w


@numba.njit(nogil=True, forceinline=True)
def _slot_of(dense: Any, h: int, b: int, room: Room) -> Slot:
    """Everything of a slot but the weights themselves."""
    lines, width = np.uint64(dense.weights.shape[1]), np.uint64(dense.weights.shape[2])
    features, draws = dense.weights.shape[0], dense.variance.shape[0]
    place = ((b % draws) * features + h) * lines * width if dense.reads else 0
    table = np.uint64(h * dense.table.shape[1]) * width
    return Slot(
        room.by_drive,
        room.by_read,
        moved(pointer(dense.variance), np.uint64(place)),
        moved(pointer(dense.table), table),
        lines,
        width,
    )


@numba.njit(nogil=True, forceinline=True)
def _drive(slot: Slot, limits: Any, u: float, state: Any, out: Any) -> None:
    """DAC codes of a slot's lines."""
    states = slot.lines - _U1
    for i in range(states):
        magnitude = np.floor(abs(state[i]) * limits.drive_scale + 0.5)
        magnitude = magnitude if magnitude < limits.dac_max else limits.dac_max  # noqa: FURB136
        out[i] = magnitude if state[i] >= 0 else -magnitude
    out[states] = u


@numba.njit(nogil=True, forceinline=True)
def _disturb(dense: Any, slot: Slot, address: Any, x: Any, room: Room) -> None:
    """Adds fresh noise of a read to the sums of a pass."""
    squares, noise, words, acc = room.squares, room.noise, room.words, room.acc
    for i in range(slot.lines):
        squares[i] = np.float32(x[i]) * np.float32(x[i])
    product(slot.variance, np.uint64(0), slot.lines, slot.width, squares, noise)
    groups = (slot.lines + np.uint64(GROUP - 1)) // np.uint64(GROUP)
    read_words(dense.key0, dense.key1, address, 0, groups, words)
    for j in range(slot.lines):
        acc[j] += np.float64(np.sqrt(noise[j]) * to_normal(words[j]))


@numba.njit(nogil=True, forceinline=True)
def _convert(
    dense: Any, limits: Any, slot: Slot, drive: Any, apart: int, where: Any, room: Room, out: Any
) -> None:
    """Codes of all lines' conversions, weighted over the passes; ``where`` are step, sequence, kernel."""
    acc, part, inverse = room.acc, room.part, moved(slot.table, np.uint64(INVERSE) * slot.width)
    count, largest = len(dense.passes), limits.adc_max
    for j in range(slot.width):
        out[j] = 0.0
    for n in range(count):
        bit, sign = dense.passes[n, 0], dense.passes[n, 1]
        worth = np.float64(dense.passes[n, 2])
        for i in range(slot.lines):
            part[i] = drive[i] if count == 1 else digit(np.int64(drive[i]), bit, sign)
        product(slot.by_drive, np.uint64(0), slot.lines, slot.width, part, acc)
        if dense.reads:
            _disturb(dense, slot, (2 * n + apart, where[0], where[1], where[2]), part, room)
        for j in range(slot.width):
            code = np.floor(abs(acc[j]) * inverse[j] + limits.half)
            code = code if code < largest else largest  # noqa: FURB136  # min() does not vectorize
            out[j] += worth * (code if acc[j] >= 0 else -code)


@numba.njit(nogil=True, forceinline=True)
def _update(slot: Slot, limits: Any, codes: Any, state: Any) -> None:
    """Registers after a step (DESIGN section 5)."""
    t, w, top = slot.table, slot.width, limits.register_max
    gain, half = moved(t, np.uint64(GAIN) * w), moved(t, np.uint64(HALF) * w)
    leak, leak_half = moved(t, np.uint64(LEAK) * w), moved(t, np.uint64(LEAK_HALF) * w)
    for j in range(slot.lines - _U1):
        s, a = state[j], codes[j]
        lost = np.floor(abs(s) * leak[j] + leak_half[j])
        step = np.floor(abs(a) * gain[j] + half[j])
        step = step if step < top else top  # noqa: FURB136
        new = (s - lost if s >= 0 else s + lost) + (step if a >= 0 else -step)
        new = new if new < top else top  # noqa: FURB136
        state[j] = new if new > -top else -top  # noqa: FURB136


@numba.njit(nogil=True)
def _run_block(
    dense: Any,
    limits: Any,
    slot: Slot,
    u: Any,
    hop: Any,
    where: Any,
    steps: int,
    room: Room,
    known: Any,
) -> None:
    """Runs a slot over a block from ``state`` on; keeps registers, drives and codes of each step.

    ``known`` points to codes of the states' lines from an earlier run, or is None.
    """
    width, last, state = slot.width, slot.lines - _U1, room.state
    start, b, h = where
    for t in range(steps):
        row = np.uint64(t) * width
        kept, drive = moved(room.states, row), moved(room.drives, row)
        codes = moved(room.codes, row)
        for j in range(last):
            kept[j] = state[j]
        given = u[np.uint64(t) * hop]
        _drive(slot, limits, given, state, drive)
        if known is None:
            _convert(dense, limits, slot, drive, 0, (start + t, b, h), room, codes)
        else:
            for j in range(last):
                codes[j] = known[np.uint64(t) * last + j]
        _update(slot, limits, codes, state)
        if dense.current:
            after = moved(room.drives, row + width)
            _drive(slot, limits, given, state, after)
            if known is None:
                _convert(dense, limits, slot, after, 1, (start + t, b, h), room, room.apart)
                codes[last] = room.apart[last]
    kept = moved(room.states, np.uint64(steps) * width)
    for j in range(last):
        kept[j] = state[j]


@numba.njit(nogil=True, forceinline=True)
def _room(arrays: Any) -> Room:
    """Pointers to a thread's arrays."""
    a = arrays
    lanes = (pointer(a[0]), pointer(a[1]), pointer(a[2]), pointer(a[3]), pointer(a[4]))
    more = (pointer(a[5]), pointer(a[6]), pointer(a[7]), pointer(a[8]), pointer(a[9]))
    kept = (pointer(a[10]), pointer(a[11]), pointer(a[12]), pointer(a[13]))
    return Room(*lanes, *more, *kept)


def room_for(lines: int, width: int, block: int) -> Any:
    """Arrays for one thread."""
    sizes = [width] * 5 + [0] + [width] * 3 + [lines * width] * 2 + [(block + 1) * width] * 3
    arrays: list[Any] = [np.zeros(size) for size in sizes]
    arrays[2], arrays[4] = np.zeros(width, np.float32), np.zeros(width, np.float32)
    arrays[5] = np.zeros((width // GROUP + 1) * GROUP, np.uint32)
    return tuple(arrays)


@numba.njit(cache=True, nogil=True)
def dense_forward(
    first: int,
    end: int,
    u: Any,
    lengths: Any,
    dense: Any,
    limits: Any,
    block: int,
    arrays: Any,
    y: Any,
    checkpoints: Any,
    states_codes: Any,
    record: Any,
) -> None:
    """Runs kernels ``first`` .. ``end - 1``; puts output codes, registers before blocks, a record.

    ``states_codes`` takes codes of the states' lines, (items, length, states), if it has items.
    """
    batch, length, features = u.shape
    room, hop = _room(arrays), np.uint64(features)
    lines = dense.weights.shape[1]
    width = dense.weights.shape[2]
    for h in range(first, end):
        for b in range(batch):
            slot = _slot_of(dense, h, b, room)
            _fill_slot(dense, h, b, slot)
            for j in range(slot.width):
                room.state[j] = 0.0
            y[b, lengths[b] :, h] = 0.0
            for number in range((lengths[b] + block - 1) // block):
                start = number * block
                steps = min(block, lengths[b] - start)
                for j in range(lines - 1):
                    checkpoints[h * batch + b, number, j] = room.state[np.uint64(j)]
                given = moved(pointer(u), np.uint64((b * length + start) * features + h))
                _run_block(dense, limits, slot, given, hop, (start, b, h), steps, room, None)
                if len(states_codes):
                    for t in range(steps):
                        for j in range(lines - 1):
                            code = room.codes[np.uint64(t * width + j)]
                            states_codes[h * batch + b, start + t, j] = code
                for t in range(steps):
                    y[b, start + t, h] = room.codes[np.uint64(t * width + lines - 1)]
                if record is not None:
                    for t in range(steps):
                        for j in range(lines - 1):
                            at = np.uint64(t * width + j)
                            record.adc[h, b, start + t, j] = room.codes[at]
                            after = room.states[at + np.uint64(width)]
                            record.state[h, b, start + t + 1, j] = after


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
    room, hop = _room(arrays), np.uint64(features)
    lines, width = dense.weights.shape[1], dense.weights.shape[2]
    for h in range(first, end):
        of_weights = moved(pointer(sums), np.uint64(h * sums.shape[1]))
        of_rows = moved(pointer(rows), np.uint64(h * 2 * width))
        for b in range(batch):
            slot = _slot_of(dense, h, b, room)
            _fill_slot(dense, h, b, slot)
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
                    _run_block(dense, limits, slot, given[0], hop, where, steps, room, known)
                else:
                    _run_block(dense, limits, slot, given[0], hop, where, steps, room, None)
                _back_block(dense, limits, slot, given, hop, steps, room, (of_weights, of_rows))


def dense_of(weights: Weights, scales: Scales, noise: Noise) -> Dense:
    """Constants of a scan, padded."""
    A, B, C, D = weights
    features, modes = scales.k.shape
    lines = 2 * modes + 1
    width = padded(lines)
    held, last = np.zeros((features, lines, width)), 2 * modes
    for n in range(modes):
        held[:, 2 * n : last, 2 * n : 2 * n + 2][:, :2] = A[:, n].swapaxes(1, 2)
    held[:, last, :last], held[:, :last, last] = B.reshape(features, -1), C.reshape(features, -1)
    held[:, last, last] = D
    errors = (
        np.pad(x.swapaxes(2, 3), ((0, 0), (0, 0), (0, 0), (0, width - x.shape[2])))
        for x in (noise.deviation, noise.variance)
    )
    deviation, variance = (np.ascontiguousarray(x) for x in errors)
    variance = variance.astype(np.float32)
    keys = (noise.key0, noise.key1)
    return Dense(
        held,
        deviation,
        variance,
        _table(scales, width),
        np.ascontiguousarray(scales.passes),
        bool(variance.any()),
        bool(scales.current),
        *keys,
    )


def _table(scales: Scales, width: int) -> NDArray[np.float64]:
    table = np.zeros((len(scales.k), 7, width))
    table[:, INVERSE, : scales.adc.shape[1]] = 1.0 / scales.adc
    states = np.repeat(np.stack(update_of(scales), 1), 2, axis=2)
    table[:, GAIN : KEPT + 1, : states.shape[2]] = states
    table[:, TO_ADC] = table[:, GAIN] * table[:, INVERSE]
    return table


def dense_gradients(sums: Any, rows: Any, scales: Scales) -> tuple[Any, ...]:
    """Gradients of A, B, C, D, gain and k from the sums of all weights, gains and leaks."""
    features, modes = scales.k.shape
    last = 2 * modes
    parts = np.split(sums, [2 * last, 3 * last, 4 * last], axis=1)
    shapes = ((features, modes, 2, 2), (features, modes, 2), (features, modes, 2), (features,))
    weights = (np.ascontiguousarray(x).reshape(n) for x, n in zip(parts, shapes, strict=True))
    gain, leaks = rows[:, :, :last].reshape(features, 2, modes, 2).sum(3).swapaxes(0, 1)
    k = np.zeros_like(gain)
    if scales.realization == LEAKY:
        k = leaks * np.ldexp(np.log(2.0), -scales.k)
    return *weights, np.ascontiguousarray(gain), k
