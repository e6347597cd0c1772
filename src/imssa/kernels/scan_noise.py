"""Analog conversions step by step: several passes, and devices that deviate.

Each slot sees a whole matrix of deviations and of read variances, lines by lines. Deviations and
variances are multiples of a fixed fraction of a code, so their sums are exact in any order; a
read's noise is a function of line, pass, step, sequence, kernel and whether the output is read apart.
"""

from typing import Any, NamedTuple

import numpy as np

from imssa.kernels.codes import convert
from imssa.kernels.passes import digit
from imssa.kernels.random import philox, to_normal
from imssa.kernels.scan_lanes import Item, slots_of, zeros_like
from imssa.kernels.scan_plan import Layout, Tables
from imssa.kernels.scan_step import C0, C1, Extra, Kept, Limits, driven, run_vector
from imssa.kernels.vectors import LONG_BYTES, inner, load_long, store


class Analog(NamedTuple):
    """The passes of a conversion and the errors of the devices."""

    passes: Any
    """Bit, sign and weight of each, (passes, 3), float64."""
    deviation: Any
    """(draws, features, read lines, driven lines)"""
    by_drive: Any
    """(draws, features, driven lines, read lines), and the variance likewise."""
    variance: Any
    key0: int
    key1: int
    devices: bool
    """Whether devices deviate."""
    reads: bool
    """Whether any variance is above zero."""


class Lines(NamedTuple):
    """Room for the lines of one slot."""

    drive: Any
    """DAC codes."""
    part: Any
    """What of them a pass feeds."""
    error: Any
    variance: Any
    words: Any


@inner
def lines_of(modes: int) -> Lines:
    """Room for one slot."""
    count = 2 * modes + 1
    words = np.zeros(count, np.uint32)
    return Lines(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count), words)


@inner
def extra_of(cut: Layout, like: Any, analog: Analog) -> Extra:
    """Room for a tile's errors in each pass."""
    count = cut.tile * len(analog.passes)
    return Extra(
        analog.passes,
        zeros_like(like, count),
        zeros_like(like, count),
        zeros_like(like, count),
        zeros_like(like, count),
    )


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
def _feed(analog: Analog, number: int, lines: Lines) -> None:
    """What of the DAC codes a pass feeds."""
    bit, sign = np.int64(analog.passes[number, 0]), np.int64(analog.passes[number, 1])
    for i in range(len(lines.drive)):
        lines.part[i] = digit(np.int64(lines.drive[i]), bit, sign)


@inner
def _word(line: int, number: int, step: int, b: int, event: int, analog: Analog) -> Any:
    """The random word of a line's read in a pass."""
    counter = line | number << 16
    return philox(counter, step, b, event, analog.key0, analog.key1)[0]


@inner
def _disturb(h: int, b: int, step: int, number: int, analog: Analog, lines: Lines) -> None:
    """Fixed errors of all lines of a slot in a pass, and what is drawn at the read (``variance``)."""
    draw = b % len(analog.by_drive)
    by_drive, variance = analog.by_drive[draw, h], analog.variance[draw, h]
    lines.error[:], lines.variance[:] = 0.0, 0.0
    for i in range(len(lines.part)):
        d = lines.part[i]
        for j in range(len(lines.error)):
            lines.error[j] += by_drive[i, j] * d
    if not analog.reads:
        return
    for i in range(len(lines.part)):
        d = lines.part[i] * lines.part[i]
        for j in range(len(lines.variance)):
            lines.variance[j] += variance[i, j] * d
    for j in range(len(lines.words)):
        lines.words[j] = _word(j, number, step, b, 2 * h, analog)
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
    """Errors of the states' lines of a tile at a step, in each pass."""
    slots, some = slots_of(cut), cut.tile // cut.group
    for j in range(some):
        h, b = slot_of(tile, j, item, cut)
        if h < 0:
            continue
        first = j * cut.group
        u = room.inputs[t * slots + tile * some + j]
        _drives(room.kept, t * cut.tile + first, u, lines.drive)
        for number in range(len(analog.passes)):
            _feed(analog, number, lines)
            _disturb(h, b, item.start + t, number, analog, lines)
            for n in range(len(lines.drive) // 2):
                at = number * cut.tile + first + n
                extra.error0[at], extra.error1[at] = lines.error[2 * n], lines.error[2 * n + 1]
                extra.read0[at] = lines.variance[2 * n]
                extra.read1[at] = lines.variance[2 * n + 1]


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
    modes: int,
    analog: Analog,
) -> None:
    """Runs the modes of a tile over a block, step by step; inputs are spread, all codes kept."""
    lines, extra = lines_of(modes), extra_of(cut, room.state, analog)
    for t in range(item.steps):
        _drive_tile(tile, t, limits, cut, room)
        if analog.devices:
            _disturb_tile(tile, t, item, cut, room, analog, lines, extra)
        first = t * cut.tile
        kept = at_step(room.kept, first)
        for lane in range(0, cut.tile, LONG_BYTES // rows.itemsize):
            place = (cut.width, tile * cut.tile + lane, cut.tile, lane)
            u, read = room.u[first:], room.read[first:]
            run_vector(1, u, rows, limits, place, room.state, read, kept, extra)
    _drive_tile(tile, item.steps, limits, cut, room)


@inner
def _output(h: int, b: int, address: Any, rows: Any, at: Any, tables: Tables, own: Any) -> Any:
    """A pass of the output's line of a slot, in codes of the sum; ``own`` are errors and lines."""
    (step, event, number), (width, lane) = address, at
    analog, lines = own
    last = len(lines.part) - 1
    acc = tables.direct[h] * lines.part[last]
    for n in range(last // 2):
        acc += rows[C0 * width + lane + n] * lines.part[2 * n]
        acc += rows[C1 * width + lane + n] * lines.part[2 * n + 1]
    if not analog.devices:
        return acc
    draw, variance = b % len(analog.by_drive), 0.0
    error, spread = analog.by_drive[draw, h], analog.variance[draw, h]
    for i in range(last + 1):
        acc += error[i, last] * lines.part[i]
        variance += spread[i, last] * lines.part[i] * lines.part[i]
    if variance > 0.0:
        word = _word(last, number, step, b, event, analog)
        acc += np.sqrt(variance) * np.float64(to_normal(word))
    return acc


@inner
def read_noisy(
    tile: int,
    item: Item,
    current: int,
    rows: Any,
    tables: Tables,
    limits: Limits,
    cut: Layout,
    room: Any,
    modes: int,
    analog: Analog,
) -> None:
    """Output codes of a tile's slots from its drives and inputs, pass by pass."""
    lines = lines_of(modes)
    slots, some, largest = slots_of(cut), cut.tile // cut.group, np.int64(limits.adc_max)
    for j in range(some):
        h, b = slot_of(tile, j, item, cut)
        if h < 0:
            continue
        inverse, lane = 1.0 / tables.output_step[h], tile * cut.tile + j * cut.group
        for t in range(item.steps):
            at, total = t * slots + tile * some + j, 0.0
            first = (t + current) * cut.tile + j * cut.group
            _drives(room.kept, first, room.inputs[at], lines.drive)
            for number in range(len(analog.passes)):
                _feed(analog, number, lines)
                address = (item.start + t, 2 * h + current, number)
                acc = _output(h, b, address, rows, (cut.width, lane), tables, (analog, lines))
                total += analog.passes[number, 2] * convert(acc, inverse, largest)
            room.outputs[at] = total


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
