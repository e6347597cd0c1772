"""Fixtures: a study that was run once, and copies of it."""

import shutil
from pathlib import Path

import pytest

from imssa.study.engine import Options, run_study
from imssa.study.folder import StudyFolder, open_study
from tests.study.tiny import study


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    """A finished study, to be read only."""
    folder = open_study(tmp_path_factory.mktemp("study") / "tiny", study())
    run_study(folder, Options(jobs=1))
    return folder


@pytest.fixture
def trained(finished: StudyFolder, tmp_path: Path) -> Path:
    """A folder that has the networks and nothing else."""
    shutil.copytree(finished.stages, tmp_path / "run" / "stages")
    return tmp_path / "run"
