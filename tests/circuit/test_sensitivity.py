"""First-order changes: against differences of Y, and against many drawn arrays."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.circuit.sensitivity import sensitivities
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Idle, Wires
from imssa.errors import ShapeError
from tests.circuit.arrays import WINDOW_SIEMENS

WIRES = [
    Wires(10.0, 10.0),
    Wires(10.0, 20.0, 5.0, 7.0, "both", "both"),
    Wires(0.0, 30.0),
    Wires(30.0, 0.0),
]
PAIRS = np.arange(16).reshape(8, 2)


def conductances(word_lines: int, bit_lines: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(1)
    return rng.uniform(0.1 * WINDOW_SIEMENS, WINDOW_SIEMENS, (word_lines, bit_lines))


@pytest.mark.parametrize("wires", WIRES)
def test_gradient_equals_differences(wires: Wires) -> None:
    conductance, step = conductances(5, 4), 1e-7
    drive = np.random.default_rng(2).normal(size=5)
    gradient = sensitivities(conductance, wires).current_gradient(drive)
    for place in np.ndindex(5, 4):
        change = np.zeros_like(conductance)
        change[place] = step
        up = drive @ transfer_matrix(conductance + change, wires)
        down = drive @ transfer_matrix(conductance - change, wires)
        difference = (up - down) / (2 * step)
        np.testing.assert_allclose(gradient[:, *place], difference, rtol=0, atol=1e-7)


def test_without_wires_variance_is_the_plain_sum() -> None:
    conductance = conductances(6, 16)
    rng = np.random.default_rng(3)
    variance = rng.uniform(0, 1e-11, conductance.shape)
    drive = rng.normal(size=6)
    ideal = sensitivities(conductance, Wires())
    lines, pairs = drive**2 @ variance, drive**2 @ (variance[:, ::2] + variance[:, 1::2])
    np.testing.assert_allclose(ideal.current_variance(drive, variance), lines, rtol=1e-12)
    np.testing.assert_allclose(ideal.current_variance(drive, variance, PAIRS), pairs, rtol=1e-12)
    matrix = ideal.variance_matrix(variance, PAIRS)
    np.testing.assert_allclose(drive**2 @ matrix, pairs, rtol=1e-12)


def test_variance_equals_that_of_drawn_arrays() -> None:
    """600 arrays with 3 % read noise; a variance has a standard error of sqrt(2 / 600)."""
    conductance, draws = conductances(12, 16), 600
    rng = np.random.default_rng(4)
    wires, drive = Wires(5.0, 5.0), rng.normal(size=12)
    sigma = 0.03 * conductance
    drawn = conductance + sigma * rng.normal(size=(draws, *sigma.shape))
    current = np.einsum("i,bij->bj", drive, transfer_matrix(drawn, wires))
    measured = np.var(current[:, ::2] - current[:, 1::2], axis=0)
    expected = sensitivities(conductance, wires).current_variance(drive, sigma**2, PAIRS)
    assert np.abs(measured / expected - 1).max() < 4 * np.sqrt(2 / draws)


def test_variance_matrix_is_close_for_signed_drives() -> None:
    """Within 3 % of sigma for drives of both signs at 64x64 and 1 ohm, 11 % if all are equal."""
    rng = np.random.default_rng(5)
    weights = rng.integers(-1, 2, (64, 32))
    conductance = np.zeros((64, 64))
    conductance[:, ::2], conductance[:, 1::2] = weights > 0, weights < 0
    conductance *= WINDOW_SIEMENS
    variance = (0.03 * conductance + 1e-7) ** 2
    pairs = np.arange(64).reshape(32, 2)
    found = sensitivities(conductance, Wires(1.0, 1.0))
    matrix = found.variance_matrix(variance, pairs)
    for drive, allowed in ((rng.normal(size=64), 0.04), (np.ones(64), 0.11)):
        exact = found.current_variance(drive, variance, pairs)
        assert np.abs(np.sqrt(drive**2 @ matrix / exact) - 1).max() < allowed


@pytest.mark.parametrize("idle", ["grounded", "floating"])
def test_variance_matrix_is_the_mean_over_all_signs_of_a_drive(idle: Idle) -> None:
    """Products of two lines' voltages cancel there, and nothing else is left out."""
    conductance = conductances(6, 16)
    variance, driven = (0.03 * conductance) ** 2, np.arange(6) < 4
    wires = Wires(20.0, 30.0, undriven=idle, unread=idle)
    found = sensitivities(conductance, wires, driven=driven, read=np.arange(16) < 12)
    size = np.array([1.0, 0.5, 2.0, 1.5, 0.0, 0.0])
    signs = np.array([(*four, 1, 1) for four in product((1.0, -1.0), repeat=4)])
    exact = [found.current_variance(size * sign, variance, PAIRS[:6]) for sign in signs]
    matrix = found.variance_matrix(variance, PAIRS[:6])
    np.testing.assert_allclose(size**2 @ matrix, np.mean(exact, axis=0), rtol=1e-12)
    assert np.ptp(exact, axis=0).min() > 0


def test_batch_equals_each_alone() -> None:
    arrays = np.stack([conductances(3, 4), conductances(3, 4) / 2])
    together = sensitivities(arrays, WIRES[0], workers=2)
    drive, variance = np.array([[1.0, -1.0, 2.0], [0.5, 0.0, 1.0]]), arrays**2
    found = together.current_variance(drive, variance)
    assert together.variance_matrix(variance).shape == (2, 3, 4)
    for index in range(2):
        alone = sensitivities(arrays[index], WIRES[0])
        expected = alone.current_variance(drive[index], variance[index])
        np.testing.assert_allclose(found[index], expected, rtol=1e-13)


def test_bad_input_is_named() -> None:
    found = sensitivities(conductances(3, 4), WIRES[0])
    with pytest.raises(ShapeError, match=r"device variance of shape \(4, 3\)"):
        found.current_variance(np.ones(3), np.ones((4, 3)))
    with pytest.raises(ShapeError, match="12 negative values"):
        found.variance_matrix(-np.ones((3, 4)))
    with pytest.raises(ShapeError, match=r"drive of shape \(4,\)"):
        found.current_gradient(np.ones(4))
    for pairs in (np.array([0, 1]), np.array([[0, 4]]), np.array([[0.0, 1.0]])):
        with pytest.raises(ShapeError, match="names its plus and its minus bit line"):
            found.current_variance(np.ones(3), np.ones((3, 4)), pairs)
