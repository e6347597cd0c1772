"""`imssa cost`: tables, JSON, refusals."""

from pathlib import Path

import pytest

from imssa.program import save_program
from tests.cli.calls import done, refusal
from tests.cost.samples import tiny_program


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.safetensors"
    save_program(tiny_program(), path)
    return path


def test_tables_and_sentences(program: Path) -> None:
    shown = done("cost", program).out
    for words in ("Energy of a time step in pJ", "array reads", "ADC", "100 steps a second"):
        assert words in shown
    assert "Dense maps: arrays take less than int8 from" in shown
    assert "this processor" not in shown  # no model lies beside it


def test_json_holds_ranges_constants_and_sources(program: Path) -> None:
    found = done("cost", program, "--json", "--rate", 50, "--node", 130, "--supply", 1.8).value
    assert found["rate_hertz"] == 50
    assert found["settings"]["supply_volt"] == 1.8
    assert set(found["chip"]["step_joule"]["total"]) == {"low", "typical", "high"}
    assert found["constants"]["add_8"]["grade"] == "C"


def test_what_cannot_be_reckoned_is_refused(program: Path, tmp_path: Path) -> None:
    assert "7 to 250 nm" in refusal("cost", program, "--node", 1)
    assert "a rate is positive" in refusal("cost", program, "--rate", 0)
    assert "it cannot be read" in refusal("cost", program, "--constants", tmp_path / "none.toml")
    assert "none.safetensors" in refusal("cost", tmp_path / "none.safetensors")
