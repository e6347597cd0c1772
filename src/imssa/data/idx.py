"""Arrays of bytes in IDX files, the form in which MNIST is published; plain or gzipped.

Four bytes (0, 0, the type of values, the number of axes), then each axis as four bytes, the largest
first, then the values. Type 8 is unsigned bytes; others are refused.

Source: https://yann.lecun.com/exdb/mnist, section "File formats".
"""

import gzip
import io
import zlib
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from imssa.data.array_files import GET_IT_ANEW, LARGEST_DEFLATION
from imssa.errors import DataError

UNSIGNED_BYTES: Final = 8


def read_idx(file: Path, n_axes: int) -> UInt8[np.ndarray, "..."]:
    """The array of an IDX file.

    Args:
        file: The file; one that ends with ``.gz`` is gzipped.
        n_axes: The number of axes that it must have.

    Raises:
        DataError: Missing, damaged, of another type or shape, or of another size than it says.
    """
    try:
        with _opened(file) as stream:
            head = stream.read(4 + 4 * n_axes)
            shape = _shape(head, n_axes, file.stat().st_size)
            size = prod(shape)
            content = stream.read(size + 1)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        rule = f"the file is missing or damaged ({error})"
        raise DataError(given=str(file), rule=rule, remedy=GET_IT_ANEW) from error
    if len(content) != size:
        how = "more than" if len(content) > size else f"{len(content)} of"
        rule = f"it holds {how} the {size} values that its header says"
        raise DataError(given=str(file), rule=rule, remedy=GET_IT_ANEW)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _opened(file: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.GzipFile(file) if file.suffix == ".gz" else file.open("rb")


def _shape(head: bytes, n_axes: int, held: int) -> tuple[int, ...]:
    if head[:4] != bytes((0, 0, UNSIGNED_BYTES, n_axes)) or len(head) != 4 + 4 * n_axes:
        msg = f"it does not begin as an IDX file of bytes with {n_axes} axes"
        raise ValueError(msg)
    shape = tuple(int.from_bytes(head[4 + 4 * i : 8 + 4 * i]) for i in range(n_axes))
    if prod(shape) > LARGEST_DEFLATION * held:
        msg = f"a file of {held} bytes cannot hold the {prod(shape)} it promises"
        raise ValueError(msg)
    return shape
