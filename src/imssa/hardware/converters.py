"""DACs and ADCs: widths, full scales on offer, and how an input code drives a line."""

from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64
from pydantic import Field, model_validator

from imssa.hardware.law import Law
from imssa.kernels.codes import code_max
from imssa.kernels.passes import largest_code, passes_of

LARGEST_SCALE = 2**30
"""L stays below it, so that a conversion is exact (`imssa.kernels.codes.convert`)."""

MOST_DEVICES = 1024
"""On a bit line of the largest array. No full scale is beyond it, and L therefore below its limit."""


class Converters(Law):
    """DAC and ADC widths, the full scales that the ADC offers, and the passes of a conversion.

    Attributes:
        dac_bits: Width of the input codes, symmetric.
        adc_bits: Width of the output codes of one pass, symmetric.
        full_scale_devices: Full-scale currents on offer, as multiples of the current through the
            whole window, g_max - g_min, under the largest input voltage; QAT picks one a bit-line
            pair.
        drive: "amplitude": a code is a voltage, one pass; "bit-serial": one binary digit of the
            magnitude a pass, under the largest voltage, lowest digit first.
        polarity: "differential": drivers of both signs, one pass for both; "two-pass": drivers of
            one sign, so a pass for positive codes and then one for negative codes.
    """

    dac_bits: int = Field(ge=2, le=12)
    adc_bits: int = Field(ge=2, le=14)
    full_scale_devices: tuple[float, ...] = Field(min_length=1)
    drive: Literal["amplitude", "bit-serial"] = "amplitude"
    polarity: Literal["differential", "two-pass"] = "differential"

    @model_validator(mode="after")
    def _full_scales_are_positive(self) -> "Converters":
        least = min(self.full_scale_devices)
        if least <= 0:
            msg = "full_scale_devices must be positive; remove the entries at or below zero"
            raise ValueError(msg)
        if max(self.full_scale_devices) > MOST_DEVICES:
            msg = f"full_scale_devices must be at most {MOST_DEVICES}: no bit line has more devices"
            raise ValueError(msg)
        if least * self.pass_max / code_max(self.adc_bits) * 2**16 <= 0.5:
            msg = f"full_scale_devices: {least:g} is below the smallest step of the conversion"
            raise ValueError(msg)
        return self

    @property
    def passes(self) -> Int64[np.ndarray, "passes 3"]:
        """Bit, sign and weight of each pass (`imssa.kernels.passes`)."""
        return passes_of(
            self.dac_bits,
            bit_serial=self.drive == "bit-serial",
            two_pass=self.polarity == "two-pass",
        )

    @property
    def pass_max(self) -> int:
        """Largest number that drives a line in one pass: under the largest input voltage."""
        return 1 if self.drive == "bit-serial" else code_max(self.dac_bits)

    @property
    def conversion_max(self) -> int:
        """Largest code of a whole conversion."""
        return largest_code(self.passes, self.adc_bits)

    @property
    def conversion_bits(self) -> int:
        """Width of the register that holds the code of a whole conversion."""
        return self.conversion_max.bit_length() + 1

    def scales(
        self, full_scale_devices: Float64[np.ndarray, "*lines"], weight_max: int
    ) -> Int64[np.ndarray, "*lines 2"]:
        """L and h of each line's full scale, as of `scale`: found once for all lines that share one."""
        distinct, which = np.unique(full_scale_devices, return_inverse=True)
        pairs = [self.scale(float(one), weight_max) for one in distinct]
        return np.array(pairs, np.int64)[which.reshape(full_scale_devices.shape)]

    def scale(self, full_scale_devices: float, weight_max: int) -> tuple[int, int]:
        """L and h of the conversion round(acc 2^h / L) of a pass (DESIGN section 5).

        Args:
            full_scale_devices: A full scale on offer.
            weight_max: Largest integer weight on the pair, held at the window's top.

        Returns:
            L and the smallest h for which L is exact; else L rounded, at the largest h up to 16
            that keeps L below ``LARGEST_SCALE``.
        """
        exact = full_scale_devices * weight_max * self.pass_max / code_max(self.adc_bits)
        allowed = [h for h in range(17) if exact * 2**h < LARGEST_SCALE] or [0]
        for h in allowed:
            if (exact * 2**h).is_integer():
                return int(exact * 2**h), h
        return round(exact * 2 ** allowed[-1]), allowed[-1]
