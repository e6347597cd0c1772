"""Commands netlist and verify."""

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.calls import call, done, refusal

needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="ngspice is not installed"
)


def test_netlist_is_written_and_repeats(finished: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        done("netlist", finished / "program.safetensors", "--array", 0, "--out", tmp_path / name)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("* imssa array of 64 word lines and 64 bit lines")
    for words in (
        f"Written by imssa {version('imssa')}.",
        "Program: program.safetensors (recipe ",
        "array 0 of 1.",
        "Chip: taox-64, instance 0 of seed 0",
        "Driven word lines: 0-",
    ):
        assert words in texts[0]
    assert sum(line.startswith("rg") for line in texts[0].splitlines()) > 4000


def test_netlist_of_a_missing_array(finished: Path, tmp_path: Path) -> None:
    words = ("--array", 9, "--out", tmp_path / "a")
    message = refusal("netlist", finished / "program.safetensors", *words)
    assert "--array 9" in message
    assert "arrays 0 to 0" in message
    assert not (tmp_path / "a").exists()


@needs_ngspice
def test_verify_agrees_with_ngspice(finished: Path) -> None:
    value = done("verify", finished / "program.safetensors", "--array", 0, "--json").value
    (row,) = value["rows"]
    assert row["passed"]
    assert row["relative_error"] <= value["limit"] == 1e-6
    assert row["largest_current_ampere"] > 1e-7


def test_verify_without_ngspice(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    outcome = call("verify", finished / "program.safetensors")
    assert outcome.code == 2
    assert "apt install ngspice" in outcome.err
