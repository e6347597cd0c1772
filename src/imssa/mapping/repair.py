"""Other weights for a kernel that an array cannot hold as it is: the nearest answer it can give.

From what the pairs hold, one change at a time, always the one that brings the impulse response nearest
to the wanted one: a single weight (so A is put right as far as it goes, and C is refitted), or a whole
mode switched off. Its word lines are then not driven and its pairs not read, so that its register
stays at zero and no defect on its lines does any harm.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

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
    """Weight codes that the pairs hold.

    Attributes:
        block: The codes; all zero on the lines of modes that are switched off.
        error: Squared relative error that is left.
        off: Modes switched off.
    """

    block: Block
    error: float
    off: tuple[int, ...] = ()

    @property
    def lines(self) -> Int64[np.ndarray, " lines"]:
        """Rows and columns of the modes that are switched off."""
        return np.array([2 * mode + i for mode in self.off for i in range(2)], np.int64)


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
        weights, modes = _changed(best, bounds, wanted.blocks), _without_a_mode(best)
        if not len(weights) and not modes:
            break
        errors = squared_errors(np.concatenate([weights, *modes.values()]), wanted)
        least = int(errors.argmin())
        if errors[least] > best.error - LEAST_GAIN:
            break
        if least < len(weights):
            best = Repaired(weights[least], float(errors[least]), best.off)
        else:
            mode = list(modes)[least - len(weights)]
            best = Repaired(modes[mode][0], float(errors[least]), (*best.off, mode))
    return best


def _structure(lines: int) -> Bool[np.ndarray, "rows columns"]:
    """Cells that a kernel uses: its modes' blocks, its last row and its last column."""
    mode = np.arange(lines) // 2
    used = mode[:, None] == mode[None, :]
    used[-1, :] = used[:, -1] = True
    return np.asarray(used)


def _changed(best: Repaired, bounds: Bounds, wanted: Block) -> Variants:
    """Every change of a single weight that the cells allow."""
    block, allowed = best.block, _structure(len(best.block)) & (bounds.low < bounds.high)
    allowed[best.lines] = allowed[:, best.lines] = False
    row, column = np.nonzero(allowed)
    now, low, high = (part[row, column] for part in (block, bounds.low, bounds.high))
    asked = wanted[row, column]
    values = [now - 1, now + 1, np.zeros_like(now), low, high, -now, asked]
    cells = np.tile(np.arange(len(row)), len(values))
    value = np.clip(np.concatenate(values), low[cells], high[cells])
    moved = np.unique(np.stack([cells.astype(float), value], axis=1)[value != now[cells]], axis=0)
    which = moved[:, 0].astype(np.int64)
    found = np.repeat(block[None], len(which), axis=0)
    found[np.arange(len(which)), row[which], column[which]] = moved[:, 1]
    return found


def _without_a_mode(best: Repaired) -> dict[int, Variants]:
    """The kernel without each of the modes that it still has."""
    found = {}
    for mode in range((len(best.block) - 1) // 2):
        if mode not in best.off:
            block = best.block.copy()
            own = slice(2 * mode, 2 * mode + 2)
            block[own, :] = block[:, own] = 0.0
            found[mode] = block[None]
    return found
