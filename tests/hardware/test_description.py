from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.errors import RecipeError
from imssa.hardware import ChipDescription, load_chip, preset_names
from imssa.hardware.converters import Converters
from imssa.hardware.description import EFFECTS
from tests.reference import rules
from tests.reference.networks import chip_with

TAOX = load_chip("taox-64")


def toml_of(chip: ChipDescription) -> str:
    import tomli_w

    return tomli_w.dumps(chip.model_dump(exclude_none=True))


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_names_itself(name: str) -> None:
    chip = load_chip(name)
    assert chip.name == name
    assert chip.source


def test_taox_is_the_published_chip() -> None:
    """He et al., Nat. Commun. 2026; Mao et al., Nat. Commun. 2022 (DESIGN section 7)."""
    assert (TAOX.arrays.count, TAOX.arrays.word_lines, TAOX.arrays.bit_lines) == (3, 64, 64)
    assert TAOX.arrays.pairs == 32
    assert TAOX.g_max_siemens == 150e-6
    assert TAOX.read_voltage_volt == 0.2
    assert TAOX.stuck is not None
    assert TAOX.stuck.high_rate == TAOX.stuck.low_rate == 0.01


def test_a_description_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "chip.toml"
    path.write_text(toml_of(TAOX))
    assert load_chip(str(path)) == TAOX
    path.write_text(toml_of(TAOX.only()))
    assert load_chip(str(path)) == TAOX.only()


def test_only_keeps_what_is_named() -> None:
    assert all(getattr(TAOX.only(), effect) is None for effect in EFFECTS)
    for effect in EFFECTS:
        alone = TAOX.only(effect)
        for other in EFFECTS:
            kept = getattr(TAOX, other) if other == effect else None
            assert getattr(alone, other) == kept
    assert TAOX.only(*EFFECTS) == TAOX
    assert TAOX.only("stuck").converters == TAOX.converters


def test_a_bad_description_names_all_faults(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    text = toml_of(TAOX)
    for good, bad in (
        ("count = 3", "count = 0"),
        ("dac_bits = 8", "dac_bits = 40"),
        ("high_rate = 0.01", "high_rate = 1.5"),
        ('law = "power"', 'law = "powerful"'),
        ('name = "taox-64"', 'name = "taox-64"\ncolour = "grey"'),
    ):
        assert good in text
        text = text.replace(good, bad)
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_chip(str(path))
    message = str(caught.value)
    assert str(path) in message
    for key in ("arrays.count", "converters.dac_bits", "stuck.high_rate", "read_noise", "colour"):
        assert key in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "chip description"),
        ("name = 'x'", "arrays: Field required"),
        ("", "g_max_siemens: Field required"),
    ],
)
def test_a_file_that_is_no_description(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=words):
        load_chip(str(path))


def test_an_unknown_chip_is_told_the_presets() -> None:
    with pytest.raises(RecipeError, match=r"chip 'taox-65'.*taox-64"):
        load_chip("taox-65")


@pytest.mark.parametrize("key", ["g_max_siemens", "read_voltage_volt"])
@pytest.mark.parametrize("value", ["nan", "inf", "0.0", "-1.0"])
def test_numbers_must_be_positive_and_finite(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "bad.toml"
    lines = [f"{key} = {value}" if x.startswith(key) else x for x in toml_of(TAOX).splitlines()]
    path.write_text("\n".join(lines))
    with pytest.raises(RecipeError, match=key):
        load_chip(str(path))


def test_stuck_shares_leave_room_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    text = toml_of(TAOX).replace("high_rate = 0.01", "high_rate = 0.7")
    path.write_text(text.replace("low_rate = 0.01", "low_rate = 0.7"))
    with pytest.raises(RecipeError, match="stuck"):
        load_chip(str(path))


@given(
    devices=st.sampled_from((0.25, 0.375, 0.5, 1.0, 2.0, 3.0, 8.0, 32.0, 100.0)),
    weight_max=st.sampled_from((1, 3, 7, 15, 31, 127)),
    dac_bits=st.integers(2, 12),
    adc_bits=st.integers(2, 14),
)
def test_adc_scale_is_exact_where_it_can_be(
    devices: float, weight_max: int, dac_bits: int, adc_bits: int
) -> None:
    """L / 2^h is the full-scale sum over the largest code, or the nearest in the finest steps.

    The finest are 2^-16, or what keeps L below 2^30.
    """
    chip = chip_with(dac_bits=dac_bits, adc_bits=adc_bits)
    L, h = chip.converters.scale(devices, weight_max)
    full = Fraction(devices) * weight_max * rules.largest_code(dac_bits)
    exact = full / rules.largest_code(adc_bits)
    finest = max(h for h in range(17) if exact * 2**h < 2**30)
    assert 1 <= L <= 2**30
    if (exact * 2**finest).denominator == 1:
        assert Fraction(L, 2**h) == exact
        assert h == 0 or L % 2 == 1  # the smallest h
    else:
        assert h == finest
        assert abs(Fraction(L, 2**h) - exact) <= Fraction(1, 2 ** (h + 1))


def test_adc_scale_with_coarser_steps_where_l_would_be_too_large() -> None:
    """100 devices of code 127 under 2,047, read with 3 codes: 2^-16 would need L of 39 bits."""
    converters = chip_with(dac_bits=12, adc_bits=3).converters
    L, h = converters.scale(100.0, 127)
    assert (L, h) == (round(Fraction(100 * 127 * 2047, 3) * 2**6), 6)
    assert L < 2**30 < Fraction(100 * 127 * 2047, 3) * 2**7


def test_a_full_scale_below_the_smallest_step_is_refused() -> None:
    """L would be rounded to zero, and each conversion would divide by it."""
    with pytest.raises(ValueError, match="full_scale_devices"):
        Converters(dac_bits=2, adc_bits=14, full_scale_devices=(1.0, 1e-3))


@pytest.mark.parametrize("scales", [(0.0, 1.0), (-1.0,), ()])
def test_full_scales_must_be_positive(scales: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="full_scale_devices"):
        Converters(dac_bits=8, adc_bits=8, full_scale_devices=scales)
