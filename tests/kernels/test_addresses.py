"""Arrays handed over as addresses: compiled code sees them, and no array of another type gets there."""

from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

from imssa.kernels.addresses import located, packed


class Parts(NamedTuple):
    count: Any
    numbers: Any
    total: Any


TYPES = {"numbers": np.float32, "total": np.float64}


@numba.njit
def add(words: Any) -> None:
    numbers, total = located(words[1], np.float32(0)), located(words[2], np.float64(0))
    for i in range(words[0]):
        total[0] += numbers[i]


def test_compiled_code_reads_and_writes_in_place() -> None:
    numbers, total = np.arange(5, dtype=np.float32), np.zeros(1)
    words = packed((Parts(4, numbers, total), Parts(True, numbers, total)), TYPES)
    assert words.tolist()[:2] == [4, numbers.ctypes.data]
    assert words[3] == 1
    add(words)
    add(words[3:])
    assert total[0] == 0 + 1 + 2 + 3


@pytest.mark.parametrize(
    "numbers", [np.zeros(5), np.zeros(5, np.int32), np.zeros(10, np.float32)[::2]]
)
def test_another_type_or_order_is_refused(numbers: Any) -> None:
    with pytest.raises(TypeError, match=r"numbers is .* of strides .*; float32 in C order is read"):
        packed((Parts(4, numbers, np.zeros(1)),), TYPES)
