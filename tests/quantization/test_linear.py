"""Linear maps on arrays as training adapts them."""

from typing import Any

import numpy as np
import pytest
import torch

from imssa.errors import DesignRuleError
from imssa.kernels.random import Key
from imssa.quantization.config import TrainingNoise
from imssa.quantization.linear import AnalogLinear, QuantizedLinear
from tests.reference.networks import ON_ARRAYS, Sketch, chip_with, prepared_network

QUIET = TrainingNoise(programming=False, read_noise=False)


def a_map(weights: Any, bits: int, chip: Any, noise: TrainingNoise = QUIET) -> AnalogLinear:
    outputs = len(weights)
    gain, bias = np.full(outputs, 0.1), np.linspace(-0.1, 0.1, outputs)
    return AnalogLinear(np.asarray(weights, float), bias, gain, bits, 127, chip, noise)


@pytest.mark.parametrize("options", [{}, {"drive": "bit-serial"}, {"polarity": "two-pass"}])
def test_a_fine_adc_gives_the_digital_map_and_its_gradients(options: dict[str, Any]) -> None:
    """Two cuts; 14 ADC bits leave little rounding, so that values and gradients meet the exact map's."""
    chip = chip_with(count=9, size=(16, 32), adc_bits=14, full_scale_devices=(16.0,), **options)
    rng = np.random.default_rng(1)
    weights = rng.uniform(-1, 1, (5, 20))
    ours = a_map(weights, 4, chip)
    gain = np.full(5, 0.1)
    exact = QuantizedLinear(weights, np.linspace(-0.1, 0.1, 5), gain, 4, 127)
    codes = torch.from_numpy(rng.integers(-127, 128, (3, 4, 20)).astype(float))
    found = []
    for linear in (ours, exact):
        x = codes.clone().requires_grad_()
        y = linear(x) * torch.exp2(linear.log_gain)
        y.backward(torch.ones_like(y))
        assert x.grad is not None
        assert linear.latent.grad is not None
        found.append((y.detach(), x.grad, linear.latent.grad))
    (y, of_x, of_w), (right, right_x, right_w) = found
    assert torch.allclose(y, right, atol=0.02 * float(right.abs().max()))
    assert torch.allclose(of_x, right_x, rtol=1e-9)
    assert torch.allclose(of_w, right_w, rtol=1e-9)


def test_an_output_at_its_end_has_no_gradient() -> None:
    chip = chip_with(full_scale_devices=(1.0,))
    linear = a_map(np.ones((2, 8)), 2, chip)
    x = torch.full((1, 1, 8), 127.0, dtype=torch.float64, requires_grad=True)
    linear(x).sum().backward()
    assert x.grad is not None
    assert not x.grad.any()


def test_full_scales_change_steps_and_keep_what_is_computed() -> None:
    chip = chip_with(adc_bits=14, full_scale_devices=(4.0, 8.0, 16.0))
    linear = a_map(np.eye(4, 8), 4, chip)
    x = torch.from_numpy(np.random.default_rng(0).integers(-99, 99, (2, 3, 8)).astype(float))
    before = linear(x) * torch.exp2(linear.log_gain)
    linear.choose(np.array([4.0, 8.0, 16.0, 4.0]))
    after = linear(x) * torch.exp2(linear.log_gain)
    assert torch.allclose(before, after, atol=0.01 * float(before.detach().abs().max()))


def deviations(weights: Any, noise: TrainingNoise) -> torch.Tensor:
    """What noise adds to the sums of one input at a time."""
    linear = a_map(weights, 8, chip_with(adc_bits=14, full_scale_devices=(2.0,)), noise)
    x = 127.0 * torch.eye(len(weights[0]), dtype=torch.float64)[None]
    found: torch.Tensor = (linear(x, Key.root(3)) - linear(x)).detach()
    return found


def test_noise_does_not_depend_on_the_largest_weight_present() -> None:
    """A cell misses its target by as much whether or not another one is at full scale."""
    noise = TrainingNoise(programming=True, read_noise=False, draws=1)
    small = np.full((2, 6), 0.2)
    large = small.copy()
    large[0, 0] = 1.0
    one, other = deviations(small, noise), deviations(large, noise)
    assert one.std() > 0
    assert torch.equal(one[..., 1], other[..., 1])  # the output without the large weight


def test_a_batch_of_one_trains() -> None:
    prepared = prepared_network(3, Sketch(parts=ON_ARRAYS))
    for count in (1, 2):
        x = torch.randint(-99, 99, (count, 6, 4)).double()
        prepared(x, torch.full((count,), 6)).sum().backward()
    digital = prepared_network(3, Sketch())
    digital(torch.ones(1, 6, 4), torch.tensor([6])).sum().backward()
    assert digital.encoder.latent.grad is not None


def test_activations_wider_than_the_dac_are_refused() -> None:
    from imssa.mapping import compile_network
    from imssa.quantization.convert import convert

    prepared = prepared_network(1, Sketch(parts=ON_ARRAYS))
    for block in prepared.blocks:
        config = block.kernels.config
        block.kernels.config = config.model_copy(update={"activation_bits": 10})
    with pytest.raises(DesignRuleError, match="takes activations of 10 bits, the DAC has 8"):
        compile_network(convert(prepared), chip_with(count=9), {})
