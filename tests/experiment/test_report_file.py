"""The files that others read: their names and keys are a promise."""

import json
from pathlib import Path
from typing import Any

import pytest

from imssa.experiment.folder import open_folder
from imssa.experiment.run import Runner
from tests.cli.calls import SETTINGS

STAGES = [
    "software",
    "quantized",
    "ideal_chip",
    "programming_error",
    "read_noise",
    "stuck_devices",
    "all",
    "compiled_for_map",
    "trimmed",
    "recalibrated",
]
FILES = {
    "report.json",
    "report.html",
    "recipe.toml",
    "model.safetensors",
    "quantized.safetensors",
    "program.safetensors",
}


@pytest.fixture(scope="module")
def report(finished: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((finished / "report.json").read_text())
    return found


def test_promised_files(finished: Path) -> None:
    assert {path.name for path in finished.iterdir()} >= FILES
    assert {p.name for p in (finished / "realizations" / "direct").iterdir()} >= {
        "quantized.safetensors",
        "program.safetensors",
    }


def test_head_of_the_report(report: dict[str, Any]) -> None:
    assert report["schema"] == "imssa.report/1"
    assert report["recipe"]["name"] == "zero-one"
    promised = {"version", "commit", "seed", "python", "torch", "platform"}
    assert set(report["provenance"]) >= promised
    assert set(report["seconds"]) == {"train", "quantize", "compile", "simulate", "report"}
    assert all(seconds > 0 for seconds in report["seconds"].values())
    assert set(report["realizations"]) == {"leaky", "direct"}


def test_numbers_of_each_realization(report: dict[str, Any]) -> None:
    for part in (report, *report["realizations"].values()):
        accuracy = part["accuracy"]
        assert set(accuracy) == {"float", "quantized", "ideal_chip", "chip"}
        chip = accuracy["chip"]
        assert set(chip) == {"mean", "std", "min", "max", "per_instance"}
        assert len(chip["per_instance"]) == 3
        figures = [accuracy["float"], accuracy["quantized"], accuracy["ideal_chip"]]
        assert all(0 <= figure <= 1 for figure in (*figures, *chip["per_instance"]))
        assert set(part["contract"]) == {"codes_compared", "mismatches"}
        assert part["contract"]["mismatches"] == 0
        assert part["contract"]["codes_compared"] > 100_000
        assert [row["stage"] for row in part["waterfall"]] == STAGES
        chips = {row["stage"]: row["chips"] for row in part["waterfall"]}
        assert chips["compiled_for_map"] == chips["trimmed"] == chips["recalibrated"] == 3
        assert all(set(row) >= {"stage", "accuracy", "standard_error"} for row in part["waterfall"])
        size = {"parameters", "float_bytes", "quantized_bytes", "state_bytes"}
        assert set(part["size"]) >= size
        assert set(part["size"]["operations_per_step"]) == {"float", "quantized", "chip"}
        resources = {"arrays", "kernels", "devices_used", "utilization", "mvms_per_step"}
        assert set(part["resources"]) >= resources
        assert part["resources"]["kernels"] == 3


def test_own_realization_stands_at_the_top(report: dict[str, Any]) -> None:
    own = report["realizations"]["leaky"]
    assert all(report[key] == own[key] for key in own)


def test_command_is_what_was_typed(report: dict[str, Any], finished: Path) -> None:
    sets = " ".join(f"--set {change}" for change in SETTINGS)
    typed = f"imssa run zero-one --out {finished} {sets} --quiet"
    assert report["provenance"]["command"] == typed


def test_command_of_a_library_run_does_the_same(folder: Path) -> None:
    Runner(open_folder(folder, None)).stage("report")
    report = json.loads((folder / "report.json").read_text())
    assert report["provenance"]["command"] == f"imssa run --out {folder}"


def test_page_stands_alone(finished: Path) -> None:
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<svg" in page
    assert 'src="' not in page.replace('src="data:', "")
