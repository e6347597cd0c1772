"""`imssa chip`, the template, and the statistics it shows."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.cli import main
from imssa.hardware import ChipDescription, load_chip, preset_names
from imssa.hardware.devices import LAW_NAMES, DeadLines
from imssa.hardware.loading import parse_chip, preset_text, template_text
from imssa.hardware.measured import measure_chip
from imssa.kernels.random import Key


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    import imssa.cli.chips  # noqa: F401

    code = 0
    try:
        main(list(words))
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def alternatives() -> list[dict[str, Any]]:
    """The sections of the template that stand in comments."""
    blocks = re.split(r"\n#?\n", template_text())
    found = []
    for block in blocks:
        lines = [line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ")]
        if lines and lines[0].startswith("["):
            found.append(tomllib.loads("\n".join(lines)))
    return found


def test_the_template_is_a_chip() -> None:
    assert parse_chip(template_text(), "template").name == "my-chip"


def test_every_alternative_in_the_template_is_valid() -> None:
    base = parse_chip(template_text(), "template").model_dump(exclude_none=True)
    assert len(alternatives()) >= 10
    for section in alternatives():
        ChipDescription.model_validate({**base, **section})


def test_the_template_knows_every_law() -> None:
    assert {tag for tag in LAW_NAMES if f'law = "{tag}"' not in template_text()} == set()


def test_the_template_names_every_key() -> None:
    words = set(re.findall(r"^#? ?\[?([a-z_]+)[\]. ]", template_text(), re.MULTILINE))
    assert set(ChipDescription.model_fields) <= words


@pytest.mark.parametrize("name", preset_names())
def test_every_number_of_a_preset_has_a_word_beside_it(name: str) -> None:
    """A comment on the line, or above its section."""
    above = False
    for line in preset_text(name).splitlines():
        if line.startswith("["):
            above = above or "#" in line
        elif line.startswith("#") or not line.strip():
            above = line.startswith("#")
        elif "=" in line and not line.startswith(("name", "source")):
            assert "#" in line or above, line


def test_list_names_every_preset(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "chip", "list")
    assert code == 0
    assert all(name in out for name in preset_names())
    _, out, _ = run(capsys, "chip", "list", "--json")
    assert [c["name"] for c in json.loads(out)["chips"]] == list(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_show_prints_what_was_drawn(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, "chip", "show", name)
    assert code == 0
    assert "devices a level" in out
    code, out, _ = run(capsys, "chip", "show", name, "--json")
    found = json.loads(out)
    assert ChipDescription.model_validate(found["description"]) == load_chip(name)
    assert len(found["drawn"]["levels"]) == 5


def test_show_refuses_what_is_no_chip(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "chip", "show", "taox-65")
    assert code == 2
    assert not out
    assert "neither a file nor a preset" in err


def test_new_writes_a_file_and_keeps_what_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    assert run(capsys, "chip", "new", str(path))[0] == 0
    assert load_chip(path).name == "my-chip"
    path.write_text("mine")
    code, _, err = run(capsys, "chip", "new", str(path))
    assert code == 2
    assert "--force" in err
    assert path.read_text() == "mine"
    assert run(capsys, "chip", "new", str(path), "--from", "neurram", "--force")[0] == 0
    assert load_chip(path) == load_chip("neurram")
    code, _, err = run(capsys, "chip", "new", str(tmp_path / "b.toml"), "--from", "tao")
    assert code == 2
    assert "taox-64" in err
    code, _, err = run(capsys, "chip", "new", str(tmp_path / "no" / "b.toml"))
    assert code == 2
    assert "cannot be written" in err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.toml"]


def test_measured_statistics_are_those_of_the_laws() -> None:
    found = measure_chip(load_chip("taox-64"), Key.root(1))
    middle = found.levels[2]
    assert middle.target_siemens == pytest.approx(75e-6)
    assert middle.sigma_siemens == pytest.approx(3.23e-6, rel=0.03)
    assert middle.read_sigma_siemens == pytest.approx(2.438e-6, rel=0.01)
    assert middle.total_sigma_siemens == pytest.approx(np.hypot(3.23e-6, 2.438e-6), rel=0.03)
    assert found.off_siemens[1] == pytest.approx(np.exp(0.8) * 1e-6, rel=0.05)
    assert found.high_share == pytest.approx(0.01, abs=0.002)


def test_a_dead_chip_has_no_statistics() -> None:
    dead = DeadLines(word_line_rate=1.0)
    chip = load_chip("taox-64").model_copy(update={"dead_lines": dead})
    found = measure_chip(chip, Key.root(2), devices=100)
    assert found.open_share == 1.0
    assert np.isnan(found.levels[0].sigma_siemens)
    assert np.isnan(found.off_siemens).all()
