"""The stream of a float network against the network itself, SciPy's dlsim, and the clock's end."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import dlsim

from imssa.errors import ImssaError, ShapeError
from imssa.models import ModelConfig, ModelStream, Output, S4DClassifier, real_form

Floats = NDArray[np.float64]
SETTINGS: tuple[dict[str, object], ...] = (
    {},
    {"output": "current", "activation": "relu", "n_layers": 3},
    {"normalization": "batch", "discretization": "bilinear", "initialization": "legs"},
    {"activation": "identity", "dropout": 0.3, "normalization": "batch", "output": "current"},
    {"d_model": 1, "d_state": 2, "n_classes": 2},
    {"d_model": 37, "d_state": 10, "n_layers": 2},
)


def build(changes: dict[str, object] | None = None) -> S4DClassifier:
    """A random network whose batch norms have seen data."""
    values = {"n_features": 3, "n_classes": 5, "d_model": 6, "d_state": 4} | (changes or {})
    generator = torch.Generator().manual_seed(1)
    model = S4DClassifier(ModelConfig.model_validate(values), generator)
    if model.config.normalization == "batch":
        seen = 2 + torch.randn(8, 30, 3, generator=generator)
        model(seen, torch.full((8,), 30), generator)
        for block in model.blocks:
            assert block.norm is not None
            torch.nn.init.uniform_(block.norm.weight, 0.5, 2.0, generator=generator)
            torch.nn.init.uniform_(block.norm.bias, -1.0, 1.0, generator=generator)
    return model.eval()


def random_steps(count: int, features: int = 3) -> Floats:
    return np.random.default_rng(2).normal(size=(count, features))


def logits_after_each(model: S4DClassifier, steps: Floats) -> Floats:
    """The network's own answer to what was heard so far, for each step."""
    model = copy.deepcopy(model).double().eval()
    lengths = torch.arange(1, len(steps) + 1)
    batch = torch.from_numpy(steps).expand(len(steps), *steps.shape)
    with torch.no_grad():
        found: Floats = model(batch, lengths).numpy()
    return found


def assert_close(ours: Floats, expected: Floats) -> None:
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).max() <= 1e-12 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("settings", SETTINGS)
def test_logits_are_those_of_the_network_after_each_step(settings: dict[str, object]) -> None:
    model, steps = build(settings), random_steps(60)
    expected = logits_after_each(model, steps)
    stream, out = ModelStream(model), np.empty_like(expected)
    stream.push(steps[:1], out[:1])
    stream.push(steps[1:23], out[1:23])
    stream.push(steps[23:], out[23:])
    assert_close(out, expected)
    assert_close(stream.logits(), expected[-1])
    stream.restart()
    for k, features in enumerate(steps):
        stream.step(features)
        assert_close(stream.logits(), expected[k])
        assert stream.answer() == expected[k].argmax()
    assert stream.steps == 60


def test_logits_are_those_of_the_network_in_float32() -> None:
    """The network as it is trained, and features as the front end gives them."""
    model, steps = build({"n_layers": 2}), random_steps(200).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(steps)[None], torch.tensor([200]))[0].numpy()
    stream = ModelStream(model)
    stream.push(steps)
    assert np.abs(stream.logits() - expected).max() < 1e-5 * np.abs(expected).max()
    again = ModelStream(model)
    for features in steps:
        again.step(features)
    assert np.array_equal(again.logits(), stream.logits())


def bare_layer(output: Output, discretization: str, features: int) -> S4DClassifier:
    """x + s4d(x): encoder, mixing and decoder pass everything on."""
    model = build(
        {
            "n_features": features,
            "d_model": features,
            "n_classes": features,
            "activation": "identity",
            "output": output,
            "discretization": discretization,
        }
    )
    for layer in (model.encoder, model.blocks[0].mixing, model.decoder):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return model


@pytest.mark.parametrize("discretization", ["zoh", "bilinear"])
@pytest.mark.parametrize("output", ["delayed", "current"])
def test_one_layer_is_scipys_simulation(output: Output, discretization: str) -> None:
    """y_k = C s_{k-1} + D u_k is dlsim's; with C A for C and D + C B for D it is C s_k + D u_k."""
    model, steps = bare_layer(output, discretization, 4), random_steps(300, 4)
    stream, out = ModelStream(model, window=1), np.empty((300, 4))
    stream.push(steps, out)
    system = real_form(model.blocks[0].s4d.discrete(torch.float64))
    for f in range(4):
        A, B, C = (x[f].detach().numpy() for x in (system.A, system.B, system.C))
        D = system.D[f].item()
        if output == "current":
            C, D = C @ A, D + C @ B
        matrices = (A, B[:, None], C[None], np.array([[D]]), 1)
        assert_close(out[:, f] - steps[:, f], dlsim(matrices, steps[:, f])[1][:, 0])


@pytest.mark.parametrize("window", [1, 7, 40])
def test_windows_keep_or_forget_the_states(window: int) -> None:
    """Kept: a window's sum is a difference of sums of all. Forgotten: a sequence of its own."""
    model, steps = build({"n_classes": 6}), random_steps(100)
    torch.nn.init.eye_(model.decoder.weight)
    torch.nn.init.zeros_(model.decoder.bias)
    kept, forgotten = np.empty((100, 6)), np.empty((100, 6))
    ModelStream(model, window=window).push(steps, kept)
    ModelStream(model, window=window, keeps_states=False).push(steps, forgotten)
    sums = logits_after_each(model, steps) * np.arange(1, 101)[:, None]
    for first in range(0, 100, window):
        part = slice(first, min(first + window, 100))
        before = sums[first - 1] if first else np.zeros(6)
        count = np.arange(1, 1 + len(sums[part]))[:, None]
        assert np.abs(kept[part] - (sums[part] - before) / count).max() < 1e-10
        assert_close(forgotten[part], logits_after_each(model, steps[part]))


def test_states_that_die_away_become_zero() -> None:
    """Numbers below 2^-1022 would make each step of a long silence slow."""
    model = build({"dt_min": 0.05})
    torch.nn.init.zeros_(model.encoder.bias)
    stream, silence = ModelStream(model), np.zeros((64, 3))
    states = stream._work[4 * 6 + 5 :]
    assert states.size == 2 * 2 * 6
    stream.push(random_steps(10))
    smallest = 1.0
    for _ in range(1000):
        stream.push(silence)
        smallest = min([smallest, *np.abs(states[states != 0])])
    assert not states.any()
    assert 1e-220 < smallest < 1e-190
    assert np.isfinite(stream.logits()).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers_change_nothing(bad: float) -> None:
    stream, steps = ModelStream(build()), random_steps(9)
    stream.push(steps)
    before, states = stream.logits().copy(), stream._work.copy()
    steps[6, 1] = bad
    with pytest.raises(ShapeError, match=r"step 6 of the 9 given: features are finite"):
        stream.push(steps)
    with pytest.raises(ShapeError, match="step 0 of the 1 given"):
        stream.step(steps[6])
    assert stream.steps == 9
    assert np.array_equal(stream._work[3 * 6 :], states[3 * 6 :])
    assert np.array_equal(stream.logits(), before)


def test_what_does_not_fit_is_refused() -> None:
    model, steps = build(), random_steps(9)
    with pytest.raises(ShapeError, match=r"window = 0: a mean is over at least one step"):
        ModelStream(model, window=0)
    stream = ModelStream(model)
    for ask in (stream.logits, stream.answer):
        with pytest.raises(ShapeError, match="a stream without a step"):
            ask()
    for wrong in (np.ones((2, 4)), np.ones((3, 1))):
        with pytest.raises(ShapeError, match=r"a step takes \(3,\), a block \(steps, 3\)"):
            stream.push(wrong)
        with pytest.raises(ShapeError, match="features of shape"):
            stream.step(wrong[0])
    for out in (np.empty((9, 4)), np.empty((5, 9)).T):
        with pytest.raises(ShapeError, match=r"the logits take \(9, 5\) float64"):
            stream.push(steps, out)
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(ImssaError, match=r"a copy of a stream: .* Make another"):
            duplicate(stream)


def test_training_on_changes_nothing() -> None:
    model, steps = build(), random_steps(30)
    expected, stream = logits_after_each(model, steps)[-1], ModelStream(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.5)
    stream.push(np.asfortranarray(steps))
    assert_close(stream.logits(), expected)
    assert not stream.logits().flags.writeable


@pytest.mark.slow
@pytest.mark.parametrize("keeps_states", [True, False])
def test_two_hundred_thousand_steps_take_no_memory(keeps_states: bool) -> None:
    stream = ModelStream(build(), window=1000, keeps_states=keeps_states)
    block, out = random_steps(1000), np.zeros((1000, 5))
    for _ in range(100):  # the kernels forget within less
        stream.push(block, out)
    stream.step(block[0])
    first = out.copy()
    if not keeps_states:
        stream.restart()
    else:
        stream.push(block[1:])
    tracemalloc.start()
    for _ in range(200):
        stream.push(block, out)
    for features in block[:100]:
        stream.step(features)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stream.steps >= 200_100
    assert np.abs(out - first).max() < 1e-12
    assert kept <= peak < 16_384  # a block takes 24 kB
