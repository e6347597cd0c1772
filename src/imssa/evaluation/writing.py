"""The law of what writing leaves, for the targets of a program: mean, sigma and density.

Laws that are a Gaussian or a uniform error, folded at zero, have closed forms. All others (the
write-verify loop, drift) are sampled by the simulator's own :func:`imssa.hardware.pairs.write_devices`.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from imssa.evaluation.pictures import Skipped, WritingLaw
from imssa.hardware.defects import SOUND
from imssa.hardware.description import ChipDescription
from imssa.hardware.devices import (
    GaussianProgramming,
    PolynomialDrift,
    PolynomialProgramming,
    RelaxationDrift,
    UniformProgramming,
)
from imssa.hardware.law import Floats
from imssa.hardware.pairs import write_devices
from imssa.kernels.random import Key

FINE_BINS: Final = 480
BINS: Final = 40
"""Of a histogram; closed forms are given in finer bins, a whole number to each of these."""
PICTURE: Final = "Actual against target conductance, and programming error"
LEVELS: Final = 101
SAMPLED_LEVELS: Final = 25
SAMPLES: Final = 50_000
REACH: Final = 6.0
"""Gaussians are followed for so many sigmas: all but 2e-9 of them."""


class Unfolded(NamedTuple):
    """A conductance before it is folded at zero: Gaussian, or uniform about its mean.

    Attributes:
        mean: Of each target, in siemens.
        width: Sigma of the Gaussian, or half the range of the uniform one.
        uniform: Which of the two.
    """

    mean: Floats
    width: Floats
    uniform: bool

    def cdf(self, conductance: Floats) -> Floats:
        """Probability of at most ``conductance``."""
        from scipy.special import ndtr

        z = (conductance - self.mean) / np.maximum(self.width, 1e-18)
        return np.asarray(np.clip((z + 1.0) / 2.0, 0.0, 1.0) if self.uniform else ndtr(z))

    def folded_cdf(self, conductance: Floats) -> Floats:
        """Probability that the absolute value is at most ``conductance``."""
        below = self.cdf(conductance) - self.cdf(-conductance)
        return np.where(conductance > 0.0, below, 0.0)

    def folded_moments(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the absolute value (the folded normal's, or by parts)."""
        from scipy.special import ndtr

        mean, width = self.mean, np.maximum(self.width, 1e-18)
        if self.uniform:
            low, high = mean - width, mean + width
            crosses = (low < 0.0) & (high > 0.0)
            absolute = np.where(crosses, (low**2 + high**2) / (4.0 * width), np.abs(mean))
            square = mean**2 + width**2 / 3.0
        else:
            z = mean / width
            bell = np.sqrt(2.0 / np.pi) * np.exp(-(z**2) / 2.0)
            absolute = width * bell + mean * (1.0 - 2.0 * ndtr(-z))
            square = mean**2 + width**2
        return absolute, np.sqrt(np.maximum(square - absolute**2, 0.0))


def unfolded(chip: ChipDescription, targets: Floats) -> Unfolded | None:
    """The closed form of a chip's law at some targets; None: it has none."""
    law = chip.programming
    if _drifts(chip):
        return None
    if isinstance(law, GaussianProgramming):
        return Unfolded(targets + law.mean_siemens, np.full_like(targets, law.sigma_siemens), False)
    if isinstance(law, PolynomialProgramming):
        return Unfolded(targets, law.sigma(targets), False)
    if isinstance(law, UniformProgramming):
        return Unfolded(targets, np.full_like(targets, law.tolerance_siemens), True)
    return None


def _drifts(chip: ChipDescription) -> bool:
    drift = chip.drift
    if drift is None:
        return False
    if isinstance(drift, RelaxationDrift):
        return chip.age_seconds >= drift.start_seconds
    start = drift.times_seconds[0] if isinstance(drift, PolynomialDrift) else drift.start_seconds
    return chip.age_seconds > start


def writing_law(
    chip: ChipDescription,
    targets: Float64[np.ndarray, "arrays word_lines bit_lines"],
    key: Key,
) -> WritingLaw | Skipped:
    """What a chip's law says that writing these targets leaves on sound devices.

    Args:
        chip: The description.
        targets: Target conductances in siemens; NaN marks cells never written.
        key: Random key, for laws that must be sampled.

    Example:
        >>> from imssa.hardware import load_chip
        >>> law = writing_law(load_chip("taox-64"), np.full((1, 4, 4), 75e-6), Key.root(0))
        >>> round(law.mean_siemens * 1e6, 3), round(law.sigma_siemens * 1e6, 3)
        (0.108, 3.23)
    """
    wanted = targets[~np.isnan(targets)]
    if not wanted.size:
        return Skipped(PICTURE, "no device is written")
    if chip.programming is None and not _drifts(chip):
        return Skipped(PICTURE, "writing is exact on this chip (it has no law of programming)")
    values, counts = np.unique(wanted, return_counts=True)
    levels = np.linspace(chip.g_min_siemens, chip.g_max_siemens, LEVELS)
    base, at_levels = unfolded(chip, values), unfolded(chip, levels)
    if base is None or at_levels is None:
        return _sampled(chip, targets, key)
    if not base.width.any():
        return Skipped(PICTURE, "the chip's law of programming has no spread")
    return _closed(_name(chip), (base, values, counts / counts.sum()), (at_levels, levels))


def _closed(
    name: str, used: tuple[Unfolded, Floats, Floats], across: tuple[Unfolded, Floats]
) -> WritingLaw:
    (base, values, share), (at_levels, levels) = used, across
    mean, sigma = _mixed(values, share, base)
    reach = np.abs(base.mean - values) + (1.0 if base.uniform else REACH) * base.width
    half = FINE_BINS // 2
    edges = np.linspace(-1.0, 1.0, 2 * half + 1) * reach.max()
    below = base._replace(mean=base.mean[:, None], width=base.width[:, None]).folded_cdf(
        values[:, None] + edges
    )
    level_mean, level_sigma = at_levels.folded_moments()
    return WritingLaw(
        words=f"{name}, folded at zero",
        sampled=0,
        mean_siemens=mean,
        sigma_siemens=sigma,
        level_siemens=levels,
        level_mean_siemens=level_mean - levels,
        level_sigma_siemens=level_sigma,
        edge_siemens=edges,
        density_per_siemens=np.diff(share @ below) / np.diff(edges),
    )


def _mixed(values: Floats, share: Floats, base: Unfolded) -> tuple[float, float]:
    """Mean and standard deviation of the error over all targets."""
    mean, sigma = base.folded_moments()
    error = mean - values
    whole = float(share @ error)
    return whole, float(np.sqrt(share @ (sigma**2 + (error - whole) ** 2)))


def _name(chip: ChipDescription) -> str:
    parts = [] if chip.programming is None else [f"{chip.programming.law} law"]
    if _drifts(chip) and chip.drift is not None:
        parts.append(f"{chip.drift.law} drift over {chip.age_seconds:g} s")
    return " and ".join(parts)


def _sampled(
    chip: ChipDescription, targets: Float64[np.ndarray, "arrays lines columns"], key: Key
) -> WritingLaw | Skipped:
    errors = _errors(chip, targets, key.child("targets"))
    if not errors.size:
        return Skipped(PICTURE, "no written device of this chip is sound")
    levels = np.linspace(chip.g_min_siemens, chip.g_max_siemens, SAMPLED_LEVELS)
    level_mean, level_sigma = _level_moments(chip, levels, key.child("levels"))
    edges = np.linspace(-1.0, 1.0, BINS + 1) * _reach(np.abs(errors))
    counts, _ = np.histogram(errors, edges)
    return WritingLaw(
        words=_name(chip),
        sampled=len(errors),
        mean_siemens=float(errors.mean()),
        sigma_siemens=float(errors.std()),
        level_siemens=levels,
        level_mean_siemens=level_mean,
        level_sigma_siemens=level_sigma,
        edge_siemens=edges,
        density_per_siemens=counts / (len(errors) * np.diff(edges)),
    )


def _reach(distances: Floats) -> float:
    """How far the bins go: about four sigmas of the bulk, whatever a few stuck partners cause."""
    bulk, nearly_all = np.quantile(distances, [0.9, 0.995])
    return float(2.5 * bulk) or float(1.5 * nearly_all) or 1e-9


def _errors(
    chip: ChipDescription, targets: Float64[np.ndarray, "arrays lines columns"], key: Key
) -> Floats:
    """Actual minus target of sound written devices on enough chip instances.

    Defects are drawn too: where a pair is verified, a stuck partner is what a sound device makes up for.
    """
    instances = np.arange(max(1, -(-SAMPLES // max(1, int((~np.isnan(targets)).sum())))))
    found, count = [], 0
    for number, wanted in enumerate(targets):
        written = write_devices(wanted, chip, key.child(number), instances)
        error = written.conductance_siemens - wanted
        kept = error[(written.defects == SOUND) & ~np.isnan(error)]
        found.append(kept)
        count += len(kept)
        if count >= 2 * SAMPLES:
            break
    return np.concatenate(found)


def _level_moments(chip: ChipDescription, levels: Floats, key: Key) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the error at each level; the partner is at the bottom."""
    targets = np.full((len(levels), 128), chip.g_min_siemens)
    targets[:, 0::2] = levels[:, None]
    sound = chip.only("programming", "drift")
    written = write_devices(targets, sound, key, np.arange(16)).conductance_siemens
    error = written[..., 0::2] - levels[:, None]
    return error.mean(axis=(0, 2)), error.std(axis=(0, 2))
