"""Text files of the UEA and UCR archives."""

from pathlib import Path

import numpy as np
import pytest

from imssa.data import DataConfig, load, load_dataset
from imssa.errors import DataError
from tests.data.files import TRAIN_LINES, TS_HEADER, write_ts
from tests.data.samples import SHARED

VOWELS = SHARED / "japanese_vowels"


def config(root: Path) -> DataConfig:
    return DataConfig.model_validate({"kind": "ts", "root": root})


def test_values_labels_and_parts_are_those_of_the_files(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_ts(tmp_path)))
    assert dataset.class_names == ("up", "down")
    assert dataset.names == ("train-0", "train-1", "train-2", "train-3", "test-0", "test-1")
    assert dataset.parts == ("train",) * 4 + ("test",) * 2
    assert dataset.labels.tolist() == [0, 1, 0, 1, 1, 0]
    assert dataset.lengths.tolist() == [3, 2, 1, 2, 2, 4]
    assert dataset.features[0].tolist() == [[1, 4], [2, 5], [3, 6], [0, 0]]
    np.testing.assert_allclose(dataset.features[1, :2], [[-1.5, 0], [2e-3, 0.25]])


FAULTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "unknown key": ("@colour red\n" + TS_HEADER, TRAIN_LINES, "line 1: @colour is no key"),
    "key twice": ("@missing false\n" + TS_HEADER, TRAIN_LINES, "line 5: @missing stands twice"),
    "flag": (TS_HEADER.replace("@missing false", "@missing maybe"), TRAIN_LINES, "neither true"),
    "missing": (
        TS_HEADER.replace("@missing false", "@missing true"),
        TRAIN_LINES,
        "missing values cannot be read",
    ),
    "stamps": (TS_HEADER.replace("Stamps false", "Stamps true"), TRAIN_LINES, "time stamps"),
    "channels": (TS_HEADER.replace("@dimensions 2", "@dimensions 3"), TRAIN_LINES, "2 channels"),
    "univariate": (TS_HEADER.replace("univariate false", "univariate true"), TRAIN_LINES, "univar"),
    "huge": (TS_HEADER.replace("s 2", f"s {2**60}"), TRAIN_LINES, "no number from 1"),
    "one class": (TS_HEADER.replace(" up down", " up"), TRAIN_LINES, "two or more classes"),
    "empty class": (TS_HEADER.replace(" true up down", ""), TRAIN_LINES, "neither true nor false"),
    "class twice": (TS_HEADER.replace(" up down", " up up"), TRAIN_LINES, "named twice"),
    "no class": (
        TS_HEADER.replace("@classLabel true up down\n", ""),
        TRAIN_LINES,
        "@data comes before @classLabel",
    ),
    "no data": (TS_HEADER.replace("@data\n", ""), TRAIN_LINES, "before the line @data"),
    "no item": (TS_HEADER, (), "ends before its first item"),
    "label": (TS_HEADER, ("1:2:left",), "line 10: its class 'left' is not named"),
    "cut line": (TS_HEADER, (*TRAIN_LINES, "1,2,3:4,5"), "line 14: its class '4,5' is not"),
    "lengths": (TS_HEADER, ("1,2:3:up",), "its channels have 1 to 2 values"),
    "equal": (TS_HEADER.replace("Length false", "Length true"), TRAIN_LINES, "it has 2 frames"),
    "word": (TS_HEADER, ("1,two:3,4:up",), "channel 0 holds something that is no number"),
    "question mark": (TS_HEADER, ("1,2:3,?:up",), "channel 1 holds something that is no number"),
    "nan": (TS_HEADER, ("1,2:3,nan:up",), "channel 1 holds a value that is missing"),
    "too large": (TS_HEADER, ("1,2:3,1e99:up",), "channel 1 holds a value"),
    "empty": ("", (), "ends before its first item"),
}


@pytest.mark.parametrize(("header", "lines", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_refused_with_file_and_line(
    header: str, lines: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=rf"Made_TRAIN\.ts, .*{message}"):
        load_dataset(config(write_ts(tmp_path, header, lines)))


def test_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (write_ts(tmp_path) / "Made_TEST.ts").write_bytes(b"@data\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"Made_TEST\.ts.*it is no UTF-8 text"):
        load_dataset(config(tmp_path))


def test_parts_of_different_classes_are_refused(tmp_path: Path) -> None:
    write_ts(tmp_path, TS_HEADER.replace("up down", "down up"))
    with pytest.raises(DataError, match="they differ in classes or channels"):
        load_dataset(config(tmp_path))


def test_folder_without_both_files_is_refused(tmp_path: Path) -> None:
    (write_ts(tmp_path) / "Made_TEST.ts").unlink()
    with pytest.raises(DataError, match=r"no NAME_TEST\.ts"):
        load_dataset(config(tmp_path))


@pytest.mark.skipif(not VOWELS.is_dir(), reason="the vowels are not at ../shared/data")
def test_japanese_vowels_are_as_their_publication_says() -> None:
    split = load(config(VOWELS), np.random.default_rng(0))
    assert [len(split.train) + len(split.validation), len(split.test)] == [270, 370]
    assert split.train.n_features == 12
    dataset = load_dataset(config(VOWELS))
    assert (dataset.lengths.min(), dataset.lengths.max()) == (7, 29)
    assert np.bincount(dataset.labels[:270]).tolist() == [30] * 9
    assert dataset.features[0, 0, 0] == np.float32(1.860936)
