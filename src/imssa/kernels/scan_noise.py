"""Devices that deviate: what their errors add to the lines of a scan, step by step.

Each slot sees a whole matrix of deviations and of read variances, lines by lines. Deviations and
variances are multiples of a fixed fraction of a code, so their sums are exact in any order; a
read's noise is a function of line, step, sequence, kernel and whether the output is read apart.
"""

from typing import Any, NamedTuple

import numpy as np

from imssa.kernels.codes import convert
from imssa.kernels.random import philox, to_normal
from imssa.kernels.scan_lanes import Item, slots_of
from imssa.kernels.scan_plan import Layout, Tables
from imssa.kernels.scan_step import Extra, Kept, Limits, driven, run_vector
from imssa.kernels.vectors import LONG_BYTES, inner, load_long, store


class Analog(NamedTuple):
    """Errors of the devices, and room for one slot's lines."""

    deviation: Any
    """(draws, features, read lines, driven lines)"""
    by_drive: Any
    """(draws, features, driven lines, read lines), and the variance likewise."""
    variance: Any
    key0: int
    key1: int
    reads: bool
    """Whether any variance is above zero."""


class Lines(NamedTuple):
    """Room for the lines of one slot."""

    drive: Any
    error: Any
    variance: Any
    words: Any


@inner
def lines_of(analog: Analog) -> Lines:
    """Room for one slot."""
    count = analog.by_drive.shape[2]
    return Lines(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count, np.uint32))


@inner
def extra_of(cut: Layout) -> Extra:
    """Room for a tile's errors."""
    return Extra(np.zeros(cut.tile), np.zeros(cut.tile), np.zeros(cut.tile), np.zeros(cut.tile))


@inner
def slot_of(tile: int, j: int, item: Item, cut: Layout) -> Any:
    """Kernel and sequence of a tile's slot; a kernel of -1 where the slot is empty."""
    slot = tile * (cut.tile // cut.group) + j
    s, f = slot // cut.features, slot % cut.features
    if s >= item.sequences or f >= item.features:
        return -1, 0
    return item.first_feature + f, item.first_sequence + s


@inner
def _drives(kept: Kept, first: int, u: float, out: Any) -> None:
    """DAC codes of a slot's lines."""
    for n in range(len(out) // 2):
        out[2 * n] = kept.drive0[first + n]
        out[2 * n + 1] = kept.drive1[first + n]
    out[len(out) - 1] = u


@inner
def _disturb(h: int, b: int, step: int, analog: Analog, lines: Lines) -> None:
    """Fixed errors of all lines of a slot, and what is drawn at a read of the states (``variance``)."""
    draw = b % len(analog.by_drive)
    by_drive, variance = analog.by_drive[draw, h], analog.variance[draw, h]
    lines.error[:], lines.variance[:] = 0.0, 0.0
    for i in range(len(lines.drive)):
        d = lines.drive[i]
        for j in range(len(lines.error)):
            lines.error[j] += by_drive[i, j] * d
    if not analog.reads:
        return
    for i in range(len(lines.drive)):
        d = lines.drive[i] * lines.drive[i]
        for j in range(len(lines.variance)):
            lines.variance[j] += variance[i, j] * d
    for j in range(len(lines.words)):
        lines.words[j] = philox(j, step, b, 2 * h, analog.key0, analog.key1)[0]
    for j in range(len(lines.words)):
        lines.variance[j] = np.sqrt(lines.variance[j]) * np.float64(to_normal(lines.words[j]))


@inner
def _drive_tile(tile: int, t: int, limits: Limits, cut: Layout, room: Any) -> None:
    """DAC codes of a tile's registers at a step."""
    for lane in range(0, cut.tile, LONG_BYTES // room.state.itemsize):
        at = tile * cut.tile + lane
        place = t * cut.tile + lane
        store(room.kept.drive0, place, driven(load_long(room.state, at), limits))
        store(room.kept.drive1, place, driven(load_long(room.state, cut.width + at), limits))


@inner
def _disturb_tile(
    tile: int,
    t: int,
    item: Item,
    cut: Layout,
    room: Any,
    analog: Analog,
    lines: Lines,
    extra: Extra,
) -> None:
    """Errors of the states' lines of a tile at a step."""
    slots, some = slots_of(cut), cut.tile // cut.group
    for j in range(some):
        h, b = slot_of(tile, j, item, cut)
        if h < 0:
            continue
        first = j * cut.group
        u = room.inputs[t * slots + tile * some + j]
        _drives(room.kept, t * cut.tile + first, u, lines.drive)
        _disturb(h, b, item.start + t, analog, lines)
        for n in range(len(lines.drive) // 2):
            extra.error0[first + n] = lines.error[2 * n]
            extra.error1[first + n] = lines.error[2 * n + 1]
            extra.read0[first + n] = lines.variance[2 * n]
            extra.read1[first + n] = lines.variance[2 * n + 1]


@inner
def at_step(kept: Kept, first: int) -> Kept:
    """What was kept from a place on."""
    return Kept(
        kept.drive0[first:],
        kept.drive1[first:],
        kept.adc0[first:],
        kept.adc1[first:],
        kept.state0[first:],
        kept.state1[first:],
    )


@inner
def run_noisy(
    tile: int,
    item: Item,
    rows: Any,
    limits: Limits,
    cut: Layout,
    room: Any,
    analog: Analog,
) -> None:
    """Runs the modes of a tile over a block, step by step; inputs are spread, all codes kept."""
    lines, extra = lines_of(analog), extra_of(cut)
    for t in range(item.steps):
        _drive_tile(tile, t, limits, cut, room)
        _disturb_tile(tile, t, item, cut, room, analog, lines, extra)
        first = t * cut.tile
        kept = at_step(room.kept, first)
        for lane in range(0, cut.tile, LONG_BYTES // rows.itemsize):
            place = (cut.width, tile * cut.tile + lane, cut.tile, lane)
            u, read = room.u[first:], room.read[first:]
            run_vector(1, u, rows, limits, place, room.state, read, kept, extra)
    _drive_tile(tile, item.steps, limits, cut, room)


@inner
def read_noisy(
    tile: int,
    item: Item,
    current: int,
    tables: Tables,
    limits: Limits,
    cut: Layout,
    room: Any,
    analog: Analog,
) -> None:
    """Output codes of a tile's slots from their sums, with errors of the output's line."""
    lines = lines_of(analog)
    slots, some, largest = slots_of(cut), cut.tile // cut.group, int(limits.adc_max)
    last = len(lines.drive) - 1
    for j in range(some):
        h, b = slot_of(tile, j, item, cut)
        if h < 0:
            continue
        draw = b % len(analog.by_drive)
        error, spread = analog.by_drive[draw, h], analog.variance[draw, h]
        for t in range(item.steps):
            at = t * slots + tile * some + j
            _drives(
                room.kept, (t + current) * cut.tile + j * cut.group, room.inputs[at], lines.drive
            )
            acc = room.sums[at + current * slots] + tables.direct[h] * room.inputs[at]
            variance = 0.0
            for i in range(last + 1):
                acc += error[i, last] * lines.drive[i]
                variance += spread[i, last] * lines.drive[i] * lines.drive[i]
            if variance > 0.0:
                step = item.start + t
                word = philox(last, step, b, 2 * h + current, analog.key0, analog.key1)[0]
                acc += np.sqrt(variance) * np.float64(to_normal(word))
            room.outputs[at] = convert(acc, tables.output_step[h], largest)


@inner
def errors_back(
    tile: int,
    item: Item,
    t: int,
    cut: Layout,
    analog: Analog,
    g_read: Any,
    g_output: Any,
    extra: Extra,
    more: Any,
) -> None:
    """What deviations add to the gradients of drives (``error``) and of inputs, at a step.

    Args:
        tile: Number of the tile.
        item: The item.
        t: Step in the block.
        cut: The layout.
        analog: The errors.
        g_read: Gradients of the output lines that read these drives, (slots of the item).
        g_output: Gradients of the output lines that are driven by this step's inputs.
        extra: Holds the gradients of the states' lines in ``read0`` and ``read1``.
        more: Takes what is added to the gradients of the inputs, (steps, slots).
    """
    slots, some = slots_of(cut), cut.tile // cut.group
    last = analog.by_drive.shape[2] - 1
    for j in range(some):
        h, b = slot_of(tile, j, item, cut)
        if h < 0:
            continue
        matrix, first = analog.deviation[b % len(analog.by_drive), h], j * cut.group
        slot = tile * some + j
        total, output = g_output[slot] * matrix[last, last], matrix[last]
        for n in range(last // 2):
            extra.error0[first + n] = g_read[slot] * output[2 * n]
            extra.error1[first + n] = g_read[slot] * output[2 * n + 1]
        for m in range(last // 2):
            for row, g in (
                (matrix[2 * m], extra.read0[first + m]),
                (matrix[2 * m + 1], extra.read1[first + m]),
            ):
                total += g * row[last]
                for n in range(last // 2):
                    extra.error0[first + n] += g * row[2 * n]
                    extra.error1[first + n] += g * row[2 * n + 1]
        more[t * slots + slot] = total
