"""Where a run starts: nothing is written before the data could be read, and doubts are told first."""

import json
from pathlib import Path

import numpy as np
import pytest

from imssa.errors import DataError
from imssa.experiment.folder import open_folder
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.run import Runner
from tests.cli.calls import done, refusal
from tests.data import files

TINY = (
    "float_training.epochs=1",
    "quantized_training.epochs=1",
    "evaluation.chip_instances=1",
    "model.d_model=2",
    "model.d_state=2",
)


def write_arrays(file: Path, copies: int, *, published: bool) -> Path:
    x = np.random.default_rng(0).standard_normal((60, 6, 2)).astype(np.float32)
    y = np.arange(60) % 2
    if published:
        x[40 : 40 + copies] = x[:copies]
        np.savez(file, x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    else:
        np.savez(file, x=np.concatenate([x, x[:copies]]), y=np.concatenate([y, y[:copies]]))
    return file


def recipe_file(root: Path, data: Path, split: str) -> Path:
    file = root / "recipe-of-mine.toml"
    file.write_text(
        f'name = "mine"\n[data]\nkind = "arrays"\nroot = "{data}"\nsplit = "{split}"\n'
        '[chip]\npreset = "taox-64"\n'
    )
    return file


def words(recipe: Path, out: Path) -> list[object]:
    return ["run", recipe, "--out", out, *(w for change in TINY for w in ("--set", change))]


def left(root: Path) -> list[Path]:
    return sorted(root.rglob("*")) if root.exists() else []


def test_twins_of_a_split_of_ones_own_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    data = write_arrays(tmp_path / "a.npz", 40, published=False)
    recipe, out = recipe_file(tmp_path, data, "hash"), tmp_path / "out"
    for more in ([], ["--dry-run"]):
        assert "are identical to items of the" in refusal(*words(recipe, out), *more)
    assert left(out) == []


@pytest.mark.slow
def test_twins_of_the_published_split_are_told_before_and_after(tmp_path: Path) -> None:
    data = write_arrays(tmp_path / "a.npz", 3, published=True)
    out = tmp_path / "out"
    outcome = done(*words(recipe_file(tmp_path, data, "official"), out), "--quiet")
    told = "3 of 20 test items (15.00%) are identical"
    assert outcome.err.startswith(f"Warning: {told}")
    assert f"Warning: {told}" in outcome.out
    report = json.loads((out / "report.json").read_text())
    assert report["warnings"][0].startswith(told)
    again = done("report", "--out", out, "--json").value
    assert again["warnings"] == report["warnings"]


def test_a_recording_that_cannot_be_read_leaves_no_folder(tmp_path: Path) -> None:
    root = files.write_words(tmp_path / "words")
    cut = root / "yes" / "00000001_nohash_0.wav"
    cut.write_bytes(cut.read_bytes()[:60])
    file = tmp_path / "mine.toml"
    file.write_text(
        f'name = "mine"\n[data]\nkind = "folder"\nroot = "{root}"\nsplit = "hash"\ntest_share = 0.4\n'
        '[chip]\npreset = "taox-64"\n'
    )
    out = tmp_path / "a" / "out"
    assert "truncated" in refusal(*words(file, out))
    assert left(tmp_path / "a") == []


def test_missing_data_leave_no_folder(tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path, tmp_path / "nowhere.npz", "hash")
    assert "there is no such folder or file" in refusal(*words(recipe, tmp_path / "out"))
    assert left(tmp_path / "out") == []


def changed(folder: Path, data: Path) -> Recipe:
    return load_recipe(recipe_file(folder.parent, data, "hash"), TINY)


def test_results_are_only_thrown_away_once_the_new_data_could_be_read(folder: Path) -> None:
    data = write_arrays(folder.parent / "a.npz", 40, published=False)
    before = {path: path.read_bytes() for path in left(folder) if path.is_file()}
    runner = Runner(open_folder(folder, changed(folder, data), force=True))
    with pytest.raises(DataError, match="identical"):
        runner.run()
    assert {path: path.read_bytes() for path in left(folder) if path.is_file()} == before
