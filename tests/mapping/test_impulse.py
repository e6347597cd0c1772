"""Impulse responses and their errors, against SciPy's simulation of the recurrence."""

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from imssa.hardware import load_chip
from imssa.hardware.loading import preset_names
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.differential import held_intervals
from imssa.mapping.impulse import LARGEST, layer_dynamics, squared_errors, wanted_kernels
from imssa.mapping.sensitivity import FAINT, own_costs
from imssa.quantization.config import Realization
from imssa.quantization.network import IntegerLayer, QuantizedNetwork
from tests.reference.networks import Sketch, all_bits, chip_with, random_network

Floats = NDArray[np.float64]
HORIZON = 64
REALIZATIONS = ("direct", "incremental", "leaky")


def blocks_of(layer: IntegerLayer) -> NDArray[np.int64]:
    return kernel_blocks(layer.A, layer.B, layer.C, layer.D)


def response(block: Floats, network: QuantizedNetwork, feature: int) -> Floats:
    """Impulse response in output codes, state by state as DESIGN section 5 writes it."""
    layer, widths = network.layers[0], network.widths
    states = len(block) - 1
    dac = 2.0**-widths.guard_bits
    up = layer.multiplier[feature] * 2.0 ** -layer.shift[feature]
    gain = np.repeat(up, 2) / layer.adc_step[feature, :-1]
    kept = {"direct": 0.0, "incremental": 1.0}.get(
        widths.realization, np.repeat(1 - 2.0 ** -layer.k[feature], 2)
    )
    A = np.diag(np.broadcast_to(kept, states)) + gain[:, None] * block[:-1, :-1].T * dac
    B = (gain * block[-1, :-1])[:, None]
    out = layer.output_multiplier[feature] * 2.0 ** -layer.output_shift[feature]
    out /= layer.adc_step[feature, -1]
    C, D = out * block[:-1, -1][None] * dac, np.array([[out * block[-1, -1]]])
    if widths.output == "current":
        C, D = C @ A, D + C @ B
    impulse = np.eye(1, HORIZON + (widths.output == "delayed"))[0]
    return np.asarray(scipy.signal.dlsim((A, B, C, D, 1), impulse)[1][:, 0])


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_errors_of_impulse_responses(realization: Realization, output: str) -> None:
    sketch = Sketch(realization=realization, output=output, modes=3, bits=all_bits(4), kernels=4)
    network = random_network(3, sketch)
    layer, rng = network.layers[0], np.random.default_rng(0)
    blocks = blocks_of(layer)
    wanted = wanted_kernels(blocks, layer_dynamics(layer, network.widths, HORIZON))
    energy = np.array([(response(b, network, f) ** 2).sum() for f, b in enumerate(blocks)])
    assert wanted.energy == pytest.approx(energy, rel=1e-9)
    assert np.all(wanted.scale >= wanted.energy)
    held = blocks + rng.integers(-1, 2, blocks.shape)
    found = squared_errors(held.astype(float), wanted)
    for f, scale in enumerate(wanted.scale):
        error = response(held[f], network, f) - response(blocks[f], network, f)
        expected = min(float((error**2).sum() / scale), LARGEST)
        assert found[f] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_costs_of_cells_are_those_of_their_finite_errors(realization: Realization) -> None:
    """A ternary cell on a pair of any kind, one after the other."""
    network = random_network(5, Sketch(realization=realization))
    layer = network.layers[0]
    blocks, line_max = blocks_of(layer), np.ones(5, np.int64)
    wanted = wanted_kernels(blocks, layer_dynamics(layer, network.widths, HORIZON))
    intervals = held_intervals(chip_with())
    costs = own_costs(wanted, line_max, intervals)
    for f, row, column in np.ndindex(blocks.shape):
        for kind, (low, high) in enumerate(intervals):
            held = blocks[f].astype(float)
            held[row, column] = np.clip(held[row, column], low, high)
            moved = float(held[row, column] - blocks[f, row, column])
            expected = float(squared_errors(held, wanted.of(f))) + FAINT * moved**2
            assert costs[f, row, column, kind] == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("name", preset_names())
def test_costs_are_numbers_on_every_shipped_chip(name: str) -> None:
    """Also where the least conductance leaves a pair beyond its largest weight, or short of it."""
    network = random_network(5, Sketch())
    blocks = blocks_of(network.layers[0])
    wanted = wanted_kernels(blocks, layer_dynamics(network.layers[0], network.widths, HORIZON))
    costs = own_costs(wanted, np.ones(5, np.int64), held_intervals(load_chip(name)))
    assert np.isfinite(costs).all()
    assert (costs >= 0).all()
    beyond = np.array([[-1.5, -1.2], [1.1, 1.4]])
    costs = own_costs(wanted, np.ones(5, np.int64), beyond)
    assert np.isfinite(costs).all()
    assert (costs[blocks != 0].max(axis=-1) > 0).all()


def test_a_mode_that_grows_has_the_largest_cost() -> None:
    network = random_network(5, Sketch(realization="direct", modes=1))
    layer = network.layers[0]
    blocks = blocks_of(layer)
    wanted = wanted_kernels(blocks, layer_dynamics(layer, network.widths, 2**20))
    held = blocks.astype(float)
    held[:, 0, 0] = held[:, 1, 1] = 1000.0
    held[:, -1, 0] = held[:, 0, -1] = 1.0
    assert squared_errors(held, wanted).tolist() == [LARGEST] * len(blocks)
