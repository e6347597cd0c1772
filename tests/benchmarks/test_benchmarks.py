"""Every benchmark runs in its tiny mode and writes what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def run(name: str, tmp_path: Path, *options: str) -> dict[str, Any]:
    target = tmp_path / "result.json"
    command = [sys.executable, str(FOLDER / f"{name}.py"), "--tiny", "--json", str(target)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(target.read_text())
    return found


@pytest.mark.slow
def test_folds_test_each_recording_once(tmp_path: Path) -> None:
    found = run("folds", tmp_path)
    assert found["recordings"] == 120  # two folds of 60
    assert set(found["realizations"]) == {"leaky"}
    for part in found["realizations"].values():
        assert next(row["stage"] for row in part["waterfall"]) == "software"
        assert len(part["chip"]["per_instance"]) == 2 * 2  # folds times chips
        assert len(part["loss_by_fold"]["per_fold"]) == 2


@pytest.mark.slow
def test_demo_time_adds_up(tmp_path: Path) -> None:
    found = run("demo_time", tmp_path)
    stages = found["seconds_by_stage"]
    assert set(stages) == {"train", "quantize", "compile", "simulate"} | (set(stages) & {"report"})
    assert sum(stages.values()) <= found["seconds"]
