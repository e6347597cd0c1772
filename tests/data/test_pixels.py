"""MNIST and CIFAR-10 as sequences of pixels."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.data import DataConfig, PlainFrontEnd, load_dataset
from imssa.errors import DataError, RecipeError
from tests.data.files import idx_bytes, images, write_cifar10, write_mnist_idx, write_mnist_npz
from tests.data.samples import SHARED


def config(root: Path, kind: str = "mnist", **fields: Any) -> DataConfig:
    return DataConfig.model_validate({"kind": kind, "root": root, **fields})


def test_npz_and_idx_and_gzipped_idx_give_the_same(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("npz", "idx", "gz")]
    for folder in folders:
        folder.mkdir()
    write_mnist_npz(folders[0])
    write_mnist_idx(folders[1])
    write_mnist_idx(folders[2], packed=True)
    first, *others = (load_dataset(config(folder)) for folder in folders)
    assert first.features.shape == (30, 784, 1)
    pictures, digits = images(0, 20)
    np.testing.assert_allclose(first.features[7].ravel(), pictures[7].ravel() / 255, rtol=1e-6)
    assert first.labels[:20].tolist() == digits.tolist()
    assert first.parts == ("train",) * 20 + ("test",) * 10
    for other in others:
        assert np.array_equal(first.features, other.features)
        assert first.names == other.names


def test_some_digits_alone(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_mnist_npz(tmp_path), words=("7", "3")))
    assert dataset.class_names == ("3", "7")
    assert dataset.names == ("train-3", "train-7", "train-13", "train-17", "test-3", "test-7")


def test_permutation_is_one_of_all_pixels_and_the_same_for_all_images(tmp_path: Path) -> None:
    root = write_mnist_npz(tmp_path)
    plain = load_dataset(config(root)).features
    mixed = load_dataset(config(root, front_end={"permutation_seed": 3}))
    order = PlainFrontEnd(permutation_seed=3).order(784)
    assert order is not None
    assert sorted(order.tolist()) == list(range(784))
    assert np.array_equal(mixed.features, plain[:, order])


def test_kept_permutation_needs_no_generator(tmp_path: Path) -> None:
    root = write_mnist_npz(tmp_path)
    drawn = PlainFrontEnd(permutation_seed=3)
    kept = PlainFrontEnd.model_validate(drawn.resolved(784).model_dump() | {"permutation_seed": 99})
    ours, theirs = (load_dataset(config(root, front_end=one.model_dump())) for one in (drawn, kept))
    assert np.array_equal(ours.features, theirs.features)
    with pytest.raises(RecipeError, match="the permutation is one of 784 frames"):
        kept.order(783)


def test_permutation_is_the_one_that_was_published_with_this_version() -> None:
    order = PlainFrontEnd(permutation_seed=0).order(784)
    assert order is not None
    assert order[:4].tolist() == [114, 328, 222, 648]


def change(file: Path, place: int, byte: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] = byte
    file.write_bytes(bytes(content))


def test_truncated_idx_is_refused(tmp_path: Path) -> None:
    file = write_mnist_idx(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="holds 15679 of the 15680 values"):
        load_dataset(config(tmp_path))


def test_idx_with_more_than_it_says_is_refused(tmp_path: Path) -> None:
    file = write_mnist_idx(tmp_path) / "t10k-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes() + b"0")
    with pytest.raises(DataError, match="holds more than the 10 values"):
        load_dataset(config(tmp_path))


@pytest.mark.parametrize("packed", [False, True])
def test_idx_that_promises_exabytes_is_refused(packed: bool, tmp_path: Path) -> None:
    head = bytes((0, 0, 8, 3)) + b"\xff" * 12
    write_mnist_idx(tmp_path, packed=packed)
    ending = ".gz" if packed else ""
    file = tmp_path / f"train-images-idx3-ubyte{ending}"
    file.write_bytes(gzip.compress(head) if packed else head)
    with pytest.raises(DataError, match="cannot hold the"):
        load_dataset(config(tmp_path))


def test_idx_of_another_type_is_refused(tmp_path: Path) -> None:
    file = write_mnist_idx(tmp_path) / "train-images-idx3-ubyte"
    change(file, 2, 0x0D)
    with pytest.raises(DataError, match="does not begin as an IDX file of bytes with 3 axes"):
        load_dataset(config(tmp_path))


def test_label_that_is_no_digit_is_refused(tmp_path: Path) -> None:
    write_mnist_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.full(20, 10, np.uint8)))
    with pytest.raises(DataError, match="label 0 is 10, no digit"):
        load_dataset(config(tmp_path))


WRONG: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "shape": ({"x_train": np.zeros((20, 27, 28), np.uint8)}, r"of shape \(20, 27, 28\)"),
    "floats": ({"x_train": np.zeros((20, 28, 28))}, "images are float64"),
    "labels": ({"y_train": np.zeros(3, np.uint8)}, r"labels are uint8 of shape \(3,\)"),
    "objects": ({"y_train": np.array([None] * 20)}, "not one of plain numbers"),
    "empty": (
        {"x_train": np.zeros((0, 28, 28), np.uint8), "y_train": np.zeros(0, np.uint8)},
        "it holds no image",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), WRONG.values(), ids=WRONG.keys())
def test_npz_of_something_else_is_refused(
    arrays: dict[str, np.ndarray], message: str, tmp_path: Path
) -> None:
    with np.load(write_mnist_npz(tmp_path) / "mnist.npz") as held:
        good = dict(held)
    changed: dict[str, Any] = {**good, **arrays}
    np.savez(tmp_path / "mnist.npz", **changed)
    with pytest.raises(DataError, match=message):
        load_dataset(config(tmp_path))


def test_truncated_npz_is_refused(tmp_path: Path) -> None:
    file = write_mnist_npz(tmp_path) / "mnist.npz"
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"mnist\.npz: the file is missing or damaged"):
        load_dataset(config(tmp_path))


def test_cifar_pixels_keep_their_colours(tmp_path: Path) -> None:
    dataset = load_dataset(config(write_cifar10(tmp_path), "cifar10"))
    assert dataset.features.shape == (60, 1024, 3)
    record = np.fromfile(tmp_path / "data_batch_2.bin", np.uint8)[3 * 3073 : 4 * 3073]
    red_green_blue = record[1:].reshape(3, 32, 32)[:, 5, 6] / 255
    np.testing.assert_allclose(dataset.features[13, 5 * 32 + 6], red_green_blue, rtol=1e-6)
    assert dataset.class_names[dataset.labels[13]] == "cat"
    assert dataset.names[13] == "train-13"
    assert dataset.parts.count("test") == 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its 0 bytes are no whole number of records"),
        (b"\0" * 3072, "no whole number"),
        (b"\0" * 3073 + b"\x0a" * 3073, "record 1: its class is 10"),
    ],
)
def test_damaged_cifar_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    (write_cifar10(tmp_path) / "data_batch_4.bin").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_dataset(config(tmp_path, "cifar10"))


@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason="MNIST is not at ../shared/data/mnist")
def test_published_mnist_has_its_known_first_digits() -> None:
    from imssa.data import open_source

    items = open_source(config(SHARED / "mnist")).items
    assert [item.label for item in items[:5]] == ["5", "0", "4", "1", "9"]
    assert [item.label for item in items[60000:60005]] == ["7", "2", "1", "0", "4"]
