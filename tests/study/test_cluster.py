"""The same study on a cluster of worker processes, one of which is killed."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from imssa.study.engine import Options, run_study
from imssa.study.folder import open_study
from tests.cli.calls import command
from tests.study.results import lines, numbers
from tests.study.tiny import as_toml, study

pytest.importorskip("distributed")
PATIENCE_SECONDS = 300.0
MEASURE = {"accuracies": ["blind", "compiled"], "chips": 40, "effects": ["programming", "stuck"]}


def workers(process: int) -> list[int]:
    """Processes of a cluster that belongs to a process, as Linux lists them."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (place / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if parent == process and b"spawn_main" in words:
            found.append(int(place.name))
    return found


@pytest.mark.slow
def test_a_killed_worker_changes_no_number(trained: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "stages").symlink_to(trained / "stages")
    run_study(open_study(alone, study(measure=MEASURE)), Options(jobs=1))
    file = tmp_path / "tiny.toml"
    file.write_text(as_toml(measure=MEASURE))
    words = ("study", "run", file, "--out", trained, "--cluster", "local:2", "--quiet")
    run = subprocess.Popen(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + PATIENCE_SECONDS
    while not lines(trained) and run.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    found = workers(run.pid)
    assert len(found) == 2
    os.kill(found[0], signal.SIGKILL)
    _, error = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, error.decode()
    assert numbers(trained) == numbers(alone)
    assert lines(trained) == lines(alone)
