"""Training without noise = frozen network = program on an ideal chip, both ways: with ==."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from imssa.hardware import ChipDescription
from imssa.hardware.devices import RelativeReadNoise
from imssa.kernels import parallel
from imssa.mapping import compile_network
from imssa.program import ArrayContents, Program
from imssa.program.operations import Phase
from imssa.quantization.config import Realization, WeightBits
from imssa.quantization.convert import convert
from imssa.quantization.network import QuantizedNetwork
from tests.crossbar import contract
from tests.reference.networks import (
    Codes,
    Sketch,
    all_bits,
    chip_with,
    prepared_network,
    random_inputs,
    random_network,
)

REALIZATIONS: tuple[Realization, ...] = ("direct", "incremental", "leaky")
OUTPUTS = ("delayed", "current")
CHIP = chip_with()
MIXED = WeightBits(A=2, B=4, C=3, D=8, encoder=5, mixing=2, decoder=6)


def assert_contract(
    seed: int, sketch: Sketch, chip: ChipDescription = CHIP, *, batch: int, length: int
) -> None:
    prepared = prepared_network(seed, sketch, chip)
    network = convert(prepared)
    inputs, lengths = random_inputs(network, seed + 1, batch, length)
    expected = network.run(inputs, lengths)
    trained = contract.masked(contract.of_training(prepared, inputs, lengths), lengths)
    missing = set(expected) - set(trained)
    assert missing <= {"sum"}
    compared = contract.assert_equal(trained, expected)
    assert compared > batch
    program = compile_network(network, chip, {})
    steps, final = contract.of_executor(program, chip.only(), inputs, lengths)
    contract.assert_equal(contract.at_each_step(expected), steps)
    contract.assert_equal(contract.at_the_end(expected), final)
    fast = contract.of_chip(contract.of_simulation(program, chip.only(), inputs, lengths), 0)
    contract.assert_same_run(fast, (steps, final))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_one_sequence(realization: Realization, bits: int, output: str) -> None:
    sketch = Sketch(realization=realization, output=output, bits=all_bits(bits))
    assert_contract(bits, sketch, batch=1, length=25)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_many_sequences_through_two_layers(
    realization: Realization, bits: int, output: str
) -> None:
    sketch = Sketch(realization=realization, output=output, bits=all_bits(bits), layers=2)
    assert_contract(10 + bits, sketch, batch=64, length=16)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_mixed_bits_on_one_bit_line(realization: Realization, output: str) -> None:
    for bits in (MIXED, WeightBits(A=8, B=3, C=2, D=5)):
        sketch = Sketch(realization=realization, output=output, bits=bits)
        assert_contract(31, sketch, batch=5, length=20)


@pytest.mark.parametrize(
    ("sketch", "widths"),
    [
        (Sketch(modes=1, kernels=1, inputs=1, classes=2), (8, 8)),
        (Sketch(modes=4, kernels=9), (8, 8)),
        (Sketch(kernels=6, layers=3, gain_bits=1), (6, 5)),
        (Sketch(realization="direct", register_bits=10, guard_bits=2), (8, 8)),
        (Sketch(realization="incremental", register_bits=32, guard_bits=16), (12, 14)),
        (Sketch(realization="incremental", bits=all_bits(8), modes=6), (12, 14)),
        (Sketch(realization="direct", gain_bits=15, activation="relu"), (4, 12)),
        (Sketch(output="current", register_bits=12, activation="identity"), (7, 9)),
        (Sketch(realization="incremental", output="current", gain_bits=1), (2, 2)),
    ],
)
def test_other_shapes_and_widths(sketch: Sketch, widths: tuple[int, int]) -> None:
    chip = chip_with(count=3, dac_bits=widths[0], adc_bits=widths[1])
    assert_contract(41, sketch, chip, batch=6, length=15)


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_long_sequence(realization: Realization) -> None:
    sketch = Sketch(realization=realization, max_length=400)
    assert_contract(51, sketch, batch=2, length=400)


@pytest.mark.proof
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_contract_over_many_networks(realization: Realization, bits: int, output: str) -> None:
    for seed in range(20):
        layers, modes = 1 + seed % 3, 1 + seed % 5
        sketch = Sketch(
            realization=realization,
            output=output,
            bits=all_bits(bits),
            layers=layers,
            modes=modes,
            gain_bits=1 + seed % 15,
        )
        assert_contract(1000 + seed, sketch, chip_with(count=9), batch=64, length=40)


class Setting(NamedTuple):
    """A compiled network and inputs."""

    network: QuantizedNetwork
    program: Program
    inputs: Codes
    lengths: Codes


@pytest.fixture(scope="module", params=[("leaky", "delayed", 1), ("direct", "current", 2)])
def setting(request: pytest.FixtureRequest) -> Setting:
    realization, output, layers = request.param
    bits = WeightBits(A=4, B=4, C=3, D=4)
    sketch = Sketch(realization=realization, output=output, bits=bits, layers=layers, kernels=5)
    network = random_network(7, sketch)
    inputs, lengths = random_inputs(network, 8, 37, 18)
    return Setting(network, compile_network(network, CHIP, {}), inputs, lengths)


ALL = CHIP
READ = CHIP.only("read_noise")


LIKE = READ.model_copy(update={"read_noise": RelativeReadNoise(sigma_siemens=4e-6)})


@pytest.mark.parametrize(
    "chip", [ALL, READ, LIKE, CHIP.only("programming", "off_state"), CHIP.only("stuck")]
)
def test_noisy_codes_are_the_same_step_by_step_and_fused(
    setting: Setting, chip: ChipDescription
) -> None:
    _, program, inputs, lengths = setting
    together = contract.of_simulation(program, chip, inputs, lengths, (2, 0, 11))
    ideal = contract.of_executor(program, CHIP.only(), inputs, lengths)
    for place, instance in enumerate((2, 0, 11)):
        slow = contract.of_executor(program, chip, inputs, lengths, instance)
        contract.assert_same_run(contract.of_chip(together, place), slow)
        assert not np.array_equal(slow[0]["adc.0"], ideal[0]["adc.0"])


def test_chips_do_not_depend_on_their_company(setting: Setting) -> None:
    _, program, inputs, lengths = setting
    together = contract.of_simulation(program, ALL, inputs, lengths, tuple(range(5)))
    alone = contract.of_simulation(program, ALL, inputs, lengths, (3,))
    contract.assert_same_run(contract.of_chip(alone, 0), contract.of_chip(together, 3))
    assert not np.array_equal(together[0]["adc.0"][0], together[0]["adc.0"][1])
    one_by_one = contract.of_simulation(
        program, ALL, inputs, lengths, tuple(range(5)), memory_budget_bytes=1
    )
    contract.assert_same_run(one_by_one, together)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_threads_change_no_code(
    setting: Setting, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, program, inputs, lengths = setting
    expected = contract.of_simulation(program, ALL, inputs, lengths, (0, 1, 2))
    monkeypatch.setattr(parallel, "worker_count", lambda: workers)
    got = contract.of_simulation(program, ALL, inputs, lengths, (0, 1, 2))
    contract.assert_same_run(got, expected)


@pytest.mark.parametrize("cuts", [(1, 20), (16, 32), tuple(range(1, 37))])
def test_a_batch_may_be_cut_anywhere(setting: Setting, cuts: tuple[int, ...]) -> None:
    """With all errors on: read noise is addressed by the number of the sequence."""
    _, program, inputs, lengths = setting
    steps, final = contract.of_simulation(program, ALL, inputs, lengths, (0, 4))
    for first, end in zip((0, *cuts), (*cuts, len(inputs)), strict=True):
        part = slice(first, end)
        got = contract.of_simulation(
            program, ALL, inputs[part], lengths[part], (0, 4), first_sample=first
        )
        expected = tuple({n: v[:, part] for n, v in x.items()} for x in (steps, final))
        contract.assert_same_run(got, (expected[0], expected[1]))
    first = cuts[0]
    slow = contract.of_executor(program, ALL, inputs[first:], lengths[first:], 4, first)
    assert np.array_equal(slow[1]["logits"], final["logits"][1, first:])


def test_the_order_of_sequences_changes_nothing_without_read_noise(setting: Setting) -> None:
    network, program, inputs, lengths = setting
    order = np.random.default_rng(5).permutation(len(inputs))
    chip = CHIP.only("programming", "off_state", "stuck")
    for one, other in zip(
        contract.of_simulation(program, chip, inputs, lengths, (1,)),
        contract.of_simulation(program, chip, inputs[order], lengths[order], (1,)),
        strict=True,
    ):
        contract.assert_equal({n: v[:, order] for n, v in one.items()}, other)
    plain, turned = network.run(inputs, lengths), network.run(inputs[order], lengths[order])
    contract.assert_equal({n: v[order] for n, v in plain.items()}, turned)


def test_padding_is_never_looked_at(setting: Setting) -> None:
    network, program, inputs, lengths = setting
    padding = np.arange(inputs.shape[1]) >= lengths[:, None]
    changed = np.where(padding[..., None], 5 - inputs, inputs)
    assert not np.array_equal(changed, inputs)
    contract.assert_equal(network.run(inputs, lengths), network.run(changed, lengths))
    for run in (contract.of_executor, contract.of_simulation):
        contract.assert_same_run(
            run(program, ALL, inputs, lengths), run(program, ALL, changed, lengths)
        )


def turned_mode(program: Program, phase_lines: tuple[int, ...]) -> Program:
    """Negates some states of layer 0 on the array: their word lines and pairs, cells and signs."""

    def turned(operation: object) -> object:
        if not isinstance(operation, Phase) or operation.drive[0] != "state.0":
            return operation
        drive, read = operation.drive_sign.copy(), operation.read_sign.copy()
        state = operation.read_register == 0
        for line in phase_lines:
            drive[(operation.drive_register == 0) & (operation.drive_index == line)] *= -1
            read[state & (operation.read_index == line)] *= -1
        return replace(operation, drive_sign=drive, read_sign=read)

    step = tuple(turned(operation) for operation in program.step)
    arrays = list(program.arrays)
    phase = next(operation for operation in program.step if isinstance(operation, Phase))
    codes = arrays[phase.array].codes.copy()
    for line in phase_lines:
        driven = (phase.drive_register == 0) & (phase.drive_index == line)
        codes[phase.word_lines[driven]] *= -1
        read = (phase.read_register == 0) & (phase.read_index == line)
        codes[:, phase.pairs[read]] *= -1
    arrays[phase.array] = replace(arrays[phase.array], codes=codes)
    return replace(program, step=step, arrays=tuple(arrays))  # type: ignore[arg-type]


def assert_other_but_equal(setting: Setting, other: Program) -> None:
    """Another arrangement of the arrays, the same codes in every register."""
    _, program, inputs, lengths = setting
    cells = zip(program.arrays, other.arrays, strict=True)
    assert not all(np.array_equal(a.codes, b.codes) for a, b in cells)
    expected = contract.of_executor(program, CHIP.only(), inputs, lengths)
    contract.assert_same_run(contract.of_executor(other, CHIP.only(), inputs, lengths), expected)
    fast = contract.of_simulation(other, CHIP.only(), inputs, lengths)
    contract.assert_same_run(contract.of_chip(fast, 0), expected)


@pytest.mark.parametrize("kernel_and_mode", [(0, 0), (1, 1), (4, 0)])
def test_a_mode_may_be_negated_on_the_array(
    setting: Setting, kernel_and_mode: tuple[int, int]
) -> None:
    """Both states of a mode, on word lines and pairs: its rotation stays, B and C turn their sign."""
    modes = setting.network.layers[0].k.shape[1]
    first = 2 * (kernel_and_mode[0] * modes + kernel_and_mode[1])
    assert_other_but_equal(setting, turned_mode(setting.program, (first, first + 1)))


def arranged(program: Program, seed: int) -> Program:
    """Word lines and pairs of every array permuted and negated at random, independently."""
    rng, arrays, moves = np.random.default_rng(seed), [], []
    for contents in program.arrays:
        rows, pairs = (rng.permutation(n) for n in contents.codes.shape)
        row_sign, pair_sign = (rng.choice([-1, 1], n) for n in contents.codes.shape)
        codes, written = np.zeros_like(contents.codes), np.zeros_like(contents.written)
        codes[np.ix_(rows, pairs)] = contents.codes * row_sign[:, None] * pair_sign
        written[np.ix_(rows, pairs)] = contents.written
        step = np.empty_like(contents.siemens_per_step)
        step[pairs] = contents.siemens_per_step
        arrays.append(ArrayContents(codes, written, step))
        moves.append((rows, pairs, row_sign, pair_sign))

    def moved(operation: object) -> object:
        if not isinstance(operation, Phase):
            return operation
        rows, pairs, row_sign, pair_sign = moves[operation.array]
        return replace(
            operation,
            word_lines=rows[operation.word_lines],
            drive_sign=row_sign[operation.word_lines],
            pairs=pairs[operation.pairs],
            read_sign=pair_sign[operation.pairs],
        )

    operations = tuple(moved(operation) for operation in program.step)
    return replace(program, arrays=tuple(arrays), step=operations)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_lines_and_pairs_may_be_permuted_and_negated_independently(
    setting: Setting, seed: int
) -> None:
    assert_other_but_equal(setting, arranged(setting.program, seed))


def test_a_wrong_sign_is_found(setting: Setting) -> None:
    """The comparison itself: one read sign turned without its cells changes the codes."""
    _, program, inputs, lengths = setting
    phase = program.phases[0]
    sign = phase.read_sign.copy()
    lively = contract.of_executor(program, CHIP.only(), inputs, lengths)[0]["adc.0"]
    place = int(np.flatnonzero(lively.any(axis=(0, 1)))[0])
    sign[(phase.read_register == 0) & (phase.read_index == place)] *= -1
    step = tuple(replace(o, read_sign=sign) if o is phase else o for o in program.step)
    wrong = contract.of_executor(replace(program, step=step), CHIP.only(), inputs, lengths)
    assert not np.array_equal(wrong[0]["adc.0"], lively)
