import os
import signal
import threading

import numpy as np
import pytest

from imssa.kernels.parallel import for_ranges


@pytest.mark.parametrize("pieces", [1, 4])
@pytest.mark.parametrize("workers", [0, 1, 2, 3, 7, 50])
@pytest.mark.parametrize("items", [0, 1, 2, 13])
def test_ranges_cover_every_item_once(items: int, workers: int, pieces: int) -> None:
    visits = np.zeros(items, np.int64)

    def visit(first: int, end: int) -> None:
        visits[first:end] += 1

    for_ranges(items, visit, workers, pieces)
    assert visits.tolist() == [1] * items


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_failure_comes_back(workers: int) -> None:
    def fail(first: int, end: int) -> None:
        if first <= 3 < end:
            raise ValueError(str(first))

    with pytest.raises(ValueError, match=r"\d"):
        for_ranges(8, fail, workers)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    """Those of its parent stay behind; to wait for them is to wait for ever."""
    for_ranges(4, lambda _first, _end: None, 2)
    child = os.fork()
    if not child:
        signal.alarm(20)
        for_ranges(4, lambda _first, _end: None, 2)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_few_threads_serve_any_number_of_items() -> None:
    before = threading.active_count()
    for items in range(2, 40):
        for_ranges(items, lambda _first, _end: None, 9)
    assert threading.active_count() - before <= 8
