"""`imssa chip`, the template, and the statistics it shows."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.cli import main
from imssa.cli.sources import source_comments, source_of
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


@pytest.mark.parametrize("name", preset_names())
def test_show_names_the_source_of_every_number_of_a_preset(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    sources = json.loads(run(capsys, "chip", "show", name, "--json")[1])["sources"]
    content = tomllib.loads(preset_text(name))
    keys = {f"{s}.{k}" for s, part in content.items() if isinstance(part, dict) for k in part}
    keys |= {key for key, value in content.items() if not isinstance(value, dict)}
    assert set(sources) == keys
    assert {key for key, words in sources.items() if not words} == {"source"}
    comments = " ".join(re.sub(r"^#", "", preset_text(name), flags=re.MULTILINE).split())
    assert {words for words in sources.values() if words not in comments} == set()


def test_show_prints_sources_of_a_users_own_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = preset_text("taox-64").replace("3.23e-6", "3.0e-6  # my # own, [from] the wafer")
    path = tmp_path / "mine.toml"
    path.write_text(text)
    code, out, _ = run(capsys, "chip", "show", str(path))
    assert code == 0
    folded = re.sub(r"[^\w#,\[\]]+", " ", out)
    for words in ("my # own,", "window 0 150 uS", "g_min_siemens 0 0 default", "as above"):
        assert words in folded
    found = json.loads(run(capsys, "chip", "show", str(path), "--json")[1])
    assert found["sources"]["programming.sigma_siemens"] == "my # own, [from] the wafer"


def test_an_output_of_plain_letters_carries_what_it_can(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = preset_text("taox-64").replace("3.23e-6", "3.23e-6  # \N{OHM SIGN} of my own")
    path.write_text(text, encoding="utf-8")
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = (sys.executable, "-m", "imssa", "chip", "show", str(path))
    out = subprocess.run(command, env=plain, capture_output=True, check=True).stdout.decode("ascii")
    assert "? of my own" in out
    assert "devices a level, in uS" in out


SOURCES = """
# the file

# of a,
# in two lines
a = 1
b = "no # comment"
c = [ # first
  1, # second
  "]", # third
]
# of the section
[s.t] # beside the section
d = 1
"e f" = 2 # own
g.h = '# no'
i = '''
# no comment
''' # after

# far away

[u]
j = {k = 1, l = "}"} # inline
m = 2026-01-01
"""


def test_comments_of_a_text() -> None:
    tomllib.loads(SOURCES)
    assert source_comments(SOURCES) == {
        "a": "of a, in two lines",
        "b": "",
        "c": "first second third",
        "s.t.d": "beside the section",
        "s.t.e f": "own",
        "s.t.g.h": "beside the section",
        "s.t.i": "after",
        "u.j": "inline",
        "u.m": "",
    }
    assert source_of("u.j.k", source_comments(SOURCES)) == "inline"
    assert source_of("u.n", source_comments(SOURCES)) is None


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
