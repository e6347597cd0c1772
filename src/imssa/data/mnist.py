"""MNIST as sequences of 784 pixels: ``mnist.npz``, or the four IDX files as published.

An image becomes a sequence row by row, one pixel a frame, 0 to 1. Permuted MNIST is the same with the
front end's ``permutation_seed``.

Source: Y. LeCun et al., Proc. IEEE 86(11), 1998; as sequences: Q. Le et al., arXiv 1504.00941.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from imssa.data.array_files import read_npz
from imssa.data.idx import read_idx
from imssa.data.sequence_source import SequenceSource
from imssa.data.sources import DataFormat, Item, Request, chosen_classes, require_root
from imssa.errors import DataError

DIGITS: Final = tuple("0123456789")
SIDE: Final = 28
WHERE: Final = "https://yann.lecun.com/exdb/mnist, or mnist.npz of Keras"
GET_IT: Final = (
    f"Name the folder that holds mnist.npz or the four idx files; get them from {WHERE}."
)
NAMES: Final = {
    "train": ("train-images", "train-labels"),
    "test": ("t10k-images", "t10k-labels"),
}
ENDINGS: Final = ("-idx{}-ubyte", "-idx{}-ubyte.gz", ".idx{}-ubyte", ".idx{}-ubyte.gz")


def open_mnist(request: Request) -> SequenceSource:
    """Training and test images as sequences of shape (784, 1).

    Raises:
        DataError: Files are missing or damaged, or hold something else.
    """
    root = require_root(request.root, GET_IT)
    packed = root if root.is_file() else root / "mnist.npz"
    read = _packed(packed) if packed.is_file() else _published(root)
    classes = chosen_classes(DIGITS, request.words, str(root))
    return _source(read, classes)


def _packed(file: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    held = read_npz(file, ("x_train", "y_train", "x_test", "y_test"))
    if len(held) < 4:
        rule = f"of x_train, y_train, x_test and y_test it holds {', '.join(held) or 'none'}"
        raise DataError(given=str(file), rule=rule, remedy=GET_IT)
    return {
        part: checked(f"{file}, {part}", held[f"x_{part}"], held[f"y_{part}"])
        for part in ("train", "test")
    }


def _published(root: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found = {}
    for part, (images, labels) in NAMES.items():
        files = _named(root, images, 3), _named(root, labels, 1)
        read = read_idx(files[0], 3), read_idx(files[1], 1)
        found[part] = checked(str(files[0]), *read)
    return found


def _named(root: Path, name: str, n_axes: int) -> Path:
    names = [name + ending.format(n_axes) for ending in ENDINGS]
    for candidate in names:
        if (root / candidate).is_file():
            return root / candidate
    raise DataError(given=f"data root {root}", rule=f"it holds no {names[0]}", remedy=GET_IT)


def checked(where: str, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part, as they should be.

    Raises:
        DataError: Another shape, type or range.
    """
    rule = None
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or images.ndim != 3:
        rule = f"images are {images.dtype} of shape {images.shape}, not bytes of (n, 28, 28)"
    elif labels.dtype.kind not in "iu" or labels.shape != (len(images),):
        rule = f"labels are {labels.dtype} of shape {labels.shape} for {len(images)} images"
    elif not len(labels):
        rule = "it holds no image"
    elif not 0 <= labels.min() <= labels.max() < len(DIGITS):
        place = int(np.argmax((labels < 0) | (labels >= len(DIGITS))))
        rule = f"label {place} is {labels[place]}, no digit"
    if rule is not None:
        raise DataError(given=where, rule=rule, remedy=GET_IT)
    return images, labels


def _source(
    read: dict[str, tuple[np.ndarray, np.ndarray]], classes: tuple[str, ...]
) -> SequenceSource:
    numbers = np.array([int(name) for name in classes])
    kept = {part: np.flatnonzero(np.isin(labels, numbers)) for part, (_, labels) in read.items()}
    values: np.ndarray = np.concatenate(
        [read[part][0][rows].reshape(-1, SIDE * SIDE, 1) for part, rows in kept.items()]
    )
    items = tuple(_items({part: (read[part][1], rows) for part, rows in kept.items()}))
    return SequenceSource(values, items, classes, 1 / 255)


def _items(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> Iterator[Item]:
    for part, (labels, rows) in parts.items():
        for row in rows.tolist():
            yield Item(f"{part}-{row}", DIGITS[labels[row]], take=row, part=part)


FORMAT: Final = DataFormat(
    kind="mnist",
    corpus="MNIST",
    words=DIGITS,
    needs_root=True,
    front_ends=("none",),
    splits=("official", "hash"),
    open=open_mnist,
    licence="not stated by its publishers",
    where=WHERE,
)
