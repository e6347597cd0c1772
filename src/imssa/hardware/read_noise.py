"""Read noise: Gaussian, new at each read of each device."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from imssa.errors import ShapeError
from imssa.hardware.law import MICRO, DeviceLaw, Draws, Floats, Surroundings


class ReadNoiseLaw(DeviceLaw):
    """Standard deviation of one read of a device.

    Attributes:
        uniform: Whether sigma is the same at all conductances.
        varies: Whether devices differ at the same conductance.
    """

    uniform: ClassVar[bool] = False
    varies: ClassVar[bool] = False

    @abstractmethod
    def sigma(self, conductance: Floats) -> Floats:
        """Standard deviation of one read of a typical device in siemens."""

    @abstractmethod
    def factors(self, draws: Draws) -> Floats | None:
        """By how much each device is noisier than a typical one; None: all are alike."""

    def sigma_of(self, conductance: Floats, factors: Floats | None) -> Floats:
        """Standard deviation of one read of these very devices in siemens.

        Raises:
            ShapeError: The law has factors, but none were handed in.
        """
        if factors is not None:
            return np.asarray(self.sigma(conductance) * factors)
        if self.varies:
            raise ShapeError(
                given="no noise factors",
                rule="devices of this chip differ in their read noise",
                remedy="Hand on the noise_factor of the written devices.",
            )
        return self.sigma(conductance)

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Noise at the top must not exceed the window."""
        top = float(self.sigma(np.array([chip.top_siemens]))[0])
        if top > chip.window_siemens:
            yield "law", f"sigma at the window's top is {top:g} S, more than the window itself"


class _Power(ReadNoiseLaw):
    """sigma = exp(slope ln G + intercept) uS, G in uS, frozen above a conductance."""

    slope: float = Field(ge=0)
    intercept: float
    frozen_above_siemens: float = Field(gt=0)

    def sigma(self, conductance: Floats) -> Floats:
        """Standard deviation of one read of a typical device in siemens."""
        micro = np.minimum(conductance, self.frozen_above_siemens) / MICRO
        return np.asarray(MICRO * np.exp(self.intercept) * micro**self.slope)


class PowerReadNoise(_Power):
    """sigma = exp(slope ln G + intercept) uS, G in uS, frozen above a conductance.

    Frozen up to where the law was fitted. Source of the form and of the numbers of ``taox-64``:
    Mao et al., Nat. Commun. 2022 (code ``TLSH_MANN``).
    """

    law: Literal["power"] = "power"

    def factors(self, draws: Draws) -> Floats | None:
        """None: all devices are alike."""
        del draws
        return None


class PowerSpreadReadNoise(_Power):
    """The harsh variant: sigma = exp(slope ln G + intercept + log_spread z), z fixed per device.

    Each read is Gaussian, but a device is quiet or noisy for good. (The published code draws z at
    each read, which is no Gaussian.) With log_spread = 1 the root mean square is e = 2.7 times
    that of a typical device.
    """

    law: Literal["power-spread"] = "power-spread"
    varies: ClassVar[bool] = True
    log_spread: float = Field(default=1.0, ge=0)

    def factors(self, draws: Draws) -> Floats | None:
        """exp(log_spread z) of each device of each chip."""
        return np.asarray(np.exp(self.log_spread * draws.normals()))


class RelativeReadNoise(ReadNoiseLaw):
    """The same sigma for every device: a share of the window's top, given in siemens."""

    law: Literal["relative"] = "relative"
    uniform: ClassVar[bool] = True
    sigma_siemens: float = Field(ge=0)

    def sigma(self, conductance: Floats) -> Floats:
        """Standard deviation of one read in siemens."""
        return np.full_like(conductance, self.sigma_siemens)

    def factors(self, draws: Draws) -> Floats | None:
        """None: all devices are alike."""
        del draws
        return None


ReadNoise = Annotated[
    PowerReadNoise | PowerSpreadReadNoise | RelativeReadNoise, Field(discriminator="law")
]
