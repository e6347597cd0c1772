"""Arrays of the user's: NumPy archives, folders of .npy, HDF5."""

import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from imssa.data import DataConfig, load, load_dataset
from imssa.errors import DataError

DRAWN = np.random.default_rng(0)
X = DRAWN.standard_normal((12, 5, 3)).astype(np.float32)
Y = np.arange(12) % 3
LENGTHS = 1 + np.arange(12) % 5


def config(root: Path, **fields: Any) -> DataConfig:
    return DataConfig.model_validate({"kind": "arrays", "root": root, **fields})


def written(folder: Path, form: str, arrays: dict[str, np.ndarray]) -> Path:
    """The arrays in one of the three forms."""
    if form == "npz":
        held: dict[str, Any] = dict(arrays)
        np.savez_compressed(folder / "mine.npz", **held)
        return folder / "mine.npz"
    if form == "npy":
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        return folder
    with h5py.File(folder / "mine.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array.astype("S") if array.dtype.kind == "U" else array
    return folder / "mine.h5"


FORMS = ("npz", "npy", "h5")


@pytest.mark.parametrize("form", FORMS)
def test_padded_and_joined_items_give_the_same(form: str, tmp_path: Path) -> None:
    joined = np.concatenate([x[:n] for x, n in zip(X, LENGTHS, strict=True)])
    found = []
    for name, x in (("padded", X), ("joined", joined)):
        (tmp_path / name).mkdir()
        root = written(tmp_path / name, form, {"x": x, "y": Y, "lengths": LENGTHS})
        found.append(load_dataset(config(root)))
    for dataset in found:
        assert dataset.lengths.tolist() == LENGTHS.tolist()
        assert dataset.labels.tolist() == Y.tolist()
        assert dataset.class_names == ("0", "1", "2")
        for row, (x, n) in enumerate(zip(X, LENGTHS, strict=True)):
            assert np.array_equal(dataset.features[row, :n], x[:n])
            assert not dataset.features[row, n:].any()


@pytest.mark.parametrize("form", FORMS)
def test_parts_words_and_groups(form: str, tmp_path: Path) -> None:
    words = np.array(["walk", "run", "sit"])[Y]
    groups = np.array(["ann", "bob", "eve", "joe"])[np.arange(12) // 3]
    arrays = {
        "x_train": X[:, :, 0],
        "y_train": words,
        "groups_train": groups,
        "x_test": X[:4, :, 1],
        "y_test": words[:4],
        "groups_test": groups[:4],
    }
    split = load(config(written(tmp_path, form, arrays)), np.random.default_rng(0))
    assert len(split.test) == 4
    assert split.test.class_names == ("run", "sit", "walk")
    assert split.test.groups == ("ann", "ann", "ann", "bob")
    assert split.test.features.shape == (4, 5, 1)
    assert np.array_equal(split.test.features[:, :, 0], X[:4, :, 1])


def test_numbers_are_ordered_by_value(tmp_path: Path) -> None:
    labels = np.array([10, 9, 2] * 4)
    assert load_dataset(config(written(tmp_path, "npz", {"x": X, "y": labels}))).class_names == (
        "2",
        "9",
        "10",
    )


NAN = X.copy()
NAN[7, 2, 1] = np.nan
FAULTS: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "no x": ({"z": X}, "it holds no array x, x_train or x_test"),
    "no y": ({"x": X}, "there is no y, one class an item"),
    "rows of y": ({"x": X, "y": np.eye(3)[Y % 3]}, r"not one class an item; .*y\.argmax\(axis=1\)"),
    "a column": (
        {"x": X, "y": Y[:, None]},
        r"not one class an item; of one column, write y\.ravel",
    ),
    "empty y": ({"x": X, "y": Y[:0]}, r"y has the shape \(0,\)"),
    "whole floats": ({"x": X, "y": Y + 0.0}, r"y is float64, .* words; write y\.astype\(int\)"),
    "fewer y": ({"x": X, "y": Y[:7]}, "x has 12 items and y has 7"),
    "float y": ({"x": X, "y": Y + 0.5}, r"y is float64, classes are whole numbers or words\. "),
    "axes": ({"x": X[0, 0], "y": Y}, "not numbers of 2 or 3 axes"),
    "words": ({"x": X.astype("S"), "y": Y}, "not numbers"),
    "nan": ({"x": NAN, "y": Y}, "item 7: it holds NaN"),
    "long": ({"x": X, "y": Y, "lengths": LENGTHS + 3}, "a length is 8, x has 5 frames"),
    "lone": (
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y, "lengths": LENGTHS},
        r"array lengths: it belongs to x, .*call it lengths_train",
    ),
    "zero": ({"x": X, "y": Y, "lengths": LENGTHS - 1}, "a length is 0"),
    "2^60": ({"x": X, "y": Y, "lengths": np.full(12, 2**60)}, "no such item is in x"),
    "lengths": ({"x": X, "y": Y, "lengths": LENGTHS[:3]}, "one for each of 12 items"),
    "groups": ({"x": X, "y": Y, "groups": LENGTHS[:3]}, "groups have the shape"),
    "features": (
        {"x_train": X, "y_train": Y, "x_test": X[:, :, :2], "y_test": Y},
        "x of its parts have 2 to 3 features",
    ),
    "empty": ({"x": X[:, :0], "y": Y}, "item 0: it is empty"),
}


@pytest.mark.parametrize(("arrays", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_refused(arrays: dict[str, np.ndarray], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(config(written(tmp_path, "npz", arrays)))


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    root = written(tmp_path, "npz", {"x": np.array([X, "a"], dtype=object), "y": Y})
    with pytest.raises(DataError, match=r"array 'x': .* not one of plain numbers or words"):
        load_dataset(config(root))


def test_header_that_promises_exabytes_is_refused(tmp_path: Path) -> None:
    root = written(tmp_path, "npy", {"x": X, "y": Y})
    content = (root / "x.npy").read_bytes()
    shape, huge = b"(12, 5, 3), }", b"(%d, 8), }" % 2**60
    hostile = content.replace(shape + b" " * (len(huge) - len(shape)), huge)
    assert hostile != content
    (root / "x.npy").write_bytes(hostile)
    with pytest.raises(DataError, match=r"its header promises \d{19,} bytes, it holds 720"):
        load_dataset(config(root))


def test_bomb_of_a_zip_is_refused(tmp_path: Path) -> None:
    root = written(tmp_path, "npz", {"x": X, "y": Y})
    with zipfile.ZipFile(root) as archive:
        (info,) = (one for one in archive.infolist() if one.filename == "x.npy")
    content = bytearray(root.read_bytes())
    place = content.rindex(b"x.npy") - 46 + 24  # its size in the central directory
    content[place : place + 4] = (2**32 - 2).to_bytes(4, "little")
    root.write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"{info.compress_size} bytes cannot hold the 4294967294"):
        load_dataset(config(root))
