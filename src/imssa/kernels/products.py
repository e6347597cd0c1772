"""Products of an array's matrices with one vector, compiled: sums stay in registers.

Matrices stand row by row, each row padded with zeros to a multiple of ``LANES``; so no loop has a
remainder. Columns are taken ``BLOCK`` at a time, then ``LANES`` at a time.
"""

from typing import Any, Final

import numba
import numpy as np
from jaxtyping import Float32

from imssa.kernels.pointer import BLOCK, local_block, moved, pointer

LANES: Final = 16
"""Rows of matrices are padded to a multiple of it: the float32 numbers of a vector register."""

_U1, _U2, _LANES, _BLOCK = (np.uint64(n) for n in (1, 2, LANES, BLOCK))


def padded(columns: int) -> int:
    """Columns with padding.

    Example:
        >>> padded(27), padded(64)
        (32, 64)
    """
    return -(-columns // LANES) * LANES


@numba.njit(nogil=True, forceinline=True, fastmath={"contract"})
def _columns_of(w: Any, place: Any, lines: Any, width: Any, x: Any, acc: Any, count: int) -> None:
    """Sums of ``count`` columns from ``place`` on, a constant; even and odd lines apart."""
    even, odd = local_block(w), local_block(w)
    for j in range(count):
        even[j], odd[j] = 0, 0
    p = place
    for i in range(lines >> _U1):
        x0, x1 = x[_U2 * i], x[_U2 * i + _U1]
        q = p + width
        for j in range(count):
            even[j] += w[p + np.uint64(j)] * x0
            odd[j] += w[q + np.uint64(j)] * x1
        p = q + width
    if lines & _U1:
        x0 = x[lines - _U1]
        for j in range(count):
            even[j] += w[p + np.uint64(j)] * x0
    for j in range(count):
        acc[np.uint64(j)] = even[j] + odd[j]


@numba.njit(nogil=True)
def product(w: Any, place: Any, lines: Any, width: Any, x: Any, acc: Any) -> None:
    """acc_j = sum_i w_ij x_i: even lines in order, odd lines in order, then both.

    Sums of weights are exact in any order, by the choice of the weights; those of variances are not.

    Args:
        w: Pointer to weights.
        place: Where the matrix starts.
        lines: Its rows.
        width: Its padded columns.
        x: Pointer to the vector.
        acc: Pointer to the sums.
    """
    block: Any = np.uint64(0)
    while block + _BLOCK <= width:
        _columns_of(w, place + block, lines, width, x, moved(acc, block), BLOCK)
        block += _BLOCK
    while block < width:
        _columns_of(w, place + block, lines, width, x, moved(acc, block), LANES)
        block += _LANES


@numba.njit(nogil=True)
def common_variance(v: Any, place: Any, lines: Any, width: Any, x: Any, acc: Any) -> None:
    """acc_j = v_j sum_i x_i^2: one row of variances serves all lines; ``x`` are integers."""
    total = np.int64(0)
    for i in range(lines):
        total += np.int64(x[i]) * np.int64(x[i])
    common = np.float32(total)
    for j in range(width):
        acc[j] = v[place + j] * common


@numba.njit(cache=True, nogil=True)
def _summed(vectors: Any, matrix: Any, sums: Any) -> None:
    rows, width = np.uint64(matrix.shape[0]), np.uint64(matrix.shape[1])
    for n in range(len(vectors)):
        x, acc = (
            moved(pointer(vectors), np.uint64(n) * rows),
            moved(pointer(sums), np.uint64(n) * width),
        )
        product(pointer(matrix), np.uint64(0), rows, width, x, acc)


def summed(
    vectors: Float32[np.ndarray, "batch lines"], matrix: Float32[np.ndarray, "lines columns"]
) -> Float32[np.ndarray, "batch columns"]:
    """Products of float32 vectors with a matrix, rounded as the simulation rounds its variances."""
    columns = matrix.shape[1]
    wide = np.ascontiguousarray(np.pad(matrix, ((0, 0), (0, padded(columns) - columns))))
    sums = np.zeros((len(vectors), wide.shape[1]), np.float32)
    _summed(np.ascontiguousarray(vectors), wide, sums)
    return sums[:, :columns]
