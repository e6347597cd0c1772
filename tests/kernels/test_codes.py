from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.kernels import codes
from tests.reference import rules

REGISTERS = st.integers(-(2**31) + 1, 2**31 - 1)
MULTIPLIERS = st.integers(0, 2**15 - 1)
SHIFTS = st.integers(-15, codes.MAX_SHIFT)
BITS = st.integers(2, 32)


def one(value: int) -> np.ndarray:
    return np.array([value], np.int64)


@given(value=REGISTERS, multiplier=MULTIPLIERS, shift=SHIFTS, bits=BITS)
def test_requantized_is_exact(value: int, multiplier: int, shift: int, bits: int) -> None:
    expected = rules.scaled(value, multiplier, shift, rules.largest_code(bits))
    got = codes.requantized(one(value), one(multiplier), one(shift), bits)
    assert got.tolist() == [expected]
    assert codes.requantized(one(-value), one(multiplier), one(shift), bits).tolist() == [-expected]


@given(value=REGISTERS, k=st.integers(1, 31))
def test_decayed_is_exact(value: int, k: int) -> None:
    expected = rules.decayed(value, k)
    assert codes.decayed(one(value), one(k)).tolist() == [expected]
    assert codes.decayed(one(-value), one(k)).tolist() == [-expected]
    assert abs(value - expected) == abs(rules.nearest(Fraction(value, 2**k)))


@given(k=st.integers(1, 20), sign=st.sampled_from((1, -1)))
def test_small_registers_never_decay_and_larger_ones_do(k: int, sign: int) -> None:
    dead = sign * (2 ** (k - 1) - 1)
    assert codes.decayed(one(dead), one(k)).tolist() == [dead]
    assert codes.decayed(one(dead + sign), one(k)).tolist() == [dead]


@given(value=REGISTERS, shift=st.integers(0, 30), bits=st.integers(2, 12))
def test_driven_is_exact(value: int, shift: int, bits: int) -> None:
    expected = rules.driven(value, shift, rules.largest_code(bits))
    assert codes.driven(one(value), one(shift), bits).tolist() == [expected]
    assert codes.driven(one(-value), one(shift), bits).tolist() == [-expected]


@given(
    # the largest sum that 1024 word lines of 8-bit weights and 12-bit codes can give is below 2^28
    accumulated=st.integers(-(2**28), 2**28),
    L=st.integers(1, 2**30),  # the most that a program may hold
    h=st.integers(0, 16),
    bits=st.integers(2, 14),
)
def test_conversion_in_floats_is_the_exact_integer_rule(
    accumulated: int, L: int, h: int, bits: int
) -> None:
    expected = rules.converted(Fraction(accumulated), Fraction(L, 2**h), rules.largest_code(bits))
    scale = np.array([np.ldexp(float(L), -h)])
    assert codes.converted(np.array([float(accumulated)]), scale, bits).tolist() == [expected]
    assert codes.converted(np.array([-float(accumulated)]), scale, bits).tolist() == [-expected]


@given(
    L=st.integers(1, 2**20), h=st.integers(0, 16), code=st.integers(0, 8190), off=st.integers(-1, 1)
)
def test_conversion_beside_a_tie(L: int, h: int, code: int, off: int) -> None:
    """Sums at and next to the edge between two codes, where a wrong last bit would show."""
    tie = Fraction((2 * code + 1) * L, 2 ** (h + 1))
    accumulated = tie.numerator // tie.denominator + off
    expected = rules.converted(Fraction(accumulated), Fraction(L, 2**h), 8191)
    scale = np.array([np.ldexp(float(L), -h)])
    assert codes.converted(np.array([float(accumulated)]), scale, 14).tolist() == [expected]


def test_conversion_over_wide_random_scales() -> None:
    rng = np.random.default_rng(3)
    accumulated = rng.integers(-(2**28), 2**28, 20_000)
    L = np.floor(2.0 ** rng.uniform(0, 28, 20_000)).astype(np.int64)
    h = rng.integers(0, 17, 20_000)
    got = codes.converted(accumulated.astype(float), np.ldexp(L.astype(float), -h), 14)
    # round(|acc| 2^h / L) in Python integers: floor of twice the quotient and one, halved
    expected = [
        min((2 * (abs(a) << s) + d) // (2 * d), 8191) * (1 if a >= 0 else -1)
        for a, d, s in zip(accumulated.tolist(), L.tolist(), h.tolist(), strict=True)
    ]
    assert got.tolist() == expected
    assert len(set(expected)) > 1000


@pytest.mark.parametrize(
    ("value", "shift", "expected"),
    [(3, 1, 2), (-3, 1, -2), (1, 1, 1), (-1, 1, -1), (5, 2, 1), (6, 2, 2), (-6, 2, -2), (7, 0, 7)],
)
def test_ties_go_away_from_zero(value: int, shift: int, expected: int) -> None:
    assert codes.requantized(one(value), one(1), one(shift), 8).tolist() == [expected]


@pytest.mark.parametrize("bits", range(2, 33))
def test_ranges_are_symmetric_and_saturate(bits: int) -> None:
    top = codes.code_max(bits)
    assert top == rules.largest_code(bits)
    far = np.array([-(2**31) + 1, 2**31 - 1])
    got = codes.requantized(far, one(2**14), one(13), bits)
    assert got.tolist() == [-top, top]


def test_rules_broadcast() -> None:
    value = np.arange(-6, 6).reshape(3, 4)
    got = codes.requantized(value, np.array([1, 3, 5, 7]), np.array([[0], [1], [2]]), 6)
    expected = [
        [rules.scaled(int(v), m, t, 31) for v, m in zip(row, (1, 3, 5, 7), strict=True)]
        for row, t in zip(value, (0, 1, 2), strict=True)
    ]
    assert got.tolist() == expected


GAINS = st.floats(2.0**-25, 2.0**25)


@given(gain=GAINS, bits=st.integers(1, 15))
def test_snapped_gain_is_odd_narrow_and_near(gain: float, bits: int) -> None:
    m, t = (int(x) for x in codes.snap_gain(gain, bits))
    assert m % 2 == 1
    assert 1 <= m < 2**bits
    error = abs(Fraction(m) * Fraction(2) ** -t / Fraction(gain) - 1)
    assert error <= Fraction(1, 2**bits)


@given(gain=GAINS, bits=st.integers(1, 6))
def test_snapped_gain_is_the_nearest_on_offer(gain: float, bits: int) -> None:
    m, t = (int(x) for x in codes.snap_gain(gain, bits))
    exponent = int(np.floor(np.log2(gain)))
    offers = [
        Fraction(n) * Fraction(2) ** s
        for n in range(1, 2**bits)
        for s in range(exponent - bits - 1, exponent + 3)
    ]
    error = abs(Fraction(m) * Fraction(2) ** -t - Fraction(gain))
    assert error == min(abs(offer - Fraction(gain)) for offer in offers)


@given(gain=GAINS, bits=st.integers(1, 15))
def test_snapping_again_changes_nothing(gain: float, bits: int) -> None:
    m, t = codes.snap_gain(gain, bits)
    again = codes.snap_gain(np.ldexp(float(m), -int(t)), bits)
    assert (int(again[0]), int(again[1])) == (int(m), int(t))


def test_one_bit_gains_are_powers_of_two() -> None:
    m, t = codes.snap_gain(np.array([0.26, 1.0, 3.1, 2.9]), 1)
    assert m.tolist() == [1, 1, 1, 1]
    assert t.tolist() == [2, 0, -2, -1]


def test_vanishing_gains_give_nothing() -> None:
    m, t = codes.snap_gain(np.array([1e-30]), 15)
    assert codes.requantized(np.array([2**30 - 1]), m, t, 32).tolist() == [0]
