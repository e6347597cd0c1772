import numpy as np
import pytest

from imssa.kernels import codes
from imssa.kernels.requantize import ROWS, requantize_backward, requantize_forward


@pytest.mark.parametrize("rows", [1, ROWS - 1, 2 * ROWS + 3])
@pytest.mark.parametrize("common", [True, False])
def test_floats_give_the_integers_codes(rows: int, common: bool) -> None:
    """Long codes, halves among them, and every shift that a file may hold."""
    rng = np.random.default_rng(rows)
    value = rng.integers(-(2**31), 2**31, (rows, 7))
    value[:, ::2] >>= rng.integers(0, 31, (rows, 4))
    shape = (1 if common else rows, 7)
    multiplier, shift = rng.integers(1, 2**15, shape), rng.integers(-5, codes.MAX_SHIFT + 1, shape)
    multiplier[..., :3] = 1  # halves are then common
    gain = np.ldexp(multiplier.astype(float), -shift)
    for bits in (8, 16, 32):
        got = requantize_forward(value.astype(float), gain, codes.code_max(bits))
        assert np.array_equal(got, codes.requantized(value, multiplier, shift, bits))
        assert not np.signbit(got[got == 0]).any()


def test_halves_round_away_from_zero_at_the_largest_shift() -> None:
    value = np.array([[2.0**30 * 15, -(2.0**30) * 15, 2.0**31 - 1, 1.0]])
    gain = np.full((1, 4), np.ldexp(2.0**15 - 1, -46))
    exact = np.array([[15 * 2**30, -15 * 2**30, 2**31 - 1, 1]])
    m, t = np.full((1, 4), 2**15 - 1), np.full((1, 4), 46)
    assert np.array_equal(requantize_forward(value, gain, 127), codes.requantized(exact, m, t, 8))
    half = np.array([[3.0, -3.0, 1.0, -1.0]])
    assert requantize_forward(half, np.full((1, 4), 0.5), 127).tolist() == [[2, -2, 1, -1]]


@pytest.mark.parametrize("gains", [1, 2 * ROWS + 3])
def test_gradients_are_those_of_the_product_inside_the_range(gains: int) -> None:
    rng = np.random.default_rng(gains)
    shape = (2 * ROWS + 3, 5)
    g, value = rng.normal(size=shape), rng.integers(-300, 301, shape).astype(float)
    gain = 2.0 ** rng.uniform(-2, 0, (gains, 5))
    held = np.clip(np.rint(value * gain), -127, 127)
    found = requantize_backward(g, value, gain, held, 127)
    passed = np.where(abs(held) < 127, g, 0.0)
    assert 0 < (passed == 0).mean() < 0.5
    assert np.array_equal(found.value, passed * gain)
    expected = (passed * value).sum(0, keepdims=True) if gains == 1 else passed * value
    assert np.allclose(found.gain, expected, rtol=1e-12, atol=1e-9)
