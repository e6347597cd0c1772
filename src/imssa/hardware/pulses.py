"""What one pulse of a write-verify loop does to a device."""

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from imssa.hardware.law import Floats, Law


class PulseLaw(Law):
    """How far a SET (upward) or RESET (downward) pulse moves a device."""

    @abstractmethod
    def step(self, aim: Floats, run: NDArray[np.int32], normals: Floats) -> Floats:
        """Change of conductance.

        Args:
            aim: Remaining error as the verify read shows it, in siemens; its sign chooses SET
                or RESET.
            run: Pulses of the same direction that went before.
            normals: One standard normal a device.
        """


class ProportionalPulse(PulseLaw):
    """Pulses chosen for the remaining error: step = share * error * (1 + spread z).

    Attributes:
        set_share: Mean step upward as a share of the remaining error.
        reset_share: Mean step downward.
        spread: Cycle-to-cycle variation, sigma as a share of the mean step.
        least_siemens: Sigma of the smallest steps: no pulse is finer than that.
    """

    law: Literal["proportional"] = "proportional"
    set_share: float = Field(gt=0, lt=2)
    reset_share: float = Field(gt=0, lt=2)
    spread: float = Field(ge=0)
    least_siemens: float = Field(default=0.0, ge=0)

    def step(self, aim: Floats, run: NDArray[np.int32], normals: Floats) -> Floats:
        """Change of conductance."""
        del run
        mean = aim * np.where(aim > 0, self.set_share, self.reset_share)
        sigma = np.maximum(self.spread * np.abs(mean), self.least_siemens)
        return np.asarray(mean + sigma * normals)


class IncrementPulse(PulseLaw):
    """Equal pulses, raised while the direction stays: step = +-first (1 + growth n) (1 + spread z).

    n counts the pulses of the same direction that went before.

    Attributes:
        set_siemens: Mean step upward of the first pulse.
        reset_siemens: Mean step downward of the first pulse.
        growth: What each further pulse of the same direction adds, as a share of the first.
        spread: Cycle-to-cycle variation, sigma as a share of the mean step.
    """

    law: Literal["increment"] = "increment"
    set_siemens: float = Field(gt=0)
    reset_siemens: float = Field(gt=0)
    growth: float = Field(default=0.0, ge=0)
    spread: float = Field(ge=0)

    def step(self, aim: Floats, run: NDArray[np.int32], normals: Floats) -> Floats:
        """Change of conductance."""
        first = np.where(aim > 0, self.set_siemens, -self.reset_siemens)
        return np.asarray(first * (1.0 + self.growth * run) * (1.0 + self.spread * normals))


Pulse = Annotated[ProportionalPulse | IncrementPulse, Field(discriminator="law")]
