from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.errors import DesignRuleError
from imssa.mapping import compile_network
from imssa.mapping.rules import integer_poles, require
from imssa.quantization.config import Realization
from imssa.quantization.convert import convert
from imssa.quantization.network import QuantizedNetwork
from tests.reference.networks import (
    Sketch,
    all_bits,
    chip_with,
    prepared_network,
    random_network,
    with_layer,
)

CHIP = chip_with()


def refusal(network: QuantizedNetwork, chip: object = CHIP) -> str:
    with pytest.raises(DesignRuleError) as caught:
        require(network, chip)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_fitting_network_is_let_through() -> None:
    require(random_network(1), CHIP)


@pytest.mark.parametrize(
    ("kernels", "modes", "layers", "count", "needed"),
    [(10, 4, 1, 3, 4), (9, 4, 2, 3, 6), (4, 4, 3, 3, 4), (64, 4, 1, 3, 22), (3, 15, 1, 2, 3)],
)
def test_a_chip_too_small_is_told_how_many_arrays_it_takes(
    kernels: int, modes: int, layers: int, count: int, needed: int
) -> None:
    network = random_network(1, Sketch(kernels=kernels, modes=modes, layers=layers))
    message = refusal(network, chip_with(count=count))
    assert f"{kernels * layers} kernels need {needed} arrays in the one-shot layout" in message
    assert f"taox-64 has {count}" in message
    chip = chip_with(count=needed)
    assert len(compile_network(network, chip, {}).arrays) == needed


@pytest.mark.parametrize("size", [(8, 64), (64, 16)])
def test_a_kernel_too_large_for_an_array(size: tuple[int, int]) -> None:
    message = refusal(random_network(1, Sketch(modes=4)), chip_with(size=size))
    assert "a kernel of layer 0 needs 9 word lines and 18 bit lines" in message
    assert f"an array of taox-64 has {size[0]} and {size[1]}" in message
    assert "one-shot" not in message


@pytest.mark.parametrize(
    ("key", "value", "trained"),
    [
        ("dac_bits", 7, 8),
        ("adc_bits", 9, 8),
        ("drive", "bit-serial", "amplitude"),
        ("polarity", "two-pass", "differential"),
    ],
)
def test_other_converters(key: str, value: Any, trained: Any) -> None:
    message = refusal(random_network(1), chip_with(**{key: value}))
    assert f"trained for {key} = {trained}, taox-64 has {value}" in message


@pytest.mark.parametrize(("lines", "name"), [(slice(0, 2), "state"), (slice(-1, None), "output")])
def test_full_scales_that_are_not_on_offer(lines: slice, name: str) -> None:
    network = random_network(1)
    scale = network.layers[0].full_scale.copy()
    scale[1, lines] += 1000
    message = refusal(with_layer(network, full_scale=scale))
    assert f"layer 0 uses {name} full scales that taox-64 does not offer" in message


@pytest.mark.parametrize("name", ["A", "B", "C", "D"])
def test_weights_beyond_their_pair(name: str) -> None:
    network = random_network(1, Sketch(bits=all_bits(4)))
    weights = getattr(network.layers[0], name).copy()
    weights[0] = 8
    assert f"layer 0 has {name} codes beyond 7" in refusal(with_layer(network, **{name: weights}))


def test_registers_must_hold_a_dac_step() -> None:
    network = random_network(1)
    narrow = replace(network.widths, register_bits=8)
    assert "register_bits must exceed guard_bits" in refusal(replace(network, widths=narrow))


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_unstable_poles_are_named(realization: Realization) -> None:
    network = random_network(3, Sketch(realization=realization, bits=all_bits(4), layers=2))
    layer = network.layers[1]
    A, shift = layer.A.copy(), layer.shift.copy()
    A[2, 1] = [[0, -7], [7, 0]]
    shift[2, 1] -= 6
    message = refusal(with_layer(network, 1, A=A, shift=shift))
    assert "mode 1 of kernel 2 of layer 1 has a pole of magnitude" in message
    assert message.count("has a pole") == 1


def test_a_dead_zone_is_named() -> None:
    network = random_network(1)
    k = network.layers[0].k.copy()
    k[1, 0] = 10
    A = np.zeros_like(network.layers[0].A)  # a slow decay alone is stable
    message = refusal(with_layer(network, k=k, A=A))
    assert (
        "mode 0 of kernel 1 of layer 0 never decays below 2 DAC steps; raise guard_bits" in message
    )


def test_every_violation_is_told_at_once() -> None:
    network = random_network(1, Sketch(kernels=10, modes=4, bits=all_bits(4)))
    layer = network.layers[0]
    broken = with_layer(network, D=layer.D + 20, k=np.full_like(layer.k, 12), shift=layer.shift - 9)
    message = refusal(broken, chip_with(count=1, adc_bits=9))
    for words in (
        "need 4 arrays",
        "adc_bits = 8, taox-64 has 9",
        "D codes beyond",
        "has a pole",
        "never decays",
    ):
        assert words in message


@pytest.mark.parametrize(
    ("part", "words"),
    [("encoder", "encoder"), ("decoder", "decoder"), ("mixing", "mixing of layer 0")],
)
def test_sums_too_wide_for_their_registers(part: str, words: str) -> None:
    """The program would saturate where the network does not."""
    network = random_network(1, Sketch(bits=all_bits(8)))
    linear = network.layers[0].mixing if part == "mixing" else getattr(network, part)
    bias = linear.bias.copy()
    bias[0] = 2**31 - 1
    wide = replace(linear, bias=bias)
    broken = (
        with_layer(network, mixing=wide) if part == "mixing" else replace(network, **{part: wide})  # type: ignore[arg-type]
    )
    assert f"sums of the {words} can need more than 32 bits" in refusal(broken)


def test_sequences_too_long_for_the_sum() -> None:
    network = replace(random_network(1), max_length=2**25)
    assert "steps can need more than 32 bits" in refusal(network)


@pytest.mark.parametrize("gain_bits", [1, 2, 4, 8, 15])
@pytest.mark.parametrize("bits", [2, 3, 5, 8])
@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_projected_networks_pass_the_rules(
    realization: Realization, bits: int, gain_bits: int
) -> None:
    """Whatever training does: after `project` the poles of the integer codes are stable."""
    sketch = Sketch(realization=realization, bits=all_bits(bits), gain_bits=gain_bits, kernels=9)
    for seed in range(4):
        prepared = prepared_network(seed, sketch)
        for block in prepared.blocks:
            block.kernels.log_gain.data.fill_(3.0)
        prepared.project()
        network = convert(prepared)
        require(network, CHIP)
        poles = integer_poles(network.layers[0], realization, network.widths.guard_bits)
        assert 0.3 < np.abs(poles).max() < 1  # the bound is used, not avoided


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_poles_are_those_of_the_linear_recurrence(realization: Realization) -> None:
    """A register impulse through the integer step, without rounding: eigenvalues of one step."""
    network = random_network(5, Sketch(realization=realization, bits=all_bits(5)))
    layer, f = network.layers[0], network.widths.guard_bits
    poles = integer_poles(layer, realization, f)
    for h in range(3):
        for n in range(2):
            L, shift = int(layer.full_scale[h, 2 * n]), int(layer.full_scale_shift[h, 2 * n])
            m, t = int(layer.multiplier[h, n]), int(layer.shift[h, n])
            step = layer.A[h, n] * 2.0**-f * (2.0**shift / L) * (m * 2.0**-t)
            if realization == "incremental":
                step = np.eye(2) + step
            if realization == "leaky":
                step = np.eye(2) * (1 - 2.0 ** -int(layer.k[h, n])) + step
            eigenvalues = np.linalg.eigvals(step)
            assert np.abs(eigenvalues - poles[h, n]).min() < 1e-9
