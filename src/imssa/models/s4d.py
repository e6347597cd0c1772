"""The S4D layer: the trainable parameters of a diagonal state space."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imssa.errors import ShapeError
from imssa.models.initialization import Initialization, initialize
from imssa.models.state_space import (
    ContinuousStateSpace,
    DiscreteStateSpace,
    Discretization,
    Output,
    convolve,
    discretize,
)


class S4D(nn.Module):
    """One state-space kernel a feature, trained as a convolution (arXiv 2206.11893).

    A = -exp(log_A_real) + i A_imag, dt = exp(log_dt); B and C hold (re, im) on their last axis.
    B stays at 1 as in the public code: call `layer.B.requires_grad_()` to train it. Poles that
    start real (`initialization="real"`) stay real.

    Args:
        d_model: Number of features.
        d_state: Real states of a kernel, two a mode.
        generator: Source of the random start, on the CPU.
        initialization: Where the poles start.
        dt_range: Smallest and largest initial step.
        discretization: Rule that makes the discrete system.
        output: When the output is read.

    Raises:
        ShapeError: `d_model` is below 1, or `d_state` is odd or below 2.

    Example:
        >>> layer = S4D(3, 8, generator=torch.Generator().manual_seed(1))
        >>> layer(torch.ones(2, 10, 3)).shape
        torch.Size([2, 10, 3])
    """

    def __init__(
        self,
        d_model: int,
        d_state: int,
        *,
        generator: torch.Generator,
        initialization: Initialization = "lin",
        dt_range: tuple[float, float] = (1e-3, 1e-1),
        discretization: Discretization = "zoh",
        output: Output = "delayed",
    ) -> None:
        """Draw the start from `generator`."""
        super().__init__()
        if d_model < 1 or d_state < 2 or d_state % 2:
            raise ShapeError(
                given=f"d_model = {d_model}, d_state = {d_state}",
                rule="a layer has at least one feature, and two real states a mode",
                remedy="Set d_model to 1 or more and d_state to an even number.",
            )
        start = initialize(initialization, (d_model, d_state // 2), dt_range, generator)
        self.log_dt = _parameter(start.dt.log())
        self.log_A_real = _parameter(torch.log(-start.A.real))
        self.A_imag = _parameter(start.A.imag, trained=initialization != "real")
        self.B = _parameter(torch.view_as_real(start.B), trained=False)
        self.C = _parameter(torch.view_as_real(start.C))
        self.D = _parameter(start.D)
        self.discretization = discretization
        self.output = output

    @classmethod
    def from_parameters(
        cls,
        *,
        log_dt: Tensor,
        log_A_real: Tensor,
        A_imag: Tensor,
        C: Tensor,
        D: Tensor,
        discretization: Discretization = "zoh",
        output: Output = "current",
    ) -> "S4D":
        """A layer with the parameters of the public S4D (`state-spaces/s4`, models/s4/s4d.py).

        Args:
            log_dt: (features).
            log_A_real: (features, modes).
            A_imag: (features, modes).
            C: (features, modes, 2), also with one channel axis of size 1 before it.
            D: (features), also with one channel axis of size 1 before it.
            discretization: The public minimal code is `zoh`.
            output: The public code is `current`.

        Raises:
            ShapeError: Shapes that do not fit each other, or values that are not finite.
        """
        if C.ndim == 4 and C.shape[0] == 1:
            C = C[0]
        if D.ndim == 2 and D.shape[0] == 1:
            D = D[0]
        given = {"log_dt": log_dt, "log_A_real": log_A_real, "A_imag": A_imag, "C": C, "D": D}
        _require_public(given)
        d_model, modes = log_A_real.shape
        generator = torch.Generator().manual_seed(0)
        layer = cls(
            d_model, 2 * modes, generator=generator, discretization=discretization, output=output
        ).to(device=C.device, dtype=C.dtype)
        layer.load_state_dict(given, strict=False)
        positive = torch.cat((layer.log_dt.exp(), layer.log_A_real.exp().flatten()))
        if not bool(((positive > 0) & torch.isfinite(positive)).all()):
            raise ShapeError(
                given="log_dt, log_A_real",
                rule="exp(log_dt) and exp(log_A_real) must be finite and above zero",
                remedy="Look for a training run that diverged.",
            )
        return layer

    def continuous(self, dtype: torch.dtype | None = None) -> ContinuousStateSpace:
        """The continuous system, computed in `dtype` (by default that of the parameters)."""
        dtype = dtype or self.D.dtype
        return ContinuousStateSpace(
            A=torch.complex(-torch.exp(self.log_A_real.to(dtype)), self.A_imag.to(dtype)),
            B=torch.view_as_complex(self.B.to(dtype)),
            C=torch.view_as_complex(self.C.to(dtype)),
            D=self.D.to(dtype),
            dt=torch.exp(self.log_dt.to(dtype)),
        )

    def discrete(self, dtype: torch.dtype | None = None) -> DiscreteStateSpace:
        """The discrete system, given in `dtype` (by default that of the parameters).

        Always computed in float64: an error of A_bar grows with the number of steps, and the
        parameters are few.
        """
        system = discretize(self.continuous(torch.float64), self.discretization)
        return system.to(dtype or self.D.dtype)

    def forward(self, u: Float[Tensor, "..."]) -> Float[Tensor, "batch length features"]:
        """The output sequence from a zero state.

        Args:
            u: (batch, length, features).

        Raises:
            ShapeError: `u` is not three-dimensional, is empty, or has other features.
        """
        features = self.D.shape[0]
        if u.ndim != 3 or u.shape[1] < 1 or u.shape[2] != features:
            raise ShapeError(
                given=f"S4D input of shape {tuple(u.shape)}",
                rule=f"the layer takes (batch, length, {features}) with at least one time step",
                remedy="Put the features on the last axis.",
            )
        return convolve(self.discrete(torch.float64), u, self.output)


def _parameter(value: Tensor, *, trained: bool = True) -> nn.Parameter:
    return nn.Parameter(value.to(torch.float32), requires_grad=trained)


def _require_public(given: dict[str, Tensor]) -> None:
    """Refuse parameters whose shapes do not fit each other, or that are not finite."""
    shape = tuple(given["log_A_real"].shape)
    wanted = {"log_dt": shape[:1], "A_imag": shape, "C": (*shape, 2), "D": shape[:1]}
    wrong = [name for name, want in wanted.items() if tuple(given[name].shape) != want]
    if wrong or len(shape) != 2 or 0 in shape:
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in given.items())
        raise ShapeError(
            given=shapes,
            rule="S4D has log_dt (d_model), log_A_real and A_imag (d_model, modes), "
            "C (d_model, modes, 2) and D (d_model)",
            remedy="Give the parameters of one layer with one channel and untied poles.",
        )
    bad = [name for name, value in given.items() if not bool(torch.isfinite(value).all())]
    if bad:
        raise ShapeError(
            given=", ".join(bad),
            rule="parameters are finite numbers",
            remedy="Look for a training run that diverged.",
        )
