"""Drift: what time does to a written conductance, G(age) from G just after writing.

Each device keeps its own random number until it is written again, so conductances at different ages lie on one path.
Stuck devices and cells never written do not drift: no law for them is published.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from imssa.hardware.law import (
    MICRO,
    DeviceLaw,
    Draws,
    Floats,
    Surroundings,
    polynomial_sigma,
    validity_misfits,
)


class DriftLaw(DeviceLaw):
    """What time does to a conductance."""

    @abstractmethod
    def drifted(
        self, conductance: Floats, targets: Floats, age_seconds: float, draws: Draws
    ) -> Floats:
        """Conductances at an age.

        Args:
            conductance: Just after writing, in siemens.
            targets: What was to be written.
            age_seconds: Time since writing; before the law's start nothing changes.
            draws: Random numbers of the array's cells.
        """


class RelaxationDrift(DriftLaw):
    """G + m ln(t/t0) + (s + r ln(t/t0)) z from t0 on, whatever the level; not below zero.

    Source of the form: IBM CMO/HfOx (Falcone et al., arXiv 2502.04524; fit in aihwkit).

    Attributes:
        start_seconds: t0.
        mean_siemens: m, change of the mean a unit of ln t.
        sigma_siemens: s, spread at t0.
        sigma_growth_siemens: r, growth of the spread a unit of ln t.
    """

    law: Literal["relaxation"] = "relaxation"
    start_seconds: float = Field(default=1.0, gt=0)
    mean_siemens: float
    sigma_siemens: float = Field(ge=0)
    sigma_growth_siemens: float = Field(ge=0)

    def drifted(
        self, conductance: Floats, targets: Floats, age_seconds: float, draws: Draws
    ) -> Floats:
        """Conductances at an age."""
        del targets
        if age_seconds < self.start_seconds:
            return conductance
        log = np.log(age_seconds / self.start_seconds)
        sigma = self.sigma_siemens + self.sigma_growth_siemens * log
        change = self.mean_siemens * log + sigma * draws.normals()
        return np.asarray(np.maximum(conductance + change, 0.0))

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """The spread must not exceed the window."""
        if self.sigma_siemens > chip.window_siemens:
            yield "sigma_siemens", f"must be at most the window's {chip.window_siemens:g} S"


class PolynomialDrift(DriftLaw):
    """Spread that grows to a measured total at given times: a polynomial of the level for each.

    The first time is that of the programming law. At time n a device has in all
    sigma_n = sum_i c_ni (target / reference)^i uS around its target, so drift adds
    sqrt(sigma_n^2 - sigma_0^2) z. Between times sigma is interpolated in ln t.

    Attributes:
        times_seconds: Increasing, the first positive.
        coefficients_microsiemens: c_n0, c_n1, ... for each time.
        reference_siemens: What targets are divided by.
        valid_from_siemens: Where the fit starts.
        valid_to_siemens: Where it ends.
    """

    law: Literal["polynomial"] = "polynomial"
    times_seconds: tuple[float, ...] = Field(min_length=2, max_length=64)
    coefficients_microsiemens: tuple[tuple[float, ...], ...] = Field(min_length=2, max_length=64)
    reference_siemens: float = Field(default=MICRO, gt=0)
    valid_from_siemens: float = Field(default=0.0, ge=0)
    valid_to_siemens: float = Field(gt=0)

    @model_validator(mode="after")
    def _times_fit(self) -> "PolynomialDrift":
        times = np.array(self.times_seconds)
        msg = ""
        if times[0] <= 0 or not np.all(np.diff(times) > 0):
            msg = "times_seconds must be positive and increase"
        elif len(times) != len(self.coefficients_microsiemens):
            msg = "coefficients_microsiemens needs one list for each of times_seconds"
        elif not all(self.coefficients_microsiemens):
            msg = "coefficients_microsiemens has an empty list"
        elif self.valid_from_siemens >= self.valid_to_siemens:
            msg = "valid_from_siemens must be below valid_to_siemens"
        if msg:
            raise ValueError(msg)
        levels = np.linspace(self.valid_from_siemens, self.valid_to_siemens, 1001)
        if min(self.sigma(levels, time).min() for time in self.times_seconds) < 0:
            msg = "coefficients_microsiemens give a negative sigma inside the range of validity"
            raise ValueError(msg)
        return self

    def sigma(self, targets: Floats, age_seconds: float) -> Floats:
        """Total spread around each target at an age."""
        log = np.log(np.clip(age_seconds, self.times_seconds[0], self.times_seconds[-1]))
        logs = np.log(np.array(self.times_seconds))
        after = int(np.clip(np.searchsorted(logs, log), 1, len(logs) - 1))
        share = (log - logs[after - 1]) / (logs[after] - logs[after - 1])
        x = np.clip(targets, self.valid_from_siemens, self.valid_to_siemens)
        x = x / self.reference_siemens
        earlier = polynomial_sigma(self.coefficients_microsiemens[after - 1], x)
        later = polynomial_sigma(self.coefficients_microsiemens[after], x)
        return np.asarray(earlier + share * (later - earlier))

    def drifted(
        self, conductance: Floats, targets: Floats, age_seconds: float, draws: Draws
    ) -> Floats:
        """Conductances at an age, folded at zero."""
        start = self.times_seconds[0]
        if age_seconds <= start:
            return conductance
        added = self.sigma(targets, age_seconds) ** 2 - self.sigma(targets, start) ** 2
        return np.asarray(np.abs(conductance + np.sqrt(np.maximum(added, 0)) * draws.normals()))

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """The window and the age must lie where the fit is valid."""
        yield from validity_misfits(self.valid_from_siemens, self.valid_to_siemens, chip)
        if chip.age_seconds > self.times_seconds[-1]:
            last = f"{self.times_seconds[-1]:g} s"
            yield "times_seconds", f"end at {last}, before age_seconds = {chip.age_seconds:g}"


class PowerDrift(DriftLaw):
    """G (t/t0)^-nu from t0 on, as phase-change memory drifts; nu = N(exponent, sigma), at least 0.

    Attributes:
        start_seconds: t0, when the conductance was verified.
        exponent: Mean of nu.
        exponent_sigma: Its spread from device to device.
    """

    law: Literal["power"] = "power"
    start_seconds: float = Field(default=1.0, gt=0)
    exponent: float = Field(ge=0)
    exponent_sigma: float = Field(default=0.0, ge=0)

    def drifted(
        self, conductance: Floats, targets: Floats, age_seconds: float, draws: Draws
    ) -> Floats:
        """Conductances at an age."""
        del targets
        if age_seconds <= self.start_seconds:
            return conductance
        nu = np.maximum(self.exponent + self.exponent_sigma * draws.normals(), 0.0)
        return np.asarray(conductance * (age_seconds / self.start_seconds) ** -nu)

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Fits every chip."""
        del chip
        yield from ()


Drift = Annotated[RelaxationDrift | PolynomialDrift | PowerDrift, Field(discriminator="law")]
