"""Linear maps as quantization-aware training adapts them: computed digitally, or read from arrays."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from imssa.hardware.description import ChipDescription
from imssa.kernels import codes
from imssa.kernels.passes import parts_of
from imssa.kernels.random import Key
from imssa.quantization.config import TrainingNoise
from imssa.quantization.network import SUM_FRACTION_BITS, Readout, cuts_of
from imssa.quantization.noise import draw_weights
from imssa.quantization.quantizers import integers, rounded, weight_codes


def parameter(values: Any) -> nn.Parameter:
    """A trainable copy of an array, in float64."""
    return nn.Parameter(torch.from_numpy(np.asarray(values, np.float64).copy()))


class QuantizedLinear(nn.Module):
    """A linear map on codes: integer weights and bias, exact sums, one gain an output.

    Args:
        weights: Latent weights, 1 being full scale.
        bias: Latent bias, in units of full-scale weight times full-scale input.
        gain: From sums to output codes.
        bits: Code width of the weights.
        input_max: Largest input code.
    """

    def __init__(
        self,
        weights: Float[np.ndarray, "outputs inputs"],
        bias: Float[np.ndarray, " outputs"],
        gain: Float[np.ndarray, " outputs"],
        bits: int,
        input_max: int,
    ) -> None:
        super().__init__()
        self.bits = bits
        self.unit = codes.code_max(bits) * input_max
        self.latent = parameter(weights)
        self.bias = parameter(bias)
        self.log_gain = parameter(np.log2(gain))

    def weights(self) -> tuple[Tensor, Tensor]:
        """Weight and bias codes."""
        bias = rounded(self.bias * self.unit, 2**30)
        return weight_codes(self.latent, self.bits), bias

    def readout(self) -> Readout | None:
        """How an array reads the map; None: it is computed digitally."""
        return None

    def forward(
        self, x: Float64[Tensor, "*batch inputs"], _key: Key | None = None
    ) -> Float64[Tensor, "*batch outputs"]:
        """Exact integer sums of weights and input codes, bias added."""
        weights, bias = self.weights()
        return x @ weights.T + bias


class AnalogLinear(QuantizedLinear):
    """A linear map on arrays: cut along word lines, each cut's sums read through the ADC.

    Sums are those of ADC codes, with `SUM_FRACTION_BITS` fractional bits for the bias; ``gain`` is from
    exact sums, as for the digital map.

    Args:
        weights: Latent weights, 1 being full scale.
        bias: Latent bias, in units of full-scale weight times full-scale input.
        gain: From exact sums to output codes.
        bits: Code width of the weights.
        input_max: Largest input code.
        chip: Converters, size of the arrays and device laws.
        noise: Analog errors in the training forward.
    """

    def __init__(
        self,
        weights: Float[np.ndarray, "outputs inputs"],
        bias: Float[np.ndarray, " outputs"],
        gain: Float[np.ndarray, " outputs"],
        bits: int,
        input_max: int,
        chip: ChipDescription,
        noise: TrainingNoise,
    ) -> None:
        super().__init__(weights, bias, gain, bits, input_max)
        self.chip, self.noise = chip, noise
        self.scale: Tensor
        largest = max(chip.converters.full_scale_devices)
        self.register_buffer("scale", torch.full((len(bias),), float(largest)).double())
        with torch.no_grad():
            self.log_gain.add_(torch.log2(self.adc_step) - SUM_FRACTION_BITS)

    @property
    def adc_step(self) -> Float64[Tensor, " outputs"]:
        """Exact sums of one ADC code, L / 2^h."""
        L, h = self._conversion()
        return torch.from_numpy(np.ldexp(L.astype(np.float64), -h))

    def _conversion(self) -> tuple[Int64[np.ndarray, " outputs"], Int64[np.ndarray, " outputs"]]:
        line_max = codes.code_max(self.bits)
        L, h = self.chip.converters.scales(self.scale.numpy(), line_max).T.copy()
        return L, h

    def readout(self) -> Readout:
        """How an array reads the map."""
        converters = self.chip.converters
        return Readout(
            self.chip.arrays.word_lines,
            codes.code_max(self.bits),
            *self._conversion(),
            converters.passes,
            converters.adc_bits,
        )

    def weights(self) -> tuple[Tensor, Tensor]:
        """Weight codes, and bias codes in fractions of an ADC code."""
        unit = self.unit / self.adc_step * 2.0**SUM_FRACTION_BITS
        return weight_codes(self.latent, self.bits), rounded(self.bias * unit, 2**30)

    def choose(self, devices: Float[np.ndarray, " outputs"]) -> None:
        """Takes full scales, and adapts the gains to their ADC steps."""
        before = self.adc_step
        self.scale.copy_(torch.from_numpy(devices))
        with torch.no_grad():
            self.log_gain.add_(torch.log2(self.adc_step / before))

    def forward(
        self, x: Float64[Tensor, "*batch inputs"], key: Key | None = None
    ) -> Float64[Tensor, "*batch outputs"]:
        """Sums of the cuts' ADC codes, bias added; with a key, as noisy devices read them."""
        weights, bias = self.weights()
        total: Any = 0
        for number, cut in enumerate(cuts_of(weights.shape[1], self.chip.arrays.word_lines)):
            one = None if key is None else key.child("cut", number)
            total = total + self._read(x[..., cut], weights[:, cut], one)
        out: Tensor = total * 2.0**SUM_FRACTION_BITS + bias
        return out

    def _read(self, x: Tensor, weights: Tensor, key: Key | None) -> Tensor:
        """ADC codes of one cut; the gradient is that of the sum of all passes, none where it clips."""
        noise = _Noise(weights, codes.code_max(self.bits), self.chip, self.noise, key)
        passes, adc_bits = self.chip.converters.passes, self.chip.converters.adc_bits
        sums = noise.sums(x, weights)
        with torch.no_grad():
            parts = [torch.from_numpy(part(integers(x)).astype(float)) for part in parts_of(passes)]
            read = [noise.read(part, weights) for part in parts]
        out: Tensor = _Converted.apply(  # type: ignore[no-untyped-call]
            sums, read, self.adc_step, (passes[:, 2].tolist(), codes.code_max(adc_bits))
        )
        return out


class _Converted(torch.autograd.Function):
    """Weighted ADC codes of all passes."""

    @staticmethod
    def forward(ctx: Any, _sums: Tensor, read: list[Tensor], step: Tensor, adc: Any) -> Tensor:
        worth, largest = adc
        inside: Bool[Tensor, ...] | None = None
        total: Any = 0
        for weight, sums in zip(worth, read, strict=True):
            magnitude = torch.floor(sums.abs() * (1.0 / step) + (0.5 + codes.GUARD))
            clips = magnitude >= largest
            inside = ~clips if inside is None else inside | ~clips
            total = total + weight * torch.sign(sums) * magnitude.clamp(max=largest)
        ctx.save_for_backward(inside, step)
        out: Tensor = total
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        inside, step = ctx.saved_tensors
        return gradient * inside / step, None, None, None


class _Noise:
    """One cut's devices as a training batch sees them: sequence b has draw b modulo draws."""

    def __init__(
        self,
        weights: Tensor,
        largest: int,
        chip: ChipDescription,
        settings: TrainingNoise,
        key: Key | None,
    ) -> None:
        self.deviation = self.variance = torch.zeros(0)
        if key is None or not settings.any:
            return
        held = integers(weights).T
        drawn = draw_weights(held, np.full(held.shape[1], largest), chip, settings, key)
        self.deviation, self.variance = (torch.from_numpy(v).mT.contiguous() for v in drawn)
        self.normals = key.child("read").torch()

    def sums(self, x: Tensor, weights: Tensor) -> Tensor:
        """Products with the devices' weights."""
        draws = len(self.deviation)
        if not draws:
            return x @ weights.T
        out = x.new_empty(*x.shape[:-1], len(weights))
        for draw in range(min(draws, len(x))):
            out[draw::draws] = x[draw::draws] @ (weights + self.deviation[draw]).T
        return out

    def read(self, x: Tensor, weights: Tensor) -> Tensor:
        """The same as one read gives them."""
        sums = self.sums(x, weights)
        draws = len(self.variance)
        for draw in range(min(draws, len(x))):
            sigma = (x[draw::draws].square() @ self.variance[draw].T).sqrt()
            normal = torch.randn(sigma.shape, generator=self.normals, dtype=sigma.dtype)
            sums[draw::draws] += sigma * normal
        return sums
