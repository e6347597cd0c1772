"""The stream of a program: code for code the run over whole sequences, for ever, in constant memory."""

import copy
import gc
import pickle
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import ProgrammedChips, Stream
from imssa.errors import DesignRuleError, ImssaError, ShapeError
from imssa.hardware import ChipDescription
from imssa.hardware.devices import RelativeReadNoise
from imssa.hardware.readout import Readout
from imssa.kernels.codes import requantized
from imssa.kernels.stream import COUNTER_STEPS, STEP
from imssa.mapping import compile_network
from imssa.program import Program
from imssa.program.operations import MatMul, MeanByLength, Phase
from imssa.quantization.config import Realization
from imssa.quantization.network import MEAN_BITS, QuantizedNetwork
from tests.crossbar import contract
from tests.reference.networks import (
    Codes,
    Sketch,
    all_bits,
    chip_with,
    random_inputs,
    random_network,
)

CHIP = chip_with()
IDEAL = CHIP.only()
LENGTH = 40  # max_length of the networks here
CHIPS: dict[str, ChipDescription] = {
    "ideal": IDEAL,
    "all errors": CHIP,
    "read noise": CHIP.only("read_noise"),
    "like noise": IDEAL.model_copy(update={"read_noise": RelativeReadNoise(sigma_siemens=4e-6)}),
    "amplifiers": CHIP.model_copy(
        update={"readout": Readout(saturation_devices=3.0, noise_steps=1.0, offset_steps=2.0)}
    ),
}


def made(sketch: Sketch | None = None, chip: ChipDescription = CHIP) -> tuple[Any, Program]:
    network = random_network(7, sketch or Sketch(), chip)
    return network, compile_network(network, chip, {})


def stream_of(
    program: Program, chip: ChipDescription = IDEAL, instance: int = 0, **options: Any
) -> Stream:
    chips = ProgrammedChips(program, chip, contract.KEY, np.array([instance]))
    return Stream(chips, **options)


def step_registers(program: Program) -> tuple[str, ...]:
    ended = {op.target for op in program.end if not isinstance(op, Phase)}
    return tuple(r.name for r in program.registers if r.name not in ended)


def pushed(stream: Stream, codes: Codes, elements: int, blocks: tuple[int, ...] = ()) -> Codes:
    """What a stream records of steps, given in blocks that end at the named steps."""
    out = np.full((len(codes), elements), 99, np.int64)
    for first, end in zip((0, *blocks), (*blocks, len(codes)), strict=True):
        stream.push(codes[first:end], out[first:end])
    return out


def side_by_side(trace: dict[str, Any], names: tuple[str, ...], place: Any) -> Codes:
    return np.concatenate([trace[name][place] for name in names], axis=1)


@pytest.mark.parametrize("kind", CHIPS)
def test_codes_are_those_of_whole_sequences_on_any_chip(kind: str) -> None:
    """Every register at every step and at the end, of three sequences one after the other."""
    chip = CHIPS[kind]
    sketch = Sketch(layers=2, output="current")
    network, program = made(sketch, chip_with(count=4))
    chip = chip.model_copy(update={"arrays": program.chip.arrays})
    if chip.readout is not None:
        program = replace(program, chip=program.chip.model_copy(update={"readout": chip.readout}))
    inputs, lengths = random_inputs(network, 8, 3, LENGTH)
    steps, final = contract.of_executor(program, chip, inputs, lengths, 5)
    fused = contract.of_simulation(program, chip, inputs, lengths, (5,))
    contract.assert_same_run(contract.of_chip(fused, 0), (steps, final))
    names = step_registers(program)
    stream = stream_of(program, chip, 5, record=names)
    elements = sum(program.register(name).size for name in names)
    for b, length in enumerate(lengths.tolist()):
        codes = inputs[b, :length]
        got = pushed(stream, codes, elements, (1, 14) if length > 14 else ())
        assert np.array_equal(got, side_by_side(steps, names, (b, slice(length))))
        assert stream.answer() == final["answer"][b, 0]
        for name, values in stream.final().items():
            assert np.array_equal(values, final[name][b]), name
        stream.restart()
    assert stream.sample == 3


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
def test_an_ideal_chip_is_the_integer_network(realization: Realization, output: str) -> None:
    """One step at a time, asked after each: scores are the network's logits of what was heard."""
    network, program = made(Sketch(realization=realization, output=output))
    inputs, _ = random_inputs(network, 3, 1, LENGTH)
    every = np.arange(1, LENGTH + 1)
    expected = network.run(np.repeat(inputs, LENGTH, axis=0), every)
    stream = stream_of(program)
    for k, codes in enumerate(inputs[0]):
        stream.step(codes)
        assert np.array_equal(stream.scores(), expected["logits"][k])
        assert stream.answer() == expected["answer"][k, 0]
    assert stream.steps == LENGTH
    again = stream_of(program, record=("logits", "answer"))
    both = side_by_side(expected, ("logits", "answer"), slice(None))
    assert np.array_equal(pushed(again, inputs[0], both.shape[1], (3, 4)), both)


@pytest.mark.parametrize(
    "converters",
    [
        {"dac_bits": 12, "adc_bits": 14},
        {"drive": "bit-serial", "polarity": "two-pass", "dac_bits": 5},
    ],
)
def test_other_converters_and_sums_in_float64(converters: dict[str, Any]) -> None:
    chip = chip_with(**converters)
    sketch = Sketch(realization="incremental", bits=all_bits(8), modes=6)
    network, program = made(sketch, chip)
    inputs, lengths = random_inputs(network, 9, 1, LENGTH)
    for errors in (chip.only(), chip):
        steps, final = contract.of_executor(program, errors, inputs, lengths)
        stream = stream_of(program, errors, record=("adc.0",))
        assert stream._weight.dtype == (np.float64 if "adc_bits" in converters else np.float32)
        got = pushed(stream, inputs[0], program.register("adc.0").size)
        assert np.array_equal(got, steps["adc.0"][0])
        assert np.array_equal(stream.scores(), final["logits"][0])


def windows_of(length: int, window: int) -> list[slice]:
    return [slice(first, min(first + window, length)) for first in range(0, length, window)]


@pytest.mark.parametrize("window", [1, 7, LENGTH])
def test_a_window_that_clears_all_is_a_sequence_of_its_own(window: int) -> None:
    network, program = made()
    inputs, _ = random_inputs(network, 4, 1, 100)
    parts = windows_of(100, window)
    stream = stream_of(program, window=window, keeps_states=False, record=("state.0", "logits"))
    size = program.register("state.0").size
    got = pushed(stream, inputs[0], size + 3, (5, 50))
    for part in parts:
        sequence = inputs[:, part]
        length = sequence.shape[1]
        expected = network.run(np.repeat(sequence, length, 0), np.arange(1, length + 1))
        assert np.array_equal(got[part, :size], expected["state.0"][-1])
        assert np.array_equal(got[part, size:], expected["logits"])
    assert np.array_equal(stream.scores(), got[-1, size:])


@pytest.mark.parametrize("kind", ["ideal", "all errors"])
@pytest.mark.parametrize("window", [1, 9, LENGTH])
def test_a_window_that_clears_sums_keeps_the_states(window: int, kind: str) -> None:
    """Beside a program of the same network for long sequences: all at each step, but the mean."""
    network, program = made()
    inputs, _ = random_inputs(network, 4, 1, 130)
    longer = compile_network(replace(network, max_length=130), CHIP, {})
    steps, _ = contract.of_executor(longer, CHIPS[kind], inputs, np.array([130]))
    kept = tuple(name for name in step_registers(program) if name != "sum")
    expected = side_by_side(steps, kept, 0)
    stream = stream_of(program, CHIPS[kind], window=window, record=(*kept, "logits"))
    got = pushed(stream, inputs[0], expected.shape[1] + 3, (1, 64))
    assert np.array_equal(got[:, :-3], expected)
    for part in windows_of(130, window):
        sums = steps["stream.1"][0, part].cumsum(0)
        assert np.array_equal(got[part, -3:], logits_of(network, sums))


def logits_of(network: QuantizedNetwork, sums: Codes) -> Codes:
    """Logits of sums over 1, 2, ... steps."""
    m, t = network.mean_scale()
    lengths = np.arange(1, len(sums) + 1)[:, None]
    return network.decoder.sums(requantized(sums, m[lengths], t[lengths], MEAN_BITS))


def test_windows_begin_as_the_start_section_says() -> None:
    """A program whose sum starts at 50 and not at zero."""
    network, program = made()
    zeros, fifty = np.zeros((3, 4), np.int64), np.full(3, 50)
    start = (*program.start, MatMul("input", "sum", zeros, fifty))
    program = replace(program, start=start)
    inputs, _ = random_inputs(network, 4, 1, 30)
    for keeps_states in (True, False):
        stream = stream_of(
            program, window=10, keeps_states=keeps_states, record=("sum", "stream.1")
        )
        got = pushed(stream, inputs[0], 6)
        for part in windows_of(30, 10):
            assert np.array_equal(got[part, :3], 50 + got[part, 3:].cumsum(0))


def test_read_noise_counts_on_over_windows_and_over_the_counters_range() -> None:
    """Windows of one step that clear all: what differs between equal steps is the noise alone."""
    _, program = made(Sketch(modes=4))
    chip = CHIP.only("read_noise")
    codes = np.full((6, 4), 100, np.int64)
    elements = program.register("readout.0").size + program.register("adc.0").size

    def noisy(sample: int = 0, step: int = 0) -> Codes:
        record = ("readout.0", "adc.0")
        stream = stream_of(
            program, chip, window=1, keeps_states=False, sample=sample, record=record
        )
        stream._clock[STEP] = step
        return pushed(stream, codes, elements)

    first, second = noisy(), noisy(sample=1)
    rows = {row.tobytes() for part in (first, second) for row in part}
    assert len(rows) == 12
    over = noisy(step=COUNTER_STEPS - 2)
    assert np.array_equal(over[2:], second[:4])
    assert len({row.tobytes() for row in over[:2]} | rows) == 14
    assert np.array_equal(noisy(step=2)[:4], first[2:])


def test_a_full_sequence_is_refused_and_nothing_is_changed() -> None:
    network, program = made()
    inputs, _ = random_inputs(network, 4, 1, LENGTH + 1)
    stream = stream_of(program)
    stream.push(inputs[0, :-3])
    before = stream.final()["sum"].copy()
    with pytest.raises(ShapeError, match=r"3 more steps after 38: .* at most 40 steps\. Restart"):
        stream.push(inputs[0, -3:])
    assert stream.steps == 38
    assert np.array_equal(stream.final()["sum"], before)
    stream.push(inputs[0, -3:-1])
    with pytest.raises(ShapeError, match="1 more steps after 40"):
        stream.step(inputs[0, -1])
    stream.restart()
    stream.step(inputs[0, 0])
    assert stream.steps == 1


def test_bad_codes_are_refused_and_nothing_is_changed() -> None:
    _, program = made()
    stream = stream_of(program, window=5, record=("sum",))
    block = np.ones((9, 4), np.int64)
    stream.push(block[:3])
    before = stream.final()["sum"].copy()
    for bad in (128, -128, np.iinfo(np.int64).min):
        block[6, 2] = bad
        with pytest.raises(
            ShapeError, match=r"beyond 127 at step 6 of the 9 .* -127 to 127\. Make"
        ):
            stream.push(block)
        with pytest.raises(ShapeError, match="beyond 127 at step 0 of the 1"):
            stream.step(block[6])
    for wrong in (np.ones((9, 5), np.int64), np.ones((9, 1), np.int64)):
        with pytest.raises(ShapeError, match=r"a step takes \(4,\) int64 codes, a block"):
            stream.push(wrong)
        with pytest.raises(ShapeError, match="codes of shape"):
            stream.step(wrong[0])
    block[6] = 0
    for out in (np.zeros((9, 2), np.int64), np.zeros((3, 9), np.int64).T):
        with pytest.raises(ShapeError, match=r"the recorded registers take \(9, 3\) int64"):
            stream.push(block, out)
    sealed = np.zeros((9, 3), np.int64)
    sealed.setflags(write=False)
    with pytest.raises(ShapeError, match="writeable"):
        stream.push(block, sealed)
    assert stream.steps == 3
    assert np.array_equal(stream.final()["sum"], before)


def test_blocks_may_lie_anywhere_in_memory() -> None:
    network, program = made()
    inputs, _ = random_inputs(network, 4, 1, 20)
    plain, other = stream_of(program, window=7), stream_of(program, window=7)
    plain.push(inputs[0])
    turned = np.asfortranarray(inputs[0])
    turned.setflags(write=False)
    odd = np.frombuffer(b"\0" + inputs[0, 10:].tobytes(), np.uint8)[1:].view(np.int64)
    other.push(turned[:5])
    other.push(np.repeat(inputs[0], 2, axis=0)[10:20:2])
    other.push(odd.reshape(10, 4))
    other.push(inputs[0, :0])
    assert np.array_equal(plain.scores(), other.scores())
    assert not plain.scores().flags.writeable


def test_what_cannot_be_a_stream_is_refused() -> None:
    _, program = made()
    for window in (0, -1, LENGTH + 1):
        with pytest.raises(ShapeError, match=f"window = {window}: .* 1 to 40 steps"):
            stream_of(program, window=window)
    for sample in (-1, COUNTER_STEPS):
        with pytest.raises(ShapeError, match=f"sample = {sample}"):
            stream_of(program, sample=sample)
    two = ProgrammedChips(program, IDEAL, contract.KEY, np.arange(2))
    with pytest.raises(ShapeError, match="2 chip instances: a stream runs on one"):
        Stream(two)
    early = next(op for op in program.end if isinstance(op, MeanByLength))
    with pytest.raises(DesignRuleError, match="divides by the length before the sequence ends"):
        stream_of(replace(program, step=(*program.step, early)))
    stream = stream_of(program)
    for ask in (stream.answer, stream.scores, stream.final):
        with pytest.raises(ShapeError, match="a stream without a step"):
            ask()
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(ImssaError, match=r"a copy of a stream: .* Make another"):
            duplicate(stream)


def test_streams_of_one_chip_do_not_meet() -> None:
    network, program = made()
    inputs, _ = random_inputs(network, 4, 2, 30)
    chips = ProgrammedChips(program, CHIP, contract.KEY, np.array([2]))
    expected = chips.run(inputs, np.array([30, 30]))
    one, two = Stream(chips), Stream(chips, sample=1)
    for k in range(30):
        one.step(inputs[0, k])
        two.step(inputs[1, k])
    del chips
    gc.collect()
    assert np.array_equal(one.scores(), expected.final["logits"][0, 0])
    assert np.array_equal(two.scores(), expected.final["logits"][0, 1])


@pytest.mark.slow
def test_two_hundred_thousand_steps_take_no_memory() -> None:
    network, program = made()
    inputs, _ = random_inputs(network, 4, 1, 1000)
    stream = stream_of(program, window=LENGTH, keeps_states=False, record=("logits",))
    block, out = inputs[0], np.zeros((1000, 3), np.int64)
    stream.push(block, out)
    stream.step(block[0])
    first = out.copy()
    stream.restart()
    tracemalloc.start()
    for _ in range(200):
        stream.push(block, out)
    for codes in block[:100]:
        stream.step(codes)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stream.steps == 200_100
    assert np.array_equal(out, first)
    assert kept <= peak < 16_384  # a block takes 32 kB: nothing is made of its size
