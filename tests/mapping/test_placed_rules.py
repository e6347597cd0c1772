"""Rules of kernels whose places are known: each broken alone, and its figure beside a closed form."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.crossbar.arrays import targets_of
from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription
from imssa.mapping import compile_network
from imssa.mapping.layout import one_shot
from imssa.mapping.rules import PLACED_RULES, RULES, layer_shapes, placed, require
from imssa.quantization.network import QuantizedNetwork
from tests.reference.networks import Sketch, all_bits, chip_with, random_network

CHIP = chip_with()
HOP_SECONDS = 0.01


def alone(network: QuantizedNetwork, chip: ChipDescription) -> str:
    """The one rule that is broken."""
    with pytest.raises(DesignRuleError) as caught:
        require(network, chip)
    assert ";" not in caught.value.rule
    return caught.value.rule


def heard(network: QuantizedNetwork, hop_seconds: Any = HOP_SECONDS) -> QuantizedNetwork:
    return replace(network, preparation={"front_end": {"hop_seconds": hop_seconds}})


def changed(chip: ChipDescription, **values: Any) -> ChipDescription:
    return chip.model_copy(update=values)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("g_min_siemens", [0.0, 5e-6])
@pytest.mark.parametrize("layers", [1, 2])
def test_currents_are_voltage_times_the_targets_of_a_line(
    bits: int, g_min_siemens: float, layers: int
) -> None:
    chip = changed(CHIP, g_min_siemens=g_min_siemens)
    network = random_network(1, Sketch(bits=all_bits(bits), layers=layers, kernels=4, modes=3))
    found = placed.word_line_currents_ampere(network, chip, one_shot(layer_shapes(network), chip))
    program = compile_network(network, chip, {})
    targets = [np.nansum(targets_of(contents, chip), axis=1) for contents in program.arrays]
    expected = chip.read_voltage_volt * np.stack(targets)
    assert np.allclose(found, expected, rtol=1e-12, atol=0)
    assert found.max() > 1e-5


def test_word_lines_beyond_their_drivers_are_named() -> None:
    network = random_network(1)
    current = placed.word_line_currents_ampere(network, CHIP, one_shot(layer_shapes(network), CHIP))
    largest = float(current.max())
    require(network, changed(CHIP, word_line_current_max_ampere=largest))
    with pytest.raises(DesignRuleError) as caught:
        require(network, changed(CHIP, word_line_current_max_ampere=0.99 * largest))
    assert caught.value.rule == "; ".join(
        f"word line {line} of array 0 can draw {1e6 * largest:.4g} uA, drivers of taox-64 give "
        f"{0.99e6 * largest:.4g} uA"
        for line in np.flatnonzero(current[0] == largest)
    )


def test_without_a_limit_nothing_is_asked_of_drivers() -> None:
    assert CHIP.word_line_current_max_ampere is None
    require(random_network(1), CHIP)


def test_a_latency_budget_that_cannot_be_met() -> None:
    network = heard(random_network(1, Sketch(kernels=9, modes=4)))
    slow = changed(CHIP, phase_seconds=HOP_SECONDS / 3 * 1.01)
    assert alone(network, slow) == (
        "3 phases a time step of 0.003367 s take 0.0101 s on taox-64, a step of the front end "
        "lasts 0.01 s"
    )
    require(network, changed(CHIP, phase_seconds=HOP_SECONDS / 3))
    require(network, CHIP)
    for unknown in (None, "fast", 0.0):
        require(heard(network, unknown), slow)
    require(random_network(1), slow)


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize(("kernels", "layers"), [(3, 1), (10, 1), (4, 3), (9, 2)])
def test_phases_are_those_of_the_program(output: str, kernels: int, layers: int) -> None:
    chip = chip_with(count=24)
    sketch = Sketch(kernels=kernels, layers=layers, modes=4, output=output)
    network = random_network(2, sketch)
    places = one_shot(layer_shapes(network), chip)
    found = placed.phases_a_step(network, chip, places)
    assert found == len(compile_network(network, chip, {}).phases)


def test_more_reads_than_read_noise_can_tell_apart() -> None:
    """A phase has 22 passes: 65,536 reads are full at 2,978 phases."""
    chip = chip_with(count=4096, dac_bits=12, drive="bit-serial", polarity="two-pass")
    network = random_network(1, chip=chip)
    (place, *_) = one_shot(layer_shapes(network), chip)
    places = tuple(replace(place, array=array) for array in range(2979))
    assert not list(placed.reads_have_addresses(network, chip, places[:-1]))
    (fault,) = placed.reads_have_addresses(network, chip, places)
    assert fault == (
        "2,979 phases of 22 passes a time step are more reads than the 65,536 that read noise can "
        "tell apart"
    )


def test_no_places_are_asked_of_a_kernel_that_fits_no_array() -> None:
    chip = changed(chip_with(size=(4, 8)), word_line_current_max_ampere=1e-12)
    assert "word line 0" not in alone(random_network(1), chip)


def test_rules_of_places_are_told_with_all_others() -> None:
    chip = changed(chip_with(count=1), word_line_current_max_ampere=1e-9, phase_seconds=1.0)
    network = heard(random_network(1, Sketch(kernels=10, modes=4)))
    with pytest.raises(DesignRuleError) as caught:
        require(network, chip)
    for words in ("need 4 arrays", "can draw", "phases a time step"):
        assert words in str(caught.value)


def test_every_rule_has_a_name_and_says_what_it_asks() -> None:
    for rule in (*RULES, *PLACED_RULES):
        assert rule.__doc__
        assert rule.__name__.count("_") >= 1
