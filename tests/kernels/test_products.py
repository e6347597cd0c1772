"""Products of the fused simulation: any shape, sums as NumPy's, one row of variances for all lines."""

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.hardware.pairs import read_spread
from imssa.kernels.pointer import pointer
from imssa.kernels.products import LANES, common_variance, padded, product, summed

SHAPES = [(1, 1), (1, 130), (2, 15), (3, 16), (7, 17), (33, 63), (64, 64), (5, 65), (129, 130)]


@numba.njit
def _of_product(w: Any, place: Any, lines: Any, width: Any, x: Any, acc: Any) -> None:
    product(pointer(w), place, lines, width, pointer(x), pointer(acc))


@numba.njit
def _of_common(v: Any, lines: Any, width: Any, x: Any, acc: Any) -> None:
    common_variance(pointer(v), np.uint64(0), lines, width, pointer(x), pointer(acc))


def drawn(shape: tuple[int, int], kind: Any, batch: int = 4) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = np.random.default_rng(shape)
    return (
        rng.uniform(-2, 2, (batch, shape[0])).astype(kind),
        rng.uniform(-2, 2, shape).astype(kind),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_those_of_float64(shape: tuple[int, int]) -> None:
    """Each of n float32 additions errs by at most 2^-24 of the sum of magnitudes (Higham)."""
    x, W = drawn(shape, np.float32)
    expected = x.astype(float) @ W.astype(float)
    allowed = (np.abs(x).astype(float) @ np.abs(W).astype(float)) * (shape[0] + 1) * 2.0**-24
    got = summed(x, W)
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    assert (np.abs(got - expected) <= allowed).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_that_fit_are_exact(shape: tuple[int, int]) -> None:
    """Whole numbers whose sums stay below 2^24: float32 rounds nothing."""
    rng = np.random.default_rng(shape)
    x = rng.integers(-127, 128, (3, shape[0]))
    W = rng.integers(-127, 128, shape)
    assert np.array_equal(summed(x.astype(np.float32), W.astype(np.float32)), x @ W)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_memory_layout_changes_nothing(shape: tuple[int, int]) -> None:
    x, W = drawn(shape, np.float32)
    expected = summed(x, W)
    assert np.array_equal(summed(np.asfortranarray(x), np.asfortranarray(W)), expected)
    spread = np.zeros((2 * shape[0], 3 * shape[1]), np.float32)
    spread[::2, ::3] = W
    assert np.array_equal(summed(x, spread[::2, ::3]), expected)
    assert np.array_equal(
        summed(x[:, ::-1], W[::-1].copy()[::1]), summed(x[:, ::-1].copy(), W[::-1])
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_one_vector_at_a_time_gives_the_same(shape: tuple[int, int]) -> None:
    x, W = drawn(shape, np.float32, batch=5)
    one_by_one = np.concatenate([summed(row[None], W) for row in x])
    assert np.array_equal(summed(x, W), one_by_one)


def test_no_lines_and_no_vectors() -> None:
    assert (
        summed(np.ones((2, 0), np.float32), np.ones((0, 5), np.float32)).tolist() == [[0] * 5] * 2
    )
    assert summed(np.ones((0, 3), np.float32), np.ones((3, 5), np.float32)).shape == (0, 5)


@pytest.mark.parametrize("columns", [1, 16, 17, 63, 64, 65, 128, 130])
def test_padding_is_the_next_multiple(columns: int) -> None:
    assert padded(columns) % LANES == 0
    assert columns <= padded(columns) < columns + LANES


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 16), (6, 64), (7, 80), (9, 144)])
def test_a_matrix_in_the_middle_of_others(shape: tuple[int, int], kind: Any) -> None:
    """Matrices of all phases lie one after the other; nothing beyond the sums is written."""
    lines, width = shape
    x, W = drawn(shape, kind)
    before = np.full(48, np.nan, kind)
    memory = np.concatenate([before, W.ravel(), before])
    acc = np.full(width + LANES, 7, kind)
    place = (np.uint64(n) for n in (48, lines, width))
    _of_product(memory, *place, x[0].copy(), acc)
    allowed = np.finfo(kind).eps * (lines + 1) * 4 * lines
    assert np.abs(acc[:width] - x[0].astype(float) @ W.astype(float)).max() <= allowed
    assert (acc[width:] == 7).all()


def test_float64_sums_exactly_where_float32_cannot() -> None:
    W = np.array([[2.0**30], [1.0], [-(2.0**30)]]) * np.ones(16)
    acc = np.zeros(16)
    size = (np.uint64(n) for n in (0, 3, 16))
    _of_product(np.ascontiguousarray(W), *size, np.ones(3), acc)
    assert (acc == 1).all()


@pytest.mark.parametrize("lines", [1, 2, 63, 64])
def test_a_common_row_of_variances(lines: int) -> None:
    """v_j sum_i x_i^2: the squares are summed as integers, and the spread is its root."""
    rng = np.random.default_rng(lines)
    v = rng.uniform(0, 1e-2, (1, 32)).astype(np.float32)
    x = rng.integers(-2047, 2048, (3, lines))
    for row, spread in zip(x, read_spread(x, v), strict=True):
        acc = np.zeros(32, np.float32)
        _of_common(v, np.uint64(lines), np.uint64(32), row.astype(np.int32), acc)
        exact = v[0].astype(float) * int((row.astype(object) ** 2).sum())
        assert acc == pytest.approx(exact, rel=2.0**-22)
        assert np.array_equal(np.sqrt(acc), spread)
