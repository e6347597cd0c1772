"""Fewest arrays and phases that any packing of blocks of neighbouring lines can do with.

A time step runs the layers one after the other; a layer takes as many phases as the array that needs
most for it, since arrays work side by side.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from imssa.mapping import grid

Layers = tuple[tuple[int, int], ...]
"""Number of kernels, and lines of a kernel, for each layer."""

STEPS: Final = 24
Sizes = Float64[np.ndarray, " sizes"]
Dual = Callable[[Sizes], Sizes]


class Room(NamedTuple):
    """Lines of an array that may be used."""

    word_lines: int
    pairs: int

    def grid(self, lines: int) -> tuple[int, int]:
        """Block rows and columns of kernels of so many lines."""
        return self.word_lines // lines, self.pairs // lines


def by_size(layers: Layers) -> dict[int, list[int]]:
    """Layers with kernels of the same number of lines, the largest first."""
    found: dict[int, list[int]] = {}
    for layer, (_, lines) in enumerate(layers):
        found.setdefault(lines, []).append(layer)
    return dict(sorted(found.items(), reverse=True))


def phases_bound(layers: Layers, room: Room, arrays: int) -> int:
    """Fewest phases a time step on so many arrays; sizes belong to different layers, so theirs add up."""
    total = 0
    for lines, members in by_size(layers).items():
        shape, kernels = room.grid(lines), [layers[layer][0] for layer in members]
        cells = shape[0] * shape[1]
        each = min(cells, -(-sum(kernels) // arrays))  # what some array must hold
        shared = _shared_bound(shape, kernels, arrays) if sum(kernels) <= arrays * cells else 0
        total += max(shared, grid.phases_bound(*shape, each))
    return total


def _shared_bound(shape: tuple[int, int], kernels: list[int], arrays: int) -> int:
    """Fewest phases of layers with kernels of one size, by bound 2 of `grid` summed over all arrays.

    With P_l phases of layer l, N arrays and K_l kernels, K in all,
    sum_l sq(K_l, N P_l) <= K (1 + S) - sq(K, N R), where sq(a, b) is the least sum of squares of b whole
    numbers that add up to a. It is convex in b, so the least sum of P_l takes the largest drops first.
    """
    total, (rows, columns) = sum(kernels), shape
    limit = min(
        total * (1 + one) - grid.least_squares(total, arrays * other)
        for one, other in ((columns, rows), (rows, columns))
    )
    low, high = 0, total * total
    if _squares(kernels, _after(kernels, arrays, shape, high), arrays) <= limit:
        return sum(_after(kernels, arrays, shape, high))
    while high - low > 1:  # too few phases at `high`, enough at `low`
        middle = (low + high) // 2
        squares = _squares(kernels, _after(kernels, arrays, shape, middle), arrays)
        low, high = (middle, high) if squares <= limit else (low, middle)
    phases = _after(kernels, arrays, shape, high)
    return sum(phases) + -(-(_squares(kernels, phases, arrays) - limit) // high)


def _after(kernels: list[int], arrays: int, shape: tuple[int, int], drop: int) -> list[int]:
    """Phases of each layer when no further one lowers its squares by more than a drop."""
    side = min(shape)
    return [_until(count, arrays, -(-count // (arrays * side)), drop) for count in kernels]


def _squares(kernels: list[int], phases: list[int], arrays: int) -> int:
    parts = zip(kernels, phases, strict=True)
    return sum(grid.least_squares(count, arrays * own) for count, own in parts)


def _until(kernels: int, arrays: int, first: int, drop: int) -> int:
    """Fewest phases, from the first number on, of which one more lowers the squares by at most a drop."""
    low, high = first, max(first, -(-kernels // arrays))
    while low < high:
        middle = (low + high) // 2
        now, then = (grid.least_squares(kernels, arrays * (middle + more)) for more in (0, 1))
        if now - then <= drop:
            high = middle
        else:
            low = middle + 1
    return low


def arrays_bound(layers: Layers, room: Room, most_phases: int | None = None) -> int:
    """Fewest arrays, for at most so many phases a time step (None: any number)."""
    low = max(1, _volume_bound(layers, room))
    if most_phases is None:
        return low
    high = max(low, sum(kernels for kernels, _ in layers))
    while low < high:
        middle = (low + high) // 2
        if phases_bound(layers, room, middle) <= most_phases:
            high = middle
        else:
            low = middle + 1
    return low


def apart_bound(layers: Layers, room: Room) -> int:
    """Fewest arrays if no two kernels share a line: they stand beside one another on both sides."""
    kernels, lines = np.array(layers).T
    side = min(room)
    return max(_rounded_up(kernels @ dual(lines / side)) for dual in _duals(lines / side))


def _volume_bound(layers: Layers, room: Room) -> int:
    """Fewest arrays that squares of these sizes fit in, whatever the phases.

    Sizes x in units of the array are replaced by dual feasible functions u(x), v(y): sums of u are at most
    1 wherever sums of x are, and what the squares then take of the arrays is still a lower bound
    (Fekete and Schepers, Math. Oper. Res. 29, 2004).
    """
    kernels, lines = np.array(layers).T
    x, y = lines / room.word_lines, lines / room.pairs
    pairs = product(_duals(x), _duals(y))
    return max(_rounded_up(kernels @ (u(x) * v(y))) for u, v in pairs)


def _duals(sizes: Sizes) -> Iterator[Dual]:
    """Dual feasible functions: x itself; x rounded to steps of 1/k; large x to 1 and small x to 0."""
    yield np.asarray
    for k in sorted({*range(1, STEPS), *(int(1 / x + 1e-9) for x in sizes)}):
        yield partial(_stepped, k=k)
    for low in sorted({float(x) for x in sizes if x <= 0.5}):
        yield partial(_cut, low=low)


def _stepped(x: Sizes, k: int) -> Sizes:
    """Sizes where k + 1 times them is whole; else that product rounded down, over k."""
    scaled = (k + 1) * x
    whole = np.abs(scaled - np.rint(scaled)) < 1e-9
    return np.where(whole, x, np.floor(scaled) / k)


def _cut(x: Sizes, low: float) -> Sizes:
    """Nothing for sizes below ``low``, the whole for those beside which none from there on fits."""
    return np.where(x > 1 - low + 1e-9, 1.0, np.where(x < low - 1e-9, 0.0, x))


def _rounded_up(value: float) -> int:
    return int(np.ceil(value - 1e-6))
