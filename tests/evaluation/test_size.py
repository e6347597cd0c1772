"""Sizes, demand and resources, counted by hand and against the model and the program."""

import numpy as np
import pytest
import torch

from imssa.evaluation import measure_resources, measure_size
from imssa.evaluation.demand import chip_demand, float_demand, quantized_demand
from imssa.evaluation.size import parameters, quantized_bytes
from imssa.models import ModelConfig, S4DClassifier
from tests.evaluation.samples import CONFIG, make_network, make_program

DEEP = CONFIG.model_copy(update={"n_layers": 2, "d_model": 4})
CONFIGS = [CONFIG, DEEP, CONFIG.model_copy(update={"normalization": "batch", "n_classes": 3})]


@pytest.mark.parametrize("config", CONFIGS)
def test_parameters_are_those_of_the_model(config: ModelConfig) -> None:
    model = S4DClassifier(config, torch.Generator().manual_seed(1))
    assert parameters(config) == sum(p.numel() for p in model.parameters())


def test_bytes_and_state_of_the_float_network() -> None:
    size = measure_size(CONFIG, make_network(), make_program())
    assert size.float_bytes == 4 * size.parameters
    assert size.float_state_bytes == 4 * (9 * 8 + 9)


def test_quantized_bytes_by_hand() -> None:
    size = measure_size(CONFIG, make_network(), make_program())
    assert size.quantized_bytes_by_part == {
        "weights_A": 9 * 4 * 4 * 2 // 8,
        "weights_B": 9 * 4 * 2 * 2 // 8,
        "weights_C": 9 * 4 * 2 * 2 // 8,
        "weights_D": 3,  # 18 bits
        "weights_encoder": 12,  # 90 bits
        "weights_mixing": 21,  # 162 bits
        "weights_decoder": 5,  # 36 bits
        "biases": 4 * (9 + 9 + 2),
        # m and t of encoder, output, residual, mixing; t alone of the updates, whose m are all 1
        "scales": 4 * 9 * 3 + 36,
        "full_scales": -(-81 * (3 + 8) // 8),  # L of at most 4 and h
        "decay_shifts": 36,
        "activation_tables": 255,
        "mean_table": 65 * 3,
        "input_step": 4,
    }
    assert size.quantized_bytes == sum(size.quantized_bytes_by_part.values())
    assert size.state_bytes == (72 * 20 + 9 * 32) // 8


def test_decay_shifts_are_stored_in_leaky_only() -> None:
    assert quantized_bytes(make_network("direct"))["decay_shifts"] == 0


def test_float_demand_by_hand() -> None:
    assert float_demand(CONFIG) == {
        "multiplications": 45 + 9 * (8 * 4 + 1) + 81,
        "additions": 45 + 9 * 6 * 4 + 81 + 9 + 9,
        "activations": 9,
    }


def test_real_poles_take_less() -> None:
    real = CONFIG.model_copy(update={"initialization": "real"})
    assert float_demand(real)["multiplications"] == 45 + 9 * (3 * 4 + 1) + 81


def test_chip_demand_by_hand() -> None:
    assert chip_demand(make_program("leaky")) == {
        "analog_mvms": 3,
        "analog_multiply_accumulates": 3 * 27 * 27,
        "dac_conversions": 81,
        "adc_conversions": 81,
        "multiply_accumulates": 45 + 81,
        "multiplications": 4 * 9,  # encoder, outputs, mixing, residual; updates shift only
        # rescaling of the same 36, drive, update, leak
        "shifts": 36 + 3 * 72,
        # biases, register minus leak plus update, residual sum, mean's sum
        "additions": 18 + 2 * 72 + 9 + 9,
        "look_ups": 9,
    }


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_digital_work_differs_by_what_the_arrays_do(realization: str, output: str) -> None:
    network, program = make_network(realization, output), make_program(realization, output)
    quantized, chip = quantized_demand(network), chip_demand(program)
    assert quantized["multiply_accumulates"] - chip["multiply_accumulates"] == 9 * 33
    for kind in ("multiplications", "additions", "look_ups"):
        assert quantized[kind] == chip[kind]
    # a conversion by L = 4 is one shift; a second drive of all states where output is `current`
    again = 72 if output == "current" else 0
    assert quantized["shifts"] - chip["shifts"] == 81 - again
    assert chip["analog_mvms"] == (6 if output == "current" else 3)


def test_a_multiplier_that_is_not_one_costs_a_multiplication() -> None:
    network = make_network()
    layer = network.layers[0]
    three = type(layer)(**{**vars(layer), "multiplier": np.full_like(layer.multiplier, 3)})
    changed = type(network)(**{**vars(network), "layers": (three,)})
    before, after = quantized_demand(network), quantized_demand(changed)
    assert after["multiplications"] - before["multiplications"] == 72
    assert after["shifts"] == before["shifts"]


def test_a_full_scale_that_is_no_power_of_two_costs_a_division() -> None:
    network = make_network()
    layer = network.layers[0]
    scale = layer.full_scale.copy()
    scale[0, 0] = 3
    odd = type(layer)(**{**vars(layer), "full_scale": scale})
    counts = quantized_demand(type(network)(**{**vars(network), "layers": (odd,)}))
    assert counts["divisions"] == 1
    assert counts["shifts"] == quantized_demand(network)["shifts"] - 1


@pytest.mark.parametrize("output", ["delayed", "current"])
def test_resources_by_hand(output: str) -> None:
    found = measure_resources(make_program("leaky", output))
    weights = 4 * 4 + 4 * 2 + 4 * 2 + 1  # A, B, C, D of a kernel with 4 modes
    assert found.arrays == 3
    assert found.kernels == 9
    assert found.devices == 3 * 64 * 64
    assert found.devices_used == 2 * 9 * weights
    assert found.devices_written == 3 * 27 * 54
    assert found.utilization == found.devices_used / found.devices
    assert found.mvms_per_step == (6 if output == "current" else 3)


def test_resources_of_two_layers() -> None:
    found = measure_resources(make_program(config=DEEP))
    assert found.kernels == 8
    assert found.devices_used == 2 * 8 * 33
