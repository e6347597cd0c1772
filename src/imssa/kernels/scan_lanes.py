"""Between arrays of sequences, (batch, length, features), and the tiles of a scan's items."""

from typing import Any, NamedTuple

import numpy as np

from imssa.kernels.scan_plan import Layout
from imssa.kernels.scan_step import converted
from imssa.kernels.vectors import BYTES, inner, load, pair_sums, splat, spread, store


class Item(NamedTuple):
    """The kernels and sequences of one item and the steps of one block."""

    first_feature: int
    features: int
    first_sequence: int
    sequences: int
    start: int
    steps: int


@inner
def item_of(number: int, block: int, cut: Layout, u: Any) -> Item:
    """The item of a number, at a block of steps."""
    batch, length, features = u.shape
    h, b = number // cut.batch_blocks, number % cut.batch_blocks
    first, row, start = h * cut.features, b * cut.sequences, block * cut.block
    return Item(
        first,
        min(cut.features, features - first),
        row,
        min(cut.sequences, batch - row),
        start,
        min(cut.block, length - start),
    )


@inner
def slots_of(cut: Layout) -> int:
    """Slots of an item: numbers of an item are (block + 1, slots)."""
    return cut.width // cut.group


@inner
def longest(item: Item, lengths: Any) -> int:
    """Most steps of the item's sequences."""
    most = 0
    for s in range(item.sequences):
        most = max(most, lengths[item.first_sequence + s])
    return most


@inner
def gather(u: Any, lengths: Any, item: Item, cut: Layout, out: Any) -> None:
    """Input codes of a block; zero beyond the end of a sequence."""
    slots = slots_of(cut)
    for s in range(item.sequences):
        b = item.first_sequence + s
        stop = min(lengths[b] - item.start, item.steps)
        for t in range(item.steps):
            target = out[t * slots + s * cut.features :][: item.features]
            if t < stop:
                row = u[b, item.start + t, item.first_feature :][: item.features]
                for f in range(len(target)):
                    target[f] = row[f]
            else:
                target[:] = 0.0


@inner
def gather_gradient(
    g_y: Any, y: Any, lengths: Any, item: Item, cut: Layout, per_step: Any, largest: float, out: Any
) -> None:
    """Gradients of the output lines of the step before a block and of its steps; zero at clipping."""
    slots = slots_of(cut)
    scale = per_step[item.first_feature :][: item.features]
    for s in range(item.sequences):
        b = item.first_sequence + s
        for t in range(-1, item.steps):
            target = out[(t + 1) * slots + s * cut.features :][: item.features]
            if 0 <= item.start + t < lengths[b]:
                g = g_y[b, item.start + t, item.first_feature :][: item.features]
                code = y[b, item.start + t, item.first_feature :][: item.features]
                for f in range(len(target)):
                    target[f] = g[f] * scale[f] if abs(code[f]) < largest else 0.0
            else:
                target[:] = 0.0


@inner
def scatter(values: Any, lengths: Any, item: Item, cut: Layout, out: Any) -> None:
    """Writes a block's numbers; zeros beyond the end of a sequence."""
    slots = slots_of(cut)
    for s in range(item.sequences):
        b = item.first_sequence + s
        stop = min(lengths[b] - item.start, item.steps)
        for t in range(item.steps):
            target = out[b, item.start + t, item.first_feature :][: item.features]
            if t < stop:
                row = values[t * slots + s * cut.features :][: item.features]
                for f in range(len(target)):
                    target[f] = row[f] + 0.0  # no negative zero
            else:
                target[:] = 0.0


@inner
def spread_tile(numbers: Any, tile: int, steps: int, cut: Layout, out: Any) -> None:
    """A tile's numbers of each step, repeated over the lanes of their slots."""
    slots, some = slots_of(cut), cut.tile // cut.group
    for t in range(steps):
        row = numbers[t * slots + tile * some :][:some]
        target = out[t * some :][:some]
        for j in range(len(target)):
            target[j] = row[j]
    spread(out, steps * some, cut.group)


@inner
def sum_tile(lanes: Any, tile: int, steps: int, cut: Layout, numbers: Any) -> None:
    """Sums over the lanes of each slot of a tile; ``lanes`` is used up."""
    slots, some = slots_of(cut), cut.tile // cut.group
    pair_sums(lanes, steps * cut.tile, cut.group)
    for t in range(steps):
        row = lanes[t * some :][:some]
        target = numbers[t * slots + tile * some :][:some]
        for j in range(len(target)):
            target[j] = row[j]


@inner
def repeat_slots(numbers: Any, item: Item, cut: Layout, table: Any) -> None:
    """A number of each of an item's kernels at its slots, over and over.

    Args:
        numbers: One number for each kernel.
        item: The item.
        cut: The layout.
        table: Taken: as long as the slots and a vector more.
    """
    table[:] = 0.0
    slots = slots_of(cut)
    for i in range(len(table)):
        slot = i % slots
        if slot < cut.features * cut.sequences and slot % cut.features < item.features:
            table[i] = numbers[item.first_feature + slot % cut.features]


@inner
def convert_outputs(
    count: int, slots: int, sums: Any, u: Any, direct: Any, per_step: Any, limits: Any, out: Any
) -> None:
    """ADC codes of the output lines: C on the drives (``sums``) and D on the inputs."""
    lanes, j = BYTES // out.itemsize, 0
    for i in range(0, count, lanes):
        acc = load(sums, i) + load(direct, j) * load(u, i)
        half, largest = splat(limits.half, acc), splat(limits.adc_max, acc)
        store(out, i, converted(acc, load(per_step, j), half, largest))
        j = (j + lanes) % slots


@inner
def zeros_like(array: Any, count: int) -> Any:
    """Zeros in an array's type."""
    return np.zeros(count, array.dtype)
