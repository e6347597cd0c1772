"""`imssa cost`: tables, JSON, refusals."""

import html
import json
from dataclasses import replace
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
    (tmp_path / "empty").mkdir()
    assert "holds no program.safetensors" in refusal("cost", tmp_path / "empty")


def test_the_folder_of_a_run_costs_what_its_program_does(finished: Path) -> None:
    words = ("--json", "--no-processor")
    of_folder = done("cost", finished, *words).value
    assert of_folder == done("cost", finished / "program.safetensors", *words).value
    kept = json.loads((finished / "costs.json").read_text())["costs"]
    assert kept == {key: of_folder[key] for key in kept}
    assert kept["assumptions"]["rate"] == "40 steps a second, as the front end makes them"
    assert "weights" not in kept["assumptions"]


def test_the_page_of_a_run_says_what_its_costs_say(finished: Path) -> None:
    """Not only what speaks for the chip: digital chips with weights as wide as its own as well."""
    kept = json.loads((finished / "costs.json").read_text())["costs"]
    page = html.unescape((finished / "report.html").read_text(encoding="utf-8"))
    assert len(kept["verdict"]) >= 4
    assert [sentence for sentence in kept["verdict"] if sentence not in page] == []
    assert "packed weights, nJ" in page


def test_a_recipe_costs_before_training_what_its_shapes_say(tmp_path: Path, finished: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text((finished / "recipe.toml").read_text())
    untrained, trained = (done("cost", what, "--json").value for what in (recipe, finished))
    assert "untrained" in untrained["assumptions"]["weights"]
    for quantity in ("area_square_metre", "step_seconds"):
        assert untrained["chip"][quantity] == trained["chip"][quantity]
    a, b = (found["chip"]["step_joule"]["parts"]["ADC"] for found in (untrained, trained))
    assert a == pytest.approx(b)
    assert "weights: untrained" in done("cost", recipe).out


def test_sequences_without_a_clock_have_a_rate_that_is_named_as_assumed(tmp_path: Path) -> None:
    path = tmp_path / "program.safetensors"
    save_program(replace(tiny_program(), preparation={"front_end": {"kind": "pixels"}}), path)
    found = done("cost", path, "--json").value
    assert found["rate_hertz"] == 100
    assert found["assumptions"]["rate"].startswith("100 steps a second, assumed")
    assert "100 steps a second (assumed)" in done("cost", path).out
    given = done("cost", path, "--json", "--rate", 20).value
    assert given["assumptions"]["rate"] == "20 steps a second, as given"
