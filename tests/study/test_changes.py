"""`imssa study run --set`: keys of the recipe that whoever runs a study sets."""

import json
from pathlib import Path

import pytest

from imssa.errors import RecipeError, StudyError
from imssa.study.definition import Study, load_study
from imssa.study.folder import open_study
from tests.cli.calls import refusal
from tests.study.tiny import as_toml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(as_toml())
    return path


def trials(study: Study) -> set[str]:
    return {study.subject(point).ids["answers"] for point in study.points}


def test_a_change_goes_before_what_the_study_sets_and_determines_the_trials(file: Path) -> None:
    plain, changed = load_study(str(file)), load_study(str(file), ["float_training.epochs=2"])
    assert changed.subject(changed.points[0]).recipe.float_training.epochs == 2
    assert not trials(plain) & trials(changed)
    assert trials(load_study(str(file), ["float_training.epochs=1"])) == trials(plain)


def test_a_folder_keeps_its_changes_and_refuses_others(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = load_study(str(file), ["seed=3"])
    open_study(out, first)
    assert json.loads((out / "study.json").read_text())["changes"] == {"seed": 3}
    again = open_study(out, None, write=False).study
    assert again.changes == {"seed": 3}
    assert trials(again) == trials(first)
    with pytest.raises(StudyError, match="begun with --set seed=3"):
        open_study(out, load_study(str(file), ["seed=4"]))
    with pytest.raises(StudyError, match="with no --set"):
        open_study(out, load_study(str(file)))


def test_refused_changes(file: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="key=value"):
        load_study(str(file), ["seed"])
    words = ("study", "run", file, "--out", tmp_path / "out", "--set")
    assert "set by axis quantization.bits.A and again by [set]" in refusal(
        *words, "quantization.bits.A=3"
    )
    assert "sead" in refusal(*words, "sead=3")
