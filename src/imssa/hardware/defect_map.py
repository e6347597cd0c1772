"""The defect map of one chip, device by device, and its file.

A file is ``.npz`` with one integer matrix an array, named ``array_0``, ``array_1``, ..., or ``.npy``
with all of them (arrays, word lines, bit lines). Nothing in it is ever unpickled.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from jaxtyping import Int8

from imssa.errors import FileFormatError
from imssa.hardware.defects import OPEN, STUCK_HIGH
from imssa.hardware.files import write_whole
from imssa.places import AnyPath

UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
NAMED: Final = 8
MOST_ARRAYS: Final = 5000
"""More than any chip has."""

_Head = tuple[tuple[int, ...], np.dtype[Any]]
REMEDY = "Measure the map again for this chip, or name its file."


@dataclass(frozen=True)
class DefectMap:
    """What is wrong with each device of one chip.

    Attributes:
        arrays: One matrix an array: +1 stuck high, -1 stuck low, -2 open, 0 sound.
    """

    arrays: tuple[Int8[np.ndarray, "word_lines bit_lines"], ...]


def read_defect_map(path: AnyPath, count: int, shape: tuple[int, int]) -> DefectMap:
    """Reads and checks a map.

    Args:
        path: File, ``.npz`` or ``.npy``.
        count: Arrays of the chip.
        shape: Word lines and bit lines of each.

    Raises:
        FileFormatError: Unreadable, damaged, of another shape, or with other values; all at once.
    """
    path = Path(path)
    heads, names = _heads(path), [f"array_{number}" for number in range(count)]
    faults = []
    if sorted(heads) != sorted(names):
        held = ", ".join(sorted(heads)[:NAMED]) or "nothing"
        more = " ..." if len(heads) > NAMED else ""
        faults.append(f"it holds {held}{more}, not {_several(names)}")
    fitting = []
    for name in (name for name in names if name in heads):
        misfits = _misfits(heads[name], shape)
        faults += [f"{name} {fault}" for fault in misfits]
        fitting += [] if misfits else [name]
    found = _read(path, fitting)
    for name in fitting:
        faults += [f"{name} {fault}" for fault in _unknown(found[name])]
    if faults:
        rule = "; ".join(faults[:NAMED]) + ("; ..." if len(faults) > NAMED else "")
        raise FileFormatError(given=f"defect map {path}", rule=rule, remedy=REMEDY)
    return DefectMap(tuple(found[name].astype(np.int8) for name in names))


def write_defect_map(path: AnyPath, defects: DefectMap) -> None:
    """Writes a map as ``.npz``, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    arrays: dict[str, Any] = {f"array_{n}": matrix for n, matrix in enumerate(defects.arrays)}
    write_whole(Path(path), lambda file: np.savez_compressed(file, **arrays))


@contextmanager
def _readable(path: Path) -> Iterator[IO[bytes]]:
    """The open file; whatever goes wrong inside is a file that cannot be read."""
    try:
        with path.open("rb") as file:
            yield file
    except (*UNREADABLE, MemoryError, TypeError, KeyError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise FileFormatError(
            given=f"defect map {path}",
            rule=f"it cannot be read ({reason or 'it is no .npz or .npy of plain numbers'})",
            remedy=REMEDY,
        ) from error


def _heads(path: Path) -> dict[str, _Head]:
    """Shape and type of each matrix, before any memory is taken for them."""
    with _readable(path) as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            shape, kind = _head(file)
            count = min(shape[0], MOST_ARRAYS) if len(shape) == 3 else 1
            return {f"array_{n}": (shape[-2:], kind) for n in range(count)}
        found = {}
        with zipfile.ZipFile(file) as members:
            for name in members.namelist():
                with members.open(name) as member:
                    found[name.removesuffix(".npy")] = _head(member)
        return found


def _head(file: Any) -> _Head:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, kind = np.lib.format.read_array_header_2_0(file)
    if kind.hasobject:
        msg = "objects are pickled"
        raise ValueError(msg)
    return shape, kind


def _read(path: Path, names: list[str]) -> dict[str, Any]:
    """Matrices whose shapes are known to fit."""
    with _readable(path) as file:
        content = np.load(file, allow_pickle=False) if names else {}
        if isinstance(content, np.ndarray):
            matrices = content[None] if content.ndim == 2 else content
            return {name: matrices[int(name.removeprefix("array_"))] for name in names}
        return {name: content[name] for name in names}


def _misfits(head: _Head, shape: tuple[int, int]) -> list[str]:
    """What is wrong with the shape and type of a matrix."""
    found, kind = head
    if not np.issubdtype(kind, np.integer):
        return [f"holds {kind}, not integers"]
    return [] if found == shape else [f"has shape {found}, the chip's arrays {shape}"]


def _unknown(matrix: Any) -> list[str]:
    """Values that are no defects."""
    if matrix.size and (matrix.min() < OPEN or matrix.max() > STUCK_HIGH):
        other = sorted({int(v) for v in np.unique(matrix)} - {1, 0, -1, -2})
        return [f"holds {other[:4]}; known are 1 stuck high, 0 sound, -1 stuck low, -2 open"]
    return []


def _several(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{names[0]} to {names[-1]}"
