"""The quantized recurrence as a PyTorch operator: autograd, ``torch.compile``, checkpointing.

Tensors are handed on without a copy; those of a GPU go to :mod:`imssa.kernels.scan_triton`. The operator's arguments are plain tensors and numbers, as
PyTorch asks; :func:`imssa.quantization.quantizers.quantized_scan` is what to call.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from imssa.kernels.scan import Noise, Scales, Scanned, Weights, scan_backward, scan_forward
from imssa.kernels.scan_plan import checkpoint_shape, dense_blocks, is_dense, layout

_TENSORS = 14
"""Tensors among the operator's arguments after ``u``: A, B, C, D, gain, k and those without gradient."""
_LENGTHS = 6
"""Place of the lengths among them."""


def _array(tensor: Tensor) -> Any:
    return tensor.detach().cpu().contiguous().numpy()


class _Arguments(NamedTuple):
    lengths: Any
    weights: Weights
    scales: Scales
    noise: Noise
    budget_bytes: int


def _arguments(tensors: Sequence[Tensor], numbers: Sequence[int]) -> _Arguments:
    """Arguments of a scan after ``u``, from the operator's: tensors from A on, then numbers."""
    A, B, C, D, _gain, _k, lengths, *rest = map(_array, tensors)
    adc, multiplier, shift, decay, passes, deviation, variance = rest
    f, dac_max, adc_max, register_max, realization, current, key0, key1, budget_bytes = numbers
    scales = Scales(
        adc,
        multiplier,
        shift,
        decay,
        passes,
        f,
        dac_max,
        adc_max,
        register_max,
        realization,
        current=bool(current),
    )
    noise = Noise(deviation, variance, key0, key1)
    return _Arguments(lengths, Weights(A, B, C, D), scales, noise, budget_bytes)


@torch.library.custom_op("imssa::quantized_scan", mutates_args=())
def scan_operator(
    u: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    gain: Tensor,
    k: Tensor,
    lengths: Tensor,
    adc: Tensor,
    multiplier: Tensor,
    shift: Tensor,
    decay: Tensor,
    passes: Tensor,
    deviation: Tensor,
    variance: Tensor,
    drive_shift: int,
    dac_max: int,
    adc_max: int,
    register_max: int,
    realization: int,
    current: bool,
    key0: int,
    key1: int,
    budget_bytes: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """ADC codes of the outputs, and registers and codes for the backward pass.

    ``gain`` and ``k`` stand for the real numbers behind ``multiplier``, ``shift`` and ``decay``:
    only their gradients are used.
    """
    of_scales = (adc, multiplier, shift, decay, passes)
    tensors = (A, B, C, D, gain, k, lengths, *of_scales, deviation, variance)
    widths = (drive_shift, dac_max, adc_max, register_max)
    numbers = (*widths, realization, current, key0, key1, budget_bytes)
    found = scan_forward(_array(u), *_arguments(tensors, numbers))
    y, checkpoints, codes = map(torch.from_numpy, found)
    return y, checkpoints, codes


@scan_operator.register_kernel("cuda")
def scan_operator_on_gpu(u: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The same on a GPU."""
    from imssa.kernels.scan_triton import forward_on_gpu

    given = _arguments(rest[:_TENSORS], rest[_TENSORS:])[1:]
    y, checkpoints = forward_on_gpu(u, rest[_LENGTHS].to(u.device), *given)
    return y, checkpoints, u.new_empty((0, 0, 0), dtype=torch.int16)


@scan_operator.register_fake
def _(u: Tensor, A: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    shape, modes, budget_bytes = tuple(int(n) for n in u.shape), int(A.shape[1]), rest[-1]
    deviation, passes = rest[_TENSORS - 3], rest[_TENSORS - 4]
    kept: tuple[int, ...]
    codes = (0, 0, 0)
    if u.device.type == "cuda":
        kept = checkpoint_shape(shape, modes, budget_bytes)
    elif is_dense(len(deviation), len(passes)):
        _, blocks, items = dense_blocks(shape, 2 * modes, len(passes), budget_bytes)
        kept = (shape[0] * shape[2], blocks, 2 * modes)
        codes = (items, shape[1], 2 * modes) if items else codes
    else:
        cut = layout(shape, modes, budget_bytes)
        kept = (cut.items, cut.blocks, 2 * cut.width)
    empty = u.new_empty(kept, dtype=torch.int32), u.new_empty(codes, dtype=torch.int16)
    return u.new_empty(shape), *empty


@torch.library.custom_op("imssa::quantized_scan_backward", mutates_args=())
def scan_operator_backward(
    g_y: Tensor,
    y: Tensor,
    checkpoints: Tensor,
    codes: Tensor,
    u: Tensor,
    tensors: list[Tensor],
    numbers: list[int],
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients of u, A, B, C, D, gain and k; ``tensors`` and ``numbers`` as the forward has them."""
    scanned = Scanned(_array(y), _array(checkpoints), _array(codes))
    found = scan_backward(_array(g_y), scanned, _array(u), *_arguments(tensors, numbers))
    u_, A, B, C, D, gain, k = (torch.from_numpy(np.ascontiguousarray(x)) for x in found)
    return u_, A, B, C, D, gain, k


@scan_operator_backward.register_kernel("cuda")
def scan_operator_backward_on_gpu(
    g_y: Tensor,
    y: Tensor,
    checkpoints: Tensor,
    _codes: Tensor,
    u: Tensor,
    tensors: list[Tensor],
    numbers: list[int],
) -> tuple[Tensor, ...]:
    """The same on a GPU; each gradient lies where its tensor does."""
    from imssa.kernels.scan_triton import backward_on_gpu

    given = _arguments(tensors, numbers)[1:]
    lengths = tensors[_LENGTHS].to(u.device)
    found = backward_on_gpu(g_y, y, checkpoints, u, lengths, *given)
    return tuple(x.to(like.device) for x, like in zip(found, (u, *tensors[:6]), strict=True))


@scan_operator_backward.register_fake
def _(
    g_y: Tensor,  # noqa: ARG001
    y: Tensor,  # noqa: ARG001
    checkpoints: Tensor,  # noqa: ARG001
    codes: Tensor,  # noqa: ARG001
    u: Tensor,
    tensors: list[Tensor],
    numbers: list[int],  # noqa: ARG001
) -> tuple[Tensor, ...]:
    return tuple(
        torch.empty_like(x, memory_format=torch.contiguous_format) for x in (u, *tensors[:6])
    )


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    u, *rest = inputs
    ctx.save_for_backward(*output, u, *rest[:_TENSORS])
    ctx.numbers = [int(n) for n in rest[_TENSORS:]]


def _gradients(ctx: Any, g_y: Tensor, *_g_kept: Any) -> tuple[Any, ...]:
    y, checkpoints, codes, u, *tensors = ctx.saved_tensors
    found = scan_operator_backward(g_y, y, checkpoints, codes, u, tensors, ctx.numbers)
    return (*found, *(None,) * (_TENSORS - 6 + len(ctx.numbers)))


scan_operator.register_autograd(_gradients, setup_context=_keep)
