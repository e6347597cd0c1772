"""Passes of a conversion, and the ADC's product with a guard: equal to exact arithmetic."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imssa.hardware.converters import LARGEST_SCALE, Converters
from imssa.kernels import codes
from imssa.kernels.passes import WHOLE, digits, largest_code, passes_of, read_in_passes
from tests.reference import rules

KINDS = [(serial, twice) for serial in (False, True) for twice in (False, True)]
DRIVES, POLARITIES = ("amplitude", "bit-serial"), ("differential", "two-pass")
UNIT_STEP = np.array(1.0)


def of_exact_numbers(acc: list[int], L: list[int], h: list[int], largest: int) -> list[int]:
    """ADC codes in Python integers: floor of twice the quotient and one, halved."""
    return [
        min((2 * (abs(a) << s) + d) // (2 * d), largest) * (1 if a >= 0 else -1)
        for a, d, s in zip(acc, L, h, strict=True)
    ]


def converted(acc: Any, L: Any, h: Any, bits: int) -> list[int]:
    scale = np.ldexp(np.asarray(L, float), -np.asarray(h))
    found: list[int] = codes.converted(np.asarray(acc, float), scale, bits).tolist()
    return found


@pytest.mark.parametrize(("serial", "twice"), KINDS)
@pytest.mark.parametrize("bits", range(2, 13))
def test_digits_recompose_every_code(bits: int, serial: bool, twice: bool) -> None:
    largest = rules.largest_code(bits)
    every = np.arange(-largest, largest + 1)
    passes = passes_of(bits, bit_serial=serial, two_pass=twice)
    parts = [digits(every, bit, sign) for bit, sign, _ in passes.tolist()]
    total = sum(weight * part for weight, part in zip(passes[:, 2], parts, strict=True))
    assert np.array_equal(total, every)
    for part, (bit, sign, _) in zip(parts, passes.tolist(), strict=True):
        assert set(np.unique(part)) <= ({-1, 0, 1} if serial else set(every.tolist()))
        if twice:  # drivers of one sign
            assert part.min() >= 0
            assert not part[every * sign < 0].any()
        if bit == WHOLE and not twice:
            assert np.array_equal(part, every)


@pytest.mark.parametrize(("serial", "twice"), KINDS)
def test_there_are_as_many_passes_as_digits_and_signs(serial: bool, twice: bool) -> None:
    for bits in range(2, 13):
        passes = passes_of(bits, bit_serial=serial, two_pass=twice)
        assert len(passes) == (bits - 1 if serial else 1) * (2 if twice else 1)
        assert len({(bit, sign) for bit, sign, _ in passes.tolist()}) == len(passes)


@given(
    serial=st.booleans(),
    twice=st.booleans(),
    bits=st.integers(2, 12),
    seed=st.integers(0, 2**32),
)
def test_with_a_step_of_one_nothing_is_lost(
    serial: bool, twice: bool, bits: int, seed: int
) -> None:
    """sum_p w_p round(sum_i W_i digit_p(d_i)) = sum_i W_i d_i while no pass is clipped."""
    rng, largest = np.random.default_rng(seed), rules.largest_code(bits)
    lines, pairs = rng.integers(1, 20, 2)
    W = rng.integers(-7, 8, (lines, pairs)).astype(np.int64)
    d = rng.integers(-largest, largest + 1, (3, lines))
    passes = passes_of(bits, bit_serial=serial, two_pass=twice)
    read = read_in_passes(passes, lambda part: part(d) @ W, UNIT_STEP, 32)
    assert np.array_equal(read, d @ W)


def sums_of(W: list[int], d: list[int]) -> Any:
    return lambda part: np.array([(part(np.array(d)) * np.array(W)).sum()])


@pytest.mark.parametrize(
    ("serial", "twice", "adc_bits", "expected"),
    [
        (False, False, 4, 7),  # 13 in one pass, clipped at 7
        (False, True, 4, 5),  # 15 clipped at 7 for positive codes; 2 for the negative one
        (True, False, 4, 13),  # digits give 2 - 1 = 1, 2, 2: nothing to clip
        (True, False, 2, 7),  # 1 + 2 * 1 + 4 * 1
        (True, True, 2, 5),  # positive codes 1 + 2 + 4, negative ones -2 (their digit 1)
    ],
)
def test_each_pass_is_clipped_by_itself(
    serial: bool, twice: bool, adc_bits: int, expected: int
) -> None:
    """Worked by hand: d = (7, 6, 2, -2, 0) with W = (1, 1, 1, 1, 9); see each case."""
    W, d = [1, 1, 1, 1, 9], [7, 6, 2, -2, 0]
    passes = passes_of(4, bit_serial=serial, two_pass=twice)
    read = read_in_passes(passes, sums_of(W, d), UNIT_STEP, adc_bits)
    assert read.tolist() == [expected]


def test_each_pass_is_rounded_by_itself() -> None:
    """3 is digits 1 and 1; at a step of 2 each is 0.5 and becomes 1: 1 + 2 and not round(1.5)."""
    step, sums = np.array(2.0), sums_of([1], [3])
    serial = passes_of(3, bit_serial=True, two_pass=False)
    assert read_in_passes(serial, sums, step, 8).tolist() == [3]
    whole = passes_of(3, bit_serial=False, two_pass=False)
    assert read_in_passes(whole, sums, step, 8).tolist() == [2]


@pytest.mark.parametrize(("serial", "twice"), KINDS)
@pytest.mark.parametrize(("dac_bits", "adc_bits"), [(2, 2), (4, 6), (8, 8), (12, 14)])
def test_the_largest_code_is_reached_and_not_passed(
    dac_bits: int, adc_bits: int, serial: bool, twice: bool
) -> None:
    """Every pass at the end of its range at once: all lines at the largest code, weights huge."""
    passes = passes_of(dac_bits, bit_serial=serial, two_pass=twice)
    largest = rules.largest_code(dac_bits)
    sums = sums_of([10**6, -(10**6)], [largest, -largest])
    read = read_in_passes(passes, sums, UNIT_STEP, adc_bits)
    assert read.tolist() == [largest_code(passes, adc_bits)]
    converters = Converters.model_validate(
        {
            "dac_bits": dac_bits,
            "adc_bits": adc_bits,
            "full_scale_devices": (64.0,),
            "drive": DRIVES[serial],
            "polarity": POLARITIES[twice],
        }
    )
    assert converters.conversion_max == read[0]
    assert rules.largest_code(converters.conversion_bits) >= read[0]
    assert rules.largest_code(converters.conversion_bits - 1) < read[0]
    assert converters.conversion_bits <= 32  # what a register may hold


@given(
    L=st.integers(1, 2**30 - 1),
    h=st.integers(0, 16),
    quotient=st.fractions(0, 2**14),
    sign=st.sampled_from((1, -1)),
    bits=st.integers(2, 15),
)
@example(L=2**30 - 1, h=0, quotient=Fraction(2**14), sign=1, bits=15)
def test_any_sum_is_converted_exactly(
    L: int, h: int, quotient: Fraction, sign: int, bits: int
) -> None:
    acc = sign * (quotient * L / 2**h).__floor__()
    expected = rules.converted(Fraction(acc), Fraction(L, 2**h), rules.largest_code(bits))
    assert converted([acc], [L], [h], bits) == [expected]


@given(
    L=st.integers(1, 2**30 - 1),
    h=st.integers(0, 16),
    code=st.integers(0, 2**14 - 1),
    off=st.integers(-1, 1),
    sign=st.sampled_from((1, -1)),
)
@example(L=2**30 - 1, h=0, code=2**14 - 1, off=-1, sign=1)
@example(L=2**30 - 2, h=0, code=2**14 - 1, off=0, sign=1)
def test_sums_at_and_beside_a_half(L: int, h: int, code: int, off: int, sign: int) -> None:
    half = Fraction((2 * code + 1) * L, 2 ** (h + 1))
    acc = sign * (half.__floor__() + off)
    expected = rules.converted(Fraction(acc), Fraction(L, 2**h), 2**15 - 1)
    assert converted([acc], [L], [h], 16) == [expected]


def neighbours(L: int, h: int, off: int, count: int) -> list[int]:
    """Sums acc with acc 2^h / L = n + 1/2 + off / (2 L), n < 2^14: 2^(h+1) acc = (2n+1) L + off."""
    first = -(L + off) * pow(2 * L, -1, 2 ** (h + 1)) if L % 2 == 0 else None
    if first is None:  # L odd: solve (2n + 1) L + off = 0 mod 2^(h+1)
        odd = -off * pow(L, -1, 2 ** (h + 1)) % 2 ** (h + 1)
        if odd % 2 == 0:
            return []
        first = (odd - 1) // 2
    numbers = range(first, 2**14, 2**h)
    return [((2 * n + 1) * L + off) // 2 ** (h + 1) for n in numbers][-count:]


@pytest.mark.parametrize("h", [0, 1, 5, 8, 12])
@pytest.mark.parametrize("off", [-1, 1])
def test_the_nearest_neighbours_of_halves(h: int, off: int) -> None:
    """Quotients 1/(2L) beside a half, the least there is, with L up to its limit."""
    rng = np.random.default_rng(h)
    acc: list[int] = []
    scales: list[int] = []
    for L in (*(2**30 - 1 - 2 * np.arange(40)), *(2 * rng.integers(2**20, 2**29, 60) + 1)):
        found = neighbours(int(L), h, off, 50)
        acc, scales = acc + found, scales + [int(L)] * len(found)
    assert len(acc) > 100
    for a, L in zip(acc[::97], scales[::97], strict=True):
        away = Fraction(a * 2**h, L) - Fraction(1, 2)
        assert min(away % 1, 1 - away % 1) == Fraction(1, 2 * L)
    expected = of_exact_numbers(acc, scales, [h] * len(acc), 2**15 - 1)
    assert converted(acc, scales, [h] * len(acc), 16) == expected


@pytest.mark.parametrize("L", [2, 98, 206, 374, 98 * 2**23, 2**29 + 2, 2**30 - 2])
def test_exact_halves_go_away_from_zero(L: int) -> None:
    """A dense sweep: every half below 2^14, where a product without the guard errs."""
    halves = (2 * np.arange(2**14) + 1) * (L // 2)
    expected = np.arange(1, 2**14 + 1)
    assert converted(halves, L, 0, 16) == expected.tolist()
    assert converted(-halves, L, 0, 16) == (-expected).tolist()


def test_without_the_guard_some_halves_would_be_lost() -> None:
    """The test above can fail: a plain product falls below most halves of some scales."""
    L = 98
    halves = (2 * np.arange(2**14) + 1) * (L // 2)
    plain = np.floor(halves * (1.0 / L) + 0.5)
    assert (plain != np.arange(1, 2**14 + 1)).sum() > 1000


def test_every_sum_of_small_scales() -> None:
    """A dense sweep: every sum up to 300 at every step L / 2^h with L <= 40, h <= 4."""
    acc, L, h = (x.ravel() for x in np.mgrid[-300:301, 1:41, 0:5])
    expected = of_exact_numbers(acc.tolist(), L.tolist(), h.tolist(), 127)
    assert converted(acc, L, h, 8) == expected


@given(
    devices=st.integers(1, 4096).map(lambda quarters: quarters / 4),  # exact in a float
    weight_max=st.sampled_from((1, 3, 7, 15, 31, 127)),
    dac_bits=st.integers(2, 12),
    adc_bits=st.integers(2, 14),
    drive=st.sampled_from(DRIVES),
)
def test_scales_stay_below_their_limit(
    devices: float, weight_max: int, dac_bits: int, adc_bits: int, drive: Any
) -> None:
    """L / 2^h is the exact ratio where that has few enough bits, else the nearest with its h."""
    converters = Converters(
        dac_bits=dac_bits, adc_bits=adc_bits, full_scale_devices=(devices,), drive=drive
    )
    pass_max = 1 if drive == "bit-serial" else rules.largest_code(dac_bits)
    exact = Fraction(devices) * weight_max * pass_max / rules.largest_code(adc_bits)
    L, h = converters.scale(devices, weight_max)
    assert 1 <= L <= LARGEST_SCALE == 2**30
    assert 0 <= h <= 16
    fits = [n for n in range(17) if (exact * 2**n).denominator == 1 and exact * 2**n < 2**30]
    if fits:
        assert (Fraction(L, 2**h), h) == (exact, fits[0])
    else:
        assert abs(L - exact * 2**h) <= Fraction(1, 2) + Fraction(1, 10**6)
        assert h == 16 or exact * 2 ** (h + 1) >= 2**30
