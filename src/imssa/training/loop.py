"""The training loop: seeded, resumable at each epoch, the best epoch chosen on validation data."""

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imssa.data import AugmentationConfig, SequenceDataset, augment
from imssa.errors import FileFormatError, TrainingError
from imssa.kernels.random import Key
from imssa.program.files import canonical_json, digest, write_atomically
from imssa.training.config import TrainingConfig

Loss = Callable[[Tensor, Tensor, Tensor, Key], Tensor]
"""Loss of (features, lengths, labels) with a key for whatever is random."""

Progress = Callable[[int, int, str], None]
"""Called with epochs done, epochs in all, and a line of text."""


DIGEST_BYTES = 64


@dataclass
class Fitted:
    """What training leaves.

    Attributes:
        best_epoch: Epoch of the weights that were kept, from 1.
        history: One record an epoch: training and validation loss.
    """

    best_epoch: int
    history: list[dict[str, float | int]] = field(default_factory=list)


@dataclass
class _State:
    """Everything that a resumed run needs."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float | int]] = field(default_factory=list)


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
    progress: Progress = lambda _done, _all, _text: None,
) -> Fitted:
    """Trains a model in place and leaves it with the weights of its best epoch.

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
        progress: Told after each epoch.

    Raises:
        TrainingError: The loss is not a number.
        FileFormatError: The checkpoint is damaged or belongs to another run.
    """
    state = _State(model, torch.optim.AdamW(groups))
    peaks = [float(g["lr"]) for g in state.optimizer.param_groups]
    identity = _identity(config, key, parts, augmentation)
    if checkpoint is not None and checkpoint.exists():
        _restore(state, checkpoint, identity)
    course = _Course(loss, config, peaks, key, augmentation, after_step)
    for epoch in range(state.epoch, config.epochs):
        trained = _epoch(state, course, parts[0], epoch)
        validated = _validate(model, loss, parts[1], config.batch_size, key)
        if not math.isfinite(validated):
            _refuse(model, f"the validation of epoch {epoch + 1}")
        state.history.append(
            {"epoch": epoch + 1, "train_loss": trained, "validation_loss": validated}
        )
        state.epoch = epoch + 1
        if not len(parts[1]) or validated < state.best_loss:
            state.best_loss, state.best_epoch = validated, state.epoch
            state.best = {n: v.detach().clone() for n, v in model.state_dict().items()}
        if checkpoint is not None:
            _keep(state, checkpoint, identity)
        progress(state.epoch, config.epochs, f"loss {trained:.3f}, validation {validated:.3f}")
    model.load_state_dict(state.best)
    return Fitted(state.best_epoch, state.history)


@dataclass(frozen=True)
class _Course:
    """What stays the same in all epochs."""

    loss: Loss
    config: TrainingConfig
    peaks: list[float]
    key: Key
    augmentation: AugmentationConfig | None
    after_step: Callable[[], None]


def _epoch(state: _State, course: _Course, data: SequenceDataset, epoch: int) -> float:
    config, key = course.config, course.key
    generator = key.child("epoch", epoch).numpy()
    order = generator.permutation(len(data))
    starts = range(0, len(data), config.batch_size)
    state.model.train()
    total = 0.0
    for number, start in enumerate(starts):
        chosen = np.sort(order[start : start + config.batch_size])
        batch = data.features[chosen], data.lengths[chosen]
        if course.augmentation is not None:
            batch = augment(*batch, generator, course.augmentation)
        share = (epoch * len(starts) + number + 0.5) / (config.epochs * len(starts))
        for group, peak in zip(state.optimizer.param_groups, course.peaks, strict=True):
            group["lr"] = peak * _rate(share, config.warm_up)
        step_key = key.child("step", epoch, number)
        value = course.loss(*_tensors(*batch, data.labels[chosen]), step_key)
        if not math.isfinite(value.item()):
            _refuse(state.model, f"epoch {epoch + 1}, step {number + 1}")
        state.optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        if config.gradient_clip is not None:
            nn.utils.clip_grad_norm_(state.model.parameters(), config.gradient_clip)
        state.optimizer.step()
        course.after_step()
        total += value.item() * len(chosen)
    return total / len(data)


def _rate(share: float, warm_up: float) -> float:
    if share < warm_up:
        return share / warm_up
    return 0.5 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up)))


def _tensors(features: Any, lengths: Any, labels: Any) -> tuple[Tensor, Tensor, Tensor]:
    inputs = np.ascontiguousarray(features[:, : lengths.max()])
    return torch.from_numpy(inputs), torch.from_numpy(lengths), torch.from_numpy(labels)


def _validate(
    model: nn.Module, loss: Loss, data: SequenceDataset, batch_size: int, key: Key
) -> float:
    model.eval()
    total = 0.0
    for start in range(0, len(data), batch_size):
        chosen = np.arange(start, min(start + batch_size, len(data)))
        with torch.no_grad():
            batch = _tensors(data.features[chosen], data.lengths[chosen], data.labels[chosen])
            value = loss(*batch, key.child("validation", start))
        total += value.item() * len(chosen)
    return total / max(len(data), 1)


def _refuse(model: nn.Module, place: str) -> None:
    bad = [n for n, p in model.named_parameters() if not bool(torch.isfinite(p).all())]
    where = f"parameters {', '.join(bad)}" if bad else "all parameters still finite"
    raise TrainingError(
        given=f"a loss that is not a number at {place} ({where})",
        rule="training needs finite losses",
        remedy="Lower learning_rate or gradient_clip.",
    )


def _identity(
    config: TrainingConfig,
    key: Key,
    parts: tuple[SequenceDataset, ...],
    augmentation: AugmentationConfig | None,
) -> str:
    """What a checkpoint belongs to: settings, key, augmentation, and the sequences."""
    changes = augmentation and augmentation.model_dump(mode="json")
    data = [
        [
            list(part.names),
            *(digest(x.tobytes()) for x in (part.features, part.lengths, part.labels)),
        ]
        for part in parts
    ]
    text = canonical_json([config.model_dump(mode="json"), key.value, changes, data])
    return digest(text.encode())


def _keep(state: _State, path: Path, identity: str) -> None:
    buffer = io.BytesIO()
    kept = {
        "identity": identity,
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "best": state.best,
        "numbers": json.dumps([state.epoch, state.best_loss, state.best_epoch, state.history]),
    }
    torch.save(kept, buffer)
    content = buffer.getvalue()
    write_atomically(path, digest(content).encode() + content)


def _restore(state: _State, path: Path, identity: str) -> None:
    try:
        data = path.read_bytes()
        stated, content = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if digest(content).encode() != stated:
            raise ValueError("checksum")  # noqa: EM101, TRY301
        kept = torch.load(io.BytesIO(content), weights_only=True)
        same = kept["identity"] == identity
        if same:
            state.model.load_state_dict(kept["model"])
            state.optimizer.load_state_dict(kept["optimizer"])
            state.best = kept["best"]
            numbers = json.loads(kept["numbers"])
            state.epoch, state.best_loss, state.best_epoch, state.history = numbers
    except Exception as error:
        raise FileFormatError(
            given=str(path),
            rule=f"it is no checkpoint of this training ({type(error).__name__})",
            remedy="Remove the file to train from the start.",
        ) from error
    if not same:
        raise FileFormatError(
            given=str(path),
            rule="it belongs to a training with other settings, seed or data",
            remedy="Remove the file to train from the start, or use another folder.",
        )
