"""The tracker: off by default, told of epochs and final measures, read back from its files."""

import json
from pathlib import Path

import pytest

from imssa.errors import MissingToolError, RecipeError
from imssa.experiment import tracking
from imssa.experiment.tracking import Tracker, tracker_of
from imssa.training.log import write_log
from tests.evaluation.samples import make_sample

RECORDS = [
    {
        "epoch": n,
        "train_loss": 1.0 / n,
        "validation_loss": None,
        "validation_accuracy": None,
        "gradient_norm": 0.5 * n,
    }
    for n in range(1, 4)
]


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """All scalars of event files, by name."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = events.EventAccumulator(str(folder)).Reload()
    names = found.Tags()["scalars"]
    return {name: [(e.step, e.value) for e in found.Scalars(name)] for name in names}


def test_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("IMSSA_TRACKER", raising=False)
    assert tracker_of(tmp_path) is None


@pytest.mark.parametrize("asked", ["mlflow:runs", "tensorboard", "tensorboard:"])
def test_an_unknown_tracker_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str
) -> None:
    monkeypatch.setenv("IMSSA_TRACKER", asked)
    with pytest.raises(RecipeError, match="tensorboard:DIR"):
        tracker_of(tmp_path)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMSSA_TRACKER", "tensorboard:runs")
    monkeypatch.setattr(tracking, "find_spec", lambda _name: None)
    with pytest.raises(MissingToolError, match=r"imssa\[track\]"):
        tracker_of(tmp_path)


def test_a_run_has_a_folder_of_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMSSA_TRACKER", f"tensorboard:{tmp_path / 'runs'}")
    found = tracker_of(tmp_path / "digits")
    assert found is not None
    assert found.folder == tmp_path / "runs" / "digits"


def test_epochs_are_told_once_as_they_come(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    log, tracker = tmp_path / "log.jsonl", Tracker(tmp_path / "events")
    progress = tracker.following("leaky", log, lambda *told: seen.append(told))
    progress(0, 3, "starts")
    for count in (1, 2, 2, 3):
        write_log(log, RECORDS[:count])
        progress(count, 3, "")
    assert len(seen) == 5
    found = scalars(tmp_path / "events")
    assert set(found) == {"leaky/train_loss", "leaky/gradient_norm"}
    assert [step for step, _ in found["leaky/train_loss"]] == [1, 2, 3]
    losses = [value for _, value in found["leaky/train_loss"]]
    assert losses == pytest.approx([record["train_loss"] for record in RECORDS])


def test_final_measures_are_those_of_the_report(tmp_path: Path) -> None:
    report = make_sample()
    Tracker(tmp_path).finals(report)
    found = scalars(tmp_path)
    for name, part in report.realizations.items():
        ((step, value),) = found[f"{name}/final/accuracy_chip"]
        assert step == 0
        assert value == pytest.approx(part.accuracy.chip.mean)
    assert json.dumps(report.recipe)  # the recipe stands in the text, which has no scalars
