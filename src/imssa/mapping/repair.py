"""Other weights for a kernel that an array cannot hold as it is: the nearest answer it can give.

From what the pairs hold, one change at a time, always the one that brings the impulse response nearest
to the wanted one: a single weight (so A is put right as far as it goes, and C is refitted), or a whole
mode switched off, that is neither driven nor heard any more.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64

from imssa.mapping.impulse import Wanted, squared_errors

Block = Float64[np.ndarray, "rows columns"]
Variants = Float64[np.ndarray, "variants rows columns"]

MOST_CHANGES: Final = 24
LEAST_GAIN: Final = 1e-6
"""Changes that gain less of the squared relative error are not worth a write."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Smallest and largest weight code that the pair under each cell holds, its signs included."""

    low: Block
    high: Block

    def nearest(self, block: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
        """The nearest weights that are held."""
        return np.asarray(np.clip(block, self.low, self.high))


@dataclass(frozen=True, eq=False)
class Repaired:
    """Weight codes that the pairs hold, and the squared relative error that is left."""

    block: Block
    error: float


def repair(bounds: Bounds, wanted: Wanted) -> Repaired:
    """The best weights found for one kernel.

    Args:
        bounds: What each cell holds.
        wanted: The kernel as it should be.
    """
    block = bounds.nearest(wanted.blocks)
    best = Repaired(block, float(squared_errors(block, wanted)))
    for _ in range(MOST_CHANGES):
        if best.error <= LEAST_GAIN:
            break
        variants = _changed(best.block, bounds, wanted.blocks)
        errors = squared_errors(variants, wanted)
        least = int(errors.argmin())
        if errors[least] > best.error - LEAST_GAIN:
            break
        best = Repaired(variants[least], float(errors[least]))
    return best


def switched_off(block: Block, wanted: Block) -> tuple[int, ...]:
    """Modes that were heard and driven and are not any more."""
    states = np.arange(len(block) - 1).reshape(-1, 2)
    return tuple(
        mode for mode, own in enumerate(states) if _in_use(wanted, own) and not _in_use(block, own)
    )


def _in_use(block: Block, own: np.ndarray) -> bool:
    return bool(block[-1, own].any() and block[own, -1].any())


def _structure(lines: int) -> Bool[np.ndarray, "rows columns"]:
    """Cells that a kernel uses: its modes' blocks, its last row and its last column."""
    mode = np.arange(lines) // 2
    used = mode[:, None] == mode[None, :]
    used[-1, :] = used[:, -1] = True
    return np.asarray(used)


def _changed(block: Block, bounds: Bounds, wanted: Block) -> Variants:
    """Every single change that the cells allow."""
    lines = len(block)
    row, column = np.nonzero(_structure(lines) & (bounds.low < bounds.high))
    now, low, high = (part[row, column] for part in (block, bounds.low, bounds.high))
    asked = wanted[row, column]
    values = [now - 1, now + 1, np.zeros_like(now), low, high, -now, asked]
    cells = np.tile(np.arange(len(row)), len(values))
    value = np.clip(np.concatenate(values), low[cells], high[cells])
    moved = np.unique(np.stack([cells.astype(float), value], axis=1)[value != now[cells]], axis=0)
    which = moved[:, 0].astype(np.int64)
    single = np.repeat(block[None], len(which), axis=0)
    single[np.arange(len(which)), row[which], column[which]] = moved[:, 1]
    return np.concatenate([single, _modes_off(block, bounds)])


def _modes_off(block: Block, bounds: Bounds) -> Variants:
    """Each mode neither driven nor heard; with its rotation as it is, and without."""
    modes = (len(block) - 1) // 2
    found = np.repeat(block[None], 2 * modes, axis=0)
    for mode in range(modes):
        own = slice(2 * mode, 2 * mode + 2)
        found[2 * mode : 2 * mode + 2, -1, own] = 0.0
        found[2 * mode : 2 * mode + 2, own, -1] = 0.0
        found[2 * mode + 1, own, own] = 0.0
    return np.asarray(np.clip(found, bounds.low, bounds.high))
