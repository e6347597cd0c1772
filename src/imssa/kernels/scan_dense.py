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

from imssa.kernels.passes import digit
from imssa.kernels.pointer import moved, pointer
from imssa.kernels.products import product
from imssa.kernels.random import GROUP, read_words, to_normal
from imssa.kernels.scan_dense_tables import GAIN, HALF, INVERSE, LEAK, LEAK_HALF

_U1 = np.uint64(1)


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
def fill_slot(dense: Any, h: int, b: int, slot: Slot) -> None:
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
def slot_of(dense: Any, h: int, b: int, room: Room) -> Slot:
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
def run_block(
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
def room_of(arrays: Any) -> Room:
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


@numba.njit(nogil=True, forceinline=True)
def _put(values: Any, slot: Slot, out: Any) -> None:
    """Copies the states' numbers of each step to integers, (steps, states)."""
    for t in range(out.shape[0]):
        row = moved(values, np.uint64(t) * slot.width)
        for j in range(out.shape[1]):
            out[t, j] = row[np.uint64(j)]


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
    room, hop = room_of(arrays), np.uint64(features)
    for h in range(first, end):
        for b in range(batch):
            slot = slot_of(dense, h, b, room)
            fill_slot(dense, h, b, slot)
            for j in range(slot.width):
                room.state[j] = 0.0
            y[b, lengths[b] :, h] = 0.0
            for number in range((lengths[b] + block - 1) // block):
                start = number * block
                steps = min(block, lengths[b] - start)
                _put(room.state, slot, checkpoints[h * batch + b, number : number + 1])
                given = moved(pointer(u), np.uint64((b * length + start) * features + h))
                run_block(dense, limits, slot, given, hop, (start, b, h), steps, room, None)
                last = moved(room.codes, slot.lines - _U1)
                for t in range(steps):
                    y[b, start + t, h] = last[np.uint64(t) * slot.width]
                if len(states_codes):
                    _put(room.codes, slot, states_codes[h * batch + b, start : start + steps])
                if record is not None:
                    _put(room.codes, slot, record.adc[h, b, start : start + steps, :-1])
                    after = moved(room.states, slot.width)
                    _put(after, slot, record.state[h, b, start + 1 : start + steps + 1])
