"""From the float network to codes: poles, scales, folding, calibration."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imssa.errors import DesignRuleError
from imssa.mapping.rules import integer_poles, require
from imssa.models import ModelConfig, S4DClassifier
from imssa.quantization.config import QuantizationConfig, Realization, TrainingNoise
from imssa.quantization.convert import convert
from imssa.quantization.prepare import full_scale_of, prepare, realize
from tests.reference.networks import all_bits, chip_with

REALIZATIONS = ("direct", "incremental", "leaky")
CHIP = chip_with(dac_bits=8, adc_bits=10)


def config(realization: Realization, bits: int) -> QuantizationConfig:
    return QuantizationConfig(
        realization=realization,
        bits=all_bits(bits),
        gain_bits=12,
        noise=TrainingNoise(programming=False, read_noise=False),
    )


def poles(seed: int = 0) -> np.ndarray:
    """As S4D-Lin at steps from 1e-3 to 1e-1 has them."""
    rng = np.random.default_rng(seed)
    dt = 10.0 ** rng.uniform(-3, -1, (20, 1))
    return np.exp(dt * (-0.5 + 1j * np.pi * np.arange(4)))


@pytest.mark.parametrize("bits", [2, 3, 5, 8])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_realized_poles_are_stable_and_what_the_parts_say(
    realization: Realization, bits: int
) -> None:
    made = realize(poles(), config(realization, bits), CHIP)
    assert np.abs(made.pole).max() < 1
    largest = 2 ** (bits - 1) - 1
    turn = np.rint(made.A * largest) / largest
    weight = made.gain * (turn[..., 0] + 1j * turn[..., 1])
    base = {"direct": 0.0, "incremental": 1.0, "leaky": 1 - 2.0**-made.k}[realization]
    assert base + weight == pytest.approx(made.pole, abs=1e-9)
    assert np.abs(made.A).max() <= 1


@pytest.mark.parametrize(("realization", "error"), [("direct", 0.01), ("incremental", 0.01)])
def test_fine_weights_hold_the_poles(realization: Realization, error: float) -> None:
    """Eight bits: the pole of `incremental` moves by a share of its distance from one."""
    made = realize(poles(), config(realization, 8), CHIP)
    scale = 1.0 if realization == "direct" else np.abs(poles() - 1)
    assert np.abs((made.pole - poles()) / scale).max() < error


def test_decay_shifts_are_the_nearest_power() -> None:
    pole = np.array([[0.5, 0.75, 0.9, 0.99]], complex)
    made = realize(pole, config("leaky", 8), CHIP.only())
    assert made.k.tolist() == [[1, 2, 3, 7]]


@given(weights=st.lists(st.floats(-2, 2), min_size=3, max_size=3), bits=st.integers(2, 8))
def test_full_scale_is_the_best_of_many(weights: list[float], bits: int) -> None:
    """No scale of a fine grid rounds the weights with much less error."""
    row = np.array([weights])
    largest = 2 ** (bits - 1) - 1

    def error(scale: Any) -> Any:
        codes = np.clip(np.rint(row / scale * largest), -largest, largest)
        return ((codes * scale / largest - row) ** 2).sum(-1)

    best = float(error(full_scale_of(row, bits)[0])[0])
    top = max(np.abs(row).max(), 1e-9)
    others = [float(error(s * top)[0]) for s in (0.3, 0.5, 0.7, 1.0)]
    assert best <= min(others) + 1e-12


def trained_like(normalization: str, output: str, layers: int) -> S4DClassifier:
    model = S4DClassifier(
        ModelConfig(
            n_features=5,
            n_classes=4,
            d_model=8,
            d_state=6,
            n_layers=layers,
            normalization=normalization,  # type: ignore[arg-type]
            output=output,  # type: ignore[arg-type]
            dt_min=0.02,
            dt_max=0.2,
        ),
        torch.Generator().manual_seed(3),
    )
    if normalization == "batch":
        model.train()
        with torch.no_grad():
            for seed in range(30):
                model(*sequences(seed))
            for block in model.blocks:
                assert block.norm is not None
                block.norm.weight.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(1))
                block.norm.bias.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(2))
    return model.eval()


def sequences(seed: int, batch: int = 24, length: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.4, (batch, length, 5)), axis=1)
    lengths = rng.integers(5, length + 1, batch)
    real = (np.arange(length) < lengths[:, None])[..., None]
    return torch.from_numpy((walk * real).astype(np.float32)), torch.from_numpy(lengths)


@pytest.mark.parametrize(
    ("normalization", "output", "layers"),
    [
        ("none", "delayed", 1),
        ("none", "current", 2),
        ("batch", "delayed", 2),
        ("batch", "current", 1),
    ],
)
@pytest.mark.parametrize("realization", ["direct", "incremental"])
def test_eight_bits_hold_the_float_network(
    realization: Realization, normalization: str, output: str, layers: int
) -> None:
    """Logits within a tenth of their spread: every scale on the way must be right for that."""
    model = trained_like(normalization, output, layers)
    features, lengths = sequences(99)
    prepared = prepare(
        model,
        config(realization, 8),
        CHIP,
        features,
        lengths,
        class_names=("a", "b", "c", "d"),
        preparation={},
    )
    with torch.no_grad():
        wanted = model(features, lengths).double()
        got = prepared(features, lengths)
    spread = float((wanted - wanted.mean(0)).std())
    assert float((got - wanted).std()) < 0.1 * spread
    assert torch.corrcoef(torch.stack([got.flatten(), wanted.flatten()]))[0, 1] > 0.99


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_prepared_networks_compile(realization: Realization, bits: int) -> None:
    model = trained_like("none", "delayed", 1)
    features, lengths = sequences(5)
    names = ("a", "b", "c", "d")
    settings = config(realization, bits)
    prepared = prepare(model, settings, CHIP, features, lengths, class_names=names, preparation={})
    network = convert(prepared)
    require(network, CHIP)
    assert network.class_names == names
    assert network.max_length == 30
    found = integer_poles(network.layers[0], realization, network.widths.guard_bits)
    assert np.abs(found).max() < 1


def test_full_scales_do_not_waste_the_converter() -> None:
    """On calibration data each line uses at least an eighth of its range, and seldom clips."""
    model = trained_like("none", "delayed", 1)
    features, lengths = sequences(5)
    prepared = prepare(
        model,
        config("incremental", 8),
        CHIP,
        features,
        lengths,
        class_names=("a", "b", "c", "d"),
        preparation={},
    )
    record: dict[str, Any] = {}
    with torch.no_grad():
        prepared(features, lengths, record=record)
    real = np.arange(30) < lengths.numpy()[:, None]
    for name in ("adc.0", "readout.0"):
        codes = np.abs(record[name][real])
        assert np.median(codes.max(axis=0)) > 511 / 8
        assert np.mean(codes == 511) < 0.02


def test_calibration_does_not_change_the_model() -> None:
    model = trained_like("batch", "delayed", 1)
    before = {n: v.clone() for n, v in model.state_dict().items()}
    features, lengths = sequences(5)
    prepare(
        model, config("leaky", 3), CHIP, features, lengths, class_names=("a",) * 4, preparation={}
    )
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())


def test_an_unstable_pole_is_refused() -> None:
    unstable = trained_like("none", "delayed", 1)
    with torch.no_grad():
        unstable.blocks[0].s4d.log_A_real.fill_(-60.0)  # no decay within double precision
    settings, (features, lengths) = config("direct", 8), sequences(5)
    names = ("a", "b", "c", "d")
    with pytest.raises(DesignRuleError, match="inside the unit circle"):
        prepare(unstable, settings, CHIP, features, lengths, class_names=names, preparation={})


def test_of_many_sequences_some_are_calibrated_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained_like("none", "delayed", 1)
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(12, 20, model.config.n_features, generator=generator)
    lengths = torch.full((12,), 20)

    def made(features: torch.Tensor, lengths: torch.Tensor) -> dict[str, torch.Tensor]:
        prepared = prepare(
            model,
            config("leaky", 4),
            CHIP,
            features,
            lengths,
            class_names=tuple("abcdefgh"[: model.config.n_classes]),
            preparation={},
        )
        return dict(prepared.state_dict())

    third = made(features[::3], lengths[::3])
    states = model.config.d_model * model.config.d_state // 2 * features.shape[0] * 20
    monkeypatch.setattr("imssa.quantization.prepare.CALIBRATION_STATES", states // 3)
    found = made(features, lengths)
    assert all(torch.equal(found[name], value) for name, value in third.items())
