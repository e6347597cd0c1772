"""The state-space kernels of a layer as quantization-aware training adapts them, in codes."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from imssa.hardware.description import ChipDescription
from imssa.kernels import codes
from imssa.kernels.random import Key
from imssa.kernels.scan import REALIZATIONS, Noise, Scales, no_noise
from imssa.kernels.scan_types import kernel_blocks
from imssa.quantization.config import QuantizationConfig
from imssa.quantization.linear import parameter
from imssa.quantization.noise import draw_noise
from imssa.quantization.quantizers import (
    gain_codes,
    integers,
    quantized_scan,
    requantize,
    weight_codes,
)


class PreparedKernels(nn.Module):
    """The state-space kernels of one layer in codes (DESIGN section 5).

    Args:
        A: Latent rotation of each mode, (re, im); ``leaky`` has no real part.
        B: Latent input weights, (re, im).
        C: Latent output weights on (re, im).
        D: Latent direct term.
        gain: DAC steps that full-scale weight and one DAC code move a state.
        k: Decay shifts (``leaky``).
        output_gain: From ADC codes to codes before the activation.
        config: Realization, bits, widths.
        chip: Converters and device laws.
        current: Whether the output is read after the state's update.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        A: Float[np.ndarray, "features modes 2"],
        B: Float[np.ndarray, "features modes 2"],
        C: Float[np.ndarray, "features modes 2"],
        D: Float[np.ndarray, " features"],
        gain: Float[np.ndarray, "features modes"],
        k: Float[np.ndarray, "features modes"],
        output_gain: Float[np.ndarray, " features"],
        config: QuantizationConfig,
        chip: ChipDescription,
        current: bool,
    ) -> None:
        super().__init__()
        self.config, self.chip, self.current = config, chip, current
        self.A, self.B, self.C, self.D = map(parameter, (A, B, C, D))
        self.log_gain, self.k = parameter(np.log2(gain)), parameter(k)
        self.log_output_gain = parameter(np.log2(output_gain))
        largest = max(chip.converters.full_scale_devices)
        self.state_scale: Tensor
        self.output_scale: Tensor
        self.register_buffer("state_scale", torch.full(gain.shape, float(largest)).double())
        self.register_buffer("output_scale", torch.full(D.shape, float(largest)).double())

    @property
    def state_line_max(self) -> int:
        """Largest weight code on a state's bit-line pair."""
        return max(codes.code_max(self.config.bits.A), codes.code_max(self.config.bits.B))

    @property
    def output_line_max(self) -> int:
        """Largest weight code on the output's bit-line pair."""
        return max(codes.code_max(self.config.bits.C), codes.code_max(self.config.bits.D))

    def weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Integer weights A (blocks), B, C, D; groups on one bit line share its integer step."""
        bits = self.config.bits
        real, imaginary = self._on_line(self.A, bits.A, self.state_line_max).unbind(-1)
        rows = [torch.stack([real, -imaginary], -1), torch.stack([imaginary, real], -1)]
        return (
            torch.stack(rows, -2),
            self._on_line(self.B, bits.B, self.state_line_max),
            self._on_line(self.C, bits.C, self.output_line_max),
            self._on_line(self.D, bits.D, self.output_line_max),
        )

    def blocks(self) -> Int64[np.ndarray, "features lines lines"]:
        """The kernels as they stand on an array."""
        A, B, C, D = map(integers, self.weights())
        return kernel_blocks(A, B, C, D)

    @staticmethod
    def _on_line(latent: Tensor, bits: int, line_max: int) -> Tensor:
        return weight_codes(latent, bits) * (line_max // codes.code_max(bits))

    def full_scales(self) -> tuple[Int64[np.ndarray, "features lines"], Int64[np.ndarray, "..."]]:
        """L and h of each line's conversion."""
        scales = self.chip.converters.scales
        state = scales(self.state_scale.numpy(), self.state_line_max)
        output = scales(self.output_scale.numpy(), self.output_line_max)
        L, h = np.moveaxis(np.concatenate([state.repeat(2, 1), output[:, None]], 1), -1, 0)
        return L, h

    def gain(self) -> Float64[Tensor, "features modes"]:
        """Update gains in registers' steps an ADC code."""
        L, h = self.full_scales()
        adc_step = torch.from_numpy(np.ldexp(L[:, 0:-1:2], -h[:, 0:-1:2]))
        unit = 2.0**self.config.guard_bits / self.state_line_max
        return torch.exp2(self.log_gain) * adc_step * unit

    def scales(self) -> Scales:
        """Integer scales of the recurrence, as chip and training use them."""
        L, h = self.full_scales()
        multiplier, shift = gain_codes(self.gain(), self.config.gain_bits)
        converters = self.chip.converters
        return Scales(
            adc=np.ldexp(L, -h),
            multiplier=multiplier,
            shift=shift,
            k=np.rint(self.k.detach().numpy()).astype(np.int64),
            passes=converters.passes,
            drive_shift=self.config.guard_bits,
            dac_max=codes.code_max(converters.dac_bits),
            adc_max=codes.code_max(converters.adc_bits),
            register_max=codes.code_max(self.config.register_bits),
            realization=REALIZATIONS[self.config.realization],
            current=self.current,
        )

    def noise(self, key: Key | None) -> Noise:
        """Analog errors of a training batch; none without a key."""
        if key is None or not self.config.noise.any:
            return no_noise()
        lines = [self.state_line_max] * (2 * self.k.shape[1]) + [self.output_line_max]
        return draw_noise(self.blocks(), np.array(lines), self.chip, self.config.noise, key)

    def forward(
        self,
        u: Float64[Tensor, "batch length features"],
        lengths: Int64[np.ndarray, " batch"],
        key: Key | None = None,
        record: dict[str, Any] | None = None,
    ) -> Float64[Tensor, "batch length features"]:
        """Codes before the activation, for the DAC codes ``u``."""
        y = quantized_scan(
            u,
            self.weights(),
            gain=self.gain(),
            k=self.k,
            lengths=lengths,
            scales=self.scales(),
            noise=self.noise(key),
            record=record,
        )
        gain = torch.exp2(self.log_output_gain)
        return requantize(y, gain, self.config.activation_bits)

    @torch.no_grad()
    def project(self) -> None:
        """Keeps latents in range and poles stable, with the margins of DESIGN section 4."""
        for latent in (self.A, self.B, self.C, self.D):
            latent.clamp_(-1.0, 1.0)
        self.k.clamp_(1.0, self.config.max_decay_shift)
        step = 1.0 / codes.code_max(self.config.bits.A)
        if self.config.realization == "leaky":
            self.A[..., 0] = 0.0
        if self.config.realization == "incremental":
            self.A[..., 0].clamp_(max=-0.51 * step)
        self.log_gain.copy_(torch.minimum(self.log_gain, torch.log2(self._largest_gain())))

    def _largest_gain(self) -> Float64[Tensor, "features modes"]:
        """Largest gain of each mode at which its pole stays inside the unit circle."""
        A = weight_codes(self.A, self.config.bits.A) / codes.code_max(self.config.bits.A)
        size = A.square().sum(-1).sqrt().clamp(min=1e-6)
        if self.config.realization == "direct":
            limit = ((1 - 2.0**-self.config.max_decay_shift) / size).clamp(max=2.0)
        elif self.config.realization == "incremental":
            limit = (1.8 * -A[..., 0] / size.square()).clamp(max=1.0)
        else:
            decay = torch.exp2(-torch.round(self.k))
            rotation = A[..., 1].abs() + 3 * pair_sigma(self.chip)
            limit = (np.pi / 4 * (2 * decay - decay.square()).sqrt() / rotation).clamp(max=1.0)
        return limit / (1 + 2.0**-self.config.gain_bits)  # snapping may round a gain up


def pair_sigma(chip: ChipDescription) -> float:
    """Programming error of a pair, sigma as a share of the window."""
    if chip.programming is None:
        return 0.0
    return float(np.sqrt(2) * chip.programming.spread_siemens / chip.window_siemens)
