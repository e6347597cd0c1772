"""Writing on chips that are known by the statistics of what it leaves."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from imssa.hardware.law import (
    MICRO,
    Draws,
    Floats,
    Surroundings,
    polynomial_sigma,
    validity_misfits,
)
from imssa.hardware.writing_law import Cells, Outcome, ProgrammingLaw


class StatisticalProgramming(ProgrammingLaw):
    """One random number a device; conductances are folded at zero."""

    @abstractmethod
    def written(self, targets: Floats, uniforms: Floats) -> Floats:
        """Conductances after writing ``targets``, one uniform number in (0, 1) a device."""

    def write(self, cells: Cells, draws: Draws) -> Outcome:
        """Writes the targets."""
        targets = np.nan_to_num(cells.targets, nan=cells.bottom_siemens)
        return Outcome(self.written(targets, draws.uniforms()))


class GaussianProgramming(StatisticalProgramming):
    """Conductance after writing: G = |target + N(mean, sigma)|, folded at zero."""

    law: Literal["gaussian"] = "gaussian"
    mean_siemens: float = 0.0
    sigma_siemens: float = Field(ge=0)

    @property
    def spread_siemens(self) -> float:
        """Standard deviation of what writing leaves."""
        return self.sigma_siemens

    def written(self, targets: Floats, uniforms: Floats) -> Floats:
        """Conductances after writing ``targets``, one uniform number in (0, 1) a device."""
        error = self.mean_siemens + self.sigma_siemens * _normal(uniforms)
        return np.asarray(np.abs(targets + error))

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Sigma must not exceed the window."""
        if self.sigma_siemens > chip.window_siemens:
            yield "sigma_siemens", f"must be at most the window's {chip.window_siemens:g} S"


class UniformProgramming(StatisticalProgramming):
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

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """The tolerance must not exceed the window."""
        if self.tolerance_siemens > chip.window_siemens:
            yield "tolerance_siemens", f"must be at most the window's {chip.window_siemens:g} S"


class PolynomialProgramming(StatisticalProgramming):
    """G = |target + N(0, sigma(target))|, sigma a polynomial that was fitted to measurements.

    sigma = sum_i c_i (target / reference)^i in uS; outside the fit's range its end value holds.

    Attributes:
        coefficients_microsiemens: c_0, c_1, ...
        reference_siemens: What conductances are divided by; 1 uS unless a fit says otherwise.
        valid_from_siemens: Where the fit starts.
        valid_to_siemens: Where it ends; the window must lie between.
    """

    law: Literal["polynomial"] = "polynomial"
    coefficients_microsiemens: tuple[float, ...] = Field(min_length=1, max_length=12)
    reference_siemens: float = Field(default=MICRO, gt=0)
    valid_from_siemens: float = Field(default=0.0, ge=0)
    valid_to_siemens: float = Field(gt=0)

    @model_validator(mode="after")
    def _sigma_is_positive(self) -> "PolynomialProgramming":
        if self.valid_from_siemens >= self.valid_to_siemens:
            msg = "valid_from_siemens must be below valid_to_siemens"
            raise ValueError(msg)
        if self.sigma(self._range()).min() < 0:
            msg = "coefficients_microsiemens give a negative sigma inside the range of validity"
            raise ValueError(msg)
        return self

    @property
    def spread_siemens(self) -> float:
        """Root mean square of sigma over the range of validity."""
        return float(np.sqrt(np.mean(self.sigma(self._range()) ** 2)))

    def sigma(self, targets: Floats) -> Floats:
        """Standard deviation that writing leaves at each target."""
        inside = np.clip(targets, self.valid_from_siemens, self.valid_to_siemens)
        return polynomial_sigma(self.coefficients_microsiemens, inside / self.reference_siemens)

    def written(self, targets: Floats, uniforms: Floats) -> Floats:
        """Conductances after writing ``targets``, one uniform number in (0, 1) a device."""
        return np.asarray(np.abs(targets + self.sigma(targets) * _normal(uniforms)))

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """The window must lie where the fit is valid."""
        return validity_misfits(self.valid_from_siemens, self.valid_to_siemens, chip)

    def _range(self) -> Floats:
        return np.linspace(self.valid_from_siemens, self.valid_to_siemens, 1001)


def _normal(uniforms: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms))
