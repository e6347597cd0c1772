"""The compiled recurrence against SciPy, the plain loop, and the textbook form."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from imssa.errors import TrainingError
from imssa.kernels import parallel
from imssa.kernels.recurrence import LANES
from imssa.models import (
    S4D,
    ContinuousStateSpace,
    DiscreteStateSpace,
    Discretization,
    Output,
    convolve,
    discretize,
    fft_convolution,
    kernel,
    scan,
    state_space,
)
from imssa.models.recurrence import recurrence
from tests.reference.textbook import textbook_layer

OUTPUTS: tuple[Output, ...] = ("current", "delayed")
RULES: tuple[Discretization, ...] = ("zoh", "bilinear")
LONG = 16384


def system(seed: int, features: int, modes: int, dt: tuple[float, float]) -> ContinuousStateSpace:
    """Modes as S4D has them: decay about 1/2, frequencies up to pi times their number."""
    rng = np.random.default_rng(seed)
    shape = (features, modes)

    def normal() -> torch.Tensor:
        return torch.from_numpy(rng.normal(size=shape) + 1j * rng.normal(size=shape))

    A = -rng.uniform(0.2, 1.0, shape) + 1j * np.pi * rng.uniform(0, modes, shape)
    D, step = rng.normal(size=features), np.exp(rng.uniform(np.log(dt[0]), np.log(dt[1]), features))
    parts = torch.from_numpy(A), normal(), normal(), torch.from_numpy(D), torch.from_numpy(step)
    return ContinuousStateSpace(*parts)


def sequences(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def filtered(
    discrete: DiscreteStateSpace, u: NDArray[np.float64], output: Output
) -> NDArray[np.float64]:
    """The output of each feature and mode by SciPy's direct recurrence in double precision."""
    y: NDArray[np.float64] = discrete.D.numpy() * u
    late = output == "delayed"
    for h, (poles, B, C) in enumerate(zip(discrete.A_bar, discrete.B_bar, discrete.C, strict=True)):
        for pole, weight in zip(poles.tolist(), (2 * B * C).tolist(), strict=True):
            numerator = [0.0, weight] if late else [weight]
            part = signal.lfilter(numerator, [1.0, -pole], u[..., h].astype(complex), axis=1)
            y[..., h] += part.real
    return y


def error(ours: torch.Tensor, expected: NDArray[np.float64]) -> float:
    """Largest difference relative to the largest expected value."""
    return float(np.abs(ours.detach().double().numpy() - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("dt", [(1e-4, 1e-3), (1e-3, 1e-1)])
def test_single_precision_holds_over_long_sequences(
    rule: Discretization, output: Output, dt: tuple[float, float]
) -> None:
    discrete = discretize(system(1, 4, 16, dt), rule)
    u = sequences(2, 1, LONG, 4).float()
    expected = filtered(discrete, u.double().numpy(), output)
    assert error(convolve(discrete, u, output), expected) < 1e-6
    response = kernel(discrete, LONG, output, torch.float32)
    assert error(fft_convolution(u, response, discrete.D.float()), expected) < 1e-5


def test_a_layer_in_single_precision_holds_over_long_sequences() -> None:
    layer = S4D(6, 32, generator=torch.Generator().manual_seed(3), dt_range=(1e-4, 1e-2))
    u = sequences(4, 1, LONG, 6).float()
    with torch.no_grad():
        expected = filtered(layer.discrete(torch.float64), u.double().numpy(), layer.output)
        assert error(layer(u), expected) < 1e-6


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 80), st.integers(1, 2 * LANES + 3)),
    modes=st.integers(1, 5),
    output=st.sampled_from(OUTPUTS),
)
def test_it_is_the_scan(seed: int, shape: tuple[int, int, int], modes: int, output: Output) -> None:
    discrete = discretize(system(seed, shape[2], modes, (1e-3, 1e-1)), "zoh")
    u = sequences(seed, *shape)
    assert error(convolve(discrete, u, output), scan(discrete, u, output).numpy()) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("length", [1, 4, 7])
def test_gradients_of_everything_are_exact(
    rule: Discretization, output: Output, length: int
) -> None:
    made = system(5, 2, 2, (0.01, 0.1))
    inputs = [
        x.requires_grad_()
        for x in (sequences(6, 2, length, 2), made.A, made.B, made.C, made.D, made.dt)
    ]

    def response(u: torch.Tensor, *parts: torch.Tensor) -> torch.Tensor:
        return convolve(discretize(ContinuousStateSpace(*parts), rule), u, output)

    assert torch.autograd.gradcheck(response, inputs)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("features", [LANES, LANES + 5])
def test_gradients_are_those_of_the_scan(output: Output, features: int) -> None:
    discrete = discretize(system(7, features, 3, (1e-3, 1e-1)), "zoh")
    inputs = (sequences(8, 2, 70, features), discrete.A_bar, discrete.B_bar, discrete.C, discrete.D)
    weight = sequences(9, 2, 70, features)
    found = []
    for way in (convolve, scan):
        u, *parts = [x.clone().requires_grad_() for x in inputs]
        y = way(DiscreteStateSpace(*parts), u, output)
        found.append(torch.autograd.grad(y, (u, *parts), weight))
    for ours, expected in zip(*found, strict=True):
        assert (ours - expected).abs().max() < 1e-12 * expected.abs().max()


def test_single_precision_gradients_are_the_textbook_ones() -> None:
    layer = S4D(5, 8, generator=torch.Generator().manual_seed(10), output="current")
    names = ("log_dt", "log_A_real", "A_imag", "C", "D")
    parameters = [getattr(layer, name) for name in names]
    u = sequences(11, 3, 300, 5).float().requires_grad_()
    weight = sequences(12, 3, 300, 5).float()
    ours = torch.autograd.grad(layer(u), (u, *parameters), weight)
    y = textbook_layer(u.mT, *parameters).mT
    theirs = torch.autograd.grad(y, (u, *parameters), weight)
    for found, expected in zip(ours, theirs, strict=True):
        assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = S4D(3 * LANES, 8, generator=torch.Generator().manual_seed(13))
    u = sequences(14, 3, 100, 3 * LANES).float().requires_grad_()
    found = []
    for workers in (1, 3):
        monkeypatch.setattr(parallel, "worker_count", lambda w=workers: w)
        y = layer(u)
        found.append((y, *torch.autograd.grad(y.square().sum(), (u, layer.log_dt, layer.C))))
    for one, three in zip(*found, strict=True):
        assert torch.equal(one, three)


def test_many_modes_take_the_fft_and_agree() -> None:
    discrete = discretize(system(15, 2, 40, (1e-3, 1e-1)), "zoh")
    for length in (40, 400):  # the recurrence takes up to 12 modes, and up to 48
        u = sequences(16, 1, length, 2)
        response = kernel(discrete, length, "current")
        expected = fft_convolution(u, response, discrete.D)
        y = convolve(discrete, u, "current")
        assert torch.equal(y, expected) == (length == 40)
        assert error(y, expected.numpy()) < 1e-12


def test_tables_of_powers_give_the_kernel_where_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = system(17, 3, 4, (1e-3, 1e-1))
    weight = sequences(18, 3, 1000)
    found = []
    for compiled in (True, False):
        monkeypatch.setattr(state_space, "_is_compiled", lambda *_, c=compiled: c)
        A = made.A.clone().requires_grad_()
        system_of_A = ContinuousStateSpace(A, made.B, made.C, made.D, made.dt)
        response = kernel(discretize(system_of_A, "zoh"), 1000, "delayed")
        found.append((response, *torch.autograd.grad(response, A, weight)))
    for ours, expected in zip(*found, strict=True):
        assert (ours - expected).abs().max() < 1e-11 * expected.abs().max()


def test_views_go_in_and_out() -> None:
    discrete = discretize(system(19, 4, 2, (0.01, 0.1)), "zoh")
    u = sequences(20, 2, 4, 9).mT.requires_grad_()
    y = convolve(discrete, u, "delayed")
    expected = convolve(discrete, u.detach().contiguous(), "delayed")
    assert torch.equal(y, expected)
    assert torch.autograd.grad(y.sum(), u)[0].shape == u.shape


def test_states_that_have_died_away_are_zero() -> None:
    # 0.7^2000 would stand at the smallest number there is, where arithmetic is slow.
    one = torch.ones(1, 1, dtype=torch.complex128)
    u = torch.zeros(1, 3000, 1, dtype=torch.float64)
    u[0, 0] = 1.0
    y = recurrence(u, 0.7 * one, one, torch.zeros(1), delayed=False)[0, :, 0]
    assert y[1000] == pytest.approx(0.7**1000, rel=1e-12)
    assert not y[2000:].any()


def test_second_derivatives_exist_for_the_input_and_are_refused_for_the_system() -> None:
    u = sequences(21, 1, 6, 2).requires_grad_()
    pole = torch.full((2, 1), 0.5 + 0.2j, dtype=torch.complex128, requires_grad=True)

    def output(u: torch.Tensor, pole: torch.Tensor) -> torch.Tensor:
        return recurrence(u, pole, torch.ones_like(pole), u.new_ones(2), delayed=True)

    assert torch.autograd.gradgradcheck(lambda v: output(v, pole.detach()).square(), u)
    assert torch.autograd.gradcheck(
        lambda p: torch.autograd.grad(output(u, p).square().sum(), u, create_graph=True)[0], pole
    )
    (slope,) = torch.autograd.grad(output(u, pole).sum(), pole, create_graph=True)
    with pytest.raises(TrainingError, match=r"second derivative.*imssa\.models\.scan"):
        slope.abs().sum().backward()  # type: ignore[no-untyped-call]


def test_it_is_an_operator_that_other_tools_can_trace() -> None:
    made = discretize(system(22, 3, 2, (0.01, 0.1)), "zoh")
    inputs = (sequences(23, 2, 9, 3), made.A_bar, 2 * made.C * made.B_bar, made.D)
    tracked = tuple(x.detach().clone().requires_grad_() for x in inputs)
    operator = torch.ops.imssa.recurrence.default
    for backwards in (False, True):
        torch.library.opcheck(operator, (*tracked, True, backwards))
