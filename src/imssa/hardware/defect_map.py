"""The defect map of one chip, device by device, and its file.

A file is ``.npz`` with one integer matrix an array, named ``array_0``, ``array_1``, ..., or ``.npy``
with all of them (arrays, word lines, bit lines). Nothing in it is ever unpickled.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int8

from imssa.errors import FileFormatError
from imssa.hardware.defects import OPEN, STUCK_HIGH
from imssa.hardware.files import write_whole

UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
REMEDY = "Measure the map again for this chip, or name its file."


@dataclass(frozen=True)
class DefectMap:
    """What is wrong with each device of one chip.

    Attributes:
        arrays: One matrix an array: +1 stuck high, -1 stuck low, -2 open, 0 sound.
    """

    arrays: tuple[Int8[np.ndarray, "word_lines bit_lines"], ...]


def read_defect_map(path: str | Path, count: int, shape: tuple[int, int]) -> DefectMap:
    """Reads and checks a map.

    Args:
        path: File, ``.npz`` or ``.npy``.
        count: Arrays of the chip.
        shape: Word lines and bit lines of each.

    Raises:
        FileFormatError: Unreadable, damaged, of another shape, or with other values; all at once.
    """
    found = _read(Path(path))
    names = [f"array_{number}" for number in range(count)]
    faults = []
    if sorted(found) != sorted(names):
        faults.append(f"it holds {', '.join(sorted(found)) or 'nothing'}, not {', '.join(names)}")
    for name in names:
        if name in found:
            faults += [f"{name} {fault}" for fault in _faults(found[name], shape)]
    if faults:
        raise FileFormatError(given=f"defect map {path}", rule="; ".join(faults), remedy=REMEDY)
    return DefectMap(tuple(found[name].astype(np.int8) for name in names))


def write_defect_map(path: str | Path, defects: DefectMap) -> None:
    """Writes a map as ``.npz``, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    arrays: dict[str, Any] = {f"array_{n}": matrix for n, matrix in enumerate(defects.arrays)}
    write_whole(Path(path), lambda file: np.savez_compressed(file, **arrays))


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                matrices = content[None] if content.ndim == 2 else content
                return {f"array_{n}": m for n, m in enumerate(matrices)}
            return {name: content[name] for name in content.files}
    except (*UNREADABLE, MemoryError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise FileFormatError(
            given=f"defect map {path}",
            rule=f"it cannot be read ({reason or 'it is no .npz or .npy of plain numbers'})",
            remedy=REMEDY,
        ) from error


def _faults(matrix: Any, shape: tuple[int, int]) -> list[str]:
    if not np.issubdtype(matrix.dtype, np.integer):
        return [f"holds {matrix.dtype}, not integers"]
    if matrix.shape != shape:
        return [f"has shape {matrix.shape}, the chip's arrays {shape}"]
    if matrix.size and (matrix.min() < OPEN or matrix.max() > STUCK_HIGH):
        other = sorted({int(v) for v in np.unique(matrix)} - {1, 0, -1, -2})
        return [f"holds {other[:4]}; known are 1 stuck high, 0 sound, -1 stuck low, -2 open"]
    return []
