"""Coarse parallelism: independent items shared out over threads that hold no interpreter lock."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="imssa")


if hasattr(os, "register_at_fork"):
    # threads stay behind when a process forks: its pools would wait for them
    os.register_at_fork(after_in_child=_pool.cache_clear)


def worker_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def for_ranges(
    items: int, function: Callable[[int, int], None], workers: int = 0, pieces: int = 1
) -> None:
    """Calls ``function(first, end)`` on ranges that together cover ``items``.

    The function must treat items independently, so the result is the same for any number of
    workers.

    Args:
        items: Number of items.
        function: A compiled function without the interpreter lock.
        workers: Threads; 0 takes all cores.
        pieces: Ranges for each worker. Whoever is free takes the next one, so that no worker waits
            long for one that started late or got less of its core.
    """
    most = workers or worker_count()
    count = min(most, items)
    if count <= 1:
        function(0, items)
        return
    parts = min(items, count * pieces)
    bounds = [items * i // parts for i in range(parts + 1)]
    ranges = iter(list(pairwise(bounds)))

    def work() -> None:
        for first, end in ranges:
            function(first, end)

    pool = _pool(most - 1)  # one for all numbers of items
    jobs = [pool.submit(work) for _ in range(count - 1)]
    try:
        work()
    finally:
        wait(jobs)
    for job in jobs:
        job.result()
