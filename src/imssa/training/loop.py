"""The training loop: seeded, resumable at any step; keeps the best epoch by validation, or the last."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor, nn

from imssa.data import AugmentationConfig, SequenceDataset, augment
from imssa.kernels.random import Key
from imssa.training.checkpoint import SECONDS_BETWEEN, Keeper, Place, State, identity
from imssa.training.config import TrainingConfig
from imssa.training.distributed import (
    agree_on_buffers,
    count,
    join,
    leads,
    own_key,
    parallel,
    rank,
    share,
    total,
)
from imssa.training.faults import (
    first_bad_output,
    loss_fault,
    require_finite_batch,
    require_finite_gradient,
    require_finite_parameters,
)
from imssa.training.log import Record

Loss = Callable[[Tensor, Tensor, Tensor, Key], tuple[Tensor, Tensor]]
"""Mean loss and logits of (features, lengths, labels), with a key for whatever is random."""

Progress = Callable[[int, int, str], None]
"""Called with epochs done, epochs in all, and a line of text."""

Batch = tuple[
    Float32[np.ndarray, "batch length features"],
    Int64[np.ndarray, " batch"],
    Int64[np.ndarray, " batch"],
]
"""Features, lengths, labels."""


@dataclass
class Fitted:
    """What training leaves.

    Attributes:
        best_epoch: Epoch of the weights that were kept, from 1.
        history: One record an epoch, as in the log.
    """

    best_epoch: int
    history: list[Record] = field(default_factory=list)


def fit(  # noqa: PLR0913
    model: nn.Module,
    loss: Loss,
    groups: list[dict[str, Any]],
    parts: tuple[SequenceDataset, SequenceDataset],
    config: TrainingConfig,
    *,
    key: Key,
    augmentation: AugmentationConfig | None = None,
    after_step: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
    log: Path | None = None,
    progress: Progress = lambda _done, _all, _text: None,
    seconds_between: float = SECONDS_BETWEEN,
) -> Fitted:
    """Trains a model in place and leaves it with the weights of the epoch that is kept.

    Started by ``torchrun``, the processes share every batch and end with the same weights. They are
    those of one process to float tolerance, unless a step draws random numbers for each sequence
    (dropout, analog errors) or takes statistics of the batch (batch norm, labels that a network in codes
    does not have).

    Args:
        model: Its parameters are those of ``groups``.
        loss: Loss of a batch.
        groups: Parameter groups for AdamW; each ``lr`` is a peak rate.
        parts: Training and validation data; without validation data the last epoch is kept.
        config: Length and rates.
        key: Random key; the result is a function of it.
        augmentation: Changes of the training features.
        after_step: Called after each optimizer step.
        checkpoint: File to resume from and to keep the state in; removed by nobody here.
        log: File of the training log, JSON lines.
        progress: Told after each epoch.
        seconds_between: How often the checkpoint is kept within an epoch.

    Raises:
        TrainingError: A batch, parameter, loss or gradient is not finite; names step and layer.
        FileFormatError: The checkpoint is damaged or belongs to another run.
    """
    join()
    state = State(model, torch.optim.AdamW(groups))
    peaks = [float(g["lr"]) for g in state.optimizer.param_groups]
    belongs_to = identity(config, key, parts, augmentation)
    keeper = Keeper(checkpoint, log, belongs_to, seconds_between)
    keeper.begin(state)
    whole = parallel(_Objective(model, loss))
    course = _Course(loss, whole, parts, config, peaks, key, augmentation, after_step)
    while state.place.epoch < config.epochs and not _enough(state, config.patience):
        record = _epoch(state, course, keeper)
        state.history.append(record)
        state.place = Place(epoch=record["epoch"])
        _choose(state, record, config.keep)
        keeper.end_of_epoch(state)
        if leads():
            progress(state.place.epoch, config.epochs, _told(record))
    model.load_state_dict(state.best)
    return Fitted(state.best_epoch, state.history)


class _Objective(nn.Module):
    """A loss as a module with the model's parameters, as PyTorch's data parallel wants it."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(
        self, features: Tensor, lengths: Tensor, labels: Tensor, key: Key
    ) -> tuple[Tensor, Tensor]:
        """Mean loss and logits."""
        return self.loss(features, lengths, labels, key)


@dataclass(frozen=True)
class _Course:
    """What stays the same in all epochs."""

    loss: Loss
    whole: nn.Module
    parts: tuple[SequenceDataset, SequenceDataset]
    config: TrainingConfig
    peaks: list[float]
    key: Key
    augmentation: AugmentationConfig | None
    after_step: Callable[[], None]

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.parts[0]) // self.config.batch_size)


def _enough(state: State, patience: int | None) -> bool:
    return patience is not None and state.place.epoch - state.best_epoch >= patience


def _choose(state: State, record: Record, keep: str) -> None:
    """Keeps the weights of an epoch that is the best so far; of the last without validation."""
    validated = record["validation_loss"] if keep == "best" else None
    if validated is None or validated < state.best_loss:
        state.best_loss = 0.0 if validated is None else validated
        state.best_epoch = record["epoch"]
        state.best = {n: v.detach().clone() for n, v in state.model.state_dict().items()}


def _told(record: Record) -> str:
    validated = record["validation_loss"]
    told = "none" if validated is None else f"{validated:.3f}"
    return f"loss {record['train_loss']:.3f}, validation {told}"


def _epoch(state: State, course: _Course, keeper: Keeper) -> Record:
    """Trains to the end of the running epoch, validates, and says how it went."""
    place, data = state.place, course.parts[0]
    began = time.perf_counter() - place.seconds
    generator = course.key.child("epoch", place.epoch).numpy()
    order = generator.permutation(len(data))
    if place.generator is not None:
        generator.bit_generator.state = place.generator
    state.model.train()
    size = course.config.batch_size
    for number in range(place.batch, course.steps):
        chosen = np.sort(order[number * size : (number + 1) * size])
        loss, norm = _step(state, course, _batch(course, chosen, generator, place))
        place.batch = number + 1
        place.loss += loss * len(chosen)
        place.gradient_norm += norm
        place.seconds = time.perf_counter() - began
        keeper.within_epoch(state, generator)
    validated, accuracy = _validate(state, course)
    return {
        "epoch": place.epoch + 1,
        "step": (place.epoch + 1) * course.steps,
        "learning_rates": [group["lr"] for group in state.optimizer.param_groups],
        "train_loss": place.loss / len(data),
        "validation_loss": validated,
        "validation_accuracy": accuracy,
        "gradient_norm": place.gradient_norm / course.steps,
        "seconds": time.perf_counter() - began,
    }


def _where(place: Place) -> str:
    return f"epoch {place.epoch + 1}, step {place.batch + 1}"


def _batch(
    course: _Course,
    chosen: Int64[np.ndarray, " batch"],
    generator: np.random.Generator,
    place: Place,
) -> Batch:
    """The whole batch, the same in all processes."""
    data = course.parts[0]
    features, lengths = data.features[chosen], data.lengths[chosen]
    if course.augmentation is not None:
        features, lengths = augment(features, lengths, generator, course.augmentation)
    require_finite_batch(features, lambda: [data.names[n] for n in chosen], _where(place))
    return features, lengths, data.labels[chosen]


def _step(state: State, course: _Course, batch: Batch) -> tuple[float, float]:
    """One step of the optimizer; gives the batch's loss and its gradient's norm before clipping."""
    model, optimizer, where = state.model, state.optimizer, _where(state.place)
    require_finite_parameters(model, where)
    _set_rates(state, course)
    mine, weight = share(len(batch[0]))
    key = own_key(course.key.child("step", state.place.epoch, state.place.batch))
    inputs = _tensors(*(part[mine] for part in batch))
    value, _ = course.whole(*inputs, key)
    loss = total(value.item() * weight)[0] / count()
    if not math.isfinite(loss):
        words = first_bad_output(model, partial(course.loss, *inputs, key))
        raise loss_fault(loss, where, words)
    optimizer.zero_grad()
    (value * weight).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    require_finite_gradient(model, norm.item(), where)
    if course.config.gradient_clip is not None:
        nn.utils.clip_grads_with_norm_(model.parameters(), course.config.gradient_clip, norm)
    optimizer.step()
    course.after_step()
    return loss, norm.item()


def _set_rates(state: State, course: _Course) -> None:
    steps, place = course.steps, state.place
    progress = (place.epoch * steps + place.batch + 0.5) / (course.config.epochs * steps)
    factor = _rate(progress, course.config.warm_up)
    for group, peak in zip(state.optimizer.param_groups, course.peaks, strict=True):
        group["lr"] = peak * factor


def _rate(progress: float, warm_up: float) -> float:
    """Share of the peak rate: a line up to 1, then half a cosine down to 0."""
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def _tensors(features: Any, lengths: Any, labels: Any) -> tuple[Tensor, Tensor, Tensor]:
    inputs = np.ascontiguousarray(features[:, : lengths.max()])
    return torch.from_numpy(inputs), torch.from_numpy(lengths), torch.from_numpy(labels)


def _validate(state: State, course: _Course) -> tuple[float | None, float | None]:
    """Mean loss and accuracy on the validation data; processes take whole batches in turn."""
    data, size = course.parts[1], course.config.batch_size
    where = f"the validation of epoch {state.place.epoch + 1}"
    require_finite_parameters(state.model, where)
    agree_on_buffers(state.model)
    if not len(data):
        return None, None
    state.model.eval()
    loss, right, words = 0.0, 0.0, ""
    for start in range(rank() * size, len(data), count() * size):
        chosen = np.arange(start, min(start + size, len(data)))
        inputs = _tensors(data.features[chosen], data.lengths[chosen], data.labels[chosen])
        key = course.key.child("validation", start)
        with torch.no_grad():
            value, logits = course.loss(*inputs, key)
        if not words and not math.isfinite(value.item()):
            words = first_bad_output(state.model, partial(course.loss, *inputs, key))
        loss += value.item() * len(chosen)
        right += float((logits.argmax(1) == inputs[2]).sum())
    sums = total(loss, right)
    if not math.isfinite(sums[0]):
        raise loss_fault(sums[0] / len(data), where, words)
    return sums[0] / len(data), sums[1] / len(data)
