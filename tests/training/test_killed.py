"""Trainings of the command line that are killed end with the weights of an undisturbed one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imssa.program.files import write_atomically
from imssa.training import read_log
from tests.cli.calls import done, tiny
from tests.training.killing import killed_often

PROOF = Path(__file__).parents[2] / "proof" / "training.json"
CHANGES = (
    "data.augmentation.noise_std=0.1",
    "data.augmentation.time_shift_frames=2",
    "model.dropout=0.1",
)
WEIGHTS = {"train": "model.safetensors", "quantize": "quantized.safetensors"}


def log_of(folder: Path) -> list[dict[str, Any]]:
    """All epochs but their times: of the float network, and then of each realization."""
    records = [r for path in sorted(folder.rglob("*.jsonl")) for r in read_log(path)]
    for record in records:
        del record["seconds"]
    return records


def killed_and_resumed(
    stage: str, epochs: int, kills: int, longest_seconds: float, tmp_path: Path
) -> dict[str, object]:
    """Trains undisturbed and killed, compares, and says what was seen."""
    lengths = (f"float_training.epochs={epochs}", f"quantized_training.epochs={epochs}")
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    changes = (*CHANGES, *lengths, "evaluation.compare=[]")
    done("train", *tiny(undisturbed, *changes), "--quiet")
    first = ["train", *tiny(folder, *changes)]
    if stage == "quantize":
        shutil.copytree(undisturbed, folder)
        done("quantize", "--out", undisturbed, "--quiet")
    words = first if stage == "train" else ["quantize", "--out", str(folder)]
    seen = killed_often(folder, words, kills, longest_seconds)
    done(*words, "--quiet")
    found = (folder / WEIGHTS[stage]).read_bytes()
    identical = found == (undisturbed / WEIGHTS[stage]).read_bytes()
    same_log = log_of(folder) == log_of(undisturbed)
    return {
        "kills": len(seen.epochs),
        "epochs": epochs,
        "epochs_done_at_each_kill": seen.epochs,
        "kills_that_left_a_partial_file": seen.partial_files,
        "weights_identical": identical,
        "logs_identical": same_log,
    }


@pytest.mark.slow
def test_killed_twice_and_resumed(tmp_path: Path) -> None:
    found = killed_and_resumed("train", 60, 2, 0.3, tmp_path)
    assert found["kills"]
    assert found["weights_identical"], found
    assert found["logs_identical"], found


@pytest.mark.proof
@pytest.mark.slow
def test_killed_twenty_times_and_resumed(tmp_path: Path) -> None:
    found = {
        stage: killed_and_resumed(stage, epochs, 20, longest, tmp_path / stage)
        for stage, epochs, longest in (("train", 300, 0.2), ("quantize", 200, 0.3))
    }
    PROOF.parent.mkdir(exist_ok=True)
    write_atomically(PROOF, f"{json.dumps(found, indent=2)}\n".encode())
    for result in found.values():
        assert result["kills"] == 20, "the rest of the trainings was too short"
        assert result["weights_identical"], result
        assert result["logs_identical"], result
