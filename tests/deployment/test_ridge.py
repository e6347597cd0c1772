"""Ridge regression around a prior: against an augmented least-squares problem, and its choices."""

import numpy as np
import pytest

from imssa.deployment import ridge as module
from imssa.deployment.ridge import ridge

RNG = np.random.default_rng(3)


def augmented(x: np.ndarray, y: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """The same by rows that hold the scaled solution at the prior, solved by LAPACK."""
    scale = np.sqrt((x**2).mean(axis=0))
    held = np.diag(np.sqrt(strength * len(x)) * scale)
    rows, right = np.concatenate([x, held]), np.concatenate([y, held @ prior])
    return np.asarray(np.linalg.lstsq(rows, right)[0])


@pytest.mark.parametrize("strength", [1e-4, 0.1, 10.0])
def test_it_is_the_augmented_least_squares_solution(
    strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, prior = RNG.normal(size=(40, 5)) * [1, 10, 0.1, 3, 1], RNG.normal(size=(5, 2))
    y = x @ RNG.normal(size=(5, 2)) + RNG.normal(size=(40, 2))
    monkeypatch.setattr(module, "STRENGTHS", (strength, np.inf))
    found = ridge(x, y, prior, np.arange(40) // 2)
    assert found == pytest.approx(augmented(x, y, prior, strength), rel=1e-9)


def test_what_the_data_tell_is_found() -> None:
    x, truth = RNG.normal(size=(200, 6)), RNG.normal(size=(6, 3))
    found = ridge(x, x @ truth, np.zeros((6, 3)), np.arange(200) // 10)
    assert found == pytest.approx(truth, rel=1e-3, abs=1e-3)


def test_what_they_do_not_tell_is_left_as_it_is() -> None:
    """Fewer recordings than columns, and nothing but noise around the prior."""
    x, prior = RNG.normal(size=(20, 40)), RNG.normal(size=(40, 4))
    y = x @ prior + RNG.normal(size=(20, 4))
    found = ridge(x, y, prior, np.arange(20))
    fitted = np.linalg.lstsq(x, y)[0]
    assert np.square(found - prior).sum() < 0.1 * np.square(fitted - prior).sum()


def test_columns_of_zeros_keep_the_prior() -> None:
    x = np.concatenate([RNG.normal(size=(30, 1)), np.zeros((30, 1))], axis=1)
    found = ridge(x, 2 * x[:, :1], np.array([[1.0], [5.0]]), np.arange(30))
    assert found[:, 0] == pytest.approx([2.0, 5.0], rel=1e-4)
