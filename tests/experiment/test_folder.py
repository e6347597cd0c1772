"""The folder of a run: stages in order, one process at a time, nothing removed but its own."""

import json
import multiprocessing
import shutil
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from imssa.errors import FileFormatError, OutputError
from imssa.experiment.folder import FILES, LOGS, STAGES, Folder, open_folder
from imssa.experiment.places import locked, require_writable
from imssa.experiment.recipe import load_recipe
from imssa.experiment.run import Runner
from imssa.experiment.stages import silent
from imssa.training import Progress, read_log


def finished_stages(folder: Folder) -> list[str]:
    return [stage for stage in STAGES if folder.finished(stage)]


@pytest.mark.parametrize("stage", STAGES)
def test_running_a_stage_again_invalidates_the_later_ones(stage: str, folder: Path) -> None:
    opened = open_folder(folder, None)
    before = {p: p.read_bytes() for p in opened.outputs(stage)}
    Runner(opened).stage(stage)
    assert finished_stages(opened) == list(STAGES[: STAGES.index(stage) + 1])
    assert set(opened.seconds()) == set(finished_stages(opened))
    if stage != "report":
        assert {p: p.read_bytes() for p in opened.outputs(stage)} == before


def test_one_missing_realization_is_made_alone(folder: Path) -> None:
    opened = open_folder(folder, None)
    own = (folder / "quantized.safetensors").stat().st_mtime_ns
    (opened.of("direct") / "quantized.safetensors").unlink()
    asked: list[str] = []

    def progress(name: str) -> Progress:
        asked.append(name)
        return silent

    Runner(opened, progress).stage("quantize")
    assert asked == ["quantize (direct)"]
    assert (folder / "quantized.safetensors").stat().st_mtime_ns == own


def test_bad_program_is_refused_before_results_are_removed(folder: Path) -> None:
    (folder / "program.safetensors").write_bytes(b"damaged")
    opened = open_folder(folder, None)
    with pytest.raises(FileFormatError):
        Runner(opened).stage("simulate")
    assert opened.finished("simulate")


def test_times_add_up_over_interruptions(tmp_path: Path) -> None:
    folder = Folder(tmp_path, load_recipe("zero-one"))
    with pytest.raises(KeyboardInterrupt), folder.timed("train"):
        raise KeyboardInterrupt
    first = folder.seconds()["train"]
    with folder.timed("train"):
        pass
    assert folder.seconds()["train"] > first > 0


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"train": "x"}', "null"])
def test_damaged_times_are_forgotten(content: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path, load_recipe("zero-one"))
    folder.work.mkdir()
    (folder.work / "seconds.json").write_text(content)
    assert folder.seconds() == {}


def hold(work: Path, held: Event, release: Event) -> None:
    with locked(work):
        held.set()
        release.wait(30)


def test_second_process_is_refused_until_the_first_ends(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(folder / "work", held, release))
    other.start()
    assert held.wait(60)
    with pytest.raises(OutputError, match="another imssa is at work in this folder"):
        open_folder(folder, None)
    other.kill()
    other.join()
    assert open_folder(folder, None).finished("report")


def test_recipe_without_work_still_guards_the_folder(folder: Path) -> None:
    recipe = load_recipe(folder / "recipe.toml", ["seed=3"])
    shutil.rmtree(folder / "work")
    with pytest.raises(OutputError, match="seed is 0 there and 3 here"):
        open_folder(folder, recipe)
    assert open_folder(folder, None).finished("report")


def test_damaged_recipe_of_a_used_folder(folder: Path) -> None:
    (folder / "work" / "recipe.toml").write_text("nonsense = = 3")
    with pytest.raises(OutputError, match=r"its recipe\.toml is of another version or damaged"):
        open_folder(folder, None)


def test_force_removes_only_what_a_run_leaves(folder: Path) -> None:
    kept = [folder / "notes.txt", folder / "mine.safetensors", folder / "realizations" / "a.txt"]
    for path in kept:
        path.write_text("mine")
    recipe = load_recipe(folder / "recipe.toml", ["seed=3"])
    open_folder(folder, recipe, force=True).begin()
    assert all(path.read_text() == "mine" for path in kept)
    names = {name for stage in STAGES for name in FILES[stage]}
    names |= set(LOGS.values())
    assert [path for path in folder.rglob("*") if path.name in names] == []
    assert load_recipe(folder / "recipe.toml") == recipe


def test_force_on_the_same_recipe_keeps_the_results(folder: Path) -> None:
    recipe = load_recipe(folder / "recipe.toml")
    assert open_folder(folder, recipe, force=True).finished("report")


def test_dry_run_makes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "a" / "b"
    open_folder(root, load_recipe("zero-one"), dry_run=True)
    assert not (tmp_path / "a").exists()


def test_sweep_removes_what_a_killed_process_left(folder: Path) -> None:
    left = [folder / ".model.safetensors.abc", folder / "work" / ".seconds.json.x"]
    mine = folder / ".mine"
    for path in (*left, mine):
        path.write_text("half")
    open_folder(folder, None).sweep()
    assert not any(path.exists() for path in left)
    assert mine.exists()


def test_link_to_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        require_writable(tmp_path / "link")


def test_recipe_file_is_resolved_and_marked(finished: Path) -> None:
    text = (finished / "recipe.toml").read_text(encoding="utf-8")
    assert text.startswith("# Every key of the recipe whose results lie here; written by imssa.\n")
    assert "d_model = 3" in text
    assert "learning_rate = " in text
    report = json.loads((finished / "report.json").read_text())
    assert (
        load_recipe(finished / "recipe.toml").model_dump(mode="json", exclude_none=True)
        == (report["recipe"])
    )


def test_each_training_leaves_a_log(finished: Path) -> None:
    opened = open_folder(finished, None)
    paths = {**opened.logs("train"), **opened.logs("quantize")}
    assert list(paths) == ["float", "leaky", "direct"]
    for path in paths.values():
        assert [record["epoch"] for record in read_log(path)] == [1, 2, 3]
    assert opened.logs("compile") == {}
    assert (finished / "report.html").read_text().count("Ring: epoch") == 2 * len(paths)


@pytest.mark.parametrize(("stage", "left"), [("train", 0), ("quantize", 1), ("compile", 3)])
def test_a_stage_run_again_forgets_its_logs(stage: str, left: int, folder: Path) -> None:
    opened = open_folder(folder, None)
    opened.forget(STAGES[STAGES.index(stage) :])
    assert len(list(folder.rglob("*.jsonl"))) == left


def test_a_missing_log_is_no_reason_to_train_again(folder: Path) -> None:
    for path in folder.rglob("*.jsonl"):
        path.unlink()
    opened = open_folder(folder, None)
    assert opened.finished("quantize")
    Runner(opened).stage("report")
    assert "How training went" not in (folder / "report.html").read_text()
