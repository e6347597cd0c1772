"""The laws of the devices, each a small frozen value: writing, read noise, the off state.

Noise-aware training and the simulator both draw from these. A new law is one class here with a
``law`` name of its own, added to the union of its kind at the end of its section.
All functions take and give conductances in siemens and standard normals or uniforms as arguments.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.float64]

MICRO = 1e-6


class Law(BaseModel):
    """Base of all parts of a chip description: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GaussianProgramming(Law):
    """Conductance after writing: G = |target + N(mean, sigma)|, folded at zero.

    For chips known by their statistics only.
    """

    law: Literal["gaussian"] = "gaussian"
    mean_siemens: float = 0.0
    sigma_siemens: float = Field(ge=0)

    @property
    def spread_siemens(self) -> float:
        """Standard deviation of what writing leaves."""
        return self.sigma_siemens

    def written(self, targets: Floats, uniforms: Floats) -> Floats:
        """Conductances after writing ``targets``, one uniform number in (0, 1) a device."""
        from scipy.special import ndtri

        error = self.mean_siemens + self.sigma_siemens * ndtri(uniforms)
        return np.asarray(np.abs(targets + error))


class UniformProgramming(Law):
    """Conductance after a write-verify loop that ends within a tolerance: target + U(-tol, tol)."""

    law: Literal["uniform"] = "uniform"
    tolerance_siemens: float = Field(ge=0)

    @property
    def spread_siemens(self) -> float:
        """Standard deviation of what writing leaves: tolerance / sqrt(3)."""
        return float(self.tolerance_siemens / np.sqrt(3.0))

    def written(self, targets: Floats, uniforms: Floats) -> Floats:
        """Conductances after writing ``targets``, one uniform number in (0, 1) a device."""
        return np.abs(targets + self.tolerance_siemens * (2.0 * uniforms - 1.0))


Programming = Annotated[GaussianProgramming | UniformProgramming, Field(discriminator="law")]


class PowerReadNoise(Law):
    """Read noise, new at each read: sigma = exp(slope ln G + intercept) uS, G in uS.

    Frozen above a conductance, up to which the law was fitted. Source of the form and of the
    preset's numbers: Mao et al., Nat. Commun. 2022 (code ``TLSH_MANN``).
    """

    law: Literal["power"] = "power"
    slope: float
    intercept: float
    frozen_above_siemens: float = Field(gt=0)

    def sigma(self, conductance: Floats) -> Floats:
        """Standard deviation of one read in siemens."""
        micro = np.minimum(conductance, self.frozen_above_siemens) / MICRO
        return np.asarray(MICRO * np.exp(self.intercept) * micro**self.slope)


class RelativeReadNoise(Law):
    """Read noise, new at each read, sigma a share of the window's top."""

    law: Literal["relative"] = "relative"
    sigma_siemens: float = Field(ge=0)

    def sigma(self, conductance: Floats) -> Floats:
        """Standard deviation of one read in siemens."""
        return np.full_like(conductance, self.sigma_siemens)


ReadNoise = Annotated[PowerReadNoise | RelativeReadNoise, Field(discriminator="law")]


class LogNormalOffState(Law):
    """Cells never written: G = exp(log_median + log_sigma z) uS (Mao et al., Nat. Commun. 2022)."""

    law: Literal["log-normal"] = "log-normal"
    log_median: float
    log_sigma: float = Field(ge=0)

    def conductance(self, normals: Floats) -> Floats:
        """Conductances in siemens of cells never written."""
        return np.asarray(MICRO * np.exp(self.log_median + self.log_sigma * normals))


class StuckDevices(Law):
    """Devices that ignore programming: shares stuck at the window's top and at its bottom."""

    high_rate: float = Field(ge=0, le=1)
    low_rate: float = Field(ge=0, le=1)

    def drawn(self, uniforms: Floats) -> NDArray[np.int8]:
        """Defects, one uniform number a device: +1 stuck high, -1 stuck low, 0 sound."""
        high = uniforms < self.high_rate
        low = uniforms >= 1.0 - self.low_rate
        return high.astype(np.int8) - low.astype(np.int8)
