"""The quantized recurrence of many kernels over whole sequences, forward."""

from typing import Any, NamedTuple

import numba

from imssa.kernels.scan_lanes import (
    Item,
    convert_outputs,
    gather,
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
from imssa.kernels.scan_step import Kept, Limits, run_vector
from imssa.kernels.vectors import BYTES, LONG_BYTES, inner


class Room(NamedTuple):
    """Arrays of one thread, in the float type of the scan."""

    state: Any
    """(2, width)"""
    inputs: Any
    """Numbers of an item, (block + 1, slots), and two vectors more; so are sums and outputs."""
    sums: Any
    outputs: Any
    u: Any
    """Numbers of a tile, (block + 1, tile), and two vectors more; so are the reads."""
    read: Any
    direct: Any
    """D and 1 / step of an item's slots, repeated."""
    per_step: Any
    kept: Kept


@inner
def room_of(cut: Layout, like: Any) -> Room:
    """Room for any item of a scan."""
    steps, extra = cut.block + 1, 2 * LONG_BYTES // like.itemsize
    numbers = slots_of(cut) * steps + extra
    lanes = steps * cut.tile + extra
    table = slots_of(cut) + BYTES // like.itemsize
    kept = Kept(
        zeros_like(like, lanes),
        zeros_like(like, lanes),
        zeros_like(like, lanes),
        zeros_like(like, lanes),
        zeros_like(like, lanes),
        zeros_like(like, lanes),
    )
    return Room(
        zeros_like(like, 2 * cut.width),
        zeros_like(like, numbers),
        zeros_like(like, numbers),
        zeros_like(like, numbers),
        zeros_like(like, lanes),
        zeros_like(like, lanes),
        zeros_like(like, table),
        zeros_like(like, table),
        kept,
    )


@inner
def run_tile(
    tile: int, steps: int, rows: Any, limits: Limits, cut: Layout, room: Room, kept: Any
) -> None:
    """Runs the modes of a tile over a block."""
    spread_tile(room.inputs, tile, steps, cut, room.u)
    for lane in range(0, cut.tile, LONG_BYTES // rows.itemsize):
        place = (cut.width, tile * cut.tile + lane, cut.tile, lane)
        run_vector(steps, room.u, rows, limits, place, room.state, room.read, kept)


@inner
def _read_item(item: Item, current: int, limits: Limits, cut: Layout, room: Room) -> None:
    """Output codes of an item from what its modes left."""
    slots = slots_of(cut)
    convert_outputs(
        item.steps * slots,
        slots,
        room.sums[current * slots :],
        room.inputs,
        room.direct,
        room.per_step,
        limits,
        room.outputs,
    )


@inner
def save_state(state: Any, target: Any) -> None:
    """Registers as integers."""
    for i in range(len(state)):
        target[i] = state[i]


@inner
def _put_states(
    tile: int, item: Item, lengths: Any, cut: Layout, kept: Kept, modes: int, record: Any
) -> None:
    """Codes of a tile's states, as far as its sequences go."""
    some = cut.tile // cut.group
    for slot in range(tile * some, (tile + 1) * some):
        s, f = slot // cut.features, slot % cut.features
        if f >= item.features or s >= item.sequences:
            continue
        h, b = item.first_feature + f, item.first_sequence + s
        for t in range(min(item.steps, lengths[b] - item.start)):
            k = item.start + t
            for n in range(modes):
                at = t * cut.tile + (slot % some) * cut.group + n
                record.state[h, b, k + 1, 2 * n] = kept.state0[at + cut.tile]
                record.state[h, b, k + 1, 2 * n + 1] = kept.state1[at + cut.tile]
                record.adc[h, b, k, 2 * n] = kept.adc0[at]
                record.adc[h, b, k, 2 * n + 1] = kept.adc1[at]


@inner
def _run_block(
    item: Item,
    lengths: Any,
    rows: Any,
    limits: Limits,
    cut: Layout,
    current: int,
    room: Room,
    record: Any,
    modes: int,
) -> None:
    """Runs an item over a block; its inputs are there, its output codes will be."""
    for tile in range(cut.width // cut.tile):
        if record is None:
            run_tile(tile, item.steps, rows, limits, cut, room, None)
        else:
            run_tile(tile, item.steps, rows, limits, cut, room, room.kept)
        if record is not None:
            _put_states(tile, item, lengths, cut, room.kept, modes, record)
        sum_tile(room.read, tile, item.steps + 1, cut, room.sums)
    _read_item(item, current, limits, cut, room)


@numba.njit(cache=True, nogil=True)
def forward(
    first: int,
    end: int,
    u: Any,
    lengths: Any,
    tables: Tables,
    limits: Limits,
    cut: Layout,
    current: int,
    y: Any,
    checkpoints: Any,
    record: Any,
    modes: int,
) -> None:
    """Runs items first .. end - 1; puts output codes, registers before each block, and a record."""
    room = room_of(cut, tables.rows)
    for number in range(first, end):
        room.state[:], room.inputs[:] = 0.0, 0.0
        rows = tables.rows[number // cut.batch_blocks]
        item = item_of(number, 0, cut, u)
        repeat_slots(tables.direct, item, cut, room.direct)
        repeat_slots(tables.per_step, item, cut, room.per_step)
        for block in range(cut.blocks):
            item = item_of(number, block, cut, u)
            if item.start < longest(item, lengths):
                save_state(room.state, checkpoints[number, block])
                gather(u, lengths, item, cut, room.inputs)
                _run_block(
                    item,
                    lengths,
                    rows,
                    limits,
                    cut,
                    current,
                    room,
                    record,
                    modes,
                )
            scatter(room.outputs, lengths, item, cut, y)
