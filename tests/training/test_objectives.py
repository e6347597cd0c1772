import numpy as np
import pytest
import torch

from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier
from imssa.quantization.config import TrainingNoise
from imssa.training import TrainingConfig, float_loss, quantized_groups, taught_loss
from tests.reference.networks import Sketch, prepared_network

QUIET = Sketch(noise=TrainingNoise(programming=False, read_noise=False), layers=2)


def teacher() -> S4DClassifier:
    config = ModelConfig(n_features=4, n_classes=3, d_model=3)
    return S4DClassifier(config, torch.Generator().manual_seed(1)).eval()


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(0, 40, (8, 12, 4)).astype(np.float32))
    return features, torch.full((8,), 12), torch.from_numpy(rng.integers(0, 3, 8))


def plain_softmax(logits: torch.Tensor) -> np.ndarray:
    exponentials = np.exp(logits.detach().numpy().astype(float))
    return np.asarray(exponentials / exponentials.sum(1, keepdims=True))


@pytest.mark.parametrize(("weight", "temperature"), [(0.0, 2.0), (1.0, 1.0), (0.3, 4.0)])
def test_the_taught_loss_is_its_formula(weight: float, temperature: float) -> None:
    """(1 - w) CE + w T^2 KL(teacher || student), logits over T (Hinton et al., 1503.02531)."""
    prepared, model = prepared_network(3, QUIET), teacher()
    prepared.log_logit_step.data.fill_(-3.0)
    features, lengths, labels = batch()
    config = TrainingConfig(teacher_weight=weight, temperature=temperature)
    loss = taught_loss(prepared, model, config)(features, lengths, labels, Key.root(0))
    ours, theirs = prepared(features, lengths), model(features, lengths)
    hard = -np.log(plain_softmax(ours)[np.arange(8), labels.numpy()]).mean()
    p, q = plain_softmax(theirs.double() / temperature), plain_softmax(ours / temperature)
    soft = temperature**2 * (p * np.log(p / q)).sum(1).mean()
    assert loss.item() == pytest.approx((1 - weight) * hard + weight * soft, rel=1e-5)


def test_the_teacher_does_not_learn() -> None:
    prepared, model = prepared_network(3, QUIET), teacher()
    features, lengths, labels = batch()
    loss = taught_loss(prepared, model, TrainingConfig())(features, lengths, labels, Key.root(0))
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in model.parameters())
    assert prepared.decoder.latent.grad is not None


def test_the_float_loss_is_cross_entropy() -> None:
    model = teacher()
    features, lengths, labels = batch()
    loss = float_loss(model)(features, lengths, labels, Key.root(0))
    share = plain_softmax(model(features, lengths))[np.arange(8), labels.numpy()]
    assert loss.item() == pytest.approx(-np.log(share).mean(), rel=1e-5)


def test_every_parameter_has_one_group() -> None:
    prepared = prepared_network(3, QUIET)
    config = TrainingConfig(learning_rate=0.5, state_space_learning_rate=0.25)
    fast, slow = quantized_groups(prepared, config)
    assert (fast["lr"], slow["lr"]) == (0.5, 0.25)
    names = {id(p): n for n, p in prepared.named_parameters()}
    fast_names = {names[id(p)] for p in fast["params"]}
    slow_names = {names[id(p)] for p in slow["params"]}
    assert fast_names | slow_names == set(names.values())
    assert not fast_names & slow_names
    assert {"blocks.1.kernels.A", "blocks.0.kernels.k", "encoder.log_gain"} <= slow_names
    assert {"blocks.1.kernels.C", "blocks.0.mixing.latent", "encoder.bias"} <= fast_names
    prepared.decoder.log_gain.requires_grad = False
    frozen = quantized_groups(prepared, config)
    assert all(p.requires_grad for group in frozen for p in group["params"])
