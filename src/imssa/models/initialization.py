"""Where training starts: the poles, weights and steps of S4D (arXiv 2206.11893)."""

import math
from typing import Literal, TypeAlias

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from imssa.models.state_space import ContinuousStateSpace

Initialization: TypeAlias = Literal["lin", "inv", "legs", "real"]


def poles(initialization: Initialization, modes: int) -> Complex[Tensor, " modes"]:
    """The poles A_n of one kernel, n = 0 ... modes - 1, in double precision.

    With N = 2 modes, one of each conjugate pair:

    - `lin`: -1/2 + i pi n;
    - `inv`: -1/2 + i (N/pi)(N/(2n + 1) - 1);
    - `legs`: the eigenvalues of the normal part of HiPPO-LegS, ascending;
    - `real`: -(n + 1). These need no conjugate; they keep the form 2 Re(C x) with Im(A) = 0.

    Example:
        >>> poles("real", 2).real
        tensor([-1., -2.], dtype=torch.float64)
    """
    n = torch.arange(modes, dtype=torch.float64)
    size = 2 * modes
    if initialization == "real":
        return torch.complex(-(n + 1), torch.zeros_like(n))
    imaginary = {
        "lin": lambda: math.pi * n,
        "inv": lambda: size / math.pi * (size / (2 * n + 1) - 1),
        "legs": lambda: _legs_frequencies(size),
    }[initialization]()
    return torch.complex(torch.full_like(n, -0.5), imaginary)


def initialize(
    initialization: Initialization,
    shape: tuple[int, int],
    dt_range: tuple[float, float],
    generator: torch.Generator,
) -> ContinuousStateSpace:
    """A random system in double precision to start training from.

    A by `poles`, the same in each feature; B = 1, since a mode's B and C matter by their product
    only; C complex normal with E|C|^2 = 1 (normal and real for `real`); D normal; dt log-uniform
    in `dt_range`.

    Args:
        initialization: Which poles.
        shape: (d_model, modes).
        dt_range: Smallest and largest step.
        generator: Source of all randomness, on the CPU.

    Example:
        >>> initialize("lin", (3, 4), (0.001, 0.1), torch.Generator().manual_seed(1)).A.shape
        torch.Size([3, 4])
    """
    C = torch.randn(shape, dtype=torch.complex128, generator=generator)
    if initialization == "real":
        C = torch.complex(math.sqrt(2) * C.real, torch.zeros_like(C.real))
    low, high = (math.log(dt) for dt in dt_range)
    uniform = torch.rand(shape[0], dtype=torch.float64, generator=generator)
    return ContinuousStateSpace(
        A=poles(initialization, shape[1]).repeat(shape[0], 1),
        B=torch.ones(shape, dtype=torch.complex128),
        C=C,
        D=torch.randn(shape[0], dtype=torch.float64, generator=generator),
        dt=torch.exp(low + (high - low) * uniform),
    )


def _legs_frequencies(size: int) -> Float[Tensor, " modes"]:
    """The positive imaginary parts of the eigenvalues of the normal part of HiPPO-LegS.

    HiPPO-LegS is A_nk = -sqrt(2n+1) sqrt(2k+1) for n > k, -(n+1) for n = k, 0 above. Adding
    p p^T with p_n = sqrt(n + 1/2) leaves -1/2 plus a skew matrix S, so i S is Hermitian.
    """
    scale = torch.sqrt(2 * torch.arange(size, dtype=torch.float64) + 1)
    lower = torch.tril(torch.outer(scale, scale) / 2, diagonal=-1)
    frequencies: Tensor = torch.linalg.eigvalsh(1j * (lower.mT - lower))
    return frequencies[size // 2 :]
