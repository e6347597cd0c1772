"""Fixtures: the finished run, and a copy of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.runs import copy_of_run, finished_run


@pytest.fixture(scope="session")
def finished() -> Iterator[Path]:
    """A finished run, to be read only."""
    root = finished_run()
    yield root
    shutil.rmtree(root.parent, ignore_errors=True)


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    assert finished.is_dir()
    return copy_of_run(tmp_path / "run")
