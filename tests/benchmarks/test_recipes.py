"""The table of recipes: a tiny run has all parts, goes on where it stopped, and pools what it should."""

import json
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest

from imssa.evaluation import wilson_interval
from tests.benchmarks.test_benchmarks import run

ROOT = Path(__file__).parents[2]
CHIP = ("whole", "stuck_blind", "stuck_compiled", "blind", "compiled", "trimmed", "recalibrated")
BASELINES = {
    "gru": ("gru",),
    "ptq": ("ptq", "ptq_chip", "ptq8", "ptq8_chip"),
    "int8": ("int8", "int8_ptq"),
    "int16": ("int16", "int16_ptq"),
}


@pytest.mark.slow
def test_a_row_has_all_parts_and_is_made_once(tmp_path: Path) -> None:
    options = ["zero-one", "--work", str(tmp_path / "work"), "--seeds", "0", "1"]
    options += ["--baselines", *BASELINES]
    found = run("recipes", tmp_path, *options)
    assert [row["seed"] for row in found["rows"]] == [0, 1]
    names = {"float", "quantized", *(f"chip_{step}" for step in CHIP), *sum(BASELINES.values(), ())}
    for row in found["rows"]:
        assert set(row["accuracies"]) == names
        assert all(0 <= value <= 1 for value in row["accuracies"].values())
        assert row["network"]["codes_compared"]["mismatches"] == 0
        assert row["network"]["test_items"] == row["chip"]["chip_items"] == 60
        assert (row["network"]["arrays"], row["network"]["phases"]) == (3, 3)
        assert {len(row["chip"]["steps"][step]["per_instance"]) for step in CHIP} == {2}
        assert row["chip"]["lost_weights"] == 0  # then compiling makes up for all stuck devices
        assert row["accuracies"]["chip_stuck_compiled"] == row["accuracies"]["quantized"]
        assert abs(row["gru"]["parameters"] / row["network"]["parameters"] - 1) <= 0.03
        assert len(row["gru"]["validation_loss_by_rate"]) == 3
    for name, part in found["summary"]["accuracies"].items():
        each = [row["accuracies"][name] for row in found["rows"]]
        assert part["per_seed"] == pytest.approx(each)
        assert part["mean"] == pytest.approx(np.mean(each))
        assert part["std"] == pytest.approx(np.std(each, ddof=1))
        assert (part["low"], part["high"]) == wilson_interval(part["mean"], 60)
    again = run("recipes", tmp_path, *options)
    assert again["rows"] == found["rows"]  # times of making included


@pytest.mark.slow
def test_kept_networks_are_not_trained_again(tmp_path: Path) -> None:
    options = ["zero-one", "--seeds", "0", "--recalibrated", "0", "--chip-items", "6"]
    first = run("recipes", tmp_path, *options, "--work", str(tmp_path / "work"))
    script = runpy.run_path(str(ROOT / "scripts" / "keep_network.py"))
    script["keep"](tmp_path / "work" / "zero-one" / "seed-0", tmp_path / "kept")
    again = [*options, "--work", str(tmp_path / "again"), "--networks", str(tmp_path / "kept")]
    found = run("recipes", tmp_path, *again)
    for part in ("accuracies", "chip"):
        same, other = (dict(result["rows"][0][part]) for result in (first, found))
        assert {**same, "made": 0} == {**other, "made": 0}
    assert found["rows"][0]["network"]["minutes"] == first["rows"][0]["network"]["minutes"]
    with pytest.raises(subprocess.CalledProcessError):
        run("recipes", tmp_path, *again, "--set", "model.dropout=0.4")


@pytest.mark.slow
def test_values_of_a_key_are_pooled_by_their_items(tmp_path: Path) -> None:
    options = ["zero-one", "--work", str(tmp_path / "work"), "--seeds", "0", "--recalibrated", "1"]
    speakers = ["george", "jackson"]
    over = ["--over", f"data.test_speakers={','.join(speakers)}", "--chip-items", "30"]
    found = run("recipes", tmp_path, *options, *over)
    assert [json.loads(row["over"]) for row in found["rows"]] == [[one] for one in speakers]
    assert {row["chip"]["chip_items"] for row in found["rows"]} == {30}
    items = [row["network"]["test_items"] for row in found["rows"]]
    part = found["summary"]["accuracies"]["float"]
    each = [row["accuracies"]["float"] for row in found["rows"]]
    assert part["per_seed"] == [pytest.approx(np.average(each, weights=items))]
    assert (part["seeds"], part["std"], part["test_items"]) == (1, None, sum(items))
    assert found["summary"]["accuracies"]["chip_blind"]["test_items"] == 60
    for row in found["rows"]:
        assert len(row["chip"]["steps"]["recalibrated"]["per_instance"]) == 1
