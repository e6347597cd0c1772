import pytest
import torch
from pydantic import ValidationError

from imssa.errors import ShapeError, TrainingError
from imssa.models import ModelConfig, S4DClassifier, parameter_groups, scan

SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"output": "current", "activation": "relu", "n_layers": 2},
    {"normalization": "batch", "discretization": "bilinear", "initialization": "legs"},
    {"activation": "identity", "initialization": "real", "dropout": 0.3, "normalization": "batch"},
)


def build(changes: dict[str, object] | None = None, seed: int = 1) -> S4DClassifier:
    values = {"n_features": 3, "n_classes": 5, "d_model": 6, "d_state": 4} | (changes or {})
    config = ModelConfig.model_validate(values)
    return S4DClassifier(config, torch.Generator().manual_seed(seed))


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    features = torch.randn(4, 20, 3, generator=torch.Generator().manual_seed(2))
    return features, torch.tensor([20, 1, 13, 7])


@pytest.mark.parametrize("settings", SETTINGS)
def test_forward_is_the_plain_formula(settings: dict[str, object]) -> None:
    model = build(settings).double().eval()
    features, lengths = batch()
    for item, length in enumerate(lengths.tolist()):
        x = model.encoder(features[item : item + 1, :length].double())
        for block in model.blocks:
            system = block.s4d.discrete()
            y = block.mixing(block.activation(scan(system, x, model.config.output)))
            x = x + (y if block.norm is None else block.norm(y.mT).mT)
        expected = model.decoder(x.mean(1))[0]
        logits = model(features.double(), lengths)[item]
        assert torch.allclose(logits, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(settings: dict[str, object], training: bool) -> None:
    features, lengths = batch()
    longer = torch.nn.functional.pad(features, (0, 0, 0, 9), value=float("nan"))
    for item, length in enumerate(lengths.tolist()):
        longer[item, length:] = torch.nan
    models = [build(settings | {"dropout": 0}).double().train(training) for _ in range(2)]
    plain = models[0](features.double(), lengths)
    padded = models[1](longer.double(), lengths)
    assert torch.allclose(plain, padded, rtol=0, atol=1e-12)
    for one, two in zip(models[0].buffers(), models[1].buffers(), strict=True):
        assert torch.allclose(one, two, rtol=0, atol=1e-12)
    plain.sum().backward()
    padded.sum().backward()
    for one, two in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert (one.grad is None) == (two.grad is None)
        if one.grad is not None and two.grad is not None:
            assert torch.allclose(one.grad, two.grad, rtol=0, atol=1e-10)


def test_randomness_comes_from_generators_alone() -> None:
    before = torch.get_rng_state()
    features, lengths = batch()
    outputs = [
        build({"dropout": 0.5})(features, lengths, torch.Generator().manual_seed(seed))
        for seed in (3, 3, 4)
    ]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert not torch.equal(build(seed=1).encoder.weight, build(seed=2).encoder.weight)


def test_dropout_keeps_the_mean_and_needs_a_generator() -> None:
    model = build({"dropout": 0.25})
    features, lengths = batch()
    with pytest.raises(TrainingError, match=r"dropout = 0.25 without a generator.*model.eval"):
        model(features, lengths)
    generator = torch.Generator().manual_seed(5)
    count = 1000
    with torch.no_grad():
        draws = torch.stack([model(features, lengths, generator) for _ in range(count)])
        deviation = (draws.mean(0) - model.eval()(features, lengths)).abs()
    assert bool((deviation < 5 * draws.std(0) / count**0.5).all())


def test_state_spaces_learn_at_their_own_rate_without_decay() -> None:
    model = build({"n_layers": 2})
    model.blocks[0].s4d.B.requires_grad_()
    others, state_space = parameter_groups(model, 1e-2, 1e-3, 0.05)
    names = {id(p): name for name, p in model.named_parameters()}
    assert {names[id(p)].rsplit(".", 1)[-1] for p in state_space["params"]} == {
        "log_dt",
        "log_A_real",
        "A_imag",
        "B",
    }
    assert (state_space["lr"], state_space["weight_decay"]) == (1e-3, 0.0)
    assert (others["lr"], others["weight_decay"]) == (1e-2, 0.05)
    trained = {id(p) for p in model.parameters() if p.requires_grad}
    assert {id(p) for group in (others, state_space) for p in group["params"]} == trained
    assert len(others["params"]) + len(state_space["params"]) == len(trained)
    torch.optim.AdamW([others, state_space])


def test_a_few_steps_of_training_lower_the_loss() -> None:
    model = build({"normalization": "batch"})
    features, lengths = batch()
    labels = torch.tensor([0, 1, 2, 3])
    optimizer = torch.optim.AdamW(parameter_groups(model, 1e-2, 1e-3, 0.0))
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(model(features, lengths), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalization": "layer"}, 'cannot be folded into the weights.*Set "batch" or "none"'),
        ({"d_state": 5}, "two real states, so d_state must be even. Set 6"),
        ({"dt_min": 0.2}, "smallest step must not exceed the largest. Swap"),
        ({"dropuot": 0.1}, "Extra inputs are not permitted"),
        ({"activation": "tanh"}, "'gelu', 'relu' or 'identity'"),
        ({"dropout": 1.0}, "less than 1"),
    ],
)
def test_configurations_that_cannot_work_are_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        build(changes)


def test_all_violations_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        build({"d_state": 5, "normalization": "layer", "n_layers": 0})
    assert caught.value.error_count() == 3


def test_configuration_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        build().config.d_model = 3


def test_batches_that_cannot_be_used_are_refused() -> None:
    model = build()
    features, lengths = batch()
    for wrong in (features[..., :2], features[0], features[:, :0]):
        with pytest.raises(ShapeError, match=r"takes \(batch, length, 3\), none of them empty"):
            model(wrong, lengths)
    for wrong in (lengths[:3], lengths.float(), lengths[None]):
        with pytest.raises(ShapeError, match="one int64 length for each of the 4 sequences"):
            model(features, wrong)
    for length in (0, 21):
        with pytest.raises(ShapeError, match="at least 1 and at most the 20 frames"):
            model(features, torch.tensor([5, length, 5, 5]))
    features[2, 4, 1] = torch.inf
    with pytest.raises(ShapeError, match=r"features\[2, 4, 1\] = inf: features are finite"):
        model(features, lengths)
