import numpy as np
import pytest
import torch

from imssa.kernels.random import Key
from imssa.models import ModelConfig, S4DClassifier, parameter_groups
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
    loss, _ = taught_loss(prepared, model, config)(features, lengths, labels, Key.root(0))
    ours, theirs = prepared(features, lengths), model(features, lengths)
    hard = -np.log(plain_softmax(ours)[np.arange(8), labels.numpy()]).mean()
    p, q = plain_softmax(theirs.double() / temperature), plain_softmax(ours / temperature)
    soft = temperature**2 * (p * np.log(p / q)).sum(1).mean()
    assert loss.item() == pytest.approx((1 - weight) * hard + weight * soft, rel=1e-5)


def test_the_teacher_does_not_learn() -> None:
    prepared, model = prepared_network(3, QUIET), teacher()
    features, lengths, labels = batch()
    objective = taught_loss(prepared, model, TrainingConfig())
    loss, _ = objective(features, lengths, labels, Key.root(0))
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for p in model.parameters())
    assert prepared.decoder.latent.grad is not None


def test_the_float_loss_is_cross_entropy() -> None:
    model = teacher()
    features, lengths, labels = batch()
    loss, logits = float_loss(model)(features, lengths, labels, Key.root(0))
    assert torch.equal(logits, model(features, lengths))
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


STATE_SPACE = {"log_dt", "log_A_real", "A_imag", "B"}


@pytest.mark.parametrize("trained_B", [False, True])
def test_the_group_of_each_parameter_of_the_float_network(trained_B: bool) -> None:
    """A, B and dt: the smaller rate and no decay (Gu et al., arXiv 2206.11893). All else: neither."""
    config = ModelConfig(
        n_features=4, n_classes=3, d_model=3, n_layers=2, normalization="batch", dropout=0.1
    )
    model = S4DClassifier(config, torch.Generator().manual_seed(1))
    for layer in model.blocks:
        layer.s4d.B.requires_grad_(trained_B)
    settings = TrainingConfig()
    rates = (settings.learning_rate, settings.state_space_learning_rate, settings.weight_decay)
    assert rates[1] < rates[0]
    found = {}
    names = {id(p): name for name, p in model.named_parameters()}
    for group in parameter_groups(model, *rates):
        for parameter in group["params"]:
            assert id(parameter) in names, "each in one group only"
            found[names.pop(id(parameter))] = (group["lr"], group["weight_decay"])
    slow, fast = (rates[1], 0.0), (rates[0], rates[2])
    kernel = dict.fromkeys(STATE_SPACE - (set() if trained_B else {"B"}), slow)
    kernel |= dict.fromkeys(("C", "D"), fast)
    rest = ("mixing.weight", "mixing.bias", "norm.weight", "norm.bias")
    block = {f"s4d.{n}": g for n, g in kernel.items()} | dict.fromkeys(rest, fast)
    ends = [f"{end}.{kind}" for end in ("encoder", "decoder") for kind in ("weight", "bias")]
    blocks = {f"blocks.{n}.{name}": group for n in (0, 1) for name, group in block.items()}
    assert found == dict.fromkeys(ends, fast) | blocks


def test_the_group_of_each_parameter_in_codes() -> None:
    """Latents are bounded and gains are logarithms: no decay; A, B, k and gains at their rate."""
    prepared = prepared_network(3, QUIET)
    settings = TrainingConfig()
    names = {id(p): name for name, p in prepared.named_parameters()}
    found = {
        names[id(p)]: (group["lr"], group["weight_decay"])
        for group in quantized_groups(prepared, settings)
        for p in group["params"]
    }
    slow, fast = (settings.state_space_learning_rate, 0.0), (settings.learning_rate, 0.0)
    kernels = dict.fromkeys(("A", "B", "k", "log_gain", "log_output_gain"), slow)
    block = {f"kernels.{n}": g for n, g in (kernels | dict.fromkeys(("C", "D"), fast)).items()}
    linear = {"latent": fast, "bias": fast, "log_gain": slow}
    block |= {f"mixing.{n}": g for n, g in linear.items()} | {"log_residual_gain": slow}
    expected = {f"blocks.{n}.{name}": g for n in (0, 1) for name, g in block.items()}
    expected |= {f"{end}.{n}": g for end in ("encoder", "decoder") for n, g in linear.items()}
    assert found == expected | {"log_logit_step": slow}
