"""Runs that are stopped at any moment go on to the very numbers of an undisturbed run."""

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from imssa.experiment.folder import FILES, STAGES, open_folder
from imssa.experiment.run import Runner
from tests.cli.calls import call, command, done, refusal, results, tiny


def back_to(folder: Path, stage: str) -> None:
    """Removes the results of a stage and of all later ones."""
    for name in (name for later in STAGES[STAGES.index(stage) :] for name in FILES[later]):
        for path in folder.rglob(name):
            path.unlink()


class InterruptingProgress:
    """Presses Ctrl-C in the middle of a stage."""

    def __init__(self, when: int) -> None:
        self.left = when

    def __call__(self, _done: int, _total: int, _text: str) -> None:
        self.left -= 1
        if self.left <= 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stage", STAGES)
def test_interrupt_in_each_stage_then_same_numbers(
    stage: str, folder: Path, finished: Path
) -> None:
    back_to(folder, stage)
    when = 2 if stage in {"train", "quantize", "simulate"} else 1
    runner = Runner(open_folder(folder, None), lambda _: InterruptingProgress(when))
    with pytest.raises(KeyboardInterrupt):
        runner.run()
    done("run", "--out", folder, "--quiet")
    assert results(folder) == results(finished)


def interrupt_write_and_resume(
    number: int, folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Presses Ctrl-C while the number-th file of a run is written, then runs it again."""
    left = number

    def write_through(_handle: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", write_through)
        outcome = call("run", "--out", folder, "--quiet")
    assert outcome.code == (130 if left <= 0 else 0)
    assert left > 0 or "run it again to go on" in outcome.err
    done("run", "--out", folder, "--quiet")
    assert results(folder) == results(finished)
    assert not [p for p in folder.rglob(".*") if p.is_file()], "temporary files were left"


@pytest.mark.parametrize("number", [4, 7])
def test_interrupt_while_a_file_is_written(
    number: int, folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_to(folder, "compile")
    interrupt_write_and_resume(number, folder, finished, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("number", range(1, 40))
def test_interrupt_while_any_file_is_written(
    number: int, folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_to(folder, "train")
    interrupt_write_and_resume(number, folder, finished, monkeypatch)


def heeding_ctrl_c() -> None:
    """Undoes what a shell does to its jobs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """A run in another process, whose training has begun."""
    run = subprocess.Popen(
        command("run", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heeding_ctrl_c,  # noqa: PLW1509  # no threads here
    )
    for _ in range(60000):
        if list(folder.glob("work/*.checkpoint")) or run.poll() is not None:
            break
        time.sleep(0.001)
    return run


def test_ctrl_c_of_a_terminal(tmp_path: Path, finished: Path) -> None:
    for attempt in range(10):  # on a busy machine a run may be over before the signal comes
        folder = tmp_path / f"run-{attempt}"
        shutil.copytree(finished / "work", folder / "work")  # only to save the features' time
        run = started(folder, *tiny(folder))
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
        if run.returncode != 0:
            break
    assert run.returncode == 130
    assert not out
    assert err.splitlines()[-1].startswith("Error: interrupted. Finished stages and epochs")
    assert "Traceback" not in err
    assert not (folder / "report.json").exists()
    done("run", *tiny(folder), "--quiet")
    assert results(folder) == results(finished)


def kill_and_resume(folder: Path, finished: Path, seconds: float) -> None:
    """Kills a run at some moment after its training began, resumes it, compares."""
    shutil.copytree(finished / "work", folder / "work")
    run = started(folder, *tiny(folder))
    time.sleep(seconds)
    run.kill()
    run.communicate(timeout=60)
    done("run", *tiny(folder), "--quiet")
    assert results(folder) == results(finished)
    assert not [p for p in folder.rglob(".*") if p.is_file()], "temporary files were left"


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_killed_run_resumes(tmp_path: Path, finished: Path, seconds: float) -> None:
    kill_and_resume(tmp_path / "run", finished, seconds)


@pytest.mark.proof
@pytest.mark.parametrize("number", range(20))
def test_killed_at_any_moment_resumes(tmp_path: Path, finished: Path, number: int) -> None:
    kill_and_resume(tmp_path / "run", finished, random.Random(number).uniform(0.0, 5.0))  # noqa: S311


def test_damaged_checkpoint_is_refused_and_says_what_to_do(folder: Path, finished: Path) -> None:
    back_to(folder, "train")
    with pytest.raises(KeyboardInterrupt):
        Runner(open_folder(folder, None), lambda _: InterruptingProgress(2)).run()
    (checkpoint,) = folder.glob("work/*.checkpoint")
    whole = checkpoint.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"no checkpoint"):
        checkpoint.write_bytes(damaged)
        message = refusal("run", "--out", folder, "--quiet")
        assert str(checkpoint) in message
        assert "it is no checkpoint of this training" in message
        assert "Remove the file to train from the start" in message
    checkpoint.unlink()
    done("run", "--out", folder, "--quiet")
    assert results(folder) == results(finished)
