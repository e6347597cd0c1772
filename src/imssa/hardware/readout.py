"""What amplifiers and ADCs add to the currents: spreads fixed for each chip, and noise."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from pydantic import Field

from imssa.hardware.law import Draws, Floats, Law


@dataclass(frozen=True)
class PairReadout:
    """Amplifiers and ADC of each pair of one array: reading = plus i_plus - minus i_minus + offset.

    Attributes:
        plus: Gain of the even bit line's current.
        minus: Gain of the odd bit line's current.
        offset_steps: Offset of the ADC in its steps.
    """

    plus: Float64[np.ndarray, "chips pairs"]
    minus: Float64[np.ndarray, "chips pairs"]
    offset_steps: Float64[np.ndarray, "chips pairs"]


class Readout(Law):
    """Amplifiers of the bit lines, subtraction in the pair, ADC of the pair (DESIGN section 7).

    Attributes:
        saturation_devices: Largest current of a bit line's amplifier, as a multiple of the current
            through the whole window under the largest input voltage; None: no limit.
        common_mode_spread: Sigma of the share of a pair's mean current that subtraction leaves;
            drawn for each pair of a chip.
        gain_spread: Sigma of the ADC's relative gain error; drawn for each pair of a chip.
        offset_steps: Sigma of the ADC's offset in its own steps; drawn for each pair of a chip.
        noise_steps: Sigma of the noise of each conversion in ADC steps, Gaussian.
    """

    saturation_devices: float | None = Field(default=None, gt=0)
    common_mode_spread: float = Field(default=0.0, ge=0, le=1)
    gain_spread: float = Field(default=0.0, ge=0, lt=1)
    offset_steps: float = Field(default=0.0, ge=0)
    noise_steps: float = Field(default=0.0, ge=0)

    def drawn(self, draws: Draws) -> PairReadout:
        """What each pair of the chips has; ``draws`` are over the pairs."""

        def normals(purpose: str) -> Floats:
            return draws.child(purpose).normals()

        gain = 1 + self.gain_spread * normals("gain")
        common = self.common_mode_spread / 2 * normals("common mode")
        offset = self.offset_steps * normals("offset")
        return PairReadout(gain * (1 + common), gain * (1 - common), offset)
