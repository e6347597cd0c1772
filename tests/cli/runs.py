"""One small run of all stages, made once in a process; tests read it or copy it."""

import functools
import shutil
import tempfile
from pathlib import Path

from tests.cli.calls import done, tiny


@functools.cache
def finished_run() -> Path:
    """The folder of a finished run; never written to."""
    root = Path(tempfile.mkdtemp(prefix="imssa-tests-")) / "run"
    done("run", *tiny(root), "--quiet")
    return root


def copy_of_run(to: Path) -> Path:
    """A folder of one's own with the finished run."""
    shutil.copytree(finished_run(), to)
    return to
