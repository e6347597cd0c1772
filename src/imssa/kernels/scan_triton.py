"""The quantized recurrence on a GPU: what :mod:`imssa.kernels.scan` gives, for devices that are exact.

Constants, float types and the rule for checkpoints are those of :mod:`imssa.kernels.scan_plan`, so
codes equal the CPU's and gradients differ by the order of sums. Weights and scales, small, come from
the host; inputs, outputs and checkpoints stay on the device. Under ``TRITON_INTERPRET=1``, set before
Triton is imported, the same functions take tensors of the CPU.
"""

from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from imssa.errors import DesignRuleError, MissingToolError
from imssa.kernels.scan import limits_of
from imssa.kernels.scan_plan import (
    checkpoint_shape,
    constants,
    dense_blocks,
    float_type,
    is_dense,
)
from imssa.kernels.scan_step import B0, C0, DECAY, GAIN, GRADIENTS
from imssa.kernels.scan_types import LEAKY, Noise, Scales, Weights

LANES: Final = 32
"""Least lanes of an instance: those of one warp, so sums over modes need no shared memory."""
OPTIONS: Final = {"num_warps": 1, "enable_fp_fusion": False}
"""One warp an instance; products and sums are rounded one by one, as the plan has proven them."""


class _Prepared(NamedTuple):
    """Constants on the device in the float type of the scan, and the cut."""

    rows: Tensor
    outputs: Tensor
    limits: Tensor
    instances: int
    sizes: tuple[int, int, int, int]
    """Length, features, modes, blocks."""
    names: dict[str, Any]
    """What a kernel is compiled for, and how."""


def _prepare(
    shape: tuple[int, ...],
    weights: Weights,
    scales: Scales,
    budget_bytes: int,
    dtype: type | None,
    device: torch.device,
) -> _Prepared:
    batch, length, features = shape
    modes, dtype = weights.A.shape[1], dtype or float_type(weights, scales)
    block, blocks, _ = dense_blocks(shape, 2 * modes, 1, budget_bytes)
    block = 1 << (block - 1).bit_length()  # few compiled forms, whatever lengths batches have
    padded = 1 << (modes - 1).bit_length()
    kernels = max(1, LANES // padded)
    outputs, limits = np.stack([weights.D, 1.0 / scales.adc[:, -1]]), limits_of(scales, dtype)

    def on_device(x: Any) -> Tensor:
        return torch.from_numpy(np.asarray(x, dtype)).to(device)

    names = {"BLOCK": block, "CURRENT": bool(scales.current), "KERNELS": kernels, "MODES": padded}
    instances, sizes = batch * -(-features // kernels), (length, features, modes, blocks)
    tables = on_device(constants(weights, scales)), on_device(outputs), on_device(limits)
    return _Prepared(*tables, instances, sizes, names | OPTIONS)


def _beside(tensor: Tensor) -> AbstractContextManager[Any]:
    """Makes a tensor's GPU the one where kernels start."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()


def _check(scales: Scales, noise: Noise) -> None:
    """Whether a GPU can run this scan."""
    if is_dense(len(noise.deviation), len(scales.passes)):
        raise DesignRuleError(
            given=f"a scan on a GPU with {len(noise.deviation)} draws of deviating devices "
            f"and {len(scales.passes)} passes a conversion",
            rule="on a GPU devices are exact and a conversion is one pass",
            remedy="Train on the CPU, or without noise and with plain conversions.",
        )
    if find_spec("triton") is None:
        raise MissingToolError(
            given="a scan on a GPU",
            rule="its kernels are written in Triton, which is not installed",
            remedy="Type: pip install triton",
        )


def forward_on_gpu(
    u: Tensor,
    lengths: Tensor,
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int,
    dtype: type | None = None,
) -> tuple[Tensor, Tensor]:
    """Output codes, and registers before each block of steps.

    Args:
        u: DAC codes of the inputs, (batch, length, features), float64.
        lengths: True lengths, on the same device.
        weights: Integer weights.
        scales: Integer scales and widths.
        noise: Analog errors; none are taken yet.
        budget_bytes: Most that the checkpoints may take.
        dtype: float32 or float64, where it is not to be chosen.

    Raises:
        DesignRuleError: Devices deviate, or a conversion has several passes.
        MissingToolError: Triton is not installed.
    """
    _check(scales, noise)
    from imssa.kernels.scan_triton_steps import forward_kernel

    shape = tuple(u.shape)
    p = _prepare(shape, weights, scales, budget_bytes, dtype, u.device)
    y = torch.zeros_like(u, memory_format=torch.contiguous_format)
    kept = u.new_empty(checkpoint_shape(shape, p.sizes[2], budget_bytes), dtype=torch.int32)
    given = (u.contiguous(), lengths, p.rows, p.outputs, p.limits, y, kept)
    with _beside(u):
        forward_kernel[(p.instances,)](*given, *p.sizes, **p.names)
    return y, kept


def backward_on_gpu(
    g_y: Tensor,
    y: Tensor,
    checkpoints: Tensor,
    u: Tensor,
    lengths: Tensor,
    weights: Weights,
    scales: Scales,
    noise: Noise,
    budget_bytes: int,
    dtype: type | None = None,
) -> tuple[Tensor, ...]:
    """Straight-through gradients of u, A, B, C, D, gain and k, as those of `scan_backward`.

    Gradients that leave the range of float32, as unstable poles make them, are found in float64.
    """
    _check(scales, noise)
    given = (g_y.contiguous(), y, checkpoints, u.contiguous(), lengths)
    p = _prepare(tuple(u.shape), weights, scales, budget_bytes, dtype, u.device)
    g_u, sums, direct = _run_back(p, given)
    if p.rows.dtype == torch.float32 and not bool(torch.isfinite(sums).all()):
        p = _prepare(tuple(u.shape), weights, scales, budget_bytes, np.float64, u.device)
        g_u, sums, direct = _run_back(p, given)
    k = torch.zeros_like(sums[DECAY])
    if scales.realization == LEAKY:
        k = sums[DECAY] * torch.from_numpy(np.ldexp(np.log(2.0), -scales.k)).to(u.device)
    features, modes = k.shape
    A = sums[:4].permute(1, 2, 0).reshape(features, modes, 2, 2).contiguous()
    B, C = (sums[i : i + 2].permute(1, 2, 0).contiguous() for i in (B0, C0))
    return g_u, A, B, C, direct, sums[GAIN].clone(), k


def _run_back(p: _Prepared, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of inputs, of the rows of constants and of D, summed over sequences."""
    from imssa.kernels.scan_triton_back import backward_kernel

    u = given[3]
    batch, _, features = u.shape
    g_u = torch.zeros_like(u)
    sums = u.new_zeros((batch, GRADIENTS, *p.rows.shape[1:]), dtype=torch.float64)
    direct = u.new_empty((batch, features), dtype=torch.float64)
    lanes = p.names["KERNELS"] * p.names["MODES"]
    states = p.rows.new_empty((p.instances, p.names["BLOCK"], 2, lanes))
    rest = (p.rows, p.outputs, p.limits, states, g_u, sums, direct)
    with _beside(u):
        backward_kernel[(p.instances,)](*given, *rest, *p.sizes, **p.names)
    return g_u, sums.sum(0), direct.sum(0)
