"""Arrays in NumPy files (``.npy``, ``.npz``), taken into memory only where their sizes are true.

A header may promise any shape. Before memory is taken, what it promises is compared with the bytes
that are there; nothing is unpickled.
"""

import io
import warnings
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Final, NoReturn

import numpy as np

from imssa.errors import DataError

GET_IT_ANEW: Final = "Write or get the file again."
LARGEST_DEFLATION: Final = 1100
"""Bytes that one byte of deflated data can become: 1032, and some for small files (RFC 1951)."""
_DAMAGED: Final = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, NotImplementedError),
    *(SyntaxError, MemoryError, OverflowError, IndexError, TokenError),
    *(zipfile.BadZipFile, zlib.error),
)


def read_npz(file: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of a ``.npz`` file by name; names that it does not hold are left out.

    Args:
        file: The file.
        names: The arrays wanted.

    Raises:
        DataError: Damaged, of objects, or promising more than it holds.
    """
    place = ""
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            found = {}
            for name in names:
                place = f", array {name!r}"
                if name in members:
                    found[name] = _member(archive, members[name])
            return found
    except _DAMAGED as error:
        _refuse(f"{file}{place}", error)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    if info.file_size > LARGEST_DEFLATION * max(info.compress_size, 64):
        msg = f"{info.compress_size} bytes cannot hold the {info.file_size} it promises"
        raise ValueError(msg)
    with archive.open(info) as stream:
        content = stream.read(info.file_size + 1)
    return array_of(content)


def read_npy(file: Path) -> np.ndarray:
    """The array of a ``.npy`` file.

    Raises:
        DataError: Missing, damaged, of objects, or promising more than it holds.
    """
    try:
        return array_of(file.read_bytes())
    except _DAMAGED as error:
        _refuse(str(file), error)


def array_of(content: bytes) -> np.ndarray:
    """The array in the bytes of a ``.npy`` file.

    Raises:
        ValueError: Not such bytes, objects, or another number of bytes than the header says.
    """
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in {(1, 0), (2, 0)}:
        msg = f"version {version} of its header is not known"
        raise ValueError(msg)
    read = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    with warnings.catch_warnings(action="ignore"):  # of headers that need some mending
        shape, in_columns, dtype = read(stream)
    if dtype.hasobject or dtype.fields is not None or dtype.subdtype is not None:
        msg = f"its type {dtype} is not one of plain numbers or words"
        raise ValueError(msg)
    size = dtype.itemsize
    for axis in shape:
        size *= axis
    held = len(content) - stream.tell()
    if size != held or min(shape, default=1) < 0:
        msg = f"its header promises {size} bytes, it holds {held}"
        raise ValueError(msg)
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    return flat.reshape(shape, order="F" if in_columns else "C")


def _refuse(given: str, error: BaseException) -> NoReturn:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    rule = f"the file is missing or damaged ({reason})"
    raise DataError(given=given, rule=rule, remedy=GET_IT_ANEW) from error
