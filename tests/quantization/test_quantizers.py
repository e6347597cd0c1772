from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imssa.kernels.codes import snap_gain
from imssa.quantization.quantizers import integers, requantize, rounded, weight_codes
from tests.reference import rules

BITS = st.integers(2, 8)


@given(latent=st.floats(-3, 3), bits=BITS)
def test_weight_codes_are_the_nearest_on_the_grid(latent: float, bits: int) -> None:
    largest = rules.largest_code(bits)
    expected = rules.clip(rules.nearest(Fraction(latent * largest)), largest)
    code = weight_codes(torch.tensor([latent], dtype=torch.float64), bits)
    assert code.tolist() == [expected]
    assert weight_codes(torch.tensor([-latent], dtype=torch.float64), bits).tolist() == [-expected]
    assert torch.equal(weight_codes(code / largest, bits), code)  # codes are left alone


def test_ternary_weights() -> None:
    latent = torch.tensor([-2.0, -0.5, -0.49, 0.0, 0.49, 0.5, 1.0])
    assert weight_codes(latent, 2).tolist() == [-1, -1, 0, 0, 0, 1, 1]


@given(values=st.lists(st.floats(-300, 300), min_size=1, max_size=8), bits=BITS)
def test_rounded_passes_the_gradient_inside_its_range(values: list[float], bits: int) -> None:
    largest = rules.largest_code(bits)
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    out = rounded(x, largest)
    assert out.tolist() == [rules.clip(rules.nearest(Fraction(v)), largest) for v in values]
    weights = torch.arange(1.0, len(values) + 1, dtype=torch.float64)
    (out * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    inside = x.detach().abs() <= largest + 0.5
    assert torch.equal(x.grad, weights * inside)


@pytest.mark.parametrize("bits", [4, 8, 12])
def test_requantized_values_and_gradients(bits: int) -> None:
    rng = np.random.default_rng(bits)
    value = torch.from_numpy(
        rng.integers(-(2**bits) * 4, 2**bits * 4, (7, 5)).astype(float)
    ).requires_grad_()
    gain = torch.from_numpy(2.0 ** rng.uniform(-4, 0, 5)).requires_grad_()
    out = requantize(value, gain, bits)
    m, t = snap_gain(gain.detach().numpy(), 15)
    largest = rules.largest_code(bits)
    expected = [
        [
            rules.scaled(int(v), a, s, largest)
            for v, a, s in zip(row, m.tolist(), t.tolist(), strict=True)
        ]
        for row in value.tolist()
    ]
    assert out.tolist() == expected
    g = torch.from_numpy(rng.normal(size=(7, 5)))
    out.backward(g)  # type: ignore[no-untyped-call]
    inside = g * (out.detach().abs() < largest)
    assert value.grad is not None
    assert gain.grad is not None
    assert torch.allclose(value.grad, inside * gain.detach(), rtol=1e-12)
    assert torch.allclose(gain.grad, (inside * value.detach()).sum(0), rtol=1e-12)
    assert 0 < (out.detach().abs() == largest).sum() < 35


def test_a_gain_for_each_row_spreads_over_the_others() -> None:
    """As pooling needs it: one multiplier for each sequence's length."""
    one = requantize(torch.tensor([[10.0, -20.0]]).double(), torch.tensor([[0.5]]).double(), 16)
    assert one.tolist() == [[5, -10]]
    total = torch.tensor([[10.0, -20.0], [30.0, 40.0]], dtype=torch.float64, requires_grad=True)
    gain = torch.tensor([[0.5], [0.25]], dtype=torch.float64)
    out = requantize(total, gain, 16)
    assert out.tolist() == [[5, -10], [8, 10]]
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert total.grad is not None
    assert total.grad.tolist() == [[0.5, 0.5], [0.25, 0.25]]


def test_integers_keep_large_codes() -> None:
    assert integers(torch.tensor([2.0**52, -(2.0**31) + 1], dtype=torch.float64)).tolist() == [
        2**52,
        -(2**31) + 1,
    ]
