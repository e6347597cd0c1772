import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.data import DataConfig, load, load_dataset, read_recordings
from imssa.errors import DataError
from tests.data.samples import NO_PUBLISHED, PUBLISHED, audio_bytes, tone


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def test_bundled_recordings_load_with_the_official_split() -> None:
    split = load(DataConfig(), draw())
    assert [len(part) for part in split.parts] == [480, 60, 60]
    assert split.train.features.shape == (480, 64, 16)
    assert split.train.class_names == ("zero", "one")
    for part in split.parts:
        assert np.bincount(part.labels).tolist() == [len(part) // 2] * 2


def test_labels_and_names_belong_together() -> None:
    dataset = load_dataset(DataConfig())
    for name, label, group, take in zip(
        dataset.names, dataset.labels, dataset.groups, dataset.takes, strict=True
    ):
        assert name == f"{label}_{group}_{take}"


def test_recordings_come_in_the_order_of_the_data_set() -> None:
    recordings = read_recordings(DataConfig())
    assert tuple(one.name for one in recordings) == load_dataset(DataConfig()).names
    assert {one.rate_hertz for one in recordings} == {8000}
    assert not recordings[0].samples.flags.writeable


@pytest.mark.parametrize(
    ("fields", "tested"),
    [
        ({"split": "fold", "fold": 9}, lambda name: name.rsplit("_", 1)[1] >= "45"),
        ({"split": "speaker", "test_speakers": ["theo"]}, lambda name: "_theo_" in name),
    ],
)
def test_other_splits(digits: Path, fields: dict[str, Any], tested: Any) -> None:
    split = load(DataConfig(kind="fsdd", root=digits, words=("zero", "one"), **fields), draw())
    assert all(tested(name) and len(name) > 5 for name in split.test.names)


def test_cache_changes_nothing(digits: Path, tmp_path: Path) -> None:
    config = DataConfig(kind="fsdd", root=digits, words=("one", "zero"))
    plain, first, second = (
        load_dataset(config, cache) for cache in (None, tmp_path / "c", tmp_path / "c")
    )
    for other in (first, second):
        assert np.array_equal(plain.features, other.features)
        assert np.array_equal(plain.lengths, other.lengths)
        assert plain.names == other.names
    assert len(list((tmp_path / "c").iterdir())) == 1


def test_changed_recording_is_noticed_by_the_cache(digits: Path, tmp_path: Path) -> None:
    root = shutil.copytree(digits, tmp_path / "recordings")
    config = DataConfig(kind="fsdd", root=root, words=("zero", "one"))
    before = load_dataset(config, tmp_path / "c")
    (root / "0_theo_3.wav").write_bytes(audio_bytes(tone(1234, 0.3)))
    after = load_dataset(config, tmp_path / "c")
    changed = np.flatnonzero((before.features != after.features).any(axis=(1, 2)))
    assert [after.names[item] for item in changed] == ["0_theo_3"]


def test_bad_recording_is_named(digits: Path, tmp_path: Path) -> None:
    root = shutil.copytree(digits, tmp_path / "recordings")
    (root / "0_theo_3.wav").write_bytes(audio_bytes(tone(1234), rate_hertz=16000))
    with pytest.raises(DataError, match="0_theo_3 at 16000 Hz"):
        load_dataset(DataConfig(kind="fsdd", root=root, words=("zero", "one")))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=NO_PUBLISHED)
def test_bundled_and_published_features_are_equal() -> None:
    published = load_dataset(DataConfig(kind="fsdd", root=PUBLISHED, words=("zero", "one")))
    packed = load_dataset(DataConfig())
    assert np.array_equal(published.features, packed.features)
    assert published.names == packed.names


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=NO_PUBLISHED)
def test_all_published_recordings_are_usable() -> None:
    dataset = load_dataset(DataConfig(kind="fsdd", root=PUBLISHED))
    assert dataset.features.shape == (3000, 64, 16)
    assert np.bincount(dataset.labels).tolist() == [300] * 10


def test_importing_brings_neither_torch_nor_soundfile() -> None:
    check = (
        "import sys, imssa.data; print(sorted({'torch', 'soundfile', 'scipy'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
