"""Several processes, as ``torchrun`` starts them: PyTorch's own data parallel training.

Each process takes its share of every batch, PyTorch averages the gradients, and the first process
alone writes files. Without ``torchrun`` there is one process, and nothing here does anything.
"""

import atexit
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import numpy as np
import torch
from jaxtyping import Int64
from torch import distributed, nn

from imssa.errors import TrainingError
from imssa.kernels.random import Key

VARIABLES: Final = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What a launcher tells each process."""

LONGEST_WAIT: Final = timedelta(days=1)
"""For the first process, which alone simulates and writes; a launcher ends all when one fails."""

Value = TypeVar("Value")


def launched() -> bool:
    """Whether a launcher started this process as one of several."""
    found = distributed.is_available() and all(name in os.environ for name in VARIABLES)
    return found and int(os.environ["WORLD_SIZE"]) > 1


def join() -> None:
    """Joins the other processes of the launcher, once; they part when this process ends.

    Raises:
        TrainingError: They do not answer.
    """
    if launched() and not distributed.is_initialized():
        try:
            distributed.init_process_group("gloo")
        except (RuntimeError, ValueError) as error:
            told = ", ".join(f"{name}={os.environ[name]}" for name in VARIABLES)
            raise TrainingError(
                given=told,
                rule=f"the processes that train together did not find each other ({error})",
                remedy="Start them with torchrun, or unset these variables for one process alone.",
            ) from error
        atexit.register(distributed.destroy_process_group)


def joined() -> bool:
    """Whether this process works with others."""
    return distributed.is_available() and distributed.is_initialized()


def count() -> int:
    """Number of processes that train together."""
    return distributed.get_world_size() if joined() else 1


def rank() -> int:
    """Number of this process among them, from 0; known before they have joined."""
    if joined():
        return distributed.get_rank()
    return int(os.environ["RANK"]) if launched() else 0


def leads() -> bool:
    """Whether this is the process that writes files and shows progress."""
    return rank() == 0


def wait() -> None:
    """Waits until every process is here."""
    if joined():
        distributed.monitored_barrier(timeout=LONGEST_WAIT)


def from_leader(make: Callable[[], Value]) -> Value:
    """What the first process makes, for all of them."""
    if not joined():
        return make()
    held: list[Any] = [make() if leads() else None]
    distributed.broadcast_object_list(held, src=0)
    found: Value = held[0]
    return found


def total(*values: float) -> list[float]:
    """Sums over all processes; each has the same."""
    if not joined():
        return list(values)
    sums = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(sums)
    return [float(value) for value in sums]


def agree_on_buffers(module: nn.Module) -> None:
    """Gives all processes the first one's buffers: the running statistics of batch norm."""
    if joined():
        for buffer in module.buffers():
            distributed.broadcast(buffer, src=0)


def first_words(words: str) -> str:
    """The words of the first process that has any."""
    if not joined():
        return words
    held = [""] * count()
    distributed.all_gather_object(held, words)
    return next((found for found in held if found), "")


def share(items: int) -> tuple[Int64[np.ndarray, " mine"], float]:
    """Places in a batch of this process, and the weight of their mean loss.

    The mean over processes of weight times mean loss is the mean loss of the whole batch, also when
    shares differ in size. A process without a place takes the first with weight zero: all must
    take part in each step.

    Example:
        >>> share(3)
        (array([0, 1, 2]), 1.0)
    """
    mine = np.arange(rank() if joined() else 0, items, count())
    if not len(mine):
        return np.zeros(1, np.int64), 0.0
    return mine, len(mine) * count() / items


def own_key(key: Key) -> Key:
    """The random key of this process's share: that of the whole batch when there is one process."""
    return key.child("process", rank()) if count() > 1 else key


def parallel(module: nn.Module) -> nn.Module:
    """The module, with gradients averaged over all processes after each backward pass."""
    if count() == 1:
        return module
    return nn.parallel.DistributedDataParallel(module, static_graph=True)
