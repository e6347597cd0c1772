"""A small program with every operation of the list, made without a network."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imssa.hardware import ChipDescription
from imssa.program import ArrayContents, Program
from imssa.program.files import canonical_json, digest
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
from tests.reference.networks import chip_with


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def small_chip(**changes: Any) -> ChipDescription:
    """Two arrays of four word lines by three pairs, 4-bit converters."""
    return chip_with(count=2, size=(4, 6), dac_bits=4, adc_bits=5).model_copy(update=changes)


def a_phase(**changes: Any) -> Phase:
    """States 0, 1 and the input drive three lines; two state pairs and an output are read."""
    phase = Phase(
        array=0,
        drive=("state", "input"),
        word_lines=ints(2, 0, 3),
        drive_register=ints(0, 0, 1),
        drive_index=ints(0, 1, 1),
        drive_sign=ints(1, -1, 1),
        drive_shift=ints(3, 3, 0),
        read=("adc", "readout"),
        pairs=ints(1, 2, 0),
        read_register=ints(0, 0, 1),
        read_index=ints(1, 0, 0),
        read_sign=ints(-1, 1, 1),
        full_scale=ints(3, 3, 7),
        full_scale_shift=ints(0, 0, 2),
    )
    for name, value in changes.items():  # lists of unlike lengths pass the tests' type checks so
        object.__setattr__(phase, name, value)
    return phase


STEP = (
    a_phase(),
    Gather("adc", "turned", ints(1, 0), ints(-1, 1)),
    Requantize("turned", "update", ints(5, 3), ints(-2, 1)),
    Leak("state", "decayed", ints(2, 3)),
    Add("decayed", "update", "state"),
    Table("readout", "active", np.arange(-15, 16) // 2),
    MatMul("active", "mixed", np.array([[2], [-3]]), ints(4, -4)),
    Accumulate("mixed", "sum"),
)


def a_program(**changes: Any) -> Program:
    """A well-formed program that uses each operation once."""
    rng = np.random.default_rng(0)
    contents = tuple(
        ArrayContents(
            rng.integers(-3, 4, (4, 3)), rng.random((4, 3)) < 0.7, np.array([4e-5, 5e-5, 3e-5])
        )
        for _ in range(2)
    )
    room = np.array([3, 3, 5]) - np.abs(contents[1].codes)
    more = {
        "common_mode": np.minimum(room, 1),
        "targets_siemens": rng.uniform(0.0, 150e-6, (4, 6)),
    }
    contents = (contents[0], dataclasses.replace(contents[1], **more))
    program = Program(
        chip=small_chip(),
        registers=(
            Register("input", 2, 4),
            Register("state", 2, 9),
            Register("adc", 2, 5),
            Register("turned", 2, 5),
            Register("update", 2, 9),
            Register("decayed", 2, 9),
            Register("readout", 1, 5),
            Register("active", 1, 5),
            Register("mixed", 2, 16),
            Register("sum", 2, 24),
            Register("mean", 2, 16),
            Register("answer", 1, 8),
        ),
        arrays=contents,
        start=(Clear("state"), Clear("sum")),
        step=STEP,
        end=(
            MeanByLength("sum", "mean", ints(0, 1, 1, 21845), ints(0, -3, -2, 13)),
            ArgMax("mean", "answer"),
        ),
        input="input",
        output="answer",
        max_length=3,
        class_names=("no", "yes"),
        preparation={"rate": 8000, "mean": [0.5, -1e-05]},
        provenance={"seed": 3},
    )
    return dataclasses.replace(program, **changes)


def same(one: Any, other: Any) -> bool:
    """Whether two values hold the same, arrays included."""
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and np.array_equal(one, other))
    if isinstance(one, tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(a, b) for a, b in pairs)
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(other) and all(
            same(getattr(one, n), getattr(other, n)) for n in names
        )
    return bool(one == other)


def rewritten(path: Path, kind: str, change: Any) -> None:
    """Changes the header of an array file and signs it anew, as a forger would."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    outer = json.loads(data[8 : 8 + size])
    body = json.loads(outer["__metadata__"][kind])
    change(body["header"])
    signed = {"header": body["header"], "arrays": body["arrays"]}
    signed["sha256"] = digest(canonical_json(signed).encode())
    outer["__metadata__"] = {kind: canonical_json(signed)}
    text = json.dumps(outer, separators=(",", ":")).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
