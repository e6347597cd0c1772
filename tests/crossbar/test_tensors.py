"""The simulation in plain tensors against the compiled one."""

import numpy as np
import pytest
import torch

from imssa.crossbar import Trace
from imssa.crossbar.fused import simulate
from imssa.crossbar.tensor_phase import ReadNormals, first_largest, rounded_shift
from imssa.crossbar.tensors import simulate_tensors
from imssa.errors import ShapeError
from imssa.hardware import ChipDescription
from imssa.hardware.readout import Readout
from imssa.kernels.codes import requantized
from imssa.kernels.random import Key, read_normals
from imssa.mapping import compile_network
from imssa.quantization.config import Realization
from tests.crossbar.contract import KEY, register_names
from tests.reference.networks import Sketch, chip_with, random_inputs, random_network

READOUT = Readout(gain_spread=0.01, offset_steps=0.4, noise_steps=0.3, common_mode_spread=0.01)
SATURATING = READOUT.model_copy(update={"saturation_devices": 2.0})


def both(
    chip: ChipDescription, device: ChipDescription, sketch: Sketch | None = None
) -> tuple[Trace, Trace]:
    network = random_network(5, sketch or Sketch(), chip)
    program = compile_network(network, chip, {})
    inputs, lengths = random_inputs(network, 5, batch=5, length=15)
    names = register_names(program)
    arguments = (program, device, KEY, np.arange(3), inputs, lengths, names)
    return simulate(*arguments, first_sample=2), simulate_tensors(*arguments, first_sample=2)


def differing(one: Trace, other: Trace) -> float:
    """Share of codes that differ, over all steps."""
    assert set(one.steps) == set(other.steps)
    same = [(one.steps[n] == other.steps[n]).ravel() for n in one.steps]
    return float(1 - np.concatenate(same).mean())


@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
@pytest.mark.parametrize("output", ["delayed", "current"])
def test_quiet_codes_are_equal(realization: Realization, output: str) -> None:
    chip = chip_with()
    quiet = chip.only("programming", "off_state", "stuck", "wires")
    one, other = both(chip, quiet, Sketch(realization=realization, output=output, layers=2))
    assert differing(one, other) == 0.0
    assert np.array_equal(one.answers, other.answers)
    for name, codes in one.final.items():
        assert np.array_equal(codes, other.final[name])


@pytest.mark.parametrize("drive", ["amplitude", "bit-serial"])
@pytest.mark.parametrize("polarity", ["differential", "two-pass"])
@pytest.mark.parametrize("readout", [None, READOUT, SATURATING])
def test_noisy_codes_are_equal_but_for_the_last_bit_of_a_variance(
    drive: str, polarity: str, readout: Readout | None
) -> None:
    chip = chip_with(drive=drive, polarity=polarity).model_copy(update={"readout": readout})
    one, other = both(chip, chip)
    assert differing(one, other) < 1e-3
    assert one.steps["adc.0"].std() > 1


def test_normals_are_those_of_the_compiled_generator() -> None:
    key, lines = Key.root(3).child("read"), np.array([0, 7, 8, 31, 32, 63, 200])
    chips, samples = np.array([0, 5]), np.arange(4000)
    device = torch.device("cpu")
    normals = ReadNormals(key, chips, samples, device)(3, 11, torch.from_numpy(lines))
    for row, chip in enumerate(chips.tolist()):
        expected = read_normals(key, chip, 3, 11, samples, lines)
        assert np.array_equal(normals[row].numpy(), expected)


def test_shifts_round_as_the_one_rule_does() -> None:
    rng = np.random.default_rng(1)
    values, shifts = rng.integers(-(2**31), 2**31, 5000), rng.integers(-10, 40, 5000)
    ours = rounded_shift(torch.from_numpy(values), torch.from_numpy(shifts)).numpy()
    assert np.array_equal(ours, requantized(values, np.ones_like(values), shifts, 62))


def test_the_first_of_equals_is_the_answer() -> None:
    values = torch.tensor([[1, 4, 4], [2, 2, 2], [0, 1, 3]])
    assert first_largest(values)[:, 0].tolist() == [1, 0, 2]


def test_wrong_inputs_are_refused() -> None:
    network = random_network(5)
    program = compile_network(network, chip_with(), {})
    inputs, lengths = random_inputs(network, 5, batch=2, length=5)
    with pytest.raises(ShapeError, match="the program takes"):
        simulate_tensors(program, program.chip, KEY, np.arange(1), inputs[..., :1], lengths)
