"""The training log: one whole line an epoch, whatever happened while it was written."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from imssa.errors import FileFormatError
from imssa.training import read_log
from imssa.training.log import write_log
from tests.training.samples import CONFIG, PARTS, Model, trained

KEYS = {
    "epoch",
    "step",
    "learning_rates",
    "train_loss",
    "validation_loss",
    "validation_accuracy",
    "gradient_norm",
    "seconds",
}


def without_times(path: Path) -> list[dict[str, Any]]:
    records = read_log(path)
    assert all(record.pop("seconds") > 0 for record in records)
    return records


def test_a_line_an_epoch(tmp_path: Path) -> None:
    _, result = trained(log=tmp_path / "log.jsonl")
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [set(json.loads(line)) for line in lines] == [KEYS] * CONFIG.epochs
    assert without_times(tmp_path / "log.jsonl") == result.history


def test_what_is_unknown_is_null(tmp_path: Path) -> None:
    trained(log=tmp_path / "log", parts=(PARTS[0], PARTS[1].subset([])))
    (first, *_) = read_log(tmp_path / "log")
    assert first["validation_loss"] is None
    assert first["validation_accuracy"] is None


@pytest.mark.parametrize("number", range(1, 11))
def test_stopped_at_any_write_the_log_has_each_epoch_once(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checkpoint and log are written in turn; either may be the last."""
    _, course = trained()
    fsync, writes = os.fsync, 0

    def interrupted(handle: int) -> None:
        nonlocal writes
        writes += 1
        if writes == number:
            raise KeyboardInterrupt
        fsync(handle)

    files = {"checkpoint": tmp_path / "c", "log": tmp_path / "log"}
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(**files)
    monkeypatch.undo()
    if files["log"].exists():
        kept = without_times(files["log"])
        assert kept == course.history[: len(kept)]
    trained(**files)
    assert without_times(files["log"]) == course.history


def test_a_log_of_an_earlier_training_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"epoch": 1, "half a li')

    def stop(*_: object) -> tuple[Any, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(stop, model=Model(), log=path)
    assert read_log(path) == []


@pytest.mark.parametrize(
    "line", ["{", "[]", "null", '{"epoch": 1, "train_loss": 2.0}', '{"epoch": 2}', "\xff"]
)
def test_a_damaged_log_is_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    write_log(path, [{"epoch": 1, "train_loss": 2.0}])
    path.write_bytes(path.read_bytes() + line.encode("latin-1"))
    with pytest.raises(FileFormatError, match=r"log, line 2: it is no record of epoch 2\. Remove"):
        read_log(path)
