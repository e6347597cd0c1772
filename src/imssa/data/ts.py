"""Sequences in the text format of the UEA and UCR archives (``.ts``).

Lines of ``#`` are comments; lines of ``@key value`` are the header, the last one ``@data``. Each line
behind it is one item: the values of each channel with commas between them, channels with colons
between them, the class last.

Source: https://www.timeseriesclassification.com, page "Data file formats"; A. Bagnall et al., The UEA
multivariate time series classification archive, 2018 (arXiv 1811.00075).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from imssa.data.sequence_source import SequenceSource
from imssa.data.sources import DataFormat, Item, Request, chosen_classes, require_root
from imssa.errors import DataError

WHERE: Final = "https://www.timeseriesclassification.com (one archive a data set)"
GET_IT: Final = f"Name the folder that holds NAME_TRAIN.ts and NAME_TEST.ts; get them from {WHERE}."
MEND: Final = "Mend that line, or get the file again."


@dataclass
class Header:
    """What the header of a file says.

    Attributes:
        classes: Class names in the order of the header.
        dimensions: Channels of an item; None: the header does not say.
        series_length: Frames of every item; None: they differ, or the header does not say.
        equal_length: Whether all items have one length.
        has_data: Whether the line ``@data`` came.
    """

    classes: tuple[str, ...] = ()
    dimensions: int | None = None
    series_length: int | None = None
    equal_length: bool = False
    has_data: bool = False
    seen: set[str] = field(default_factory=set)


class _BrokenRuleError(Exception):
    """A rule that a line breaks."""


def read_file(file: Path) -> tuple[Header, list[tuple[str, np.ndarray]]]:
    """Class and values (frames, channels) of every item of a file, and its header.

    Raises:
        DataError: The file cannot be read or breaks a rule; file and line are named.
    """
    header, found, number = Header(), list[tuple[str, np.ndarray]](), 0
    try:
        with file.open(encoding="utf-8") as stream:
            for line in stream:
                number += 1
                _take_line(line.strip(), header, found)
        _check_whole(header, found)
    except _BrokenRuleError as error:
        raise DataError(given=f"{file}, line {number}", rule=str(error), remedy=MEND) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        given = f"{file}, behind line {number}"
        raise DataError(given=given, rule=f"it cannot be read ({reason})", remedy=GET_IT) from error
    return header, found


def _take_line(line: str, header: Header, found: list[tuple[str, np.ndarray]]) -> None:
    if not line or line.startswith("#"):
        return
    if header.has_data:
        found.append(_item(line, header))
    elif line.startswith("@"):
        _take_key(line, header)
    else:
        msg = "there are values before the line @data"
        raise _BrokenRuleError(msg)


def _take_key(line: str, header: Header) -> None:
    key, _, value = line[1:].partition(" ")
    name = key.lower()
    if name not in _KEYS:
        msg = f"@{key[:40]} is no key of this format; they are {', '.join(_KEYS)}"
        raise _BrokenRuleError(msg)
    if name in header.seen:
        msg = f"@{key} stands twice"
        raise _BrokenRuleError(msg)
    header.seen.add(name)
    _KEYS[name](value.strip(), header)


def _free(_value: str, _header: Header) -> None:
    """A key whose value is only for people."""


def _flag(value: str) -> bool:
    if value.lower() not in {"true", "false"}:
        msg = f"{value[:40]!r} is neither true nor false"
        raise _BrokenRuleError(msg)
    return value.lower() == "true"


def _not(what: str) -> Callable[[str, Header], None]:
    """A flag that must be false."""

    def check(value: str, _header: Header) -> None:
        if _flag(value):
            msg = f"{what} cannot be read"
            raise _BrokenRuleError(msg)

    return check


def _univariate(value: str, header: Header) -> None:
    if _flag(value):
        header.dimensions = 1


def _count(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= len(value) <= 9 or not int(value):
        msg = f"{value[:40]!r} is no number from 1 to 999999999"
        raise _BrokenRuleError(msg)
    return int(value)


def _dimensions(value: str, header: Header) -> None:
    count = _count(value)
    if header.dimensions not in {None, count}:
        msg = f"{count} channels, but the header said univariate"
        raise _BrokenRuleError(msg)
    header.dimensions = count


def _equal_length(value: str, header: Header) -> None:
    header.equal_length = _flag(value)


def _series_length(value: str, header: Header) -> None:
    header.series_length = _count(value)


def _class_label(value: str, header: Header) -> None:
    flag, *names = value.split() or [""]
    if not _flag(flag) or len(names) < 2:
        msg = "a data set to classify names two or more classes: @classLabel true A B"
        raise _BrokenRuleError(msg)
    if len(set(names)) < len(names):
        msg = "a class is named twice"
        raise _BrokenRuleError(msg)
    header.classes = tuple(names)


def _data(_value: str, header: Header) -> None:
    if not header.classes:
        msg = "@data comes before @classLabel"
        raise _BrokenRuleError(msg)
    header.has_data = True


_KEYS: Final[dict[str, Callable[[str, Header], None]]] = {
    "problemname": _free,
    "timestamps": _not("values with time stamps"),
    "missing": _not("a data set with missing values"),
    "univariate": _univariate,
    "dimension": _dimensions,
    "dimensions": _dimensions,
    "equallength": _equal_length,
    "serieslength": _series_length,
    "targetlabel": _not("a data set of regression"),
    "classlabel": _class_label,
    "data": _data,
}


def _item(line: str, header: Header) -> tuple[str, np.ndarray]:
    *channels, label = line.split(":")
    label = label.strip()
    if label not in header.classes:
        msg = f"its class {label[:40]!r} is not named in @classLabel"
        raise _BrokenRuleError(msg)
    if len(channels) != (header.dimensions or max(1, len(channels))):
        msg = f"it has {len(channels)} channels, the header says {header.dimensions or 1}"
        raise _BrokenRuleError(msg)
    header.dimensions = len(channels)
    rows = [_channel(text, place) for place, text in enumerate(channels)]
    if len({len(row) for row in rows}) > 1:
        msg = f"its channels have {min(map(len, rows))} to {max(map(len, rows))} values"
        raise _BrokenRuleError(msg)
    if header.equal_length or header.series_length is not None:
        header.series_length = header.series_length or len(rows[0])
        if len(rows[0]) != header.series_length:
            msg = f"it has {len(rows[0])} frames, the others {header.series_length}"
            raise _BrokenRuleError(msg)
    return label, np.stack(rows, axis=1)


def _channel(text: str, place: int) -> np.ndarray:
    with np.errstate(over="ignore"):
        try:
            values = np.array([float(value) for value in text.split(",")]).astype(np.float32)
        except ValueError as error:
            msg = f"channel {place} holds something that is no number"
            raise _BrokenRuleError(msg) from error
    if not np.isfinite(values).all():
        msg = f"channel {place} holds a value that is missing, infinite or above 3e38"
        raise _BrokenRuleError(msg)
    return values


def _check_whole(header: Header, found: list[tuple[str, np.ndarray]]) -> None:
    if not header.has_data or not found:
        msg = "the file ends before its first item"
        raise _BrokenRuleError(msg)


def _pair(root: Path) -> dict[str, Path]:
    """The files of the training and the test part."""
    folder = root if root.is_dir() else root.parent
    files = {f.name.lower(): f for f in sorted(folder.iterdir()) if f.suffix.lower() == ".ts"}
    names = [n.removesuffix("_train.ts") for n in files if n.endswith("_train.ts")]
    if not root.is_dir():
        names = [n for n in names if root.name.lower().startswith(n)]
    if len(names) != 1 or f"{names[0]}_test.ts" not in files:
        raise DataError(
            given=f"data root {root}",
            rule=f"it holds {len(names)} files NAME_TRAIN.ts, or no NAME_TEST.ts to one",
            remedy=GET_IT,
        )
    return {part: files[f"{names[0]}_{part}.ts"] for part in ("train", "test")}


def open_ts(request: Request) -> SequenceSource:
    """The items of a training and a test file.

    Raises:
        DataError: The files are missing, break a rule, or do not fit each other.
    """
    root = require_root(request.root, GET_IT)
    files = _pair(root)
    read = {part: read_file(file) for part, file in files.items()}
    (train, _), (test, _) = read["train"], read["test"]
    if train.classes != test.classes or train.dimensions != test.dimensions:
        raise DataError(
            given=f"{files['train'].name} and {files['test'].name}",
            rule="they differ in classes or channels",
            remedy=GET_IT,
        )
    classes = chosen_classes(train.classes, request.words, str(root))
    chosen = list(_chosen({part: found for part, (_, found) in read.items()}, classes))
    return SequenceSource([v for _, v in chosen], tuple(i for i, _ in chosen), classes)


def _chosen(
    parts: dict[str, list[tuple[str, np.ndarray]]], classes: tuple[str, ...]
) -> Iterator[tuple[Item, np.ndarray]]:
    for part, found in parts.items():
        for place, (label, values) in enumerate(found):
            if label in classes:
                yield Item(f"{part}-{place}", label, take=place, part=part), values


FORMAT: Final = DataFormat(
    kind="ts",
    corpus="UEA/UCR",
    words=None,
    needs_root=True,
    front_ends=("none",),
    splits=("official", "hash"),
    open=open_ts,
    licence="that of each data set, see its page",
    where=WHERE,
)
