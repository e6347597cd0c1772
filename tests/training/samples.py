"""A small training of two classes, for the tests of the loop."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imssa.data import SequenceDataset
from imssa.kernels.random import Key
from imssa.training import Fitted, TrainingConfig, fit
from imssa.training.loop import Loss

CONFIG = TrainingConfig(epochs=5, batch_size=8, learning_rate=0.05, warm_up=0.2)
KEY = Key.root(5)


def dataset(items: int, seed: int, name: str = "r") -> SequenceDataset:
    """Two classes that differ in the mean of a feature; ragged lengths."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, items)
    lengths = rng.integers(3, 9, items)
    features = rng.normal(size=(items, 8, 3)) + labels[:, None, None] * np.array([1.0, 0.0, -0.5])
    real = (np.arange(8) < lengths[:, None])[..., None]
    return SequenceDataset(
        features=(features * real).astype(np.float32),
        lengths=lengths,
        labels=labels,
        names=tuple(f"{name}{n}" for n in range(items)),
        groups=("eve",) * items,
        takes=np.arange(items),
        class_names=("no", "yes"),
    )


PARTS = (dataset(30, 1), dataset(12, 2, "v"))


class Model(nn.Module):
    """Mean over time, batch norm (which has state of its own), a linear map."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.norm = nn.BatchNorm1d(3)
        self.map = nn.Linear(3, 2, device="meta").to_empty(device="cpu")
        for parameter in self.map.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1, generator=generator)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        mean = features.sum(1) / lengths[:, None]
        logits: Tensor = self.map(self.norm(mean))
        return logits


def loss_of(model: Model, noise: float = 0.3) -> Loss:
    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> tuple[Tensor, Tensor]:
        disturbed = features + noise * torch.randn(features.shape, generator=key.torch())
        logits = model(disturbed, lengths)
        return nn.functional.cross_entropy(logits, labels), logits

    return loss


def trained(loss: Any = None, **options: Any) -> tuple[dict[str, Tensor], Fitted]:
    """Weights and course, without its times, of one training from the start."""
    model = options.pop("model", None) or Model()
    arguments: dict[str, Any] = {"parts": PARTS, "config": CONFIG, "key": KEY} | options
    groups = [{"params": list(model.parameters()), "lr": arguments["config"].learning_rate}]
    parts, config = arguments.pop("parts"), arguments.pop("config")
    result = fit(model, loss or loss_of(model), groups, parts, config, **arguments)
    for record in result.history:
        assert record.pop("seconds") >= 0
    return {n: v.clone() for n, v in model.state_dict().items()}, result


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
