"""The store: each stage once, whoever asks; damaged ones anew; failures remembered."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imssa.errors import FileFormatError, OutputError, TrainingError
from imssa.study.store import FailedStageError, Store


class Counted:
    """A stage that counts how often it was computed."""

    def __init__(self, root: Path, seconds: float = 0.0) -> None:
        self.store, self.seconds, self.made = Store(root), seconds, 0
        self.path = self.store.place("float", "abc") / "model"

    def make(self) -> None:
        self.made += 1
        time.sleep(self.seconds)
        self.path.write_text("whole")

    def load(self, path: Path) -> str:
        if path.read_text() != "whole":
            raise FileFormatError(given=str(path), rule="it is damaged", remedy="Write it anew.")
        return path.read_text()

    def get(self) -> str:
        return self.store.get(self.path, self.make, self.load)


def test_many_at_once_compute_it_once(tmp_path: Path) -> None:
    stage = Counted(tmp_path, 0.1)
    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(stage.get) for _ in range(8)]]
    assert found == ["whole"] * 8
    assert stage.made == 1


def test_damaged_stage_is_computed_again(tmp_path: Path) -> None:
    stage = Counted(tmp_path)
    stage.get()
    stage.path.write_text("wh")
    assert stage.get() == "whole"
    assert stage.made == 2


def test_leftovers_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    stage = Counted(tmp_path)
    stage.path.parent.mkdir(parents=True)
    left = stage.path.parent / ".model.x1y2"
    left.write_text("half")
    stage.get()
    assert not left.exists()


def test_failure_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    stage, tried = Counted(tmp_path), []

    def fail() -> None:
        tried.append(1)
        raise TrainingError(given="epoch 3", rule="the loss is no number", remedy="Learn slower.")

    for _ in range(3):
        with pytest.raises(
            FailedStageError, match=r"epoch 3: the loss is no number\. Learn slower\."
        ):
            stage.store.get(stage.path, fail, stage.load)
    assert len(tried) == 1
    stage.store.forget_failures()
    assert stage.get() == "whole"


@pytest.mark.parametrize(
    "error",
    [OSError(28, "No space left on device"), OutputError(given="a", rule="is full", remedy="Go.")],
)
def test_full_disk_is_no_failure_of_a_stage(tmp_path: Path, error: Exception) -> None:
    stage = Counted(tmp_path)

    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        stage.store.get(stage.path, fail, stage.load)
    assert stage.get() == "whole"


def test_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "stages").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Counted(tmp_path / "stages").get()
