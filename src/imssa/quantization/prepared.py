"""The trainable network that computes in integer codes: what quantization-aware training adapts.

Weights are latent numbers in -1 .. 1 (1 is full scale), gains are base-2 logarithms; the forward pass
rounds them to the codes, multipliers and shifts that the chip will hold, so its values are those of
the frozen network, exactly.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from imssa.hardware.description import ChipDescription
from imssa.kernels import codes
from imssa.kernels.random import Key
from imssa.kernels.scan import REALIZATIONS, Noise, Scales, no_noise
from imssa.quantization.config import QuantizationConfig
from imssa.quantization.network import MEAN_BITS, MEAN_FRACTION_BITS
from imssa.quantization.noise import draw_noise
from imssa.quantization.quantizers import (
    gain_codes,
    integers,
    quantized_scan,
    requantize,
    rounded,
    weight_codes,
)

Record = dict[str, Int64[np.ndarray, "..."]]


def _parameter(values: Any) -> nn.Parameter:
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
        self.latent = _parameter(weights)
        self.bias = _parameter(bias)
        self.log_gain = _parameter(np.log2(gain))

    def weights(self) -> tuple[Tensor, Tensor]:
        """Weight and bias codes."""
        bias = rounded(self.bias * self.unit, 2**30)
        return weight_codes(self.latent, self.bits), bias

    def forward(self, x: Float64[Tensor, "*batch inputs"]) -> Float64[Tensor, "*batch outputs"]:
        """Exact integer sums of weights and input codes, bias added."""
        weights, bias = self.weights()
        return x @ weights.T + bias


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
        self.A, self.B, self.C, self.D = map(_parameter, (A, B, C, D))
        self.log_gain, self.k = _parameter(np.log2(gain)), _parameter(k)
        self.log_output_gain = _parameter(np.log2(output_gain))
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

    @staticmethod
    def _on_line(latent: Tensor, bits: int, line_max: int) -> Tensor:
        return weight_codes(latent, bits) * (line_max // codes.code_max(bits))

    def full_scales(self) -> tuple[Int64[np.ndarray, "features lines"], Int64[np.ndarray, "..."]]:
        """L and h of each line's conversion."""
        state = np.repeat(self.state_scale.numpy(), 2, axis=1)
        devices = np.concatenate([state, self.output_scale.numpy()[:, None]], axis=1)
        lines = [self.state_line_max] * state.shape[1] + [self.output_line_max]
        pairs = [
            [self.chip.adc_scale(d, w) for d, w in zip(row, lines, strict=True)] for row in devices
        ]
        L, h = np.moveaxis(np.array(pairs, np.int64), -1, 0)
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
        return draw_noise(self, key)

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


class PreparedBlock(nn.Module):
    """Kernels, activation table, mixing and residual in codes."""

    def __init__(
        self,
        kernels: PreparedKernels,
        mixing: QuantizedLinear,
        residual_gain: Float[np.ndarray, " features"],
        activation: tuple[str, float],
    ) -> None:
        super().__init__()
        self.kernels, self.mixing = kernels, mixing
        self.log_residual_gain = _parameter(np.log2(residual_gain))
        self.activation, self.activation_step = activation

    def table(self) -> Int64[np.ndarray, " codes"]:
        """Output codes of the activation for input codes -max .. max."""
        largest = codes.code_max(self.kernels.config.activation_bits)
        x = torch.arange(-largest, largest + 1, dtype=torch.float64) * self.activation_step
        return integers(rounded(ACTIVATIONS[self.activation](x) / self.activation_step, largest))

    def activate(self, x: Float64[Tensor, "*batch features"]) -> Float64[Tensor, "*batch features"]:
        """Table look-up with the slope of the activation as gradient."""
        largest = codes.code_max(self.kernels.config.activation_bits)
        smooth = ACTIVATIONS[self.activation](x * self.activation_step) / self.activation_step
        exact = torch.from_numpy(self.table()[integers(x) + largest].astype(np.float64))
        out: Tensor = _Replace.apply(smooth, exact)  # type: ignore[no-untyped-call]
        return out


class _Replace(torch.autograd.Function):
    """The value of one tensor with the gradient of another."""

    @staticmethod
    def forward(_ctx: Any, _smooth: Tensor, exact: Tensor) -> Tensor:
        return exact.clone()

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": torch.nn.functional.gelu,
    "relu": torch.nn.functional.relu,
    "identity": lambda x: x,
}


class PreparedClassifier(nn.Module):
    """The whole network in codes; what `prepare` gives and `convert` freezes.

    Args:
        encoder: Input codes to stream codes.
        blocks: The layers.
        decoder: Mean codes to logits.
        input_step: Feature units of one input code.
        logit_step: Logit units of one decoder sum; training's temperature only.
        max_length: Longest sequence.
        class_names: What the answers mean.
        preparation: How recordings become features; kept with the network.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        encoder: QuantizedLinear,
        blocks: list[PreparedBlock],
        decoder: QuantizedLinear,
        input_step: float,
        logit_step: float,
        max_length: int,
        class_names: tuple[str, ...],
        preparation: dict[str, Any],
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.blocks = cast("list[PreparedBlock]", nn.ModuleList(blocks))
        self.input_step, self.max_length = input_step, max_length
        self.log_logit_step = _parameter(np.log(logit_step))
        self.class_names, self.preparation = class_names, preparation

    @property
    def stream_bits(self) -> int:
        """Width of the stream's codes: they drive the DAC."""
        return self.blocks[0].kernels.chip.converters.dac_bits

    def project(self) -> None:
        """Keeps every latent in range; to be called after each optimizer step."""
        for block in self.blocks:
            block.kernels.project()
        for linear in (self.encoder, self.decoder, *(b.mixing for b in self.blocks)):
            with torch.no_grad():
                linear.latent.clamp_(-1.0, 1.0)

    def forward(
        self,
        features: Float[Tensor, "batch length features"],
        lengths: Int64[Tensor, " batch"],
        key: Key | None = None,
        record: Record | None = None,
    ) -> Float64[Tensor, "batch classes"]:
        """Logits; the codes on the way go to ``record`` by register name.

        Args:
            features: Prepared features, zero padded.
            lengths: True lengths.
            key: Random key of the analog errors; None for exact devices.
            record: Where to put codes, (batch, length, size) or (batch, size).
        """
        steps, kept = lengths.numpy(), _Recorder(record)
        bits = self.stream_bits
        x = rounded(features.double() / self.input_step, codes.code_max(bits))
        kept("input", x)
        stream = requantize(self.encoder(x), torch.exp2(self.encoder.log_gain), bits)
        kept("stream.0", stream)
        for number, block in enumerate(self.blocks):
            layer_key = None if key is None else key.child("layer", number)
            stream = self._block(block, stream, steps, layer_key, kept.layer(number))
            kept(f"stream.{number + 1}", stream)
        real = torch.arange(stream.shape[1]) < lengths[:, None]
        total = (stream * real[..., None]).sum(1)
        mean = requantize(total, 2.0**MEAN_FRACTION_BITS / lengths.double()[:, None], MEAN_BITS)
        kept("mean", mean)
        logits = self.decoder(mean)
        kept("logits", logits)
        kept("answer", torch.from_numpy(logits.detach().numpy().argmax(1)[:, None]))
        result: Tensor = logits * torch.exp(self.log_logit_step)
        return result

    def _block(
        self,
        block: PreparedBlock,
        stream: Tensor,
        lengths: Int64[np.ndarray, " batch"],
        key: Key | None,
        kept: "_Recorder",
    ) -> Tensor:
        inner: dict[str, Any] | None = None if kept.record is None else {}
        y = block.kernels(stream, lengths, key, inner)
        kept.scan(inner)
        z = block.activate(y)
        mixing = requantize(block.mixing(z), torch.exp2(block.mixing.log_gain), self.stream_bits)
        residual = requantize(stream, torch.exp2(block.log_residual_gain), self.stream_bits)
        for name, value in (("kernel", y), ("activation", z), ("mixing", mixing)):
            kept(name, value)
        kept("residual", residual)
        largest = codes.code_max(self.stream_bits)
        return rounded(mixing + residual, largest)


class _Recorder:
    """Puts codes into a record under the registers' names; does nothing without one."""

    def __init__(self, record: Record | None, suffix: str = "") -> None:
        self.record, self.suffix = record, suffix

    def layer(self, number: int) -> "_Recorder":
        return _Recorder(self.record, f".{number}")

    def __call__(self, name: str, value: Tensor) -> None:
        if self.record is not None:
            self.record[name + self.suffix] = integers(value)

    def scan(self, inner: dict[str, Any] | None) -> None:
        if self.record is None or inner is None:
            return
        state, adc = (np.moveaxis(inner[n], 0, 2).astype(np.int64) for n in ("state", "adc"))
        batch, length = state.shape[:2]
        self.record["state" + self.suffix] = state.reshape(batch, length, -1)
        self.record["adc" + self.suffix] = adc[..., :-1].reshape(batch, length, -1)
        self.record["readout" + self.suffix] = adc[..., -1]
