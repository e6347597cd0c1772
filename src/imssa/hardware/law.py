"""What all laws share: frozen values without unknown keys, and the random numbers of an array."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from imssa.kernels.random import Key

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MICRO: Final = 1e-6


@dataclass(frozen=True)
class Surroundings:
    """What a law may hold itself against: the chip that it is part of.

    Attributes:
        bottom_siemens: Bottom of the conductance window.
        top_siemens: Its top.
        age_seconds: When the chip is read, counted from writing.
    """

    bottom_siemens: float
    top_siemens: float
    age_seconds: float

    @property
    def window_siemens(self) -> float:
        """Width of the window."""
        return self.top_siemens - self.bottom_siemens


class Law(BaseModel):
    """Base of all parts of a chip description: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DeviceLaw(Law, ABC):
    """One law of the devices."""

    @abstractmethod
    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """What is impossible on such a chip, each as a key of this law and the rule it breaks."""


@dataclass(frozen=True)
class Draws:
    """Random numbers for each cell of one array of many chip instances.

    Attributes:
        key: Random key of the array, or of a purpose on it.
        instances: Numbers of the chip instances; each is a stream of its own.
        shape: Word lines and bit lines (or whatever is drawn for).
    """

    key: Key
    instances: NDArray[np.int64]
    shape: tuple[int, ...]

    def child(self, *purpose: str | int) -> "Draws":
        """The numbers of a purpose."""
        return Draws(self.key.child(*purpose), self.instances, self.shape)

    def over(self, *shape: int) -> "Draws":
        """The same for another shape."""
        return Draws(self.key, self.instances, shape)

    def uniforms(self) -> Floats:
        """Uniform numbers in (0, 1), shape (chips, *shape)."""
        count = int(np.prod(self.shape))
        return self.key.uniforms(self.instances, count).reshape(-1, *self.shape)

    def normals(self) -> Floats:
        """Standard normals, shape (chips, *shape)."""
        count = int(np.prod(self.shape))
        return self.key.normals(self.instances, count).reshape(-1, *self.shape)


def polynomial_sigma(coefficients: tuple[float, ...], x: Floats) -> Floats:
    """Sigma in siemens of a polynomial whose coefficients are in uS, constant first."""
    return np.asarray(MICRO * np.polynomial.polynomial.polyval(x, np.asarray(coefficients)))


def validity_misfits(
    valid_from_siemens: float, valid_to_siemens: float, chip: Surroundings
) -> Iterator[tuple[str, str]]:
    """The window must lie where a fit is valid (a millionth of a uS aside)."""
    if chip.bottom_siemens < valid_from_siemens - MICRO**2:
        yield (
            "valid_from_siemens",
            f"the fit starts at {valid_from_siemens:g} S, the window at {chip.bottom_siemens:g} S",
        )
    if chip.top_siemens > valid_to_siemens + MICRO**2:
        yield (
            "valid_to_siemens",
            f"the fit ends at {valid_to_siemens:g} S, the window at {chip.top_siemens:g} S",
        )
