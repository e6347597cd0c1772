"""The head of a safetensors file, read with suspicion and before any of its data.

A safetensors file is a length of eight bytes, that many bytes of JSON, and the data. All that the
JSON says is held against the size of the file, so that a head which promises more than is there is
refused while nothing but the head is in memory.
"""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from imssa.errors import FileFormatError

MAX_BYTES: Final = 2**30
MAX_HEAD_BYTES: Final = 100_000_000
"""Longest head that the safetensors library reads."""

MAX_VALUES: Final = 2**23
"""Most values that one JSON text may hold; Python takes up to 64 bytes for each."""

METADATA: Final = "__metadata__"


@dataclass(frozen=True)
class Entry:
    """One array of a file: its element type in safetensors' words, and its shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Head:
    """What stands before the data.

    Attributes:
        data: Length and JSON, as they are in the file.
        metadata: Text by kind of content.
        entries: Arrays by name.
    """

    data: bytes
    metadata: dict[str, str]
    entries: dict[str, Entry]


def refuse(path: Path, rule: str) -> FileFormatError:
    """The error for a file that breaks a rule of its container."""
    return FileFormatError(
        given=str(path), rule=rule, remedy="Restore the file from a copy or write it anew."
    )


def strict_json(text: str) -> Any:
    """What a JSON text holds, if it means the same to every reader.

    Raises:
        ValueError: No JSON, a key twice, a number that is none, half a character, too many values.
        RecursionError: Brackets too deep.
    """
    if sum(text.count(mark) for mark in "[{,") > MAX_VALUES:
        msg = f"more than {MAX_VALUES} values"
        raise ValueError(msg)
    found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "it has a key twice"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> Any:
    msg = f"{name} is no number of JSON"
    raise ValueError(msg)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """An ordinary file of bounded size, opened for reading.

    Raises:
        FileFormatError: No such file, unreadable, no ordinary file, or larger than 1 GiB.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise refuse(path, "it cannot be read (it is no ordinary file)")
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size > MAX_BYTES:
                raise refuse(path, f"it is larger than {MAX_BYTES} bytes")
            yield stream
    except OSError as error:
        raise FileFormatError(
            given=str(path),
            rule=f"it cannot be read ({error.strerror or error})",
            remedy="Name an existing file that you may read.",
        ) from error


def read_head(path: Path, stream: BinaryIO) -> Head:
    """Reads the head of a safetensors file and nothing behind it.

    Raises:
        FileFormatError: Cut short, no safetensors file, or arrays that are not what it holds.
    """
    total = os.fstat(stream.fileno()).st_size
    length = stream.read(8)
    size = int.from_bytes(length, "little")
    if len(length) < 8 or size > total - 8:
        raise refuse(path, "it is cut short or is no safetensors file")
    if size > MAX_HEAD_BYTES:
        raise refuse(path, f"its header is longer than {MAX_HEAD_BYTES} bytes")
    text = stream.read(size)
    try:
        found = strict_json(text.decode())
    except (ValueError, RecursionError) as error:
        rule = f"its header is no JSON: damaged, or no safetensors file ({str(error)[:100]})"
        raise refuse(path, rule) from error
    found = found if isinstance(found, dict) else {}
    metadata = found.pop(METADATA, {})
    metadata = metadata if isinstance(metadata, dict) else {}
    try:
        entries = {name: _entry(value) for name, value in found.items()}
        end = max((value["data_offsets"][1] for value in found.values()), default=0)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise refuse(path, "its header describes no arrays: it is damaged") from error
    if metadata and end != total - 8 - size:
        raise refuse(path, f"it is cut short or damaged: {end} bytes of data are announced")
    return Head(length + text, {str(k): str(v) for k, v in metadata.items()}, entries)


def _entry(value: dict[str, Any]) -> Entry:
    shape = tuple(value["shape"])
    if not all(type(size) is int and 0 <= size <= MAX_BYTES for size in shape):
        msg = f"a shape of {shape}"
        raise ValueError(msg)
    return Entry(str(value["dtype"]), shape)
