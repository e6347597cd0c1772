"""The commands around studies, and what they refuse."""

import re
import tomllib
from pathlib import Path

import pytest

from imssa.study.config import Drawing, Measure, Search
from imssa.study.definition import load_study
from imssa.study.folder import StudyFolder
from tests.cli.calls import call, done, refusal
from tests.study.results import numbers
from tests.study.tiny import as_toml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(as_toml())
    return path


def test_list_names_the_shipped_studies() -> None:
    found = done("study", "list", "--json").value["studies"]
    assert {row["name"] for row in found} >= {"programming-error", "stuck"}


def test_run_show_figure_merge(finished: StudyFolder, trained: Path, file: Path) -> None:
    dry = done("study", "run", file, "--out", trained, "--dry-run", "--json").value
    assert (dry["points"], dry["open"], dry["trainings"]) == (4, 37, 3)
    assert not (trained / "study.json").exists()
    value = done("study", "run", file, "--out", trained, "--jobs", 1, "--json", "--quiet").value
    assert (value["done"], value["open"], value["failed"]) == (37, 0, {})
    assert len(value["means"]) == 4 * 5
    assert numbers(trained) == numbers(finished.root)
    (trained / "results.parquet").unlink()
    assert "37 of 37 trials done" in done("study", "show", trained).out
    assert numbers(trained) == numbers(finished.root)
    files = done("study", "figure", trained, "--json").value["files"]
    assert all(Path(path).is_file() for path in files)
    page = Path(done("study", "report", trained, "--json").value["page"])
    assert page == trained / "report.html"
    assert "imssa study report" in page.read_text()
    assert "37 of 37" in done("study", "merge", trained).out


def test_all_faults_of_a_study_in_one_refusal(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        as_toml(axes={"chip.devices.stuck": [0.1], "seed": [], "model.d_model": [2, 2]})
    )
    told = refusal("study", "run", path, "--out", tmp_path / "out")
    assert "axes.seed: no values: the grid is empty" in told
    assert "axes.model.d_model: duplicate values: 2" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("study", "run", "no-such", "--out", "x"), "no shipped study has that name"),
        (("study", "show", "nowhere"), "it holds no study"),
        (("study", "merge", "nowhere"), "it holds no study"),
        (("study", "figure", "nowhere"), "it holds no study"),
        (("study", "report", "nowhere"), "it holds no study"),
        (("study", "run", "stuck", "--out", "x", "--shard", "3/2"), "a shard is i/n"),
    ],
)
def test_refused_commands(words: tuple[str, ...], told: str) -> None:
    assert told in refusal(*words)


def test_refused_clusters(trained: Path, file: Path) -> None:
    words = ("study", "run", file, "--out", trained, "--quiet", "--cluster")
    assert "a local cluster is local:N" in refusal(*words, "local:none")


def test_a_trial_that_always_fails(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    axes = {"measured.chip.converters.adc_bits": [8, 6]}
    path.write_text(as_toml(axes=axes, measure={"accuracies": ["blind"], "chips": 3}))
    outcome = call("study", "run", path, "--out", trained, "--jobs", 1, "--quiet")
    assert outcome.code == 1
    assert "3 of 6 trials" in outcome.out + outcome.err
    assert "--retry-failed" in outcome.err
    assert "Traceback" not in outcome.err


def test_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = ")
    assert "it is no TOML" in refusal("study", "run", path, "--out", tmp_path / "out")


def test_a_copied_study_names_every_key_and_runs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert done("study", "copy", "adc-bits", "--out", path).out.strip() == str(path)
    text = path.read_text()
    keys = {"name", "question", "recipe", "labels", "steps", "low", "high", "log"}
    for section in (Search, Measure, Drawing):
        keys |= set(section.model_fields)
    assert not {key for key in keys if not re.search(rf"(^|[^\w]){key} = ", text, re.MULTILINE)}
    for table in ("set", "axes", "linked.", "search", "measure", "figure"):
        assert f"[{table}" in text
    for example in re.findall(r"^# ([a-z][\w.]* = .+)$", text, re.MULTILINE):
        assert tomllib.loads(example), example
    assert load_study(str(path), ["data.root=DIR"]).points
    assert "there is such a file already" in refusal("study", "copy", "stuck", "--out", path)
    done("study", "copy", "stuck", "--out", path, "--force")
    assert 'name = "stuck"' in path.read_text()
    assert "no shipped study" in refusal("study", "copy", "none", "--out", tmp_path / "x")
    assert "imssa study copy" in " ".join(done("study", "run", "--help").out.split())
