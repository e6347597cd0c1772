"""The finished run of the command line's tests, and a copy of it."""

from pathlib import Path

import pytest

from tests.cli.runs import copy_of_run, finished_run


@pytest.fixture(scope="session")
def finished() -> Path:
    """A finished run, to be read only."""
    return finished_run()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return copy_of_run(tmp_path / "run")
