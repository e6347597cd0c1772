"""The loop: a function of its key, that learns, chooses, and keeps to its schedule."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from imssa.kernels.random import Key
from imssa.training import Fitted, TrainingConfig, fit
from tests.training.samples import CONFIG, KEY, PARTS, Model, loss_of, same, trained


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


def test_the_best_epoch_on_validation_data_is_kept() -> None:
    """Validation losses are dictated: 5, 3, 4, 3, 9. The first of the best is kept."""
    model, dictated = Model(), iter([5.0, 3.0, 4.0, 3.0, 9.0])
    inner, seen = loss_of(model), []

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        value, logits = inner(*arguments)
        if not model.training:
            seen.append({n: v.clone() for n, v in model.state_dict().items()})
            value = value * 0 + next(dictated)
        return value, logits

    weights, result = trained(
        loss, model=model, config=CONFIG.model_copy(update={"batch_size": 30})
    )
    assert [record["validation_loss"] for record in result.history] == [5, 3, 4, 3, 9]
    assert result.best_epoch == 2
    assert same(weights, seen[1])


def test_the_last_epoch_is_kept_where_that_is_asked() -> None:
    model = Model()
    weights, result = trained(model=model, config=CONFIG.model_copy(update={"keep": "last"}))
    assert all(record["validation_loss"] is not None for record in result.history)
    assert result.best_epoch == CONFIG.epochs
    assert same(weights, dict(model.state_dict()))
    with pytest.raises(ValidationError, match="leave one of them out"):
        TrainingConfig(keep="last", patience=3)


def test_without_validation_data_the_last_epoch_is_kept() -> None:
    model = Model()
    weights, result = trained(model=model, parts=(PARTS[0], PARTS[1].subset([])))
    assert {record["validation_loss"] for record in result.history} == {None}
    assert result.best_epoch == CONFIG.epochs
    assert same(weights, dict(model.state_dict()))


def test_the_mean_validation_loss_counts_each_recording_once() -> None:
    """Batches of 8 and 4: a mean over recordings, not over batches."""
    model = Model()

    def loss(features: Tensor, lengths: Tensor, labels: Tensor, key: Key) -> tuple[Tensor, Tensor]:
        del lengths, key
        anchor = sum(p.sum() for p in model.parameters()) * 0.0
        logits = nn.functional.one_hot(1 - labels if len(features) == 4 else labels, 2)
        return torch.as_tensor(anchor) + float(len(features)), logits

    _, result = trained(loss, model=model)
    assert result.history[0]["validation_loss"] == (8 * 8 + 4 * 4) / 12
    assert result.history[0]["validation_accuracy"] == 8 / 12


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

    def huge(*arguments: Any) -> tuple[Tensor, Tensor]:
        value, logits = inner(*arguments)
        return value * 1e6, logits

    original = torch.optim.AdamW.step

    def watched(self: torch.optim.AdamW, *arguments: Any) -> Any:
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(float(torch.stack([g.norm() for g in grads]).norm()))
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        trained(huge, model=model)
    assert max(norms) <= 1.0 + 1e-5
    assert min(norms) > 0.99


def test_patience_ends_a_training(tmp_path: Path) -> None:
    """Validation losses are dictated: the second epoch is best, and two more are given a chance."""
    dictated = [5.0, 3.0, 4.0, 3.0, 1.0]
    config = CONFIG.model_copy(update={"batch_size": 30, "patience": 2})

    def run(first: int, path: Path | None) -> tuple[dict[str, Tensor], Fitted]:
        model, left = Model(), iter(dictated[first:])
        inner = loss_of(model)

        def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
            value, logits = inner(*arguments)
            return (value if model.training else value * 0 + next(left)), logits

        return trained(loss, model=model, config=config, checkpoint=path)

    weights, result = run(0, tmp_path / "c")
    assert (result.best_epoch, len(result.history)) == (2, 4)
    again, same_result = run(4, tmp_path / "c")
    assert same(again, weights)
    assert same_result == result


def test_each_epoch_has_a_record() -> None:
    """Step, last rates and mean norm of the gradient before clipping, as the optimizer saw them."""
    model, norms = Model(), []
    original = torch.nn.utils.get_total_norm

    def watched(tensors: Any, *arguments: Any, **options: Any) -> Tensor:
        norm = original(tensors, *arguments, **options)
        norms.append(norm.item())
        return norm

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.utils, "get_total_norm", watched)
        _, result = trained(model=model)
    last = result.history[-1]
    assert [record["step"] for record in result.history] == [4, 8, 12, 16, 20]
    assert last["learning_rates"] == [
        pytest.approx(0.05 * 0.5 * (1 + np.cos(np.pi * (19.5 / 20 - 0.2) / 0.8)))
    ]
    assert len(norms) == 5 * (2 * 4 + 1), "weights and gradient of each step, then weights"
    assert last["gradient_norm"] == pytest.approx(np.mean(norms[-8:-1:2]))
    assert 0 <= last["validation_accuracy"] <= 1
