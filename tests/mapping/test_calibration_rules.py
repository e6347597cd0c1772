"""Rules on calibration data: registers that overflow, ADCs that clip."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.errors import DesignRuleError
from imssa.kernels.codes import code_max
from imssa.mapping.rules import Calibration, require
from imssa.mapping.rules.calibration import SEQUENCES, calibration_faults, clipped_shares
from imssa.quantization.network import QuantizedNetwork
from tests.reference.networks import Sketch, chip_with, random_inputs, random_network, with_layer

CHIP = chip_with()
CONVERTERS: list[dict[str, Any]] = [
    {},
    {"polarity": "two-pass"},
    {"drive": "bit-serial"},
    {"drive": "bit-serial", "polarity": "two-pass"},
]


def alone(network: QuantizedNetwork, data: Calibration) -> list[str]:
    """What is broken on calibration data, where nothing else is."""
    require(network, CHIP)
    faults = list(calibration_faults(network, data))
    with pytest.raises(DesignRuleError) as caught:
        require(network, CHIP, calibration=data)
    assert caught.value.rule == "; ".join(faults)
    return faults


def clipped_by_hand(network: QuantizedNetwork, data: Calibration, chip: Any) -> np.ndarray:
    """Conversions beyond the ADC's range, one step, kernel, line and pass after the other."""
    layer, widths, run = network.layers[0], network.widths, network.run(data.inputs, data.lengths)
    features, modes = layer.B.shape[:2]
    clipped, steps = np.zeros((features, 2 * modes + 1)), 0
    for b, length in enumerate(data.lengths):
        for k in range(length):
            steps += 1
            before = run["state.0"][b, k - 1] if k else np.zeros(features * modes * 2)
            for h in range(features):
                x = before.reshape(features, modes, 2)[h] / 2.0**widths.guard_bits
                d = np.clip(np.sign(x) * np.floor(np.abs(x) + 0.5), -127, 127).astype(int)
                u = int(run["stream.0"][b, k, h])
                beyond = np.zeros(2 * modes + 1, bool)
                for bit, sign, _ in chip.converters.passes.tolist():

                    def fed(v: int, bit: int = bit, sign: int = sign) -> int:
                        if sign and np.sign(v) != sign:
                            return 0
                        part = abs(v) if bit < 0 else abs(v) >> bit & 1
                        return part if sign else int(np.sign(v)) * part

                    sums = [
                        sum(int(layer.A[h, n, i, j]) * fed(int(d[n, j])) for j in range(2))
                        + int(layer.B[h, n, i]) * fed(u)
                        for n in range(modes)
                        for i in range(2)
                    ]
                    out = sum(
                        int(layer.C[h, n, j]) * fed(int(d[n, j]))
                        for n in range(modes)
                        for j in range(2)
                    )
                    sums.append(out + int(layer.D[h]) * fed(u))
                    exact = np.abs(sums) / layer.adc_step[h]
                    beyond |= np.floor(exact + 0.5) > code_max(widths.adc_bits)
                clipped[h] += beyond
    return clipped / steps


@pytest.mark.parametrize("converters", CONVERTERS, ids=str)
def test_clipped_shares_are_those_counted_by_hand(converters: dict[str, Any]) -> None:
    chip = chip_with(**converters, full_scale_devices=(0.25, 0.5, 1))
    network = random_network(4, Sketch(kernels=2, max_length=12), chip)
    data = Calibration(*random_inputs(network, 1, 3, 12))
    run = network.run(data.inputs, data.lengths)
    real = np.arange(12) < data.lengths[:, None]
    found = clipped_shares(network.layers[0], network.widths, run["state.0"], run["stream.0"], real)
    assert np.array_equal(found, clipped_by_hand(network, data, chip))
    assert 0 < found.mean() < 1


@pytest.mark.parametrize("output", ["delayed", "current"])
def test_adcs_that_clip_are_named(output: str) -> None:
    """Full scales of one device, and outputs that sum all states: some lines clip, and only these."""
    network = random_network(1, Sketch(output=output))
    data = Calibration(*random_inputs(network, 1, 8, 40), largest_clipped_share=0.02)
    layer = network.layers[0]
    scale, shift = CHIP.converters.scale(1.0, layer.output_line_max)
    small, shifts = layer.full_scale.copy(), layer.full_scale_shift.copy()
    small[:, -1], shifts[:, -1] = scale, shift
    broken = with_layer(network, C=np.ones_like(layer.C), full_scale=small, full_scale_shift=shifts)
    run = broken.run(data.inputs, data.lengths)
    real = np.arange(40) < data.lengths[:, None]
    streams = (run["state.0"], run["stream.0"], real)
    share = clipped_shares(broken.layers[0], broken.widths, *streams)
    feature, line = np.argwhere(share > 0.02)[-1]
    what = "the output" if line == share.shape[1] - 1 else f"state {line}"
    faults = alone(broken, data)
    assert 0 < len(faults) == (share > 0.02).sum() < share.size
    assert faults[-1] == (
        f"the ADC of {what} of kernel {feature} of layer 0 clips at {share[feature, line]:.0%} of "
        "its conversions on calibration data, at most 2% are allowed; a larger full scale is needed"
    )
    require(broken, CHIP, calibration=replace(data, largest_clipped_share=float(share.max())))


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_a_register_that_overflows_is_named(realization: Any) -> None:
    network = random_network(1, Sketch(realization=realization))
    data = Calibration(*random_inputs(network, 1, 8, 40), largest_clipped_share=1.0)
    require(network, CHIP, calibration=data)
    layer = network.layers[0]
    largest = np.abs(network.run(*random_inputs(network, 1, 8, 40))["state.0"])
    bits = int(largest.max()).bit_length()  # one less than it takes
    assert bits > network.widths.guard_bits
    narrow = replace(network, widths=replace(network.widths, register_bits=bits))
    faults = alone(narrow, data)
    shape = (*largest.shape[:2], *layer.B.shape)
    feature, mode = np.argwhere((largest == largest.max()).reshape(shape))[0][2:4]
    assert any(
        f.startswith(f"a register of mode {mode} of kernel {feature} of layer 0") for f in faults
    )
    assert all(f"overflows its {bits} bits on calibration data" in f for f in faults)


def test_without_data_neither_is_judged() -> None:
    network = random_network(1)
    narrow = replace(network, widths=replace(network.widths, register_bits=10))
    require(narrow, CHIP)


def test_of_many_sequences_some_are_taken() -> None:
    network = random_network(1)
    features = np.random.default_rng(0).standard_normal((1000, 5, 4)).astype(np.float32)
    data = Calibration.of(network, features, np.full(1000, 5))
    assert SEQUENCES / 2 < len(data.inputs) == len(data.lengths) <= SEQUENCES
    assert np.array_equal(data.inputs[1], network.input_codes(features[16]))
