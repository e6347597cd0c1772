import numpy as np
import pytest
import torch

from imssa.errors import ShapeError
from imssa.models import S4D, Initialization, Output, scan, zoh

INITIALIZATIONS: tuple[Initialization, ...] = ("lin", "inv", "legs", "real")


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def public_parameters(features: int = 3, modes: int = 4) -> dict[str, torch.Tensor]:
    """Parameters as `state-spaces/s4` stores them, away from their start."""
    rng = np.random.default_rng(5)
    values = {
        "log_dt": rng.uniform(np.log(1e-3), np.log(1e-1), features),
        "log_A_real": rng.normal(np.log(0.5), 0.3, (features, modes)),
        "A_imag": np.pi * np.arange(modes) + rng.normal(0, 0.2, (features, modes)),
        "C": rng.normal(size=(features, modes, 2)),
        "D": rng.normal(size=features),
    }
    return {name: torch.from_numpy(value).float() for name, value in values.items()}


def public_output(parameters: dict[str, torch.Tensor], u: np.ndarray) -> np.ndarray:
    """What the public minimal S4D computes before its activation, after its formulas."""
    p = {name: value.double().numpy() for name, value in parameters.items()}
    A = -np.exp(p["log_A_real"]) + 1j * p["A_imag"]
    dtA = A * np.exp(p["log_dt"])[:, None]
    C = (p["C"][..., 0] + 1j * p["C"][..., 1]) * (np.exp(dtA) - 1) / A
    length = u.shape[1]
    K = 2 * np.einsum("hn,hnl->hl", C, np.exp(dtA[..., None] * np.arange(length))).real
    y = np.zeros_like(u)
    for k in range(length):
        for lag in range(k + 1):
            y[:, k] += K[:, lag] * u[:, k - lag]
    y += p["D"] * u
    return y


def layer_of(parameters: dict[str, torch.Tensor]) -> S4D:
    return S4D.from_parameters(**parameters, discretization="zoh", output="current")


def test_public_parameters_give_the_public_output() -> None:
    parameters = public_parameters()
    u = np.random.default_rng(6).normal(size=(2, 60, 3))
    expected = public_output(parameters, u)
    layer = layer_of(parameters)
    y = layer(torch.from_numpy(u).float()).detach().numpy()
    assert np.abs(y - expected).max() < 2e-6 * np.abs(expected).max()
    channelled = parameters | {"C": parameters["C"][None], "D": parameters["D"][None]}
    again = layer_of(channelled)
    assert torch.equal(again(torch.from_numpy(u).float()), layer(torch.from_numpy(u).float()))


@pytest.mark.parametrize("initialization", INITIALIZATIONS)
@pytest.mark.parametrize("output", ["current", "delayed"])
def test_forward_is_the_scan(initialization: Initialization, output: Output) -> None:
    layer = S4D(3, 8, generator=generator(), initialization=initialization, output=output).double()
    u = torch.randn(2, 30, 3, generator=generator(), dtype=torch.float64)
    expected = scan(layer.discrete(), u, output)
    assert torch.allclose(layer(u), expected, rtol=0, atol=1e-12)


def test_start_leaves_the_global_generator_alone_and_is_reproducible() -> None:
    before = torch.get_rng_state()
    first, again = S4D(3, 8, generator=generator()), S4D(3, 8, generator=generator())
    assert torch.equal(before, torch.get_rng_state())
    for one, two in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_discrete_is_rounded_once() -> None:
    layer = S4D(4, 32, generator=generator())
    exact = zoh(layer.continuous(torch.float64))
    assert torch.equal(layer.discrete().A_bar, exact.A_bar.to(torch.complex64))
    assert layer.discrete(torch.float64).A_bar.dtype == torch.complex128


def test_all_trained_parameters_get_gradients() -> None:
    layer = S4D(2, 4, generator=generator())
    layer(torch.ones(1, 9, 2)).square().sum().backward()
    trained = {name for name, p in layer.named_parameters() if p.grad is not None and p.grad.any()}
    assert trained == {"log_dt", "log_A_real", "A_imag", "C", "D"}
    layer.B.requires_grad_()
    layer(torch.ones(1, 9, 2)).square().sum().backward()
    assert layer.B.grad is not None


def test_real_poles_stay_real() -> None:
    layer = S4D(2, 4, generator=generator(), initialization="real")
    assert not layer.A_imag.requires_grad
    assert not bool(layer.discrete().A_bar.imag.any())


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"d_state = 5.*two real states a mode"):
        S4D(2, 5, generator=generator())
    layer = S4D(2, 4, generator=generator())
    for shape in ((1, 5, 1), (5, 2), (1, 0, 2)):
        with pytest.raises(ShapeError, match=r"takes \(batch, length, 2\)"):
            layer(torch.zeros(shape))


def test_public_parameters_that_do_not_fit_are_refused() -> None:
    good = public_parameters()
    with pytest.raises(ShapeError, match=r"C \(3, 3, 2\).*one channel and untied poles"):
        layer_of(good | {"C": good["C"][:, :3]})
    with pytest.raises(ShapeError, match="A_imag: parameters are finite"):
        layer_of(good | {"A_imag": good["A_imag"] / 0})
    with pytest.raises(ShapeError, match=r"exp\(log_dt\).*finite and above zero"):
        layer_of(good | {"log_dt": good["log_dt"] + 1000})
