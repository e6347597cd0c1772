"""The mathematics of diagonal state spaces: pure functions of tensors.

Each feature is a single-input single-output system of complex modes, one of each conjugate pair:

    x' = A x + B u,   y = 2 Re(sum_n C_n x_n) + D u                  (continuous)
    s_k = A_bar s_{k-1} + B_bar u_k                                  (discrete)

Two conventions say when the output is read: `current`, y_k = 2 Re(C s_k) + D u_k, as in the S4
papers (arXiv 2206.11893), and `delayed`, y_k = 2 Re(C s_{k-1}) + D u_k, as in SciPy's `dlsim` and
as one pass through an array gives it. Three equal ways lead to the output: convolution with the
`kernel`, `scan`, and `step` after `step`. `convolve` is the fast one for whole sequences.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import torch
from jaxtyping import Complex, Float
from scipy.fft import next_fast_len
from torch import Tensor

from imssa.errors import ShapeError
from imssa.models.recurrence import recurrence

# Up to this many modes, times log2(length) - 4, the compiled recurrence takes less processor time
# than kernel and FFT together, forward and backward (measured with 128 features, 64 to 16,384 steps).
MODES_PER_DOUBLING: Final = 12

Discretization: TypeAlias = Literal["zoh", "bilinear"]
Output: TypeAlias = Literal["current", "delayed"]

# The shapes of a system are checked when it is built: (features, modes) and (features).
Modes: TypeAlias = Complex[Tensor, "..."]
Features: TypeAlias = Float[Tensor, "..."]


@dataclass(frozen=True, eq=False)
class ContinuousStateSpace:
    """x' = A x + B u, y = 2 Re(sum C x) + D u, with the step at which it will be sampled.

    Attributes:
        A: Poles, Re(A) < 0, (features, modes).
        B: Input weights, (features, modes).
        C: Output weights, (features, modes).
        D: Direct feed-through, (features).
        dt: Sampling step, (features).

    Raises:
        ShapeError: The shapes do not fit each other.
    """

    A: Modes
    B: Modes
    C: Modes
    D: Features
    dt: Features

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit each other."""
        _require_fit({"A": self.A, "B": self.B, "C": self.C}, {"D": self.D, "dt": self.dt})


@dataclass(frozen=True, eq=False)
class DiscreteStateSpace:
    """s_k = A_bar s_{k-1} + B_bar u_k, read as 2 Re(sum C s) + D u.

    Attributes:
        A_bar: Poles, (features, modes).
        B_bar: Input weights, (features, modes).
        C: Output weights, (features, modes).
        D: Direct feed-through, (features).

    Raises:
        ShapeError: The shapes do not fit each other.
    """

    A_bar: Modes
    B_bar: Modes
    C: Modes
    D: Features

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit each other."""
        modes = {"A_bar": self.A_bar, "B_bar": self.B_bar, "C": self.C}
        _require_fit(modes, {"D": self.D})

    def to(self, dtype: torch.dtype) -> "DiscreteStateSpace":
        """The same system with real parts of `dtype` (float32 or float64)."""
        pair = dtype.to_complex()
        return DiscreteStateSpace(
            self.A_bar.to(pair), self.B_bar.to(pair), self.C.to(pair), self.D.to(dtype)
        )


@dataclass(frozen=True, eq=False)
class RealStateSpace:
    """The discrete system as an array stores it: s_k = A s_{k-1} + B u_k, y = C s + D u.

    The states of a feature are (Re x_0, Im x_0, Re x_1, Im x_1, ...).

    Attributes:
        A: Block diagonal, a block [[a, -b], [b, a]] a mode, (features, states, states).
        B: (Re B_bar, Im B_bar) of each mode, (features, states).
        C: (2 Re C, -2 Im C) of each mode, (features, states).
        D: Direct feed-through, (features).
    """

    A: Float[Tensor, "features states states"]
    B: Float[Tensor, "features states"]
    C: Float[Tensor, "features states"]
    D: Float[Tensor, " features"]


def zoh(continuous: ContinuousStateSpace) -> DiscreteStateSpace:
    """The system sampled with its input held: A_bar = exp(dt A), B_bar = (A_bar - 1)/A B.

    A_bar - 1 is taken by expm1, since the plain difference loses up to three digits at small steps.

    Example:
        >>> one = torch.ones(1, 1, dtype=torch.complex128)
        >>> system = ContinuousStateSpace(-one, one, one, torch.zeros(1), torch.ones(1))
        >>> round(zoh(system).B_bar.item().real, 6)
        0.632121
    """
    exponent = continuous.dt.unsqueeze(-1) * continuous.A
    held = torch.expm1(exponent) / continuous.A * continuous.B
    return DiscreteStateSpace(torch.exp(exponent), held, continuous.C, continuous.D)


def bilinear(continuous: ContinuousStateSpace) -> DiscreteStateSpace:
    """The trapezoidal rule: A_bar = (1 + dt A/2)/(1 - dt A/2), B_bar = dt/(1 - dt A/2) B.

    C and D stay as they are (S4's form of the rule; SciPy's maps them as well).
    """
    dt = continuous.dt.unsqueeze(-1)
    half = dt * continuous.A / 2
    return DiscreteStateSpace(
        (1 + half) / (1 - half), dt / (1 - half) * continuous.B, continuous.C, continuous.D
    )


def discretize(continuous: ContinuousStateSpace, rule: Discretization) -> DiscreteStateSpace:
    """The discrete system by the named rule."""
    return zoh(continuous) if rule == "zoh" else bilinear(continuous)


def kernel(
    discrete: DiscreteStateSpace,
    length: int,
    output: Output,
    dtype: torch.dtype | None = None,
) -> Float[Tensor, "features {length}"]:
    """The response to an impulse, without the direct term D.

    `current`: K_l = 2 Re sum_n C_n B_bar_n A_bar_n^l; `delayed`: the same one step later, K_0 = 0.

    On the CPU it is what the compiled recurrence answers to an impulse. Elsewhere, with l = r w + c,
    a power is A_bar^(r w) A_bar^c: two tables of about sqrt(length) columns and one batched real
    product stand for the (features, modes, length) table of all powers. Both are made in double
    precision, since an error of A_bar grows with l.

    Args:
        discrete: The system. Give it in float64 where the kernel is long, whatever `dtype` is.
        length: Number of time steps, at least 1.
        output: When the output is read.
        dtype: Real type of the product and the result; by default that of `discrete.D`.

    Raises:
        ShapeError: `length` is below 1.
    """
    if length < 1:
        raise ShapeError(
            given=f"length = {length}",
            rule="a kernel needs at least one time step",
            remedy="Give a sequence that is not empty.",
        )
    real = dtype or discrete.D.dtype
    if _is_compiled(discrete.A_bar.device, real):
        impulse = torch.zeros(1, length, len(discrete.D), dtype=real)
        impulse[:, 0] = 1.0
        current = _recur(discrete, impulse, torch.zeros_like(discrete.D), "current")[0].mT
    else:
        current = _tabulated(discrete, length, real)
    if output == "current":
        return current
    return torch.nn.functional.pad(current[:, :-1], (1, 0))


def convolve(
    discrete: DiscreteStateSpace, u: Float[Tensor, "batch length features"], output: Output
) -> Float[Tensor, "batch length features"]:
    """The output from a zero state, by the faster of two ways.

    On the CPU that is mostly the compiled recurrence, whose time grows with the modes, but not with
    the logarithm of the length; elsewhere, and with many modes, kernel and FFT. The choice follows
    from device, precision, modes and length alone, so that results repeat.

    Args:
        discrete: The system. Give it in float64 where sequences are long, whatever `u` is.
        u: The input.
        output: When the output is read.
    """
    few = MODES_PER_DOUBLING * max(1, u.shape[1].bit_length() - 5)
    if discrete.A_bar.shape[1] <= few and _is_compiled(u.device, u.dtype):
        return _recur(discrete, u, discrete.D, output)
    response = kernel(discrete, u.shape[1], output, u.dtype)
    return fft_convolution(u, response, discrete.D.to(u.dtype))


def fft_convolution(
    u: Float[Tensor, "batch length features"],
    K: Float[Tensor, "features length"],
    D: Float[Tensor, " features"],
) -> Float[Tensor, "batch length features"]:
    """y_k = sum_l K_l u_{k-l} + D u_k, causal, by real FFTs of a good size."""
    length = u.shape[1]
    size = next_fast_len(2 * length - 1, real=True)
    spectrum = torch.fft.rfft(u.mT, n=size) * torch.fft.rfft(K, n=size)
    convolved: Tensor = torch.fft.irfft(spectrum, n=size)[..., :length].mT
    return convolved + D * u


def step(
    discrete: DiscreteStateSpace,
    state: Complex[Tensor, "batch features modes"],
    u: Float[Tensor, "batch features"],
    output: Output,
) -> tuple[Complex[Tensor, "batch features modes"], Float[Tensor, "batch features"]]:
    """The state after one time step, and the output of that step."""
    following = discrete.A_bar * state + discrete.B_bar * u.unsqueeze(-1)
    read = following if output == "current" else state
    return following, 2 * (discrete.C * read).sum(-1).real + discrete.D * u


def scan(
    discrete: DiscreteStateSpace,
    u: Float[Tensor, "batch length features"],
    output: Output,
) -> Float[Tensor, "batch length features"]:
    """The output by the recurrence from a zero state, one time step after the other.

    The slow, obvious reference of `fft_convolution`.
    """
    state = discrete.A_bar.new_zeros(u.shape[0], *discrete.A_bar.shape)
    outputs = []
    for u_k in u.unbind(1):
        state, y_k = step(discrete, state, u_k, output)
        outputs.append(y_k)
    return torch.stack(outputs, dim=1)


def real_form(discrete: DiscreteStateSpace) -> RealStateSpace:
    """The system on (Re x, Im x), block by block: [[a, -b], [b, a]], read by (2 Re C, -2 Im C).

    Example:
        >>> mode = torch.tensor([[0.5 + 0.25j]])
        >>> real_form(DiscreteStateSpace(mode, mode, mode, torch.zeros(1))).A
        tensor([[[ 0.5000, -0.2500],
                 [ 0.2500,  0.5000]]])
    """
    features, modes = discrete.A_bar.shape
    a, b = discrete.A_bar.real, discrete.A_bar.imag
    blocks = torch.stack((a, -b, b, a), dim=-1).view(features, modes, 2, 2)
    A = a.new_zeros(features, modes, 2, modes, 2)
    index = torch.arange(modes, device=a.device)
    A[:, index, :, index, :] = blocks.transpose(0, 1)
    return RealStateSpace(
        A=A.view(features, 2 * modes, 2 * modes),
        B=torch.view_as_real(discrete.B_bar).flatten(1),
        C=2 * torch.view_as_real(discrete.C.conj().resolve_conj()).flatten(1),
        D=discrete.D,
    )


def _is_compiled(device: torch.device, dtype: torch.dtype) -> bool:
    return device.type == "cpu" and dtype in {torch.float32, torch.float64}


def _recur(
    discrete: DiscreteStateSpace,
    u: Float[Tensor, "batch length features"],
    D: Float[Tensor, " features"],
    output: Output,
) -> Float[Tensor, "batch length features"]:
    c = 2 * discrete.C * discrete.B_bar
    return recurrence(u, discrete.A_bar, c, D, delayed=output == "delayed")


def _tabulated(
    discrete: DiscreteStateSpace, length: int, real: torch.dtype
) -> Float[Tensor, "features {length}"]:
    """The kernel of `current` output as a product of two tables of powers."""
    width = 1 << ((length - 1).bit_length() + 1) // 2
    columns, stride = _powers(discrete.A_bar.to(torch.complex128), width)
    rows, _ = _powers(stride, -(-length // width))
    rows = rows * (2 * discrete.C * discrete.B_bar).unsqueeze(-1)
    left = torch.cat((rows.real, -rows.imag), dim=1).to(real)
    right = torch.cat((columns.real, columns.imag), dim=1).to(real)
    return (left.mT @ right).flatten(1)[:, :length]


def _powers(
    base: Complex[Tensor, "features modes"], count: int
) -> tuple[Complex[Tensor, "features modes {count}"], Complex[Tensor, "features modes"]]:
    """base^0 ... base^(count - 1) by doubling, and base^(count rounded up to a power of two).

    Unlike exp(l log(base)) this, and its gradient, holds at base = 0.
    """
    table = torch.ones_like(base).unsqueeze(-1)
    while table.shape[-1] < count:
        table = torch.cat((table, table * base.unsqueeze(-1)), dim=-1)
        base = base * base
    return table[..., :count], base


def _require_fit(modes: dict[str, Tensor], features: dict[str, Tensor]) -> None:
    """Refuse unless all of `modes` are (d_model, modes) and all of `features` (d_model)."""
    shapes = {name: tuple(value.shape) for name, value in {**modes, **features}.items()}
    first = next(iter(shapes.values()))
    fits = (
        len(first) == 2
        and all(shapes[name] == first for name in modes)
        and all(shapes[name] == first[:1] for name in features)
    )
    if not fits:
        raise ShapeError(
            given=", ".join(f"{name} {shape}" for name, shape in shapes.items()),
            rule=f"{', '.join(modes)} have shape (d_model, modes), "
            f"{' and '.join(features)} (d_model,)",
            remedy="Give each array one row a feature.",
        )
