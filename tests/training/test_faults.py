"""Numbers that are none stop a training, which says in which step and layer."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imssa.data import SequenceDataset
from imssa.errors import TrainingError
from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier, parameter_groups
from imssa.training import TrainingConfig, fit, float_loss, quantized_groups, taught_loss
from tests.reference.networks import Sketch, prepared_network
from tests.training.samples import CONFIG, KEY, PARTS, Model, dataset, loss_of, same, trained

NAN = float("nan")


def at_step(number: int, act: Callable[[], object]) -> Callable[[], None]:
    """What is to follow each step: acts after the ``number``-th one."""
    steps = 0

    def after_step() -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            act()

    return after_step


@pytest.mark.parametrize("bad", [NAN, float("inf")])
def test_a_loss_that_is_no_number_stops_training(bad: float) -> None:
    model = Model()
    inner, calls = loss_of(model), 0

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        nonlocal calls
        calls += 1
        value, logits = inner(*arguments)
        return value * (bad if calls == 8 else 1.0), logits

    words = f"a loss of {bad} at epoch 2, step 2 (all outputs of layers are finite): "
    with pytest.raises(TrainingError, match=re.escape(words)):
        trained(loss, model=model)


def test_the_first_layer_with_a_bad_output_is_named() -> None:
    """Every later output is bad, too, that of the whole network last."""
    model, calls = Model(), 0

    def poisoned(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return output * NAN if calls >= 8 else output

    model.norm.register_forward_hook(poisoned)
    with pytest.raises(TrainingError, match=r"epoch 2, step 2 \(first in the output of norm\)"):
        trained(loss_of(model), model=model)


@pytest.mark.parametrize("bad", [NAN, float("-inf")])
def test_a_poisoned_parameter_is_named(bad: float) -> None:
    model = Model()
    with torch.no_grad():
        model.map.weight[0, 0] = bad
    with pytest.raises(TrainingError, match=r"parameters map\.weight before epoch 1, step 1: they"):
        trained(model=model)


def test_a_poisoned_gradient_is_named() -> None:
    """The square root of zero is finite, its slope is not."""
    model = Model()
    inner = loss_of(model)

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        value, logits = inner(*arguments)
        return value + (model.map.bias * 0.0).sqrt().sum(), logits

    before = model.map.weight.clone()
    words = r"a gradient of nan at epoch 1, step 1 \(parameters map\.bias\): training needs finite"
    with pytest.raises(TrainingError, match=words):
        trained(loss, model=model)
    assert torch.equal(model.map.weight, before), "no step along such a gradient"


def test_a_gradient_whose_norm_is_too_large_for_its_type_is_named() -> None:
    """1e30 squared is beyond float32; no entry is."""
    model = Model()
    inner = loss_of(model)

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        value, logits = inner(*arguments)
        return value + (model.norm.bias * 1e30).sum(), logits

    with pytest.raises(TrainingError, match=r"a gradient of inf .* \(parameters norm\.bias\)"):
        trained(loss, model=model)


def poisoned_dataset() -> SequenceDataset:
    """A data set whose sequence "r3" goes bad after it was checked."""
    data = dataset(30, 1)
    data.features.setflags(write=True)
    data.features[3, 1, 2] = np.inf
    return data


def test_a_poisoned_batch_is_named_with_its_sequence(tmp_path: Path) -> None:
    order = np.array(KEY.child("epoch", 0).numpy().permutation(30))
    step = 1 + int(np.flatnonzero(order == 3)[0]) // CONFIG.batch_size
    words = rf"the batch of epoch 1, step {step} \(sequences r3\): it holds values that are not"
    with pytest.raises(TrainingError, match=words):
        trained(parts=(poisoned_dataset(), PARTS[1]), checkpoint=tmp_path / "c")


def test_many_poisoned_sequences_are_counted() -> None:
    data = dataset(30, 1)
    data.features.setflags(write=True)
    data.features[:, 0, 0] = np.nan
    with pytest.raises(TrainingError, match=r"\(sequences r\d+, r\d+, r\d+ and 5 more\)"):
        trained(parts=(data, PARTS[1]))


def test_a_bad_validation_stops_training() -> None:
    model = Model()
    inner = loss_of(model)

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        value, logits = inner(*arguments)
        return value if model.training else value * NAN, logits

    with pytest.raises(TrainingError, match=r"a loss of nan at the validation of epoch 1 \(all"):
        trained(loss, model=model)


@pytest.mark.parametrize("validation", [PARTS[1], PARTS[1].subset([])])
def test_weights_that_went_bad_in_an_epochs_last_step_are_not_kept(
    validation: SequenceDataset, tmp_path: Path
) -> None:
    """The checkpoint stays that of the last good epoch, and leads on to the undisturbed end."""
    parts = (PARTS[0], validation)
    expected, course = trained(parts=parts)
    model, path = Model(), tmp_path / "c"
    poison = at_step(3 * 4, lambda: model.map.bias.data.fill_(NAN))
    with pytest.raises(TrainingError, match=r"map\.bias before the validation of epoch 3"):
        trained(model=model, parts=parts, after_step=poison, checkpoint=path)
    weights, result = trained(parts=parts, checkpoint=path)
    assert same(weights, expected)
    assert result == course


def sequences() -> tuple[SequenceDataset, SequenceDataset]:
    """Three features, as the networks below want them."""
    return dataset(16, 1), dataset(8, 2, "v")


def test_a_poisoned_layer_of_the_float_network_is_named() -> None:
    config = ModelConfig(n_features=3, n_classes=2, d_model=3, n_layers=2)
    model = S4DClassifier(config, torch.Generator().manual_seed(1))
    poison = at_step(3, lambda: model.blocks[1].s4d.C.data.fill_(NAN))
    groups = parameter_groups(model, 1e-2, 1e-3, 1e-2)
    settings = TrainingConfig(epochs=3, batch_size=8)
    words = r"parameters blocks\.1\.s4d\.C before epoch 2, step 2"
    with pytest.raises(TrainingError, match=words):
        fit(model, float_loss(model), groups, sequences(), settings, key=KEY, after_step=poison)


def test_a_poisoned_layer_of_the_network_in_codes_is_named() -> None:
    """There a weight that is no number may round to some code, and no loss would show it."""
    prepared = prepared_network(3, Sketch(layers=2))
    config = ModelConfig(n_features=4, n_classes=3, d_model=3)
    teacher = S4DClassifier(config, Key.root(1).torch())
    settings = TrainingConfig(epochs=3, batch_size=8)
    wide = tuple(
        SequenceDataset(
            **{**vars(part), "features": np.concatenate([part.features, part.features[..., :1]], 2)}
        )
        for part in sequences()
    )
    poison = at_step(2, lambda: prepared.blocks[1].kernels.A.data.fill_(NAN))
    with pytest.raises(TrainingError, match=r"parameters blocks\.1\.kernels\.A before the valida"):
        fit(
            prepared,
            taught_loss(prepared, teacher, settings),
            quantized_groups(prepared, settings),
            (wide[0], wide[1]),
            settings,
            key=KEY,
            after_step=poison,
        )
