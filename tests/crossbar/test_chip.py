"""The simulated chip: single weights by hand, read noise against a device-by-device simulation."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from imssa.crossbar import SimulatedChip, execute, simulate, write_program
from imssa.crossbar.arrays import program_array
from imssa.crossbar.chip import ReadAddress
from imssa.errors import DesignRuleError, ShapeError
from imssa.hardware import ChipDescription, StuckDevices
from imssa.hardware.devices import GaussianProgramming, PowerReadNoise, RelativeReadNoise
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.program import ArrayContents
from imssa.program.operations import Phase
from tests.program.samples import a_phase, ints
from tests.reference.networks import Codes, chip_with, random_inputs, random_network

KEY = Key.root(1)
MICRO = 1e-6


def contents(
    codes: list[list[int]], weight_max: int, written: list[list[bool]] | None = None
) -> ArrayContents:
    cells = np.array(codes)
    step = np.full(cells.shape[1], 150e-6 / weight_max)
    return ArrayContents(
        cells, np.ones_like(cells, bool) if written is None else np.array(written), step
    )


def phase_over(lines: int, pairs: int, full_scale: int = 1, shift: int = 0) -> Phase:
    """Every line driven, every pair read, in order."""
    return a_phase(
        word_lines=np.arange(lines),
        drive_register=np.zeros(lines, np.int64),
        drive_index=np.arange(lines),
        drive_sign=np.ones(lines, np.int64),
        drive_shift=np.zeros(lines, np.int64),
        pairs=np.arange(pairs),
        read_register=np.zeros(pairs, np.int64),
        read_index=np.arange(pairs),
        read_sign=np.ones(pairs, np.int64),
        full_scale=np.full(pairs, full_scale),
        full_scale_shift=np.full(pairs, shift),
    )


def answer(
    chip: ChipDescription, what: ArrayContents, drive: Codes, phase: Phase | None = None
) -> Codes:
    """ADC codes of one chip for a batch of drives."""
    device = SimulatedChip(chip, KEY, 3)
    device.write(0, what)
    phase = phase or phase_over(*what.codes.shape)
    return device.mvm(phase, drive, ReadAddress(0, 0, np.arange(len(drive))))


def tiny(adc_bits: int = 8, size: tuple[int, int] = (2, 2), dac_bits: int = 8) -> ChipDescription:
    return chip_with(count=1, size=size, dac_bits=dac_bits, adc_bits=adc_bits).only()


@pytest.mark.parametrize(
    ("weight", "drive", "full_scale", "shift", "expected"),
    [
        (1, 100, 1, 0, 100),
        (1, 100, 8, 0, 13),  # 12.5, away from zero
        (-1, 100, 8, 0, -13),
        (1, -100, 8, 0, -13),
        (7, 100, 16, 0, 44),  # 43.75
        (7, 127, 1, 0, 127),  # saturated
        (-7, 127, 1, 0, -127),
        (3, 5, 7, 2, 9),  # 15 * 4 / 7 = 8.57
        (0, 127, 1, 0, 0),
    ],
)
def test_one_cell_by_hand(
    weight: int, drive: int, full_scale: int, shift: int, expected: int
) -> None:
    what = contents([[weight], [0]], 7)
    phase = phase_over(2, 1, full_scale, shift)
    assert answer(tiny(), what, np.array([[drive, 55]]), phase).tolist() == [[expected]]


def test_conductances_of_one_cell_by_hand() -> None:
    """A weight of -3 of 7 stands on the second device of its pair: 3/7 of 150 uS."""
    device = SimulatedChip(tiny(), KEY)
    device.write(0, contents([[-3], [7]], 7))
    expected = np.array([[0.0, 3 / 7 * 150e-6], [150e-6, 0.0]])
    assert device.read(0) == pytest.approx(expected, rel=1e-12)


def test_lines_that_are_not_driven_do_nothing() -> None:
    what = contents([[3], [5]], 7)
    phase = replace_lines(phase_over(2, 1), ints(1))
    assert answer(tiny(adc_bits=10), what, np.array([[10]]), phase).tolist() == [[50]]


def replace_lines(phase: Phase, lines: Codes) -> Phase:
    n = len(lines)
    return replace(
        phase,
        word_lines=lines,
        drive_register=np.zeros(n, np.int64),
        drive_index=np.arange(n),
        drive_sign=np.ones(n, np.int64),
        drive_shift=np.zeros(n, np.int64),
    )


def test_phases_may_name_lines_and_pairs_in_any_order() -> None:
    what = contents([[1, 2], [3, -4]], 7)
    phase = replace(replace_lines(phase_over(2, 2), ints(1, 0)), pairs=ints(1, 0))
    # lines 1 and 0 are driven with 10 and 1: pair 1 gets -40 + 2, pair 0 gets 30 + 1
    chip = tiny(size=(2, 4))
    assert answer(chip, what, np.array([[10, 1]]), phase).tolist() == [[-38, 31]]


def weight_by_hand(code: int, weight_max: int, plus: int, minus: int) -> float:
    """Weight of a pair whose devices are sound (0), stuck high (1) or stuck low (-1)."""
    ends = {1: 1.0, -1: 0.0}
    g_plus = ends.get(plus, max(code, 0) / weight_max)
    g_minus = ends.get(minus, max(-code, 0) / weight_max)
    return (g_plus - g_minus) * weight_max


@pytest.mark.parametrize("weight_max", [1, 7])
def test_stuck_devices_by_hand(weight_max: int) -> None:
    """Every code with every pair of defects, on a chip with many of them."""
    rng = np.random.default_rng(0)
    codes = rng.integers(-weight_max, weight_max + 1, (40, 20))
    chip = chip_with(count=1, size=(40, 40), adc_bits=12).only()
    chip = chip.model_copy(update={"stuck": StuckDevices(high_rate=0.3, low_rate=0.3)})
    what = contents(codes.tolist(), weight_max)
    array = program_array(what, chip, KEY.child("array", 0), np.array([3]))
    defects = array.devices.defects[0]
    met = set()
    for row, pair in product(range(40), range(20)):
        plus, minus = int(defects[row, 2 * pair]), int(defects[row, 2 * pair + 1])
        code = int(codes[row, pair])
        met.add((int(np.sign(code)), plus, minus))
        expected = weight_by_hand(code, weight_max, plus, minus)
        assert array.weights[0, row, pair] == pytest.approx(expected, abs=1e-6)
    assert len(met) == 27
    # one line at a time, the chip answers with these very weights
    for line in range(3):
        phase = replace_lines(phase_over(40, 20), ints(line))
        got = answer(chip, what, np.array([[100]]), phase)[0]
        assert got.tolist() == np.rint(array.weights[0, line] * 100).astype(int).tolist()


@pytest.mark.parametrize(
    ("code", "plus", "minus", "expected"),
    [
        (0, 1, 0, 1),  # a spurious weight
        (0, 0, 1, -1),
        (0, 1, 1, 0),  # they cancel
        (0, -1, -1, 0),  # harmless
        (1, 1, 0, 1),  # harmless: it wanted to be high
        (1, -1, 0, 0),  # lost
        (1, 0, 1, 0),  # cancelled
        (1, -1, 1, -1),  # turned
    ],
)
def test_what_stuck_devices_do_to_ternary_weights(
    code: int, plus: int, minus: int, expected: int
) -> None:
    """The table by which defects are judged (DESIGN section 4)."""
    assert weight_by_hand(code, 1, plus, minus) == expected
    assert weight_by_hand(-code, 1, minus, plus) == -expected


def test_cells_never_written_get_the_off_state() -> None:
    chip = chip_with(count=1, size=(64, 64)).only("off_state", "programming")
    written = np.zeros((64, 32), bool)
    written[:20, :10] = True
    what = contents(np.zeros((64, 32), int).tolist(), 7, written.tolist())
    G = [device_of(chip, what, n).read(0) for n in range(40)]
    off = np.log(np.stack([g[~np.repeat(written, 2, 1)] for g in G]).ravel() / MICRO)
    assert stats.kstest(off, "norm", args=(0.8, 1.1)).pvalue > 1e-3
    folded = np.stack([g[np.repeat(written, 2, 1)] for g in G]).ravel() / MICRO
    assert stats.kstest(folded, "foldnorm", args=(0.108 / 3.23, 0, 3.23)).pvalue > 1e-3
    ideal = device_of(chip.only(), what, 0).read(0)
    assert not ideal.any()


def device_of(chip: ChipDescription, what: ArrayContents, instance: int) -> SimulatedChip:
    device = SimulatedChip(chip, KEY, instance)
    device.write(0, what)
    return device


DRAWS = 120_000


@pytest.mark.parametrize(
    "law",
    [
        PowerReadNoise(slope=0.782, intercept=-2.168, frozen_above_siemens=50e-6),
        RelativeReadNoise(sigma_siemens=4e-6),
    ],
)
def test_one_gaussian_a_pair_is_as_good_as_one_a_device(
    law: PowerReadNoise | RelativeReadNoise,
) -> None:
    """Codes of the executor against a draw for each device at each read, in distribution."""
    chip = (
        chip_with(count=1, size=(9, 6), adc_bits=14)
        .only()
        .model_copy(
            update={"read_noise": law, "programming": GaussianProgramming(sigma_siemens=3e-6)}
        )
    )
    rng = np.random.default_rng(4)
    what = contents(rng.integers(-7, 8, (9, 3)).tolist(), 7)
    drive = rng.integers(-127, 128, 9)
    step = 0.25  # of the ADC, in units of weight times DAC code
    phase = phase_over(9, 3, full_scale=1, shift=2)
    ours = answer(chip, what, np.tile(drive, (DRAWS, 1)), phase)
    G = device_of(chip, what, 3).read(0)
    sigma = law.sigma(G)
    theirs = np.empty((DRAWS, 3))
    for first in range(0, DRAWS, 20_000):
        reads = G + sigma * rng.standard_normal((20_000, *G.shape))
        weights = (reads[..., 0::2] - reads[..., 1::2]) / what.siemens_per_step
        theirs[first : first + 20_000] = np.einsum("rij,i->rj", weights, drive)
    for pair in range(3):
        jitter = rng.uniform(-0.5, 0.5, DRAWS)
        smooth = (ours[:, pair] + jitter) * step
        assert stats.ks_2samp(smooth, theirs[:, pair]).pvalue > 1e-3
        mean, error = theirs[:, pair].mean(), theirs[:, pair].std() * np.sqrt(2 / DRAWS)
        assert abs(smooth.mean() - mean) < 4 * error + 0.05  # weights are rounded a little
        assert smooth.std() == pytest.approx(theirs[:, pair].std(), rel=4 / np.sqrt(DRAWS))
    noise = (ours - ours.mean(0)) / ours.std(0)
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 4 / np.sqrt(DRAWS)


def test_read_noise_is_new_at_each_step_event_sequence_and_chip() -> None:
    chip = chip_with(count=1, size=(9, 6), adc_bits=14).only("read_noise")
    what = contents(np.full((9, 3), 7).tolist(), 7)
    phase, drive = phase_over(9, 3), np.full((1, 9), 127)
    found = []
    for instance, event, step, sample in product((0, 1), (0, 1), (0, 1), (0, 1)):
        address = ReadAddress(event, step, np.array([sample]))
        found.append(tuple(device_of(chip, what, instance).mvm(phase, drive, address)[0].tolist()))
    assert len(set(found)) == 16
    again = device_of(chip, what, 1).mvm(phase, drive, ReadAddress(1, 1, np.array([1])))
    assert tuple(again[0].tolist()) == found[-1]


def test_nothing_driven_is_read_without_noise() -> None:
    chip = chip_with(count=1, size=(9, 6)).only("read_noise", "programming")
    what = contents(np.full((9, 3), 7).tolist(), 7)
    assert not answer(chip, what, np.zeros((50, 9), np.int64)).any()


# What a chip and a run refuse.


def test_a_chip_refuses_what_does_not_fit() -> None:
    chip = SimulatedChip(tiny(), KEY)
    with pytest.raises(ShapeError, match="it was not written"):
        chip.read(0)
    with pytest.raises(ShapeError, match="it was not written"):
        chip.mvm(phase_over(2, 1), np.zeros((1, 2), np.int64), ReadAddress(0, 0, ints(0)))
    for array, what in (
        (1, contents([[1], [1]], 7)),
        (0, contents([[1]], 7)),
        (-1, contents([[1], [1]], 7)),
    ):
        with pytest.raises(ShapeError, match=r"Compile the network for this chip"):
            chip.write(array, what)


@pytest.mark.parametrize(
    ("shape", "lengths", "words"),
    [
        ((0, 5, 4), [], r"takes \(batch, length, 4\)"),
        ((2, 5, 3), [5, 5], r"takes \(batch, length, 4\)"),
        ((2, 5, 4), [5, 6], "from 1 to 5"),
        ((2, 5, 4), [0, 5], "from 1 to 5"),
        ((1, 50, 4), [41], "from 1 to 40"),
    ],
)
def test_inputs_that_a_program_cannot_take(
    shape: tuple[int, ...], lengths: list[int], words: str
) -> None:
    program = compile_network(random_network(1), chip_with(), {})
    inputs, counts = np.zeros(shape, np.int64), np.array(lengths, np.int64)
    device = SimulatedChip(chip_with(), KEY)
    write_program(program, device)
    with pytest.raises(ShapeError, match=words):
        execute(program, device, inputs, counts)
    with pytest.raises(ShapeError, match=words):
        simulate(program, chip_with(), KEY, ints(0), inputs, counts)


@pytest.mark.parametrize("code", [128, -128, 2**40])
def test_inputs_beyond_the_range_of_their_register(code: int) -> None:
    """The compiled loops look codes up in tables: none may lie outside."""
    network = random_network(1)
    program = compile_network(network, chip_with(), {})
    inputs, lengths = random_inputs(network, 1, 3, 6)
    inputs[1, 0, 2] = code
    with pytest.raises(ShapeError, match="-127 to 127"):
        simulate(program, chip_with(), KEY, ints(0), inputs, lengths)


def test_padding_may_hold_anything() -> None:
    network = random_network(1)
    program = compile_network(network, chip_with(), {})
    inputs, lengths = random_inputs(network, 1, 3, 6)
    expected = simulate(program, chip_with(), KEY, ints(0), inputs, lengths).answers
    inputs[1, lengths[1] :] = 10**9
    assert np.array_equal(
        simulate(program, chip_with(), KEY, ints(0), inputs, lengths).answers, expected
    )


def test_a_simulation_without_records_gives_the_same_answers() -> None:
    network = random_network(2)
    program = compile_network(network, chip_with(), {})
    inputs, lengths = random_inputs(network, 1, 9, 12)
    bare = simulate(program, chip_with(), KEY, ints(0, 1), inputs, lengths)
    kept = simulate(program, chip_with(), KEY, ints(0, 1), inputs, lengths, ("state.0", "sum"))
    assert bare.steps == {}
    assert set(kept.steps) == {"state.0", "sum"}
    assert np.array_equal(bare.answers, kept.answers)
    assert kept.steps["state.0"].shape == (2, 9, 12, 12)
    assert not kept.steps["state.0"][:, 1, lengths[1] :].any()


def test_codes_fill_the_converter_not_more() -> None:
    """No code leaves the symmetric range, whatever the errors."""
    harsh = chip_with(adc_bits=4).model_copy(
        update={"programming": GaussianProgramming(sigma_siemens=100e-6)}
    )
    network = random_network(3, chip=harsh)
    program = compile_network(network, harsh, {})
    inputs, lengths = random_inputs(network, 1, 9, 12)
    trace = simulate(program, harsh, KEY, np.arange(5), inputs, lengths, ("adc.0", "readout.0"))
    for codes in trace.steps.values():
        assert np.abs(codes).max() == 7
        assert len(np.unique(codes)) > 10


def test_a_program_with_more_reads_than_addresses_is_refused() -> None:
    """65,537 times the same phase: read noise would repeat, on either path."""
    chip = chip_with()
    program = compile_network(random_network(1), chip, {})
    program = replace(program, step=program.phases[:1] * (2**16 + 1))
    device, inputs = SimulatedChip(chip, KEY), np.zeros((1, 1, 4), np.int64)
    words = "65,537 phases of 1 passes a time step"
    with pytest.raises(DesignRuleError, match=words):
        execute(program, device, inputs, ints(1))
    with pytest.raises(DesignRuleError, match=words):
        simulate(program, chip, KEY, ints(0), inputs, ints(1))
