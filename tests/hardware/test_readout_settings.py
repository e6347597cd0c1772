"""Settings of converters and readout: every fault with its key, and all of them at once."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from imssa.errors import RecipeError
from imssa.hardware import ChipDescription, load_chip
from imssa.hardware.description import EFFECTS
from imssa.hardware.loading import template_text
from imssa.hardware.readout import Readout

FIELDS = ("saturation_devices", "common_mode_spread", "gain_spread", "offset_steps", "noise_steps")
SET = Readout(
    saturation_devices=32.0,
    common_mode_spread=0.001,
    gain_spread=0.005,
    offset_steps=0.5,
    noise_steps=0.3,
)


def chip_file(tmp_path: Path, **sections: dict[str, Any]) -> Path:
    """The TaOx preset with some keys of some sections replaced."""
    content = load_chip("taox-64").model_dump(exclude_none=True)
    for name, keys in sections.items():
        content[name] = {**content.get(name, {}), **keys}
    path = tmp_path / "chip.toml"
    path.write_text(tomli_w.dumps(content))
    return path


def refusal(tmp_path: Path, **sections: dict[str, Any]) -> str:
    with pytest.raises(RecipeError) as caught:
        load_chip(chip_file(tmp_path, **sections))
    return str(caught.value)


def test_settings_survive_their_file(tmp_path: Path) -> None:
    converters = {"drive": "bit-serial", "polarity": "two-pass"}
    wires = {"undriven": "floating", "unread": "floating"}
    path = chip_file(tmp_path, readout=SET.model_dump(), converters=converters, wires=wires)
    chip = load_chip(path)
    assert chip.readout == SET
    assert (chip.converters.drive, chip.converters.polarity) == ("bit-serial", "two-pass")
    assert chip.wires is not None
    assert chip.wires.by_phase
    assert ChipDescription.model_validate(chip.model_dump()) == chip


def test_the_template_holds_every_setting(tmp_path: Path) -> None:
    """The commented section of the template, with its marks taken away, is what is tested here."""
    text = template_text()
    start = text.index("# [readout]")
    uncommented = "\n".join(line.removeprefix("# ") for line in text[start:].splitlines())
    path = tmp_path / "chip.toml"
    path.write_text(text[:start] + uncommented)
    assert load_chip(path).readout == SET
    assert tuple(Readout.model_fields) == FIELDS


def test_nothing_is_assumed_of_a_chip_that_says_nothing(tmp_path: Path) -> None:
    chip = load_chip(chip_file(tmp_path))
    assert chip.readout is None
    assert (chip.converters.drive, chip.converters.polarity) == ("amplitude", "differential")
    assert chip.wires is None or not chip.wires.by_phase
    quiet = Readout()
    assert quiet.saturation_devices is None
    assert [getattr(quiet, name) for name in FIELDS[1:]] == [0.0] * 4


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("readout", "saturation_devices", 0, "greater than 0"),
        ("readout", "saturation_devices", -1.0, "greater than 0"),
        ("readout", "saturation_devices", float("inf"), "finite"),
        ("readout", "common_mode_spread", -0.1, "greater than or equal to 0"),
        ("readout", "common_mode_spread", 1.5, "less than or equal to 1"),
        ("readout", "gain_spread", -0.01, "greater than or equal to 0"),
        ("readout", "gain_spread", 1.0, "less than 1"),
        ("readout", "offset_steps", -1, "greater than or equal to 0"),
        ("readout", "offset_steps", float("nan"), "finite"),
        ("readout", "noise_steps", -0.5, "greater than or equal to 0"),
        ("readout", "noise_steps", "much", "number"),
        ("readout", "noise_step", 0.5, "did you mean readout.noise_steps?"),
        ("converters", "drive", "pulse-width", "'amplitude' or 'bit-serial'"),
        ("converters", "polarity", "single", "'differential' or 'two-pass'"),
        ("converters", "drive", 1, "'amplitude' or 'bit-serial'"),
        ("converters", "dac_bits", 13, "less than or equal to 12"),
        ("converters", "full_scale_devices", [], "full_scale_devices"),
        ("wires", "undriven", "open", "'grounded' or 'floating'"),
        ("wires", "unread", "open", "'grounded' or 'floating'"),
    ],
)
def test_each_fault_is_told_with_its_key(
    tmp_path: Path, section: str, key: str, value: Any, words: str
) -> None:
    message = refusal(tmp_path, **{section: {key: value}})
    assert f"{section}.{key}" in message
    assert words in message
    assert "Mend these keys" in message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    faults: dict[str, dict[str, Any]] = {
        "readout": {"saturation_devices": 0, "gain_spread": -0.1, "colour": 1},
        "converters": {"drive": "morse", "polarity": "none"},
        "wires": {"undriven": "wet"},
        "stuck": {"high_rate": 2.0},
    }
    message = refusal(tmp_path, **faults)
    for section, keys in faults.items():
        for key in keys:
            assert f"{section}.{key}" in message, key


def test_a_bit_serial_chip_may_not_step_below_the_conversion(tmp_path: Path) -> None:
    """A pass feeds one code, not 127: the same full scale is then below the smallest step."""
    serial = {"drive": "bit-serial", "full_scale_devices": [1e-2], "adc_bits": 14}
    assert "full_scale_devices: 0.01 is below the smallest step" in refusal(
        tmp_path, converters={**serial, "full_scale_devices": [1e-2, 1.0]}
    )
    load_chip(chip_file(tmp_path, converters={**serial, "drive": "amplitude"}))


def test_a_full_scale_beyond_every_bit_line_is_refused(tmp_path: Path) -> None:
    """L would pass 2^30, where conversions are no longer those of exact integers."""
    most = {"dac_bits": 12, "adc_bits": 2, "full_scale_devices": [1024.0]}
    chip = load_chip(chip_file(tmp_path, converters=most))
    assert chip.converters.scale(1024.0, 127)[0] < 2**30
    message = refusal(tmp_path, converters={**most, "full_scale_devices": [1.0, 1025.0]})
    assert "full_scale_devices must be at most 1024" in message


def test_readout_is_an_effect() -> None:
    chip = load_chip("taox-64").model_copy(update={"readout": SET})
    assert "readout" in EFFECTS
    assert chip.only().readout is None
    assert chip.only("read_noise").readout is None
    assert chip.only("readout") == chip.only().model_copy(update={"readout": SET})
