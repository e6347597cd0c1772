import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from imssa.errors import ShapeError
from imssa.models.state_space import (
    ContinuousStateSpace,
    DiscreteStateSpace,
    Discretization,
    Output,
    bilinear,
    discretize,
    fft_convolution,
    kernel,
    real_form,
    scan,
    step,
    zoh,
)

OUTPUTS: tuple[Output, ...] = ("current", "delayed")
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
RULES: tuple[Discretization, ...] = ("zoh", "bilinear")


def random_system(
    seed: int, features: int = 3, modes: int = 4, dt: tuple[float, float] = (0.01, 0.3)
) -> ContinuousStateSpace:
    rng = np.random.default_rng(seed)

    def normal() -> torch.Tensor:
        shape = (features, modes)
        return torch.from_numpy(rng.normal(size=shape) + 1j * rng.normal(size=shape))

    A = -rng.uniform(0.05, 2, (features, modes)) + 1j * rng.normal(0, 6, (features, modes))
    return ContinuousStateSpace(
        A=torch.from_numpy(A),
        B=normal(),
        C=normal(),
        D=torch.from_numpy(rng.normal(size=features)),
        dt=torch.from_numpy(rng.uniform(*dt, features)),
    )


def scipy_matrices(
    system: ContinuousStateSpace, feature: int
) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """The feature's continuous real matrices, by hand."""
    A, B, C = (x[feature].numpy() for x in (system.A, system.B, system.C))
    states = 2 * A.size
    matrix = np.zeros((states, states))
    for n, pole in enumerate(A):
        matrix[2 * n : 2 * n + 2, 2 * n : 2 * n + 2] = [
            [pole.real, -pole.imag],
            [pole.imag, pole.real],
        ]
    column = np.stack([B.real, B.imag], 1).reshape(states, 1)
    row = np.stack([2 * C.real, -2 * C.imag], 1).reshape(1, states)
    return matrix, column, row, system.D[feature].numpy().reshape(1, 1)


def assert_near(ours: object, theirs: object, tolerance: float = 1e-12) -> None:
    """Equal within a share of the largest expected value."""
    expected = np.asarray(theirs)
    error = np.abs(np.asarray(ours) - expected).max()
    assert error <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("feature", range(3))
def test_zoh_and_delayed_output_are_scipys(feature: int) -> None:
    system = random_system(1)
    dt = float(system.dt[feature])
    theirs = signal.cont2discrete(scipy_matrices(system, feature), dt, "zoh")
    ours = real_form(zoh(system))
    assert_near(ours.A[feature], theirs[0])
    assert_near(ours.B[feature], theirs[1][:, 0])
    assert_near(ours.C[feature], theirs[2][0])
    u = np.random.default_rng(2).normal(size=(50, 3))
    simulated = signal.dlsim((*theirs[:4], dt), u[:, feature])[1][:, 0]
    y = scan(zoh(system), torch.from_numpy(u)[None], "delayed")
    assert_near(y[0, :, feature], simulated)


@pytest.mark.parametrize("feature", range(3))
def test_bilinear_is_scipys(feature: int) -> None:
    system = random_system(3)
    dt = float(system.dt[feature])
    theirs = signal.cont2discrete(scipy_matrices(system, feature), dt, "bilinear")
    discrete = bilinear(system)
    ours = real_form(discrete)
    assert_near(ours.A[feature], theirs[0])
    assert_near(ours.B[feature], theirs[1][:, 0])
    # SciPy also moves half of the input step into the output.
    C = system.C / (1 - system.dt[:, None] * system.A / 2)
    D = system.D + (system.C * discrete.B_bar).sum(-1).real
    u = np.random.default_rng(4).normal(size=(50, 3))
    simulated = signal.dlsim((*theirs[:4], dt), u[:, feature])[1][:, 0]
    changed = DiscreteStateSpace(discrete.A_bar, discrete.B_bar, C, D)
    y = scan(changed, torch.from_numpy(u)[None], "delayed")
    assert_near(y[0, :, feature], simulated)


def test_comparison_with_scipy_notices_a_wrong_pole() -> None:
    system = random_system(1)
    theirs = signal.cont2discrete(scipy_matrices(system, 0), float(system.dt[0]), "zoh")
    with pytest.raises(AssertionError):
        assert_near(real_form(zoh(system)).A[0], theirs[0] * (1 + 1e-9))


def test_one_real_mode_has_the_closed_form() -> None:
    # x' = -2 x + u sampled at 0.1: s_k = e^-0.2 s_{k-1} + (1 - e^-0.2)/2 u_k.
    one = torch.ones(1, 1, dtype=torch.complex128)
    dt = torch.full((1,), 0.1, dtype=torch.float64)
    system = zoh(ContinuousStateSpace(-2 * one, one, one, 0 * dt, dt))
    powers = np.exp(-0.2 * np.arange(40))
    assert_near(kernel(system, 40, "current")[0], (1 - np.exp(-0.2)) * powers)


@pytest.mark.parametrize("rule", RULES)
def test_the_constant_input_settles_at_the_dc_gain(rule: Discretization) -> None:
    # Both rules keep the continuous system's answer to a constant: D - 2 Re(C B / A).
    system = random_system(5, dt=(0.2, 0.3))
    gain = system.D - 2 * (system.C * system.B / system.A).sum(-1).real
    y = scan(discretize(system, rule), torch.ones(1, 6000, 3, dtype=torch.float64), "delayed")
    assert_near(y[0, -1], gain, 1e-10)


def test_zoh_keeps_its_digits_in_float32_at_small_steps() -> None:
    imaginary = 1j * np.pi * np.arange(32)
    A = torch.from_numpy(-0.5 + imaginary).to(torch.complex64)[None]
    one, dt = torch.ones_like(A), torch.full((1,), 1e-3)
    single = zoh(ContinuousStateSpace(A, one, one, dt, dt)).B_bar
    exponent = dt.double()[:, None] * A.to(torch.complex128)
    exact = torch.expm1(exponent) / A.to(torch.complex128)
    plain = (torch.exp(dt[:, None] * A) - 1) / A
    assert float(((single - exact).abs() / exact.abs()).max()) < 1e-6
    assert float(((plain - exact).abs() / exact.abs()).max()) > 1e-5


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(*(st.integers(1, n) for n in (3, 40, 4, 5))),
    rule=st.sampled_from(RULES),
    output=st.sampled_from(OUTPUTS),
)
def test_convolution_scan_step_and_real_form_agree(
    seed: int, shape: tuple[int, int, int, int], rule: Discretization, output: Output
) -> None:
    batch, length, features, modes = shape
    system = discretize(random_system(seed, features, modes), rule)
    u = torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, length, features)))
    expected = scan(system, u, output)
    assert_near(fft_convolution(u, kernel(system, length, output), system.D), expected)
    state = torch.zeros(batch, features, modes, dtype=torch.complex128)
    for k in range(length):
        state, y = step(system, state, u[:, k], output)
    assert_near(y, expected[:, -1])
    real = real_form(system)
    s = torch.zeros(batch, features, 2 * modes, dtype=torch.float64)
    for k in range(length):
        following = torch.einsum("fij,bfj->bfi", real.A, s) + real.B * u[:, k, :, None]
        read = following if output == "current" else s
        y, s = (real.C * read).sum(-1) + real.D * u[:, k], following
    assert_near(y, expected[:, -1])


@pytest.mark.parametrize("length", [1, 2, 3, 16, 17, 1000])
def test_delayed_kernel_is_the_current_one_a_step_later(length: int) -> None:
    system = zoh(random_system(6))
    current, delayed = kernel(system, length, "current"), kernel(system, length, "delayed")
    assert current.shape == delayed.shape == (3, length)
    assert torch.equal(delayed[:, 0], torch.zeros(3, dtype=torch.float64))
    assert torch.equal(delayed[:, 1:], current[:, :-1])


def test_long_kernel_in_float32_is_accurate() -> None:
    system = random_system(7, features=4, modes=16, dt=(1e-3, 2e-3))
    length = 16384
    ours = kernel(zoh(system), length, "current", torch.float32)
    exponent = (system.dt[:, None] * system.A).numpy()
    weight = (system.C * system.B / system.A).numpy() * np.expm1(exponent)
    table = np.exp(exponent[..., None] * np.arange(length))
    expected = 2 * np.einsum("fn,fnl->fl", weight, table).real
    assert ours.dtype == torch.float32
    error = np.abs(ours.numpy() - expected).max(1) / np.abs(expected).max(1)
    assert error.max() < 1e-6


def test_long_convolution_in_float32_is_accurate() -> None:
    system = zoh(random_system(8, dt=(1e-3, 2e-3)))
    u = torch.from_numpy(np.random.default_rng(8).normal(size=(2, 2000, 3)))
    response = kernel(system, 2000, "delayed", torch.float32)
    y = fft_convolution(u.float(), response, system.D.float())
    assert_near(y, scan(system, u, "delayed"), 1e-5)


def test_a_pole_at_zero_has_a_finite_kernel_and_gradient() -> None:
    zero = torch.zeros(1, 1, dtype=torch.complex128, requires_grad=True)
    one = torch.ones(1, 1, dtype=torch.complex128)
    system = DiscreteStateSpace(zero, one, one, torch.zeros(1, dtype=torch.float64))
    response = kernel(system, 20, "current")
    assert response.tolist() == [[2.0] + 19 * [0.0]]
    response.sum().backward()  # type: ignore[no-untyped-call]
    assert zero.grad is not None
    assert zero.grad.item() == 2


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("output", OUTPUTS)
def test_kernel_has_the_right_gradient(rule: Discretization, output: Output) -> None:
    system = random_system(9, features=2, modes=2)
    inputs = [x.requires_grad_() for x in (system.A, system.B, system.C, system.dt)]

    def response(
        A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, dt: torch.Tensor
    ) -> torch.Tensor:
        return kernel(discretize(ContinuousStateSpace(A, B, C, system.D, dt), rule), 7, output)

    assert torch.autograd.gradcheck(response, inputs)


def test_systems_keep_their_precision() -> None:
    single = zoh(random_system(10)).to(torch.float32)
    u = torch.ones(1, 5, 3)
    assert single.A_bar.dtype == torch.complex64
    assert scan(single, u, "current").dtype == torch.float32
    assert kernel(single, 5, "current").dtype == torch.float32
    assert real_form(single).A.dtype == torch.float32


def test_shapes_that_do_not_fit_are_refused() -> None:
    system = random_system(11)
    with pytest.raises(ShapeError, match=r"A \(3, 4\).*D \(2,\).*shape \(d_model, modes\)"):
        ContinuousStateSpace(system.A, system.B, system.C, system.D[:2], system.dt)
    with pytest.raises(ShapeError, match=r"B_bar \(3, 3\)"):
        DiscreteStateSpace(system.A, system.B[:, :3], system.C, system.D)
    with pytest.raises(ShapeError, match=r"length = 0: a kernel needs at least one time step"):
        kernel(zoh(system), 0, "current")
