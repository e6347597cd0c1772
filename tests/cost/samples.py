"""Programs so small that their cost can be reckoned by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imssa.cost import Drives
from imssa.hardware import ChipDescription
from imssa.program import ArrayContents, Program
from imssa.program.operations import Accumulate, Clear, Phase, Register
from tests.program.samples import a_program
from tests.reference.networks import chip_with

RATE = 100.0


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def tiny_chip(**changes: Any) -> ChipDescription:
    """One array of two word lines by one pair, 8-bit converters, 0 to 100 uS, 0.2 V, no errors."""
    changes = {"g_min_siemens": 0.0, "g_max_siemens": 1e-4, "read_voltage_volt": 0.2} | changes
    return chip_with(count=1, size=(2, 2), dac_bits=8, adc_bits=8).only().model_copy(update=changes)


def tiny_program(chip: ChipDescription | None = None, codes: tuple[int, int] = (3, 0)) -> Program:
    """One phase: two lines, one pair; its code is added to a sum."""
    phase = Phase(
        array=0,
        drive=("input",),
        word_lines=ints(0, 1),
        drive_register=ints(0, 0),
        drive_index=ints(0, 1),
        drive_sign=ints(1, 1),
        drive_shift=ints(0, 0),
        read=("code",),
        pairs=ints(0),
        read_register=ints(0),
        read_index=ints(0),
        read_sign=ints(1),
        full_scale=ints(1),
        full_scale_shift=ints(0),
    )
    held = ArrayContents(ints(*codes)[:, None], np.ones((2, 1), bool), np.array([1e-4 / 3]))
    registers = (Register("input", 2, 8), Register("code", 1, 8), Register("sum", 1, 16))
    return replace(
        a_program(),
        chip=chip or tiny_chip(),
        registers=registers,
        arrays=(held,),
        start=(Clear("sum"),),
        step=(phase, Accumulate("code", "sum")),
        end=(),
        input="input",
        output="sum",
        max_length=10,
        preparation={"front_end": {"hop_seconds": 0.01}},
    )


def doubled(program: Program) -> Program:
    """The same work once more on a second array."""
    arrays = program.chip.arrays.model_copy(update={"count": 2})
    first = program.phases[0]
    return replace(
        program,
        chip=program.chip.model_copy(update={"arrays": arrays}),
        arrays=program.arrays * 2,
        step=(first, replace(first, array=1, read=("sum",)), *program.step[1:]),
    )


def driven(program: Program, square: float) -> Drives:
    """Every line at the same mean square of the largest voltage."""
    squares = tuple(np.full((3, len(phase.word_lines)), square) for phase in program.phases)
    return Drives(squares, "given")
