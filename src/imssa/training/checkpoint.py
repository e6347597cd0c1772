"""Checkpoints: everything that a resumed training needs to end as if it had never stopped."""

import io
import json
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from imssa.data import AugmentationConfig, SequenceDataset
from imssa.errors import FileFormatError
from imssa.kernels.random import Key
from imssa.program.files import canonical_json, digest, write_atomically
from imssa.training.config import TrainingConfig
from imssa.training.distributed import from_leader, leads
from imssa.training.log import Record, write_log

DIGEST_BYTES: Final = 64
SECONDS_BETWEEN: Final = 60.0
"""Within an epoch; at its end the state is kept in any case."""


@dataclass
class Place:
    """Where in the data a training stands.

    Attributes:
        epoch: Finished epochs.
        batch: Finished batches of the running epoch.
        loss: Sum of the losses of its sequences so far.
        gradient_norm: Sum of its gradients' norms so far.
        seconds: What it has taken so far.
        generator: State of its generator, drawn from by augmentation; None: not drawn from yet.
    """

    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    gradient_norm: float = 0.0
    seconds: float = 0.0
    generator: dict[str, Any] | None = None


@dataclass
class State:
    """Everything that changes while a network is trained.

    All other random numbers are functions of the training's key and of the place in the data.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    place: Place = field(default_factory=Place)
    best_loss: float = math.inf
    best_epoch: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[Record] = field(default_factory=list)


def identity(
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
            *(digest(_bytes(x)) for x in (part.features, part.lengths, part.labels)),
        ]
        for part in parts
    ]
    text = canonical_json([config.model_dump(mode="json"), key.value, changes, data])
    return digest(text.encode())


def _bytes(array: np.ndarray) -> memoryview:
    """An array's bytes, without a copy where it is in C order."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class Keeper:
    """Keeps a training's state and log in files; only the first of several processes writes.

    Args:
        checkpoint: The file of the state; None: not kept.
        log: The file of the log; None: none.
        belongs_to: Identity of the training.
        seconds: How often within an epoch.
    """

    def __init__(
        self,
        checkpoint: Path | None,
        log: Path | None,
        belongs_to: str,
        seconds: float = SECONDS_BETWEEN,
    ) -> None:
        self._checkpoint, self._log, self._identity = checkpoint, log, belongs_to
        self._seconds, self._last = seconds, time.monotonic()

    def begin(self, state: State) -> None:
        """Takes up what an earlier process kept, and brings the log to that epoch.

        Raises:
            FileFormatError: The checkpoint is damaged, cannot be read, or belongs to another run.
        """
        path = self._checkpoint
        if path is not None:
            data = from_leader(lambda: _read(path))
            if data is not None:
                _restore(state, data, path, self._identity)
        self._write_log(state)

    def end_of_epoch(self, state: State) -> None:
        """Keeps the state, then brings the log to it."""
        self._keep(state)
        self._write_log(state)

    def within_epoch(self, state: State, generator: np.random.Generator) -> None:
        """Keeps the state when that is due."""
        if self._checkpoint is None or time.monotonic() - self._last < self._seconds:
            return
        state.place.generator = _plain(generator.bit_generator.state)
        self._keep(state)

    def _write_log(self, state: State) -> None:
        if self._log is not None and leads():
            write_log(self._log, state.history)

    def _keep(self, state: State) -> None:
        self._last = time.monotonic()
        if self._checkpoint is None or not leads():
            return
        numbers = [asdict(state.place), state.best_loss, state.best_epoch, state.history]
        kept = {
            "identity": self._identity,
            "model": state.model.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "best": state.best,
            "numbers": json.dumps(numbers),
        }
        buffer = io.BytesIO()
        torch.save(kept, buffer)
        content = buffer.getvalue()
        write_atomically(self._checkpoint, digest(content).encode() + content)


def _plain(value: Any) -> Any:
    """A generator's state as JSON can hold it."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _read(path: Path) -> bytes | None:
    """A checkpoint as large as the network makes it; None: there is none yet."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileFormatError(
            given=str(path),
            rule=f"the checkpoint cannot be read ({error.strerror or error})",
            remedy="Make it a file that you may read, or remove it to train from the start.",
        ) from error


def _restore(state: State, data: bytes, path: Path, belongs_to: str) -> None:
    try:
        stated, content = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if digest(content).encode() != stated:
            raise ValueError("checksum")  # noqa: EM101, TRY301
        kept = torch.load(io.BytesIO(content), weights_only=True)
        same = kept["identity"] == belongs_to
        if same:
            state.model.load_state_dict(kept["model"])
            state.optimizer.load_state_dict(kept["optimizer"])
            state.best = kept["best"]
            place, state.best_loss, state.best_epoch, state.history = json.loads(kept["numbers"])
            state.place = Place(**place)
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
