"""Tensors that hold integer codes, with straight-through gradients.

Codes travel as float64 tensors, which hold them exactly. Forward values come from the rounding rule
of :mod:`imssa.kernels.codes`; backward, a rounded value has the gradient of the unrounded one. Where
a gain or the recurrence clips there is none at the end codes; where weights and input codes are
rounded there is none beyond half a step outside the range.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from imssa.kernels import codes
from imssa.kernels.requantize import requantize_backward, requantize_forward
from imssa.kernels.scan import DEFAULT_BUDGET_BYTES, Noise, Scales, Weights, scan_record
from imssa.kernels.scan_operator import scan_operator


def integers(tensor: Tensor) -> Int64[np.ndarray, "..."]:
    """The codes that a tensor holds, as int64."""
    return np.asarray(tensor.detach().numpy(), np.float64).astype(np.int64)


class _RoundClip(torch.autograd.Function):
    """round(x), ties away from zero, clipped to -largest .. largest."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, largest: int) -> Tensor:
        ctx.save_for_backward(x.abs() <= largest + 0.5)
        return torch.sign(x) * torch.floor(x.abs() + 0.5).clamp(max=largest)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None


def _round_clip(x: Tensor, largest: int) -> Tensor:
    out: Tensor = _RoundClip.apply(x, largest)  # type: ignore[no-untyped-call]
    return out


def weight_codes(latent: Float[Tensor, "*shape"], bits: int) -> Float64[Tensor, "*shape"]:
    """Integer codes of weights whose latent range is -1 .. 1.

    Args:
        latent: Trainable weights, 1 being full scale.
        bits: Code width; 2 is ternary.

    Example:
        >>> weight_codes(torch.tensor([-0.6, 0.4, 2.0]), 2).tolist()
        [-1.0, 0.0, 1.0]
    """
    largest = codes.code_max(bits)
    return _round_clip(latent.double() * largest, largest)


def rounded(x: Float[Tensor, "*shape"], largest: int) -> Float64[Tensor, "*shape"]:
    """Codes round(x) clipped to the range, with straight-through gradient."""
    return _round_clip(x.double(), largest)


class _Requantize(torch.autograd.Function):
    """Codes times the snapped gain, rounded and clipped; backward as if times the real one."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, gain: Tensor, snapped: Any, bits: int) -> Tensor:
        largest = codes.code_max(bits)
        out = requantize_forward(_rows(value), _gains(snapped, value.shape), largest)
        result = torch.from_numpy(out).view(value.shape)
        ctx.save_for_backward(value, gain, result)
        ctx.largest = largest
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        value, gain, result = ctx.saved_tensors
        real = _gains(gain.detach().numpy(), value.shape)
        g_value, g_gain = requantize_backward(
            _rows(gradient), _rows(value), real, _rows(result), ctx.largest
        )
        each = value.shape[:-1] if len(real) > 1 else (1,) * (value.dim() - 1)
        shape = (*each, value.shape[-1])
        of_gain = torch.from_numpy(g_gain).view(shape).sum_to_size(gain.shape)
        return torch.from_numpy(g_value).view(value.shape), of_gain, None, None


def _rows(tensor: Tensor) -> Float64[np.ndarray, "rows features"]:
    """A tensor's codes as a matrix, without a copy where they lie in order."""
    return np.asarray(tensor.detach().contiguous().view(-1, tensor.shape[-1]).numpy())


def _gains(
    gain: Float64[np.ndarray, "..."], shape: torch.Size
) -> Float64[np.ndarray, "rows features"]:
    """Gains as one row for all codes, where they differ by feature alone; else one for each code."""
    common = gain.size == gain.shape[-1]
    full = np.broadcast_to(gain.ravel() if common else gain, shape[-1:] if common else shape)
    return np.ascontiguousarray(full.reshape(-1, shape[-1]))


def gain_codes(
    gain: Float64[Tensor, "*shape"], bits: int
) -> tuple[Int64[np.ndarray, "*shape"], Int64[np.ndarray, "*shape"]]:
    """Multiplier and shift of positive gains, snapped to ``bits`` bits of multiplier."""
    multiplier, shift = codes.snap_gain(gain.detach().numpy(), bits)
    return multiplier, shift


def requantize(
    value: Float64[Tensor, "*batch features"],
    gain: Float64[Tensor, "#*batch #features"],
    bits: int,
    multiplier_bits: int = codes.MULTIPLIER_BITS,
) -> Float64[Tensor, "*batch features"]:
    """clip(round(value m 2^-t)) with m 2^-t the snapped gain; gradients to value and gain."""
    multiplier, shift = gain_codes(gain, multiplier_bits)
    snapped = np.ldexp(multiplier.astype(np.float64), -shift)
    out: Tensor = _Requantize.apply(value, gain, snapped, bits)  # type: ignore[no-untyped-call]
    return out


def quantized_scan(  # noqa: PLR0913
    u: Float64[Tensor, "batch length features"],
    weights: tuple[Tensor, Tensor, Tensor, Tensor],
    *,
    gain: Float64[Tensor, "features modes"],
    k: Float64[Tensor, "features modes"],
    lengths: Int64[np.ndarray, " batch"],
    scales: Scales,
    noise: Noise,
    record: dict[str, Any] | None = None,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
) -> Float64[Tensor, "batch length features"]:
    """ADC codes of the kernels' outputs over whole sequences (DESIGN section 5).

    Args:
        u: DAC codes of the inputs.
        weights: Integer weights A, B, C, D on the array, as :class:`imssa.kernels.scan.Weights`.
        gain: Update gains that ``scales`` holds as (m, t); for their gradient.
        k: Decay shifts that ``scales`` holds rounded; for their gradient.
        lengths: True lengths.
        scales: Integer scales and widths.
        noise: Analog errors.
        record: Where to put register and ADC codes, (features, batch, length, ...), if wanted.
        budget_bytes: Most memory for registers on the way, from which the backward pass runs again,
            and once more for ADC codes (deviating devices alone), which spare it the products.
    """
    tensors = (lengths, *scales[:5], noise.deviation, noise.variance)
    y: Tensor
    y, *_ = scan_operator(
        u,
        *weights,
        gain,
        k,
        *(torch.from_numpy(x) for x in tensors),
        *scales[5:],
        noise.key0,
        noise.key1,
        budget_bytes,
    )
    if record is not None:
        held = Weights(*(w.detach().numpy() for w in weights))
        codes_of = scan_record(u.detach().contiguous().numpy(), lengths, held, scales, noise)
        record.update(state=codes_of.state[:, :, 1:], adc=codes_of.adc)
    return y
