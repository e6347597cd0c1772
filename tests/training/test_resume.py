"""A training that was stopped at any point ends as if it had never stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from imssa.data import AugmentationConfig, SequenceDataset
from imssa.errors import FileFormatError
from imssa.kernels.random import Key
from tests.training.samples import CONFIG, PARTS, Model, dataset, loss_of, same, trained

AUGMENTATIONS = (None, AugmentationConfig())


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("stop_after", [1, 2, 4, 5])
def test_a_training_stopped_after_an_epoch_resumes_exactly(
    stop_after: int, augmentation: AugmentationConfig | None, tmp_path: Path
) -> None:
    expected, course = trained(augmentation=augmentation)

    def stop(done: int, _all: int, _text: str) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path, progress=stop, augmentation=augmentation)
    weights, result = trained(checkpoint=path, augmentation=augmentation)
    assert same(weights, expected)
    assert result == course


@pytest.mark.parametrize("stop_at", [0, 3, 4, 6, 13, 19])
def test_a_training_stopped_inside_an_epoch_resumes_exactly(stop_at: int, tmp_path: Path) -> None:
    """Four steps and two looks at the validation part make an epoch: stopped in either."""
    expected, course = trained()
    model, calls = Model(), 0
    inner = loss_of(model)

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        if calls == stop_at + 1:
            raise KeyboardInterrupt
        return inner(*arguments)

    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        trained(loss, model=model, checkpoint=path)
    assert path.exists() == (stop_at >= 6)
    weights, result = trained(checkpoint=path)
    assert same(weights, expected)
    assert result == course


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    expected, course = trained(checkpoint=tmp_path / "c")

    def never(*_: object) -> tuple[Tensor, Tensor]:
        raise AssertionError

    weights, result = trained(never, checkpoint=tmp_path / "c")
    assert same(weights, expected)
    assert result == course


def test_an_interrupted_write_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    expected, _ = trained()
    path, fsync, calls = tmp_path / "c", os.fsync, 0

    def interrupted(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        fsync(handle)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
    monkeypatch.undo()
    assert same(trained(checkpoint=path)[0], expected)


def test_other_settings_refuse_the_checkpoint(tmp_path: Path) -> None:
    """Settings, key, recordings, their features, augmentation: all belong to a run."""
    path = tmp_path / "c"
    trained(checkpoint=path)
    louder = SequenceDataset(**{**vars(PARTS[0]), "features": PARTS[0].features * np.float32(2.0)})
    foreign: list[dict[str, Any]] = [
        {"config": CONFIG.model_copy(update={"learning_rate": 0.04})},
        {"config": CONFIG.model_copy(update={"epochs": 6})},
        {"key": Key.root(6)},
        {"parts": (PARTS[0], dataset(12, 2, "w"))},
        {"parts": (louder, PARTS[1])},
        {"augmentation": AugmentationConfig()},
    ]
    for options in foreign:
        with pytest.raises(FileFormatError, match="other settings, seed or data"):
            trained(checkpoint=path, **options)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "flipped", "pickle"])
def test_a_damaged_checkpoint_is_refused(damage: str, tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "c"
    trained(checkpoint=path)
    data = path.read_bytes()
    middle = data.index(b"identity") + 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "text": b"no checkpoint",
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "pickle": pickle.dumps(Path),
        }[damage]
    )
    with pytest.raises(FileFormatError, match=r"no checkpoint of this training.*Remove the file"):
        trained(checkpoint=path)


def test_a_checkpoint_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"cannot be read \(Is a directory\)"):
        trained(checkpoint=tmp_path)


def test_a_flipped_weight_in_a_checkpoint_is_found(tmp_path: Path) -> None:
    path, model = tmp_path / "c", Model()
    trained(checkpoint=path, model=model)
    weights = model.map.weight.detach().numpy().tobytes()
    data = path.read_bytes()
    place = data.index(weights)
    path.write_bytes(data[: place + 2] + bytes([data[place + 2] ^ 8]) + data[place + 3 :])
    with pytest.raises(FileFormatError, match=r"no checkpoint of this training"):
        trained(checkpoint=path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    trained(checkpoint=path)
    other = Model()
    other.map = nn.Linear(3, 2, bias=False)
    with pytest.raises(FileFormatError, match="no checkpoint of this training"):
        trained(checkpoint=path, model=other)


@pytest.mark.parametrize("augmentation", [None, AugmentationConfig(noise_std=0.1)])
@pytest.mark.parametrize("stop_after", [1, 3, 4, 6, 19])
def test_a_checkpoint_within_an_epoch_knows_the_place_in_the_data(
    stop_after: int, augmentation: AugmentationConfig | None, tmp_path: Path
) -> None:
    """Kept after each step: the resumed run takes just the steps that are left."""
    expected, course = trained(augmentation=augmentation)
    path, steps = tmp_path / "c", 0

    def after_step() -> None:
        nonlocal steps
        steps += 1
        if steps == stop_after + 1:
            raise KeyboardInterrupt

    options = {"checkpoint": path, "augmentation": augmentation, "seconds_between": 0.0}
    with pytest.raises(KeyboardInterrupt):
        trained(after_step=after_step, **options)
    steps = -100
    weights, result = trained(after_step=after_step, **options)
    assert steps == -100 + 20 - stop_after
    assert same(weights, expected)
    assert result == course
