"""The loop: a function of its key, resumable exactly, honest about what it refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imssa.data import AugmentationConfig, SequenceDataset
from imssa.errors import FileFormatError, TrainingError
from imssa.kernels.random import Key
from imssa.training import Fitted, TrainingConfig, fit

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


def loss_of(model: Model, noise: float = 0.3) -> Callable[[Tensor, Tensor, Tensor, Key], Tensor]:
    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> Tensor:
        disturbed = features + noise * torch.randn(features.shape, generator=key.torch())
        return nn.functional.cross_entropy(model(disturbed, lengths), labels)

    return loss


def trained(loss: Any = None, **options: Any) -> tuple[dict[str, Tensor], Fitted]:
    """Weights and course of one training from the start."""
    model = options.pop("model", None) or Model()
    arguments: dict[str, Any] = {"parts": PARTS, "config": CONFIG, "key": KEY} | options
    groups = [{"params": list(model.parameters()), "lr": arguments["config"].learning_rate}]
    parts, config = arguments.pop("parts"), arguments.pop("config")
    result = fit(model, loss or loss_of(model), groups, parts, config, **arguments)
    return {n: v.clone() for n, v in model.state_dict().items()}, result


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


def test_training_is_a_function_of_its_key() -> None:
    weights, result = trained()
    again, same_result = trained()
    assert same(weights, again)
    assert result == same_result
    assert not same(weights, trained(key=Key.root(6))[0])


def test_training_learns() -> None:
    _, result = trained(config=CONFIG.model_copy(update={"epochs": 20}))
    losses = [record["train_loss"] for record in result.history]
    assert losses[-1] < 0.9 * losses[0]
    assert [record["epoch"] for record in result.history] == list(range(1, 21))


def test_global_random_state_plays_no_part() -> None:
    torch.rand(7)
    np.random.seed(1)  # noqa: NPY002
    before = torch.random.get_rng_state()
    weights, _ = trained()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    assert same(trained()[0], weights)


AUGMENTATIONS = (None, AugmentationConfig())


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("stop_after", [1, 2, 4, 5])
def test_a_training_stopped_after_an_epoch_resumes_exactly(
    stop_after: int, augmentation: AugmentationConfig | None, tmp_path: Path
) -> None:
    expected, course = trained(augmentation=augmentation)

    def stop(done: int, _all: int, _text: str) -> None:
        if done == stop_after:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path, progress=stop, augmentation=augmentation)
    weights, result = trained(checkpoint=path, augmentation=augmentation)
    assert same(weights, expected)
    assert result == course


@pytest.mark.parametrize("stop_at", [0, 3, 4, 6, 13, 19])
def test_a_training_stopped_inside_an_epoch_resumes_exactly(stop_at: int, tmp_path: Path) -> None:
    """Four steps and two looks at the validation part make an epoch: stopped in either."""
    expected, course = trained()
    model, calls = Model(), 0
    inner = loss_of(model)

    def loss(*arguments: Any) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == stop_at + 1:
            raise KeyboardInterrupt
        return inner(*arguments)

    path = tmp_path / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        trained(loss, model=model, checkpoint=path)
    assert path.exists() == (stop_at >= 6)
    weights, result = trained(checkpoint=path)
    assert same(weights, expected)
    assert result == course


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    expected, course = trained(checkpoint=tmp_path / "c")

    def never(*_: object) -> Tensor:
        raise AssertionError

    weights, result = trained(never, checkpoint=tmp_path / "c")
    assert same(weights, expected)
    assert result == course


def test_an_interrupted_write_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    expected, _ = trained()
    path, fsync, calls = tmp_path / "c", os.fsync, 0

    def interrupted(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        fsync(handle)

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(checkpoint=path)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
    monkeypatch.undo()
    assert same(trained(checkpoint=path)[0], expected)


def test_other_settings_refuse_the_checkpoint(tmp_path: Path) -> None:
    """Settings, key, recordings, their features, augmentation: all belong to a run."""
    path = tmp_path / "c"
    trained(checkpoint=path)
    louder = SequenceDataset(**{**vars(PARTS[0]), "features": PARTS[0].features * np.float32(2.0)})
    foreign: list[dict[str, Any]] = [
        {"config": CONFIG.model_copy(update={"learning_rate": 0.04})},
        {"config": CONFIG.model_copy(update={"epochs": 6})},
        {"key": Key.root(6)},
        {"parts": (PARTS[0], dataset(12, 2, "w"))},
        {"parts": (louder, PARTS[1])},
        {"augmentation": AugmentationConfig()},
    ]
    for options in foreign:
        with pytest.raises(FileFormatError, match="other settings, seed or data"):
            trained(checkpoint=path, **options)


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "flipped", "pickle"])
def test_a_damaged_checkpoint_is_refused(damage: str, tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "c"
    trained(checkpoint=path)
    data = path.read_bytes()
    middle = data.index(b"identity") + 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": data[: len(data) // 2],
            "text": b"no checkpoint",
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "pickle": pickle.dumps(Path),
        }[damage]
    )
    with pytest.raises(FileFormatError, match=r"no checkpoint of this training.*Remove the file"):
        trained(checkpoint=path)


def test_a_flipped_weight_in_a_checkpoint_is_found(tmp_path: Path) -> None:
    path, model = tmp_path / "c", Model()
    trained(checkpoint=path, model=model)
    weights = model.map.weight.detach().numpy().tobytes()
    data = path.read_bytes()
    place = data.index(weights)
    path.write_bytes(data[: place + 2] + bytes([data[place + 2] ^ 8]) + data[place + 3 :])
    with pytest.raises(FileFormatError, match=r"no checkpoint of this training"):
        trained(checkpoint=path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    trained(checkpoint=path)
    other = Model()
    other.map = nn.Linear(3, 2, bias=False)
    with pytest.raises(FileFormatError, match="no checkpoint of this training"):
        trained(checkpoint=path, model=other)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_training(bad: float) -> None:
    model = Model()
    inner, calls = loss_of(model), 0

    def loss(*arguments: Any) -> Tensor:
        nonlocal calls
        calls += 1
        return inner(*arguments) * (bad if calls == 8 else 1.0)

    with pytest.raises(TrainingError, match=r"epoch 2, step 2 \(all parameters still finite\)"):
        trained(loss, model=model)


def test_parameters_that_are_no_numbers_are_named() -> None:
    model = Model()
    with torch.no_grad():
        model.map.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"epoch 1, step 1 \(parameters map\.weight\)"):
        trained(loss_of(model), model=model)


def test_a_validation_loss_that_is_no_number_stops_training() -> None:
    model = Model()
    inner = loss_of(model)

    def loss(*arguments: Any) -> Tensor:
        value = inner(*arguments)
        return value if model.training else value * float("nan")

    with pytest.raises(TrainingError, match="validation"):
        trained(loss, model=model)


def test_the_best_epoch_on_validation_data_is_kept() -> None:
    """Validation losses are dictated: 5, 3, 4, 3, 9. The first of the best is kept."""
    model, dictated = Model(), iter([5.0, 3.0, 4.0, 3.0, 9.0])
    inner, seen = loss_of(model), []

    def loss(*arguments: Any) -> Tensor:
        value = inner(*arguments)
        if not model.training:
            seen.append({n: v.clone() for n, v in model.state_dict().items()})
            return value * 0 + next(dictated)
        return value

    weights, result = trained(
        loss, model=model, config=CONFIG.model_copy(update={"batch_size": 30})
    )
    assert [record["validation_loss"] for record in result.history] == [5, 3, 4, 3, 9]
    assert result.best_epoch == 2
    assert same(weights, seen[1])


def test_without_validation_data_the_last_epoch_is_kept() -> None:
    model = Model()
    weights, result = trained(model=model, parts=(PARTS[0], PARTS[1].subset([])))
    assert result.best_epoch == CONFIG.epochs
    assert same(weights, dict(model.state_dict()))


def test_the_mean_validation_loss_counts_each_recording_once() -> None:
    """Batches of 8 and 4: a mean over recordings, not over batches."""
    model = Model()

    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> Tensor:
        del lengths, labels, key
        anchor = sum(p.sum() for p in model.parameters()) * 0.0
        return torch.as_tensor(anchor) + float(len(features))

    _, result = trained(loss, model=model)
    assert result.history[0]["validation_loss"] == (8 * 8 + 4 * 4) / 12


def test_rates_rise_and_fall() -> None:
    """Linear over the first fifth of the steps, then a cosine to zero; each group its own peak."""
    model, rates = Model(), []
    optimizers: list[torch.optim.Optimizer] = []
    original = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *arguments: Any) -> Any:
        optimizers.append(self)
        rates.append([group["lr"] for group in self.param_groups])
        return original(self, *arguments)

    groups = [
        {"params": list(model.map.parameters()), "lr": 1.0},
        {"params": list(model.norm.parameters()), "lr": 0.1},
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        fit(model, loss_of(model), groups, PARTS, CONFIG, key=KEY)
    share = (np.arange(20) + 0.5) / 20
    rise = share / 0.2
    fall = 0.5 * (1 + np.cos(np.pi * (share - 0.2) / 0.8))
    expected = np.where(share < 0.2, rise, fall)
    found = np.array(rates)
    assert found[:, 0] == pytest.approx(expected)
    assert found[:, 1] == pytest.approx(0.1 * expected)


def test_what_follows_each_step_is_called() -> None:
    calls = []
    told = []
    trained(
        after_step=lambda: calls.append(1),
        progress=lambda done, total, text: told.append((done, total, text)),
    )
    assert len(calls) == 4 * CONFIG.epochs
    assert [t[:2] for t in told] == [(n, 5) for n in range(1, 6)]
    assert all("validation" in t[2] for t in told)


def test_gradients_are_clipped() -> None:
    """A huge loss moves parameters no more than its clipped gradient does."""
    model = Model()
    inner = loss_of(model)
    norms = []
    original = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *arguments: Any) -> Any:
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.stack([g.norm() for g in grads]).norm()))
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        trained(lambda *arguments: inner(*arguments) * 1e6, model=model)
    assert max(norms) <= 1.0 + 1e-5
    assert min(norms) > 0.99
