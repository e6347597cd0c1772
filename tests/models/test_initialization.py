import numpy as np
import pytest
import torch

from imssa.models.initialization import Initialization, initialize, poles

ALL: tuple[Initialization, ...] = ("lin", "inv", "legs", "real")


def hippo_legs(size: int) -> np.ndarray:
    """HiPPO-LegS element by element (arXiv 2008.07669)."""
    matrix = np.zeros((size, size))
    for n in range(size):
        for k in range(n):
            matrix[n, k] = -np.sqrt(2 * n + 1) * np.sqrt(2 * k + 1)
        matrix[n, n] = -(n + 1)
    return matrix


def test_lin_and_inv_have_their_closed_forms() -> None:
    assert np.allclose(poles("lin", 3), [-0.5, -0.5 + np.pi * 1j, -0.5 + 2 * np.pi * 1j])
    # N = 6: 6/pi (6/(2n+1) - 1) = 6/pi (5, 1, 1/5).
    assert np.allclose(poles("inv", 3), -0.5 + 6j / np.pi * np.array([5, 1, 0.2]))


@pytest.mark.parametrize("modes", [1, 4, 32])
def test_legs_are_the_eigenvalues_of_the_normal_part(modes: int) -> None:
    size = 2 * modes
    p = np.sqrt(np.arange(size) + 0.5)
    general = np.linalg.eigvals(hippo_legs(size) + np.outer(p, p))
    general = general[general.imag > 0]
    general = general[np.argsort(general.imag)]
    ours = poles("legs", modes).numpy()
    assert np.array_equal(ours.real, np.full(modes, -0.5))
    assert np.abs(ours - general).max() < 1e-10 * np.abs(general).max()


@pytest.mark.parametrize("initialization", ALL)
def test_start_is_stable_and_comes_from_the_generator_alone(initialization: Initialization) -> None:
    before = torch.get_rng_state()
    first, again, other = (
        initialize(initialization, (5, 4), (0.01, 0.1), torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.C, again.C)
    assert torch.equal(first.dt, again.dt)
    assert not torch.equal(first.C, other.C)
    assert bool((first.A.real < 0).all())
    assert bool(((first.dt >= 0.01) & (first.dt <= 0.1)).all())
    assert torch.equal(first.B, torch.ones_like(first.B))


def test_real_start_is_real() -> None:
    start = initialize("real", (2, 3), (0.01, 0.1), torch.Generator().manual_seed(1))
    assert start.A[0].tolist() == [-1, -2, -3]
    assert not bool(start.C.imag.any())


@pytest.mark.parametrize("initialization", ["lin", "real"])
def test_random_parts_have_their_moments(initialization: Initialization) -> None:
    count = 20000
    generator = torch.Generator().manual_seed(3)
    start = initialize(initialization, (count, 1), (1e-3, 1e-1), generator)
    power = start.C.abs().square()
    standard_error = 1 / np.sqrt(count)
    assert abs(float(power.mean()) - 1) < 4 * float(power.std()) * standard_error
    assert abs(float(start.D.mean())) < 4 * standard_error
    spread = np.log(100) / np.sqrt(12)
    assert abs(float(start.dt.log10().mean()) + 2) < 4 * spread / np.log(10) * standard_error
