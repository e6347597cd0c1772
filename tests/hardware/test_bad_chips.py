"""Impossible chip descriptions: every fault, in the user's keys."""

import re
from pathlib import Path

import pytest

from imssa.errors import RecipeError
from imssa.hardware import load_chip
from imssa.hardware.loading import template_text

TEMPLATE = template_text()
LOOP = """
[programming]
law = "write-verify"
tolerance_siemens = {tolerance}
{more}
[programming.pulse]
law = "{pulse}"
set_share = 1.0
reset_share = 1.0
spread = {spread}
"""


def message(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """The error of the template with some text replaced."""
    text = TEMPLATE
    for good, bad in changes:
        assert good in text
        text = bad.join(text.rsplit(good, 1))
    path = tmp_path / "chip.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_chip(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


PROGRAMMING = '[programming]\nlaw = "gaussian"\nmean_siemens = 0.0\nsigma_siemens = 3e-6\n'

POLYNOMIAL = """
[programming]
law = "polynomial"
coefficients_microsiemens = {coefficients}
valid_from_siemens = {start}
valid_to_siemens = {end}
"""
DRIFT = """
[drift]
law = "polynomial"
times_seconds = [1, 60]
coefficients_microsiemens = [[1.0], [2.0]]
valid_to_siemens = 150e-6
[stuck]"""

CASES = [
    ("g_max_siemens = 150e-6", "g_max_siemens = nan", "g_max_siemens: Input should be a finite"),
    ("read_voltage_volt = 0.2", "read_voltage_volt = -0.2", "read_voltage_volt: .*given: -0.2"),
    ("g_min_siemens = 0.0", "g_min_siemens = -1e-6", "g_min_siemens: .*greater than or equal to 0"),
    (
        "g_min_siemens = 0.0",
        "g_min_siemens = 150e-6",
        "g_min_siemens: must be below g_max_siemens = 0.00015",
    ),
    ("age_seconds = 0", "age_seconds = -5", "age_seconds: .*greater than or equal to 0"),
    ("sigma_siemens = 3e-6", "sigma_siemens = nan", r"programming\.sigma_siemens: .*given: nan"),
    ("sigma_siemens = 3e-6", "sigma_siemens = 1.0", r"programming\.sigma_siemens: must be at most"),
    (
        "sigma_siemens = 3e-6",
        "sigma_siemen = 3e-6",
        r"programming\.sigma_siemen: unknown key; did you mean programming\.sigma_siemens\?",
    ),
    (
        PROGRAMMING,
        '[programming]\nlaw = "uniform"\ntolerance_siemens = 151e-6\n',
        r"programming\.tolerance_siemens: must be at most the window's 0\.00015 S",
    ),
    (
        PROGRAMMING,
        LOOP.format(tolerance="151e-6", more="", pulse="proportional", spread=0.3),
        r"programming\.tolerance_siemens: must be at most the window's",
    ),
    (
        PROGRAMMING,
        LOOP.format(tolerance="0", more="max_pulses = 0", pulse="proportional", spread=0.3),
        r"(?s)programming\.tolerance_siemens.*programming\.max_pulses",
    ),
    (
        PROGRAMMING,
        LOOP.format(tolerance="5e-6", more="start_siemens = 1e-3", pulse="proportional", spread=0),
        r"programming\.start_siemens: must be at most g_max_siemens",
    ),
    (
        PROGRAMMING,
        LOOP.format(tolerance="5e-6", more="", pulse="proportional", spread="nan"),
        r"programming\.pulse\.spread: .*finite",
    ),
    (
        PROGRAMMING,
        LOOP.format(tolerance="5e-6", more='verify = "both"', pulse="proportional", spread=0),
        r"programming\.verify: .*'device' or 'pair'.*given: 'both'",
    ),
    (
        PROGRAMMING,
        POLYNOMIAL.format(coefficients="[3.0]", start="10e-6", end="100e-6"),
        r"(?s)programming\.valid_from_siemens: the fit starts.*programming\.valid_to_siemens: the",
    ),
    (
        PROGRAMMING,
        POLYNOMIAL.format(coefficients="[3.0, -1.0]", start="0.0", end="150e-6"),
        "programming: coefficients_microsiemens give a negative sigma",
    ),
    (PROGRAMMING, '[programming]\nlaw = "magic"\n', r"programming: .*'gaussian', 'uniform'"),
    (
        "sigma_siemens = 1.5e-6",
        "sigma_siemens = 1.0",
        r"read_noise\.law: sigma at the window's top",
    ),
    (
        "high_rate = 0.01\nlow_rate = 0.01",
        "high_rate = 0.7\nlow_rate = 0.7",
        "stuck: high_rate and low_rate of stuck devices are 0.7 and 0.7; they must add up",
    ),
    ("high_rate = 0.01", "high_rate = -0.01", r"stuck\.high_rate: .*given: -0\.01"),
    (
        "[stuck]",
        "[dead_lines]\nword_lines = [[0, 64], [3, 0]]\nbit_line_rate = 0.1\n[stuck]",
        r"(?s)dead_lines\.word_lines: \[0, 64\] is not on.*dead_lines\.word_lines: \[3, 0\] is not",
    ),
    (
        "[stuck]",
        "[off_state]\nlog_median = 9.0\nlog_sigma = 1.0\n[stuck]",
        r"off_state\.log_median",
    ),
    ("count = 3", "count = 0", r"arrays\.count"),
    ("full_scale_devices = [1,", "full_scale_devices = [0,", "must be positive"),
]


@pytest.mark.parametrize(("good", "bad", "words"), CASES)
def test_each_fault_is_told_with_its_key(tmp_path: Path, good: str, bad: str, words: str) -> None:
    assert re.search(words, message(tmp_path, (good, bad)))


def test_an_age_beyond_the_fit_is_refused(tmp_path: Path) -> None:
    text = message(tmp_path, ("age_seconds = 0", "age_seconds = 3600"), ("[stuck]", DRIFT))
    assert "drift.times_seconds: end at 60 s, before age_seconds = 3600" in text


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Faults of single keys, and rules between keys that can still be asked."""
    text = message(
        tmp_path,
        ("read_voltage_volt = 0.2", "read_voltage_volt = nan"),
        ("g_min_siemens = 0.0", "g_min_siemens = 200e-6"),
        ("dac_bits = 8", "dac_bits = 40"),
        ("high_rate = 0.01", "high_rate = 0.995"),
        ("[stuck]", "colour = 3\n[dead_lines]\nbit_lines = [[9, 0]]\n[stuck]"),
        ("# defect_map =", "defect_map ="),
    )
    for words in (
        "7 faults",
        "read_voltage_volt: ",
        "g_min_siemens: must be below",
        "converters.dac_bits: ",
        "stuck: high_rate and low_rate",
        "read_noise.colour: unknown key",
        "dead_lines.bit_lines: [9, 0] is not on this chip",
        "defects.npz: it cannot be read",
    ):
        assert words in text, words


def test_files_that_are_no_description(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.toml").write_text("name = ")
    for given, words in (
        (tmp_path, "it cannot be read"),
        (tmp_path / "binary.toml", "it is no text"),
        (tmp_path / "broken.toml", "it is no TOML"),
        (tmp_path / "missing.toml", "neither a file nor a preset"),
        ("nul\0byte", "neither a file nor a preset"),
    ):
        with pytest.raises(RecipeError, match=words):
            load_chip(given)
