"""Noise in training is drawn from the chip's own laws."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from imssa.hardware import ChipDescription
from imssa.hardware.devices import GaussianProgramming, RelativeReadNoise
from imssa.kernels.random import Key
from imssa.quantization.config import TrainingNoise
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.noise import training_chip
from imssa.quantization.prepared import PreparedClassifier
from tests.reference.networks import Sketch, all_bits, chip_with, prepared_network, random_inputs

SIGMA = 3e-6
CHIP = chip_with().model_copy(
    update={
        "programming": GaussianProgramming(sigma_siemens=SIGMA),
        "read_noise": RelativeReadNoise(sigma_siemens=2e-6),
    }
)


def kernels_with(noise: TrainingNoise, chip: ChipDescription = CHIP) -> PreparedKernels:
    sketch = Sketch(bits=all_bits(4), kernels=9, modes=4, noise=noise)
    return prepared_network(4, sketch, chip).blocks[0].kernels


def test_training_sees_just_the_asked_effects() -> None:
    quiet = TrainingNoise(programming=False, read_noise=False)
    assert training_chip(CHIP, quiet).only() == training_chip(CHIP, quiet).only("stuck")
    assert not quiet.any
    chip = training_chip(CHIP, replace_noise(quiet, stuck_high_rate=0.1))
    assert chip.programming is None
    assert chip.read_noise is None
    assert chip.stuck is not None
    assert (chip.stuck.high_rate, chip.stuck.low_rate) == (0.1, 0.0)


def replace_noise(noise: TrainingNoise, **changes: Any) -> TrainingNoise:
    return noise.model_copy(update=changes)


def test_deviations_have_the_chips_programming_error() -> None:
    """Far from zero a pair deviates by sqrt(2) sigma, or sqrt(2 - 2/pi) with one device folded.

    At target zero both devices are folded: their difference has variance 2 (1 - 2/pi) sigma^2.
    """
    kernels = kernels_with(TrainingNoise(read_noise=False, draws=64))
    noise = kernels.noise(Key.root(1))
    codes = kernels.blocks().transpose(0, 2, 1)
    assert noise.deviation.shape == (64, 9, 9, 9)
    assert not noise.variance.any()
    step = CHIP.g_max_siemens / 7
    half = 1 - 2 / np.pi
    for chosen, variance in ((np.abs(codes) >= 1, 1 + half), (codes == 0, 2 * half)):
        mean = -np.sign(codes[chosen]) * np.sqrt(2 / np.pi)  # of the folded device
        values = noise.deviation[:, chosen] * step / SIGMA - mean
        n = values.size
        assert n > 5000
        # a folded normal's fourth moment is below that of a normal: four standard errors suffice
        assert abs(values.var() / variance - 1) < 4 * np.sqrt(3 / n)
        assert abs(values.mean()) < 4 * np.sqrt(variance / n)


def test_read_variance_is_that_of_two_devices() -> None:
    kernels = kernels_with(TrainingNoise(programming=False, draws=2))
    noise = kernels.noise(Key.root(1))
    assert not noise.deviation.any()
    expected = 2 * (2e-6 * 7 / CHIP.g_max_siemens) ** 2
    assert noise.variance == pytest.approx(expected, abs=2.0**-20)


def test_stuck_devices_take_or_give_a_whole_step() -> None:
    rates = {"stuck_high_rate": 0.05, "stuck_low_rate": 0.02}
    kernels = kernels_with(TrainingNoise(programming=False, read_noise=False, draws=64, **rates))
    codes = kernels.blocks().transpose(0, 2, 1)
    weights = kernels.noise(Key.root(2)).deviation + codes
    zeros = weights[:, codes == 0].ravel()
    n = zeros.size
    assert set(np.unique(zeros)) <= {-7.0, 0.0, 7.0}
    for value in (-7.0, 7.0):  # one device stuck high, the other not
        share, expected = np.mean(zeros == value), 0.05 * 0.95
        assert abs(share - expected) < 4 * np.sqrt(expected / n)


@pytest.mark.parametrize("draws", [1, 3])
def test_sequences_take_turns_among_the_draws(draws: int) -> None:
    prepared = noisy(draws)
    features = torch.ones(6, 10, 4, dtype=torch.float64) * 90
    lengths = torch.full((6,), 10)
    with torch.no_grad():
        logits = prepared(features, lengths, Key.root(3))
    rows = [tuple(row) for row in logits.tolist()]
    assert len(set(rows)) == draws
    assert all(rows[b] == rows[b % draws] for b in range(6))


def noisy(draws: int) -> PreparedClassifier:
    noise = TrainingNoise(read_noise=False, draws=draws)
    harsh = CHIP.model_copy(update={"programming": GaussianProgramming(sigma_siemens=30e-6)})
    return prepared_network(4, Sketch(bits=all_bits(4), noise=noise), harsh)


def test_noise_is_a_function_of_its_key() -> None:
    prepared = prepared_network(4, Sketch(bits=all_bits(4)), CHIP)
    features = torch.from_numpy(np.random.default_rng(0).normal(0, 40, (8, 12, 4)))
    lengths = torch.tensor([12, 1, 5, 12, 7, 8, 9, 10])
    with torch.no_grad():
        first = prepared(features, lengths, Key.root(1))
        again = prepared(features, lengths, Key.root(1))
        other = prepared(features, lengths, Key.root(2))
        exact = prepared(features, lengths)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, exact)


def test_a_quiet_chip_disturbs_nothing() -> None:
    prepared = prepared_network(4, Sketch(bits=all_bits(4)), chip_with().only())
    inputs, lengths = random_inputs_of(prepared)
    with torch.no_grad():
        assert torch.equal(prepared(inputs, lengths, Key.root(1)), prepared(inputs, lengths))


def random_inputs_of(prepared: PreparedClassifier) -> tuple[torch.Tensor, torch.Tensor]:
    from imssa.quantization.convert import convert

    inputs, lengths = random_inputs(convert(prepared), 5, 6, 12)
    return torch.from_numpy(inputs.astype(float)), torch.from_numpy(lengths)


def test_sketches_differ_in_what_is_replaced() -> None:
    assert replace(Sketch(), kernels=4) != Sketch()
