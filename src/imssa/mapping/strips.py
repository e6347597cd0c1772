"""Arrays cut into strips, side by side along the word lines or along the pairs, for kernels of one size each.

Kernels of one phase are of one layer, so they stand in one strip of an array, and so do the cells where
they cross: strips never disturb one another.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from imssa.mapping import grid
from imssa.mapping.bounds import Layers, Room, by_size

SHARES: Final = (1.0, 0.5, 0.25, 0.0)
"""Shares of cells in use that are tried; none: one a row."""


class Strip(NamedTuple):
    """Part of an array that holds kernels of one size.

    Attributes:
        array: The array.
        first: First word line (or pair, where strips lie along the pairs).
        rows: Block rows.
        columns: Block columns.
        lines: Lines of a kernel.
    """

    array: int
    first: int
    rows: int
    columns: int
    lines: int


def cuts(layers: Layers, room: Room, arrays: int) -> Iterator[tuple[bool, list[Strip]]]:
    """Ways to cut arrays into strips."""
    if len(by_size(layers)) == 1:
        lines = layers[0][1]
        rows, columns = room.grid(lines)
        if arrays * rows * columns >= sum(kernels for kernels, _ in layers):
            yield False, [Strip(array, 0, rows, columns, lines) for array in range(arrays)]
        return
    for along in (False, True):
        here = Room(*reversed(room)) if along else room
        heights = [_alike(layers, here, arrays)]
        heights += [_first_fit(layers, here, arrays, share) for share in SHARES]
        for one in heights:
            if one is not None:
                yield along, _strips(one, here, along_pairs=along)


Heights = list[dict[int, int]]
"""Block rows of each size on each array."""


def _alike(layers: Layers, room: Room, arrays: int) -> Heights | None:
    """Every array holds its share of the kernels of every size."""
    shares = {
        lines: -(-sum(layers[layer][0] for layer in members) // arrays)
        for lines, members in by_size(layers).items()
    }
    one = {lines: -(-share // (room.pairs // lines)) for lines, share in shares.items()}
    spare = room.word_lines - sum(lines * rows for lines, rows in one.items())
    if spare < 0:
        return None
    _grow(one, shares, room, spare)
    return [one] * arrays


def _grow(rows: dict[int, int], kernels: dict[int, int], room: Room, spare: int) -> None:
    """Gives spare lines to the size that saves most phases for each of them."""
    while True:
        gains = [
            (
                _saved(rows[lines], more, room.pairs // lines, kernels[lines]) / (lines * more),
                lines,
                more,
            )
            for lines in rows
            for more in range(1, spare // lines + 1)
        ]
        gain, lines, more = max(gains, default=(0.0, 0, 0))
        if gain <= 0:
            return
        rows[lines] += more
        spare -= lines * more


@lru_cache(maxsize=1 << 16)
def _saved(rows: int, more: int, columns: int, kernels: int) -> int:
    """Phases that more rows save, by the bounds."""
    now, then = (grid.phases_bound(rows + n, columns, kernels) for n in (0, more))
    return now - then


def _first_fit(layers: Layers, room: Room, arrays: int, share: float) -> Heights | None:
    """Block rows of all kernels, the largest first, each on the first array with room for it.

    Args:
        layers: Kernels and lines.
        room: Of an array.
        arrays: How many there are.
        share: Of a row's cells that hold kernels; where that is one cell, an array takes no more rows
            than columns, so that one phase a layer is enough.
    """
    free, heights = [room.word_lines] * arrays, [dict[int, int]() for _ in range(arrays)]
    for lines, members in by_size(layers).items():
        columns = room.pairs // lines
        each = max(1, int(columns * share))
        missing = -(-sum(layers[layer][0] for layer in members) // each)
        for array in range(arrays):
            taken = min(missing, free[array] // lines, columns if each == 1 else missing)
            if taken:
                heights[array][lines] = taken
            free[array] -= taken * lines
            missing -= taken
        if missing:
            return None
    return [_grown(tuple(one.items()), room, share) for one in heights]


@lru_cache(maxsize=4096)
def _grown(heights: tuple[tuple[int, int], ...], room: Room, share: float) -> dict[int, int]:
    """The rows of one array with what is free shared out."""
    rows = dict(heights)
    kernels = {n: count * max(1, int(room.pairs // n * share)) for n, count in heights}
    _grow(rows, kernels, room, room.word_lines - sum(n * count for n, count in heights))
    return rows


def _strips(heights: Heights, room: Room, *, along_pairs: bool) -> list[Strip]:
    found = []
    for array, one in enumerate(heights):
        first = 0
        for lines, rows in one.items():
            shape = (room.pairs // lines, rows) if along_pairs else (rows, room.pairs // lines)
            if rows:
                found.append(Strip(array, first, *shape, lines))
            first += rows * lines
    return found
