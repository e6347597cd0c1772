"""The compiled recurrence as an operator of PyTorch, with its gradients."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from imssa.errors import TrainingError
from imssa.kernels.recurrence import Filter, run_filter, run_sums

# Operators are declared by schema: PyTorch's shorter decorator loads its compiler at the first call,
# which costs a second.
_FILTER = "imssa::recurrence"
_SUMS = "imssa::recurrence_sums"
torch.library.define(
    _FILTER, "(Tensor u, Tensor A, Tensor c, Tensor D, bool delayed, bool backwards) -> Tensor"
)
torch.library.define(
    _SUMS, "(Tensor g_y, Tensor u, Tensor A, Tensor c, bool delayed) -> (Tensor, Tensor, Tensor)"
)


def recurrence(u: Tensor, A_bar: Tensor, c: Tensor, D: Tensor, *, delayed: bool) -> Tensor:
    """y_k = Re(sum_n c_n s_k) + D u_k with s_k = A_bar s_{k-1} + u_k, on the CPU.

    Gradients of all inputs are exact; the graph keeps u and the system, nothing of the size of the
    states. Second derivatives with respect to A_bar, c and D are refused.

    Args:
        u: (batch, length, features) in float32 or float64; the arithmetic is float64.
        A_bar: Poles, (features, modes).
        c: Input times output weights of each mode, (features, modes).
        D: Direct feed-through, (features).
        delayed: Reads the states before the step instead of after it.
    """
    wide = torch.complex128
    y: Tensor = torch.ops.imssa.recurrence(
        u, A_bar.to(wide), c.to(wide), D.double(), delayed, False
    )
    return y


@torch.library.impl(_FILTER, "cpu")
def _filter(u: Tensor, A: Tensor, c: Tensor, D: Tensor, delayed: bool, backwards: bool) -> Tensor:
    y = run_filter(_array(u), _system(A, c, D, delayed), backwards=backwards)
    return torch.from_numpy(y)


def _like_input(
    u: Tensor, A: Tensor, c: Tensor, D: Tensor, delayed: bool, backwards: bool
) -> Tensor:
    del A, c, D, delayed, backwards
    return u.new_empty(u.shape)


@torch.library.impl(_SUMS, "cpu")
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


def _like_system(
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
        g_u = torch.ops.imssa.recurrence(g_y, A, c, D, ctx.delayed, not ctx.backwards)
    system: tuple[Tensor | None, ...] = (None, None, None)
    if any(ctx.needs_input_grad[1:4]):
        pair = (u, g_y) if ctx.backwards else (g_y, u)
        system = torch.ops.imssa.recurrence_sums(*pair, A, c, ctx.delayed)
    return g_u, *system, None, None


def _refuse(ctx: Any, *gradients: Tensor) -> None:
    del ctx, gradients
    raise TrainingError(
        given="a second derivative with respect to A, B, C, D or dt",
        rule="the compiled recurrence has first derivatives, and second ones of its input",
        remedy="Use imssa.models.scan where second derivatives are needed.",
    )


torch.library.register_fake(_FILTER, _like_input)
torch.library.register_fake(_SUMS, _like_system)
torch.library.register_autograd(_FILTER, _back, setup_context=_keep)
torch.library.register_autograd(_SUMS, _refuse)


def _array(sequence: Tensor) -> Any:
    return sequence.detach().resolve_neg().contiguous().numpy()


def _system(A: Tensor, c: Tensor, D: Tensor, delayed: bool) -> Filter:
    a, b = A.detach().resolve_conj().numpy().T, c.detach().resolve_conj().numpy().T
    modes = np.stack((a.real, a.imag, b.real, b.imag))
    return Filter(modes, _array(D), int(delayed))
