"""Many kills and many trials, run by `make proof`."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from imssa.study.engine import Options, run_study
from imssa.study.folder import StudyFolder, open_study
from tests.cli.calls import command, done
from tests.study.forked import forked, killed_after
from tests.study.results import lines, numbers
from tests.study.tiny import as_toml, study

KILLS = 20
MANY = {"accuracies": ["blind"], "chips": 250, "effects": ["programming", "stuck"]}
"""On four points: 1,000 trials on chips."""


@pytest.mark.proof
def test_a_thousand_trials_killed_twenty_times(trained: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "stages").symlink_to(trained / "stages")
    whole = run_study(open_study(alone, study(measure=MANY)), Options(jobs=1))
    assert whole.done == 1000
    folder, rng = open_study(trained, study(measure=MANY)), random.Random(20)  # noqa: S311
    seen = [0]
    for _ in range(KILLS):
        child = forked(lambda: run_study(folder, Options(jobs=1)))
        more = rng.randint(1, max(1, (1000 - seen[-1]) // 40))
        seen.append(killed_after(child, trained, more, rng.uniform(0.0, 0.02)))
    assert seen == sorted(seen)
    assert seen[-1] < 1000
    run_study(folder, Options(jobs=2))
    assert numbers(trained) == numbers(alone)
    assert lines(trained) == lines(alone) == 1000


@pytest.mark.proof
def test_trainings_and_trials_of_two_processes_killed_at_any_moment(
    finished: StudyFolder, tmp_path: Path
) -> None:
    file, root, rng = tmp_path / "tiny.toml", tmp_path / "run", random.Random(7)  # noqa: S311
    file.write_text(as_toml())
    words = ("study", "run", file, "--out", root, "--jobs", "2", "--quiet")
    for _ in range(KILLS):
        run = subprocess.Popen(
            command(*words), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0
        )
        time.sleep(rng.uniform(1.0, 12.0))
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    done(*words)
    assert numbers(root) == numbers(finished.root)
    assert lines(root) == lines(finished.root)
