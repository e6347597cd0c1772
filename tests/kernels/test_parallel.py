import numpy as np
import pytest

from imssa.kernels.parallel import for_ranges


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 7, 50])
@pytest.mark.parametrize("items", [0, 1, 2, 13])
def test_ranges_cover_every_item_once(items: int, workers: int) -> None:
    visits = np.zeros(items, np.int64)

    def visit(first: int, end: int) -> None:
        visits[first:end] += 1

    for_ranges(items, visit, workers)
    assert visits.tolist() == [1] * items


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_failure_comes_back(workers: int) -> None:
    def fail(first: int, end: int) -> None:
        if first <= 3 < end:
            raise ValueError(str(first))

    with pytest.raises(ValueError, match=r"\d"):
        for_ranges(8, fail, workers)
