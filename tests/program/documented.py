"""The program that ``docs/program-format.md`` shows whole."""

import numpy as np

from imssa.hardware import ChipDescription
from imssa.hardware.converters import Converters
from imssa.hardware.description import Arrays
from imssa.program import ArrayContents, Program
from imssa.program.operations import (
    Accumulate,
    Add,
    ArgMax,
    Clear,
    Leak,
    MeanByLength,
    Phase,
    Register,
    Requantize,
)
from tests.program.samples import ints

CHIP = ChipDescription(
    name="page",
    source="docs/program-format.md",
    arrays=Arrays(count=1, word_lines=4, bit_lines=4),
    converters=Converters(dac_bits=4, adc_bits=5, full_scale_devices=(2.5,)),
    g_max_siemens=1.5e-4,
    read_voltage_volt=0.2,
)

CONTENTS = ArrayContents(
    codes=np.array([[1, -3], [3, 1], [2, -2], [0, 0]]),
    written=np.array([[True, True], [True, True], [True, True], [False, False]]),
    siemens_per_step=np.array([5e-5, 5e-5]),
)

PHASE = Phase(
    array=0,
    drive=("state", "input"),
    word_lines=ints(0, 1, 2),
    drive_register=ints(0, 0, 1),
    drive_index=ints(0, 1, 0),
    drive_sign=ints(1, 1, -1),
    drive_shift=ints(4, 4, 0),
    read=("adc",),
    pairs=ints(0, 1),
    read_register=ints(0, 0),
    read_index=ints(1, 0),
    read_sign=ints(1, -1),
    full_scale=ints(7, 7),
    full_scale_shift=ints(1, 1),
)


def documented_program() -> Program:
    """A kernel of one mode: two states, one input, two classes."""
    return Program(
        chip=CHIP,
        registers=(
            Register("input", 1, 4),
            Register("state", 2, 9),
            Register("adc", 2, 5),
            Register("update", 2, 9),
            Register("decayed", 2, 9),
            Register("sum", 2, 16),
            Register("mean", 2, 9),
            Register("answer", 1, 8),
        ),
        arrays=(CONTENTS,),
        start=(Clear("state"), Clear("sum")),
        step=(
            PHASE,
            Requantize("adc", "update", ints(5, 5), ints(0, 0)),
            Leak("state", "decayed", ints(2, 2)),
            Add("decayed", "update", "state"),
            Accumulate("state", "sum"),
        ),
        end=(
            MeanByLength("sum", "mean", ints(0, 1, 1, 21845), ints(0, 0, 1, 16)),
            ArgMax("mean", "answer"),
        ),
        input="input",
        output="answer",
        max_length=3,
        class_names=("first", "second"),
        preparation={"input_step": 0.25},
        provenance={"seed": 0},
    )
