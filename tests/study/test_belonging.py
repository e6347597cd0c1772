"""A folder of results is never taken over silently, and reading it never empties its table."""

import json
from pathlib import Path

import pytest

from imssa.errors import StudyError
from imssa.study import determined
from imssa.study.engine import known_plan
from imssa.study.folder import open_study
from tests.cli.calls import call, done, refusal
from tests.study.ledgers import measured
from tests.study.results import lines, numbers
from tests.study.tiny import SETTINGS, SIGMA, as_toml, study

BITS = "quantization.bits.A"
MORE = {BITS: [2, 3, 4], SIGMA: [0.0, 1e-5], "layout": ["phased", "one-shot"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(as_toml())
    return path


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ("recipe.toml", "model.safetensors"),
            "a run of a recipe (model.safetensors, recipe.toml)",
        ),
        (("thesis.tex",), "it holds other files (thesis.tex)"),
        (("a", "b", "c", "d"), "it holds other files (a, b, c and more)"),
    ],
)
def test_a_folder_of_something_else_is_refused(
    names: tuple[str, ...], told: str, tmp_path: Path, file: Path
) -> None:
    root = tmp_path / "other"
    root.mkdir()
    for name in names:
        (root / name).write_text("mine")
    for more in ((), ("--dry-run",), ("--force",)):
        assert told in refusal("study", "run", file, "--out", root, "--jobs", 1, *more)
    assert {path.name for path in root.iterdir()} == set(names)


def test_stages_and_ledgers_alone_are_a_study_s(tmp_path: Path) -> None:
    found = study()
    root = measured(tmp_path / "run", found).root
    (root / "stages").mkdir()
    (root / "study.json").unlink()
    assert open_study(root, found).study == found


@pytest.mark.parametrize(
    "changes",
    [
        {"axes": MORE},
        {"measure": {"chips": 9, "effects": ["programming", "stuck"]}, "axes": MORE},
        {"question": "Really?", "figure": {"x": SIGMA}},
    ],
)
def test_a_study_grows_in_its_folder(changes: dict[str, object], tmp_path: Path) -> None:
    small = {"accuracies": ["float", "quantized", "ideal", "blind"], "chips": 4}
    small |= {"effects": ["programming", "stuck"]}
    root = measured(tmp_path / "run", study(measure=small)).root
    before = lines(root)
    folder = open_study(root, study(**{"measure": {**small}, **changes}))
    assert lines(root) == before
    standing = known_plan(folder).standing(folder.outcomes())
    assert standing.done == before


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"set": {**SETTINGS, "seed": 5}}, "study.set.seed is null there and 5 here"),
        ({"axes": {BITS: [2], SIGMA: [0.0, 1e-5]}}, "[2, 4] there and [2] here"),
        (
            {"measure": {"chips": 4, "effects": ["programming"]}},
            'measure.effects is ["programming", "stuck"] there and ["programming"] here',
        ),
    ],
)
def test_a_changed_study_needs_consent_and_then_loses_nothing(
    changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    root = measured(tmp_path / "run", study()).root
    kept = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    other = study(**changes)
    with pytest.raises(StudyError) as caught:
        open_study(root, other)
    assert told in caught.value.rule
    assert "earlier-N" in caught.value.remedy
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == kept
    folder = open_study(root, other, force=True)
    own = {row.trial for row in known_plan(folder).rows}
    assert set(folder.outcomes()) <= own
    for path, content in kept.items():
        assert (root / "earlier-1" / path.relative_to(root)).read_bytes() == content
    assert open_study(root, other).study == other  # no consent is needed again


def test_what_belongs_stays_where_the_rest_is_set_aside(tmp_path: Path) -> None:
    root = measured(tmp_path / "run", study()).root
    fewer = study(axes={BITS: [2], SIGMA: [0.0, 1e-5]})
    folder = open_study(root, fewer, force=True)
    standing = known_plan(folder).standing(folder.outcomes())
    assert (standing.done, standing.trials) == (standing.trials, 1 + 1 + 1 + 8 + 8)
    assert "37 of 37 trials done" in done("study", "show", root / "earlier-1").out


def test_another_name_needs_consent(tmp_path: Path) -> None:
    root = measured(tmp_path / "run", study()).root
    with pytest.raises(StudyError, match="it holds the results of study tiny"):
        open_study(root, study(name="other"))
    assert open_study(root, study(name="other"), force=True).study.config.name == "other"


def test_reading_a_study_of_another_version_leaves_its_table(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = measured(tmp_path / "run", study()).root
    before = (root / "results.parquet").read_bytes()
    monkeypatch.setattr(determined, "VERSION", determined.VERSION + 1)
    for command in ("show", "figure", "report"):
        outcome = call("study", command, root)
        assert outcome.code == 2
        assert "another version of imssa" in outcome.err or "this version" in outcome.err
    assert "measured by another version" in refusal("study", "run", file, "--out", root)
    assert (root / "results.parquet").read_bytes() == before


def test_showing_a_study_with_some_trials_of_another_leaves_its_table(tmp_path: Path) -> None:
    root = measured(tmp_path / "run", study()).root
    before = numbers(root)
    held = json.loads((root / "study.json").read_text())
    held["study"]["axes"][BITS] = [2]
    (root / "study.json").write_text(json.dumps(held))
    assert "19 of 19 trials done" in done("study", "show", root).out
    assert numbers(root) == before
