"""Kernels packed on arrays: few arrays, few phases, and how near that comes to a lower bound.

An array is cut into strips (:mod:`imssa.mapping.strips`), and a strip holds kernels of one size on a grid
of its own (:mod:`imssa.mapping.grid`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.mapping import bounds, grid
from imssa.mapping.bounds import Layers, Room, by_size
from imssa.mapping.layout import ONE_SHOT, Layout, Place, Side, one_shot
from imssa.mapping.strips import Strip, cuts

Demand = tuple[tuple[int, int], ...]
"""Layers and how many of their kernels a strip holds."""

Cells = dict[int, list[tuple[grid.Cell, ...]]]
"""Cells of each phase, for each layer."""


class Plan(NamedTuple):
    """Strips, what each holds, and the phases that a time step takes so.

    Attributes:
        along_pairs: Strips lie along the pairs.
        strips: With what they hold.
        phases: Of each layer.
    """

    along_pairs: bool
    strips: tuple[tuple[Strip, Demand], ...]
    phases: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Packing:
    """Where kernels stand, and how good that is.

    Attributes:
        places: Of all kernels, by layer and feature.
        arrays: How many are used.
        phases: Of each layer, in a time step.
        utilization: Share of the used arrays' pairs' cells that lie under kernels.
        fewest_arrays: No packing of this layout does with fewer.
        fewest_phases: No packing on so many arrays does with fewer.
    """

    places: tuple[Place, ...]
    arrays: int
    phases: tuple[int, ...]
    utilization: float
    fewest_arrays: int
    fewest_phases: int

    @property
    def phases_per_step(self) -> int:
        """Phases of a time step, one after the other."""
        return sum(self.phases)

    @property
    def array_ratio(self) -> float:
        """Arrays over the lower bound."""
        return self.arrays / self.fewest_arrays

    @property
    def phase_ratio(self) -> float:
        """Phases over the lower bound for so many arrays."""
        return self.phases_per_step / self.fewest_phases


def pack(
    layers: list[tuple[int, int]],
    chip: ChipDescription,
    layout: Layout = "phased",
    spare: tuple[int, int] = (0, 0),
) -> Packing:
    """Packs kernels; the number of the chip's arrays is not looked at.

    Args:
        layers: Number of kernels and lines of a kernel, for each layer.
        chip: Its arrays.
        layout: How kernels may share arrays.
        spare: Word lines and pairs that are kept free in each array.

    Raises:
        DesignRuleError: A kernel larger than an array, or fewer phases allowed than there are layers.
    """
    room = Room(chip.arrays.word_lines - spare[0], chip.arrays.pairs - spare[1])
    own, most = tuple(layers), most_phases(layers, layout)
    _require(own, room, most)
    if layout == ONE_SHOT:
        places, phases = one_shot(layers, chip, spare), (1,) * len(layers)
        fewest = bounds.apart_bound(own, room)
    else:
        plan = _packed(own, room, most)
        places, phases = (
            tuple(sorted(_places(plan), key=lambda p: (p.layer, p.feature))),
            plan.phases,
        )
        fewest = bounds.arrays_bound(own, room, most)
    arrays = max(place.array for place in places) + 1
    cells = sum(kernels * lines**2 for kernels, lines in layers)
    least = len(layers) if layout == ONE_SHOT else bounds.phases_bound(own, room, arrays)
    whole = arrays * chip.arrays.word_lines * chip.arrays.pairs
    return Packing(places, arrays, phases, cells / whole, fewest, least)


def most_phases(layers: list[tuple[int, int]], layout: Layout) -> int | None:
    """Phases that a layout allows a time step; None: any number."""
    if layout == "phased":
        return None
    return layout if isinstance(layout, int) else len(layers)


def _require(layers: Layers, room: Room, most: int | None) -> None:
    largest = max(lines for _, lines in layers)
    if largest > min(room):
        raise DesignRuleError(
            given=f"a kernel of {largest} lines",
            rule=f"an array has {room.word_lines} word lines and {room.pairs} pairs to use",
            remedy="Use kernels with fewer modes, larger arrays or fewer spare lines.",
        )
    if most is not None and most < len(layers):
        raise DesignRuleError(
            given=f"at most {most} phases a time step",
            rule=f"{len(layers)} layers take at least one phase each",
            remedy=f"Allow {len(layers)} phases or more.",
        )


@lru_cache(maxsize=64)
def _packed(layers: Layers, room: Room, most: int | None) -> Plan:
    """The plan on the fewest arrays that are found, among those the one of fewest phases."""
    low = bounds.arrays_bound(layers, room, most)
    high, step, best = low, 1, _best(layers, room, low)
    while best is None or (most is not None and sum(best.phases) > most):
        low, high, step = high + 1, high + step, 2 * step
        best = _best(layers, room, high)
    while low < high:
        middle = (low + high) // 2
        found = _best(layers, room, middle)
        if found is None or (most is not None and sum(found.phases) > most):
            low = middle + 1
        else:
            best, high = found, middle
    return best


def _best(layers: Layers, room: Room, arrays: int) -> Plan | None:
    """The plan of fewest phases on so many arrays; None: they are not enough."""
    found = [_filled(layers, strips, along) for along, strips in cuts(layers, room, arrays)]
    return min(found, key=lambda plan: sum(plan.phases), default=None)


def _filled(layers: Layers, strips: list[Strip], along_pairs: bool) -> Plan:
    """Deals all kernels to the strips of their size, and counts the phases."""
    dealt: list[tuple[Strip, Demand]] = []
    for lines, members in by_size(layers).items():
        own = [strip for strip in strips if strip.lines == lines]
        kernels = [layers[layer][0] for layer in members]
        shares = _dealt(kernels, np.array([strip.rows * strip.columns for strip in own]))
        for strip, counts in zip(own, shares.T.tolist(), strict=True):
            dealt.append((strip, tuple(zip(members, counts, strict=True))))
    phases = np.zeros(len(layers), np.int64)
    for strip, demand in dict.fromkeys((s._replace(array=0, first=0), d) for s, d in dealt):
        for layer, cells in _coloured(strip.rows, strip.columns, demand).items():
            phases[layer] = max(phases[layer], len(cells))
    return Plan(along_pairs, tuple(dealt), tuple(phases.tolist()))


def _dealt(
    kernels: list[int], sizes: Int64[np.ndarray, " strips"]
) -> Int64[np.ndarray, "layers strips"]:
    """How many of each layer's kernels each strip takes, in proportion to its cells.

    Strips take turns, and a layer goes on where the one before it stopped, so that no strip has more than
    its share, neither of a layer nor of all.
    """
    total = sum(kernels)
    quota = total * sizes // sizes.sum()
    quota[
        np.argsort(quota - total * sizes / sizes.sum(), kind="stable")[: total - quota.sum()]
    ] += 1
    strip = np.repeat(np.arange(len(sizes)), quota)
    turn = np.concatenate([(np.arange(q) + 0.5) / max(q, 1) for q in quota])
    order = strip[np.argsort(turn, kind="stable")]
    parts = np.split(order, np.cumsum(kernels)[:-1])
    return np.stack([np.bincount(part, minlength=len(sizes)) for part in parts])


@lru_cache(maxsize=4096)
def _coloured(rows: int, columns: int, demand: Demand) -> Cells:
    """Cells of a strip's kernels, phase by phase and layer by layer.

    Phases of several layers need fuller phases than one layer's: grids with more kernels than are
    asked for are tried as well.
    """
    total = sum(count for _, count in demand)
    room = rows * columns
    steps = range(0, 9, 2) if sum(count > 0 for _, count in demand) > 1 else range(1)
    sizes = sorted({min(room, total + step * total // 8) for step in steps})
    found = [_shared_out(grid.fewest_phases(rows, columns, size), demand) for size in sizes]
    return min(found, key=lambda cells: sum(map(len, cells.values())))


def _shared_out(phases: grid.Phases, demand: Demand) -> Cells:
    """Phases given to layers: the fullest to the layer that lacks most; what it leaves is another."""
    missing = dict(demand)
    found: Cells = {layer: [] for layer in missing}
    left = [(-len(cells), number, cells) for number, cells in enumerate(phases)]
    heapify(left)
    while any(missing.values()):
        _, number, cells = heappop(left)
        layer = max(missing, key=lambda name: missing[name])
        taken, rest = cells[: missing[layer]], cells[missing[layer] :]
        found[layer].append(taken)
        missing[layer] -= len(taken)
        if rest:
            heappush(left, (-len(rest), number, rest))
    return found


def _places(plan: Plan) -> Iterator[Place]:
    """Places of all kernels; a layer's features are dealt strip by strip, phase by phase."""
    following: Counter[int] = Counter()
    for strip, demand in plan.strips:
        first = (0, strip.first) if plan.along_pairs else (strip.first, 0)
        for layer, phases in _coloured(strip.rows, strip.columns, demand).items():
            for phase, cells in enumerate(phases):
                for cell in cells:
                    rows, columns = (
                        Side.straight(start + block * strip.lines, strip.lines)
                        for start, block in zip(first, cell, strict=True)
                    )
                    feature = following[layer]
                    following[layer] += 1
                    yield Place(layer, feature, strip.array, rows, columns, phase)
