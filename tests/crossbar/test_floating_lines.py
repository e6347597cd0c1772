"""Idle lines that float: one transfer matrix a phase, equal to a dense solve with these lines cut off."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.crossbar.arrays import both_lines, program_array
from imssa.hardware import ChipDescription
from imssa.hardware.readout import Readout
from imssa.hardware.wires import WireSettings
from imssa.mapping import compile_network
from imssa.program.operations import Phase
from tests.circuit.dense import dense_transfer
from tests.crossbar import contract, one_array
from tests.crossbar.one_array import KEY, WEIGHT_MAX, codes_of, contents_of, phase_of, written
from tests.reference.networks import Sketch, chip_with, random_inputs, random_network

IDLE = [("floating", "grounded"), ("grounded", "floating"), ("floating", "floating")]
SMALL = (6, 8)
Floats = NDArray[np.float64]


def chip_of(
    undriven: str,
    unread: str,
    *effects: str,
    ohm: float = 50.0,
    size: tuple[int, int] = SMALL,
    **more: Any,
) -> ChipDescription:
    """A chip whose wires matter, with some of its errors."""
    wires = WireSettings.model_validate(
        {
            "word_line_resistance_ohm": ohm,
            "bit_line_resistance_ohm": ohm / 2,
            "driver_resistance_ohm": 2 * ohm,
            "sense_resistance_ohm": 3 * ohm,
            "undriven": undriven,
            "unread": unread,
            **more,
        }
    )
    chip = chip_with(count=1, size=size, full_scale_devices=(4.0,))
    return chip.only(*effects).model_copy(update={"wires": wires})


def dense_lines(chip: ChipDescription, G: Floats, phase: Phase) -> Floats:
    """Weights of bit lines in codes, from all nodal equations; idle lines are cut at their ends."""
    wires = chip.wires
    assert wires is not None
    rows, columns = G.shape
    row_ohm = np.full((rows, columns + 1), wires.word_line_resistance_ohm)
    column_ohm = np.full((rows + 1, columns), wires.bit_line_resistance_ohm)
    row_ohm[:, 0] += wires.driver_resistance_ohm
    row_ohm[:, -1] = row_ohm[:, 0] if wires.word_line_ends == "both" else np.inf
    column_ohm[-1] += wires.sense_resistance_ohm
    column_ohm[0] = column_ohm[-1] if wires.bit_line_ends == "both" else np.inf
    read = np.concatenate([2 * phase.pairs, 2 * phase.pairs + 1])
    if wires.undriven == "floating":
        row_ohm[np.setdiff1d(np.arange(rows), phase.word_lines)[:, None], [0, -1]] = np.inf
    if wires.unread == "floating":
        column_ohm[[[0], [-1]], np.setdiff1d(np.arange(columns), read)] = np.inf
    Y = dense_transfer(G, row_ohm, column_ohm)
    lines = Y[np.ix_(phase.word_lines, both_lines(phase.pairs))]
    return np.asarray(lines / (chip.window_siemens / WEIGHT_MAX))


def dense_weights(chip: ChipDescription, G: Floats, phase: Phase) -> Floats:
    """Weights of the pairs that a phase sees."""
    lines = dense_lines(chip, G, phase)
    return np.asarray(lines[:, 0::2] - lines[:, 1::2])


@pytest.mark.parametrize("idle", [*IDLE, ("grounded", "grounded")])
@pytest.mark.parametrize("ends", ["one", "both"])
@pytest.mark.parametrize("ohm", [0.0, 50.0])
def test_a_phase_sees_a_dense_solve_with_idle_lines_cut_off(
    idle: tuple[str, str], ends: str, ohm: float
) -> None:
    """Weights of chips with written and stuck devices, rounded to multiples of 2^-14 at most."""
    effects = ("programming", "stuck")
    chip = chip_of(*idle, *effects, ohm=ohm, word_line_ends=ends, bit_line_ends=ends)
    contents = one_array.random_contents(np.random.default_rng(1), chip)
    array = program_array(contents, chip, KEY, np.arange(2), array=0)
    for lines, pairs in (
        ([0, 2, 3], [0, 3]),
        ([1, 4, 5], [1, 2]),
        (range(6), range(4)),
        ([5], [0]),
    ):
        phase = phase_of(chip, list(lines), list(pairs))
        seen = array.seen_by(phase)
        for G, weights in zip(array.devices.conductance_siemens, seen.weights, strict=True):
            assert np.abs(weights - dense_weights(chip, G, phase)).max() < 2.0**-10


def test_a_sneak_path_worked_by_hand() -> None:
    """Two word lines, two pairs, ideal wires; the second line and the second pair float.

    Beside the device a of line 0 and pair 0, a current takes the way b, d, c in series: line 0 to
    the idle bit line, on to the idle word line, and back to the bit line that is read.
    """
    chip = chip_of("floating", "floating", ohm=0.0, size=(2, 4))
    a, b, c, d = 2, 5, 3, 7
    array = program_array(
        contents_of(np.array([[a, b], [c, d]]), chip), chip, KEY, np.zeros(1, np.int64), array=0
    )
    [[[weight]]] = array.seen_by(phase_of(chip, [0], [0])).weights
    assert weight == pytest.approx(a + 1 / (1 / b + 1 / d + 1 / c), abs=2.0**-16)
    grounded = chip_of("grounded", "grounded", ohm=0.0, size=(2, 4))
    array = replace(array, chip=grounded)
    assert array.seen_by(phase_of(chip, [0], [0])).weights.tolist() == [[[a]]]


@pytest.mark.parametrize("idle", IDLE)
def test_a_phase_on_all_lines_has_no_idle_ones(idle: tuple[str, str]) -> None:
    chip, grounded = chip_of(*idle, "read_noise"), chip_of("grounded", "grounded", "read_noise")
    contents = one_array.random_contents(np.random.default_rng(2), chip)
    one, other = (
        program_array(contents, c, KEY, np.arange(2), array=0).seen_by(phase_of(c))
        for c in (chip, grounded)
    )
    assert np.array_equal(one.weights, other.weights)
    assert np.array_equal(one.variance, other.variance)


@pytest.mark.parametrize("limit", [None, 1e4])
@pytest.mark.parametrize("idle", IDLE)
def test_read_noise_knows_which_lines_float(idle: tuple[str, str], limit: float | None) -> None:
    """Variances against small changes of single devices in the dense solve, one driven line.

    Of pairs, or of bit lines where amplifiers saturate. Devices on idle lines count: sneak paths put
    voltage on them. First order in the change, so a millionth of the window tells the slope to 1e-4.
    """
    chip = chip_of(*idle, "read_noise", ohm=0.0)
    chip = chip.model_copy(update={"readout": Readout(saturation_devices=limit)})
    contents = one_array.random_contents(np.random.default_rng(3), chip)
    array = program_array(contents, chip, KEY, np.zeros(1, np.int64), array=0)
    phase = phase_of(chip, [2], [1, 3])
    [variance] = array.seen_by(phase).variance
    dense = dense_weights if limit is None else dense_lines
    G = array.devices.conductance_siemens[0]
    assert chip.read_noise is not None
    sigma, little = chip.read_noise.sigma(G), 1e-6 * chip.window_siemens
    before = dense(chip, G, phase)[0]
    expected = np.zeros_like(before)
    for cell in np.ndindex(*G.shape):
        changed = G.copy()
        changed[cell] += little
        slope = (dense(chip, changed, phase)[0] - before) / little
        expected += (slope * sigma[cell]) ** 2
    assert variance[0] == pytest.approx(expected, rel=1e-4, abs=1e-9 * expected.max())


@pytest.mark.parametrize("idle", IDLE)
def test_two_phases_of_a_program_see_two_transfers(idle: tuple[str, str]) -> None:
    """The states' phase and the outputs' phase of a layer read other pairs of the same array."""
    chip = chip_of(*idle, "programming", "off_state", size=(64, 64))
    sketch = Sketch(output="current", layers=2)
    program = compile_network(random_network(4, sketch, chip), chip, {})
    first, second, other_layer, _ = program.phases
    assert first.array == second.array == other_layer.array
    array = program_array(program.arrays[0], chip, KEY, np.zeros(1, np.int64), array=0)
    whole = replace(array, chip=chip_of("grounded", "grounded", size=(64, 64)))
    for phase in program.phases:
        assert (array.siemens_per_step[phase.pairs] == chip.window_siemens).all()  # ternary
        [weights], [grounded] = array.seen_by(phase).weights, whole.seen_by(phase).weights
        codes = program.arrays[0].codes[np.ix_(phase.word_lines, phase.pairs)]
        assert 0.01 < np.abs(weights - codes).max() < 1
        assert not np.array_equal(weights, grounded)


@pytest.mark.parametrize("limit", [None, 2.0])
@pytest.mark.parametrize("idle", IDLE)
def test_executor_and_simulation_agree(idle: tuple[str, str], limit: float | None) -> None:
    """With all errors on; the codes differ from those of grounded lines."""
    full = chip_with(full_scale_devices=(4.0,))
    wires, size = chip_of(*idle, ohm=5.0).wires, full.arrays.model_copy(update={"count": 1})
    readout = Readout(saturation_devices=limit, gain_spread=0.02, noise_steps=0.4)
    chip = full.model_copy(update={"wires": wires, "readout": readout, "arrays": size})
    network = random_network(5, Sketch(output="current", layers=2), chip)
    program = compile_network(network, chip, {})
    inputs, lengths = random_inputs(network, 6, 3, 8)
    together = contract.of_simulation(program, chip, inputs, lengths, (2, 0))
    for place, instance in enumerate((2, 0)):
        slow = contract.of_executor(program, chip, inputs, lengths, instance)
        contract.assert_same_run(contract.of_chip(together, place), slow)
    assert wires is not None
    still = wires.model_copy(update={"undriven": "grounded", "unread": "grounded"})
    grounded = chip.model_copy(update={"wires": still})
    other = contract.of_simulation(program, grounded, inputs, lengths, (2, 0))
    assert not np.array_equal(other[0]["adc.0"], together[0]["adc.0"])


@pytest.mark.parametrize("idle", IDLE)
def test_a_chip_keeps_its_phases_apart(idle: tuple[str, str]) -> None:
    """One chip, phases in turn, and again after it is written anew: each with its own transfer."""
    chip = chip_of(*idle, "programming")
    rng = np.random.default_rng(9)
    device, phases = written(chip, one_array.random_contents(rng, chip)), []
    for lines, pairs in (([0, 1], [0, 1]), ([0, 1], [2, 3]), ([2, 3, 4], [0, 1])):
        phases.append(phase_of(chip, lines, pairs))
    for _ in range(2):
        for phase in (*phases, phases[0]):
            drive = rng.integers(-127, 128, (20, len(phase.word_lines)))
            sums = drive @ dense_weights(chip, device.read(0), phase)
            got = codes_of(device, phase, drive)
            assert np.abs(got - sums / one_array.adc_step(phase)).max() < 0.52
        device.write(0, one_array.random_contents(rng, chip))
