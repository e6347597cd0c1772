"""Each rule of a well-formed program, broken once, gives its words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imssa.hardware.description import Arrays
from imssa.kernels.random import MOST_LINES
from imssa.program import ArrayContents, Program
from imssa.program.operations import (
    Accumulate,
    Add,
    ArgMax,
    Clear,
    Gather,
    Leak,
    MatMul,
    MeanByLength,
    Phase,
    Register,
    Requantize,
    Table,
)
from imssa.program.rules import broken_rules, reads_have_addresses
from tests.program.samples import a_phase, a_program, ints, small_chip

Change = Callable[[Program], Program]


def with_step(operation: Any) -> Change:
    """The operation at the end of each step.

    Put there after construction: the type checker of the tests looks at a random element of a
    tuple, and would refuse what is no operation in some runs.
    """

    def change(program: Program) -> Program:
        changed = replace(program)
        object.__setattr__(changed, "step", (*program.step, operation))
        return changed

    return change


def with_phase(**changes: Any) -> Change:
    return lambda program: replace(program, step=(a_phase(**changes), *program.step[1:]))


def with_register(name: str, size: int, bits: int) -> Change:
    def change(program: Program) -> Program:
        kept = tuple(r for r in program.registers if r.name != name)
        return replace(program, registers=(*kept, Register(name, size, bits)))

    return change


def with_misshapen(name: str, value: Any) -> Change:
    """Put there after construction, which the tests' type checks would refuse."""

    def change(program: Program) -> Program:
        contents = replace(program.arrays[0])
        object.__setattr__(contents, name, value)
        return replace(program, arrays=(contents, program.arrays[1]))

    return change


def with_array(**changes: Any) -> Change:
    def change(program: Program) -> Program:
        return replace(program, arrays=(replace(program.arrays[0], **changes), program.arrays[1]))

    return change


def with_fields(**changes: Any) -> Change:
    return lambda program: replace(program, **changes)


def phases_of(program: Program) -> tuple[Phase, ...]:
    return program.phases


BROKEN: list[tuple[Change, str]] = [
    (lambda p: replace(p, registers=(*p.registers, Register("sum", 2, 24))), "share a name"),
    (with_register("sum", 0, 24), "sum has size 0"),
    (with_register("sum", 2, 33), "33 bits (at most 32)"),
    (with_register("sum", 2, 1), "1 bits"),
    (with_register("sum", 2**20 + 1, 24), "sum has size"),
    (with_fields(input="ear"), "'ear', which the program lacks"),
    (with_fields(output="mouth"), "'mouth', which the program lacks"),
    (lambda p: replace(p, arrays=(*p.arrays, p.arrays[0])), "uses 3 arrays, the chip has 2"),
    (
        with_fields(
            chip=small_chip(arrays=small_chip().arrays.model_copy(update={"bit_lines": 8}))
        ),
        "array 0 has shape (4, 3), the chip's arrays (4, 4)",
    ),
    (with_array(siemens_per_step=np.array([1e-6, 0.0, 1e-6])), "positive siemens_per_step"),
    (with_array(codes=np.full((4, 3), 100)), "outside the device window"),
    (with_array(codes=np.full((4, 3), 2**62)), "outside the device window"),
    (with_array(common_mode=np.full((4, 3), 4)), "outside the device window"),
    (with_array(common_mode=np.full((4, 3), -1)), "array 0 has a common_mode below zero"),
    (
        with_misshapen("common_mode", np.zeros((4, 2), np.int64)),
        "common_mode of shape (4, 2), not (4, 3)",
    ),
    (
        with_misshapen("targets_siemens", np.zeros((4, 3))),
        "array 0 has targets_siemens of shape (4, 3), not (4, 6)",
    ),
    (with_array(targets_siemens=np.full((4, 6), 151e-6)), "targets_siemens outside the device"),
    (with_array(targets_siemens=np.full((4, 6), -1e-9)), "targets_siemens outside the device"),
    (with_array(targets_siemens=np.full((4, 6), np.nan)), "targets_siemens outside the device"),
    (with_step(Clear("ghost")), "step[8] Clear names the register 'ghost'"),
    (with_step(Add("ghost", "sum", "sum")), "names the register 'ghost'"),
    (with_step("a word"), "not in the list of operations"),
    (with_step(Gather("adc", "turned", ints(1), ints(1))), "index has 1 elements, 2 are needed"),
    (
        with_step(Gather("adc", "turned", ints(0, 2), ints(1, 1))),
        "index must be a vector of values 0 .. 1",
    ),
    (with_step(Gather("adc", "turned", ints(0, 1), ints(1, 0))), "signs must be 1 or -1"),
    (with_step(Gather("sum", "turned", ints(0, 1), ints(1, 1))), "narrower"),
    (with_phase(array=2), "names array 2, the program has 2"),
    (with_phase(array=-1), "names array -1"),
    (with_phase(drive_index=ints(0, 1)), "drive_index has 2 elements, 3 are needed"),
    (with_phase(read_sign=ints(1)), "read_sign has 1 elements, 3 are needed"),
    (with_phase(word_lines=ints(2, 0, 4)), "word_lines must be a vector of values 0 .. 3"),
    (with_phase(pairs=ints(1, 2, -1)), "pairs must be a vector of values 0 .. 2"),
    (with_phase(pairs=ints(1, 2, 1)), "names a word line or a pair twice"),
    (with_phase(word_lines=ints(2, 2, 3)), "names a word line or a pair twice"),
    (with_phase(drive_shift=ints(3, 3, -1)), "drive_shift must be"),
    (with_phase(full_scale=ints(3, 3, 0)), "full_scale must be"),
    (with_phase(full_scale_shift=ints(0, 0, 17)), "full_scale_shift must be"),
    (with_phase(drive_sign=ints(1, 2, 1)), "signs must be"),
    (with_phase(drive_register=ints(0, 0, 2)), "drive_register must be"),
    (with_phase(drive_index=ints(0, 2, 1)), "drive_index of state must be"),
    (with_phase(read_index=ints(1, 0, 1)), "read_index of readout must be"),
    (with_phase(read=("adc", "ghost")), "names the register 'ghost'"),
    (with_phase(read_register=ints(0, 0, 0), read_index=ints(1, 0, 1)), "read into the same"),
    (with_register("readout", 1, 4), "narrower"),
    (
        with_step(Requantize("sum", "answer", ints(1), ints(0))),
        "source has 2 elements, 1 are needed",
    ),
    (with_step(Requantize("turned", "update", ints(1), ints(0))), "multiplier has 1 elements"),
    (with_step(Requantize("turned", "update", ints(-1, 1), ints(0, 0))), "multiplier must be"),
    (with_step(Requantize("turned", "update", ints(1, 2**15), ints(0, 0))), "multiplier must be"),
    (with_step(Requantize("turned", "update", ints(1, 1), ints(0, 47))), "shift must be"),
    (with_step(Requantize("turned", "update", ints(1, 1), ints(0, -60))), "shift must be"),
    (with_step(Leak("state", "decayed", ints(0, 1))), "k must be a vector of values 1 .. 31"),
    (with_step(Leak("state", "decayed", ints(1))), "k has 1 elements"),
    (with_step(Leak("sum", "decayed", ints(1, 1))), "narrower"),
    (with_step(Add("state", "readout", "state")), "other has 1 elements, 2 are needed"),
    (
        with_step(MatMul("active", "mixed", np.zeros((1, 2), np.int64), ints(0, 0))),
        "weights of shape (1, 2)",
    ),
    (
        with_step(MatMul("active", "mixed", np.zeros((2, 1), np.int64), ints(0))),
        "bias has 1 elements",
    ),
    (with_step(MatMul("active", "mixed", np.full((2, 1), 2**50), ints(0, 0))), "beyond 53 bits"),
    (with_step(Table("readout", "active", np.arange(30))), "values has 30 elements, 31 are needed"),
    (with_step(Table("readout", "active", np.full(31, 16))), "values must be"),
    (with_step(Accumulate("readout", "sum")), "source has 1 elements"),
    (
        with_step(MeanByLength("sum", "mean", ints(1, 1, 1), ints(0, 0, 0))),
        "multiplier has 3 elements, 4 are needed",
    ),
    (with_step(ArgMax("mean", "sum")), "one has 1 elements, 2 are needed"),
    (lambda p: replace(p, class_names=("no",)), "class_names"),
]


def test_the_sample_is_well_formed() -> None:
    assert broken_rules(a_program()) == []


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_a_broken_rule_says_its_words(number: int) -> None:
    change, words = BROKEN[number]
    faults = broken_rules(change(a_program()))
    assert any(words in fault for fault in faults), faults


def test_all_faults_come_at_once() -> None:
    program = a_program(input="ear")
    for change in (with_step(Clear("ghost")), with_phase(array=7), with_register("sum", 2, 40)):
        program = change(program)
    faults = " / ".join(broken_rules(program))
    for words in ("'ear'", "'ghost'", "names array 7", "40 bits"):
        assert words in faults


def test_contents_may_be_shared_by_arrays() -> None:
    contents = ArrayContents(np.zeros((4, 3), np.int64), np.zeros((4, 3), bool), np.full(3, 1e-6))
    assert broken_rules(a_program(arrays=(contents, contents))) == []


@pytest.mark.parametrize(("drive", "passes"), [("amplitude", 1), ("bit-serial", 3)])
def test_reads_beyond_their_addresses_are_refused(drive: str, passes: int) -> None:
    """65,536 reads a time step have numbers of their own: phases times passes."""
    chip = small_chip()
    converters = chip.converters.model_copy(update={"drive": drive})
    program = a_program(chip=chip.model_copy(update={"converters": converters}))
    most = 2**16 // passes
    for count, faults in ((most, 0), (most + 1, 1)):
        found = list(reads_have_addresses(replace(program, step=(a_phase(),) * count)))
        assert len(found) == faults
    assert f"it has {most + 1:,} phases of {passes} passes a time step" in found[0]
    assert "at most 65,536 reads" in found[0]


def test_lines_always_have_addresses() -> None:
    """The largest array has 1,024 bit lines, each with an address, and its pairs behind them."""
    largest = Arrays.model_fields["bit_lines"].metadata[1].le
    assert Arrays(count=1, word_lines=2, bit_lines=largest).pairs == largest // 2
    assert largest + largest // 2 < MOST_LINES
