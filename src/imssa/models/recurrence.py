"""The compiled recurrence as an operator of PyTorch, with its gradients."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from imssa.kernels.recurrence import Filter, run_filter, run_sums

# Annotated without shapes: PyTorch reads an operator's signature from the annotations.


def recurrence(u: Tensor, A_bar: Tensor, c: Tensor, D: Tensor, *, delayed: bool) -> Tensor:
    """y_k = Re(sum_n c_n s_k) + D u_k with s_k = A_bar s_{k-1} + u_k, on the CPU.

    Gradients of all inputs are exact; the graph keeps u and the system, nothing of the size of the
    states. Second derivatives with respect to A_bar, c and D are not offered.

    Args:
        u: (batch, length, features) in float32 or float64; the arithmetic is float64.
        A_bar: Poles, (features, modes).
        c: Input times output weights of each mode, (features, modes).
        D: Direct feed-through, (features).
        delayed: Reads the states before the step instead of after it.
    """
    wide = torch.complex128
    y: Tensor = _filter(u, A_bar.to(wide), c.to(wide), D.double(), delayed, False)
    return y


@torch.library.custom_op("imssa::recurrence", mutates_args=(), device_types="cpu")
def _filter(  # noqa: PLR0917
    u: Tensor, A: Tensor, c: Tensor, D: Tensor, delayed: bool, backwards: bool
) -> Tensor:
    y = run_filter(_array(u), _system(A, c, D, delayed), backwards=backwards)
    return torch.from_numpy(y)


@_filter.register_fake
def _(  # noqa: PLR0917
    u: Tensor, A: Tensor, c: Tensor, D: Tensor, delayed: bool, backwards: bool
) -> Tensor:
    del A, c, D, delayed, backwards
    return u.new_empty(u.shape)


@torch.library.custom_op("imssa::recurrence_sums", mutates_args=(), device_types="cpu")
def _gradients(
    g_y: Tensor, u: Tensor, A: Tensor, c: Tensor, delayed: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of A, c and D; those of complex numbers as PyTorch defines them (conjugated)."""
    system = _system(A, c, torch.zeros(len(A), dtype=torch.float64), delayed)
    sums = run_sums(_array(g_y), _array(u), system)
    modes = torch.from_numpy(sums.modes.sum(0)).mT
    g_c = torch.complex(modes[0], -modes[1])
    g_A = c.conj() * torch.complex(modes[2], -modes[3])
    return g_A, g_c, torch.from_numpy(sums.u.sum(0))


@_gradients.register_fake
def _(
    g_y: Tensor, u: Tensor, A: Tensor, c: Tensor, delayed: bool
) -> tuple[Tensor, Tensor, Tensor]:
    del u, delayed
    return torch.empty_like(A), torch.empty_like(c), g_y.new_empty(len(A), dtype=torch.float64)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    del output
    *tensors, ctx.delayed, ctx.backwards = inputs
    ctx.save_for_backward(*tensors)


def _back(ctx: Any, g_y: Tensor) -> tuple[Tensor | None, ...]:
    """Backwards in time the filter is its own transpose, so there u and its gradient change roles."""
    u, A, c, D = ctx.saved_tensors
    g_u = None
    if ctx.needs_input_grad[0]:
        g_u = _filter(g_y, A, c, D, ctx.delayed, not ctx.backwards)
    system: tuple[Tensor | None, ...] = (None, None, None)
    if any(ctx.needs_input_grad[1:4]):
        pair = (u, g_y) if ctx.backwards else (g_y, u)
        system = _gradients(*pair, A, c, ctx.delayed)
    return g_u, *system, None, None


_filter.register_autograd(_back, setup_context=_keep)


def _array(sequence: Tensor) -> Any:
    return sequence.detach().resolve_neg().contiguous().numpy()


def _system(A: Tensor, c: Tensor, D: Tensor, delayed: bool) -> Filter:
    a, b = A.detach().resolve_conj().numpy().T, c.detach().resolve_conj().numpy().T
    modes = np.stack((a.real, a.imag, b.real, b.imag))
    return Filter(modes, _array(D), int(delayed))
