"""Statistics of a chip's devices, drawn from its laws: what a description amounts to."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64

from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH, STUCK_LOW
from imssa.hardware.description import ChipDescription
from imssa.hardware.writing import WrittenDevices, write_devices
from imssa.kernels.random import Key

LEVELS: Final = 5
LARGEST: Final = 64
"""Arrays are drawn no larger than this, and more chips instead."""


@dataclass(frozen=True)
class LevelStatistics:
    """Devices written to one level, their partners to the bottom; both of the pair are sound.

    Attributes:
        target_siemens: The level.
        mean_error_siemens: Mean of conductance minus target when the chip is read.
        sigma_siemens: Spread of that, without read noise.
        read_sigma_siemens: Read noise, root mean square over the devices.
        weight_sigma_siemens: Spread of the pair's difference, without read noise.
        mean_pulses: Pulses a device; None: the law of writing knows none.
        failed_share: Devices, stuck ones too, that missed the tolerance; None: the law cannot tell.
    """

    target_siemens: float
    mean_error_siemens: float
    sigma_siemens: float
    read_sigma_siemens: float
    weight_sigma_siemens: float
    mean_pulses: float | None
    failed_share: float | None

    @property
    def total_sigma_siemens(self) -> float:
        """Spread of a single read around the target's mean."""
        return float(np.hypot(self.sigma_siemens, self.read_sigma_siemens))


@dataclass(frozen=True)
class ChipStatistics:
    """Statistics of a chip's devices.

    Attributes:
        devices: Devices drawn a level.
        levels: From the bottom of the window to its top.
        off_siemens: Percentiles 5, 50 and 95 of cells never written; NaN: none is sound.
        high_share: Devices stuck high, of all.
        low_share: Stuck low.
        open_share: Open, as on dead lines.
    """

    devices: int
    levels: tuple[LevelStatistics, ...]
    off_siemens: tuple[float, float, float]
    high_share: float
    low_share: float
    open_share: float


def measure_chip(chip: ChipDescription, key: Key, devices: int = 20_000) -> ChipStatistics:
    """Draws devices at a few levels and looks at them.

    Args:
        chip: The description; defects that it places on certain arrays are left out.
        key: Random key.
        devices: About how many devices to draw a level.

    Example:
        >>> from imssa.hardware import load_chip
        >>> found = measure_chip(load_chip("isaac-like"), Key.root(0), devices=100)
        >>> [round(level.target_siemens * 1e6) for level in found.levels]
        [50, 225, 400, 575, 750]
    """
    rows = min(chip.arrays.word_lines, LARGEST)
    pairs = min(chip.arrays.pairs, LARGEST // 2)
    instances = np.arange(max(2, -(-devices // (rows * pairs))))
    levels, defects = [], []
    for number, target in enumerate(np.linspace(chip.g_min_siemens, chip.g_max_siemens, LEVELS)):
        targets = np.full((rows, 2 * pairs), chip.g_min_siemens)
        targets[:, 0::2] = target
        written = write_devices(targets, chip, key.child("level", number), instances)
        levels.append(_level(chip, targets, written))
        defects.append(written.defects)
    blank = np.full((rows, 2 * pairs), np.nan)
    never = write_devices(blank, chip, key.child("off"), instances)
    alive = never.conductance_siemens[never.defects == SOUND]
    off = np.percentile(alive, [5, 50, 95]) if alive.size else np.full(3, np.nan)
    high, low, dead = (
        float(np.mean(np.array(defects) == k)) for k in (STUCK_HIGH, STUCK_LOW, OPEN)
    )
    return ChipStatistics(
        len(instances) * rows * pairs,
        tuple(levels),
        (float(off[0]), float(off[1]), float(off[2])),
        high,
        low,
        dead,
    )


def _level(
    chip: ChipDescription,
    targets: Float64[np.ndarray, "word_lines bit_lines"],
    written: WrittenDevices,
) -> LevelStatistics:
    error = written.conductance_siemens - targets
    sound = written.defects == SOUND
    both = sound[..., 0::2] & sound[..., 1::2]
    one, other = (error[..., side::2][both] for side in (0, 1))
    if not both.any():
        one = other = np.full(1, np.nan)
    noise = np.zeros(1)
    if chip.read_noise is not None:
        sigma = chip.read_noise.sigma_of(written.conductance_siemens, written.noise_factor)
        noise = sigma[..., 0::2][both] if both.any() else one
    return LevelStatistics(
        target_siemens=float(targets[0, 0]),
        mean_error_siemens=float(one.mean()),
        sigma_siemens=float(one.std()),
        read_sigma_siemens=float(np.sqrt(np.mean(noise**2))),
        weight_sigma_siemens=float((one - other).std()),
        mean_pulses=None if written.pulses is None else float(written.pulses[..., 0::2].mean()),
        failed_share=None if written.failed is None else float(written.failed[..., 0::2].mean()),
    )
