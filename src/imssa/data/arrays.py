"""Sequences of the user's in arrays: a ``.npz`` or HDF5 file, or a folder of ``.npy`` files.

Names: ``x`` and ``y``, or ``x_train``, ``y_train``, ``x_test``, ``y_test`` and perhaps ``x_validation``,
``y_validation``; beside them ``lengths`` (``lengths_train``, ...) and ``groups`` (the speaker or device; of
items that belong together).

``x`` has the shape (items, frames, features), or (items, frames) for one feature; with ``lengths``,
an item has so many frames and the rest is padding. Or ``x`` holds all items behind each other, (all
frames, features), and ``lengths`` sum up to all frames. ``y`` holds one class an item: numbers or words.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from imssa.data.array_files import read_npy, read_npz
from imssa.data.hdf5 import opened
from imssa.data.sequence_source import SequenceSource
from imssa.data.sources import PARTS, DataFormat, Item, Request, chosen_classes, require_root
from imssa.errors import DataError

GET_IT: Final = "Name a .npz or .h5 file, or a folder of .npy files, with arrays x and y."
BESIDE: Final = ("y", "lengths", "groups")
FIELDS: Final = ("x", *BESIDE)
Read = Callable[[Path, tuple[str, ...]], dict[str, np.ndarray]]


def open_arrays(request: Request) -> SequenceSource:
    """The items of a file or folder of arrays.

    Raises:
        DataError: Missing, damaged, of the wrong shape or kind, or not finite.
    """
    root = require_root(request.root, GET_IT)
    held = _reader(root)(root, tuple(f + end for f in FIELDS for end in ("", *_endings())))
    _require_partners(str(root), held)
    values, labels, items = list[np.ndarray](), list[str](), list[Item]()
    for part in ("", *PARTS):
        end = f"_{part}" if part else ""
        if f"x{end}" in held:
            given = f"{root}, x{end} and y{end}"
            own = {field: held.get(field + end) for field in BESIDE}
            read, names, groups = _part(given, held[f"x{end}"], own)
            labels += names
            values += read
            items += _items(part, names, groups)
    _check_features(str(root), values)
    classes = chosen_classes(_in_order(labels), request.words, str(root))
    kept = [i for i, label in enumerate(labels) if label in classes]
    return SequenceSource([values[i] for i in kept], tuple(items[i] for i in kept), classes)


def _require_partners(given: str, held: dict[str, np.ndarray]) -> None:
    """Refuses arrays that would be left out: of a part that has no x."""
    for name in held:
        field, _, part = name.partition("_")
        beside = f"x_{part}" if part else "x"
        if beside not in held:
            there = ", ".join(other for other in held if other.startswith("x")) or "no x at all"
            _refuse(
                f"{given}, array {name}",
                f"it belongs to {beside}, which is not there (found: {there}); call it {field}_train, "
                f"{field}_test and so on beside x_train and x_test",
            )


def _endings() -> tuple[str, ...]:
    return tuple(f"_{part}" for part in PARTS)


def _reader(root: Path) -> Read:
    if root.is_dir():
        return _from_folder
    if root.suffix.lower() in {".h5", ".hdf5"}:
        return _from_hdf5
    return read_npz


def _from_folder(root: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    files = {name: root / f"{name}.npy" for name in names}
    return {name: read_npy(file) for name, file in files.items() if file.is_file()}


def _from_hdf5(root: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = {}
    with opened(root) as held:
        for name in names:
            dataset = held.dataset(name)
            if dataset is not None:
                words = dataset.dtype.kind == "O"
                found[name] = np.array(held.words(name)) if words else dataset[()]
    return found


def _part(
    given: str, x: np.ndarray, held: dict[str, np.ndarray | None]
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Values, classes and groups of the items of one part."""
    y, lengths, groups = (held[field] for field in BESIDE)
    y = _classes(given, y)
    if x.dtype.kind not in "fiub" or not 2 <= x.ndim <= 3:
        _refuse(given, f"x is {x.dtype} of shape {x.shape}, not numbers of 2 or 3 axes")
    if lengths is not None and (lengths.dtype.kind not in "iu" or lengths.shape != y.shape):
        _refuse(given, f"lengths are whole numbers, one for each of {len(y)} items")
    if groups is not None and groups.shape != y.shape:
        _refuse(given, f"groups have the shape {groups.shape}, y has {y.shape}")
    values = [_finite(given, i, v) for i, v in enumerate(_cut(given, x, len(y), lengths))]
    return values, _words(y), [""] * len(y) if groups is None else _words(groups)


def _classes(given: str, y: np.ndarray | None) -> np.ndarray:
    """The class of each item, where y says it."""
    if y is None:
        _refuse(given, "there is no y, one class an item")
    if y.ndim != 1 or not y.size:
        wide = y.ndim == 2 and y.shape[1] > 1
        hint = "; of rows with a 1 at the class, write y.argmax(axis=1)" if wide else ""
        hint = "; of one column, write y.ravel()" if y.shape[1:] == (1,) else hint
        _refuse(given, f"y has the shape {y.shape}, not one class an item{hint}")
    if y.dtype.kind not in "iuSU":
        whole = y.dtype.kind in "fb" and np.array_equal(y, np.rint(y.astype(float)))
        hint = "; write y.astype(int)" if whole else ""
        _refuse(given, f"y is {y.dtype}, classes are whole numbers or words{hint}")
    return y


def _cut(given: str, x: np.ndarray, items: int, lengths: np.ndarray | None) -> Iterator[np.ndarray]:
    """The items, each of shape (frames, features)."""
    if lengths is not None and (lengths.min() < 1 or lengths.max() > x.size):
        _refuse(given, f"a length is {lengths.min()} or {lengths.max()}: no such item is in x")
    if lengths is not None and x.ndim == 2 and int(lengths.sum()) == len(x):
        return iter(np.split(x, np.cumsum(lengths)[:-1]))
    if len(x) != items:
        _refuse(given, f"x has {len(x)} items and y has {items}")
    whole = x[:, :, None] if x.ndim == 2 else x
    if lengths is None:
        return iter(whole)
    if lengths.max() > whole.shape[1]:
        _refuse(given, f"a length is {lengths.max()}, x has {whole.shape[1]} frames")
    return (value[:length] for value, length in zip(whole, lengths.tolist(), strict=True))


def _finite(given: str, number: int, value: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = value.astype(np.float32)
    if not found.size:
        _refuse(f"{given}, item {number}", "it is empty")
    if not np.isfinite(found).all():
        _refuse(f"{given}, item {number}", "it holds NaN, infinity or values above 3e38")
    return found


def _words(values: np.ndarray) -> list[str]:
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values.tolist()
    ]


def _items(part: str, names: list[str], groups: list[str]) -> Iterator[Item]:
    for number, (label, group) in enumerate(zip(names, groups, strict=True)):
        yield Item(f"{part or 'item'}-{number}", label, group, number, part)


def _in_order(labels: list[str]) -> list[str]:
    """Numbers by value, words by letters."""
    try:
        return sorted(set(labels), key=int)
    except ValueError:
        return sorted(set(labels))


def _check_features(given: str, values: Sequence[np.ndarray]) -> None:
    if not values:
        _refuse(given, "it holds no array x, x_train or x_test")
    widths = {value.shape[1] for value in values}
    if len(widths) > 1:
        _refuse(given, f"x of its parts have {min(widths)} to {max(widths)} features")


def _refuse(given: str, rule: str) -> NoReturn:
    raise DataError(given=given, rule=rule, remedy=GET_IT)


FORMAT: Final = DataFormat(
    kind="arrays",
    corpus="arrays",
    words=None,
    needs_root=True,
    front_ends=("none",),
    splits=("official", "hash", "speaker"),
    open=open_arrays,
    licence="that of the data",
    where="your own",
)
