"""The four ways to the same codes, and their comparison."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imssa.crossbar import SimulatedChip, execute, simulate, write_program
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.program import Program
from imssa.quantization.prepared import PreparedClassifier

Codes = NDArray[np.int64]
Named = dict[str, Any]
KEY = Key.root(99).child("chip")


def register_names(program: Program) -> tuple[str, ...]:
    """All registers, to be recorded at each step."""
    return tuple(r.name for r in program.registers)


def of_training(prepared: PreparedClassifier, inputs: Codes, lengths: Codes) -> Named:
    """Codes of the training forward without noise."""
    record: Named = {}
    features = torch.from_numpy(inputs * prepared.input_step)
    with torch.no_grad():
        prepared(features, torch.from_numpy(lengths), record=record)
    return record


def of_executor(
    program: Program,
    chip: ChipDescription,
    inputs: Codes,
    lengths: Codes,
    instance: int = 0,
    first_sample: int = 0,
) -> tuple[Named, Named]:
    """Registers after each step and after the last operation, on one chip, step by step."""
    device = SimulatedChip(chip, KEY, instance)
    write_program(program, device)
    trace = execute(program, device, inputs, lengths, register_names(program), first_sample)
    assert np.array_equal(trace.answers, trace.final["answer"][:, 0])
    return trace.steps, trace.final


def of_simulation(
    program: Program,
    chip: ChipDescription,
    inputs: Codes,
    lengths: Codes,
    instances: tuple[int, ...] = (0,),
    **options: Any,
) -> tuple[Named, Named]:
    """The same of the fused simulation, with a leading axis of chips."""
    numbers, names = np.array(instances), register_names(program)
    trace = simulate(program, chip, KEY, numbers, inputs, lengths, names, **options)
    assert np.array_equal(trace.answers, trace.final["answer"][..., 0])
    return trace.steps, trace.final


def of_chip(parts: tuple[Named, Named], index: int) -> tuple[Named, Named]:
    """One chip of a simulation."""
    steps, final = ({name: values[index] for name, values in part.items()} for part in parts)
    return steps, final


def assert_equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Every code of the first equals that of the second; gives how many were compared."""
    assert set(one) <= set(other)
    for name, values in one.items():
        assert values.shape == other[name].shape, name
        assert np.array_equal(values, other[name]), name
    return sum(values.size for values in one.values())


def assert_same_run(one: tuple[Named, Named], other: tuple[Named, Named]) -> None:
    """Registers of two runs, at each step and at the end."""
    for part, expected in zip(one, other, strict=True):
        assert set(part) == set(expected)
        assert_equal(part, expected)


def masked(codes: Mapping[str, Any], lengths: Codes) -> Named:
    """Codes with the steps beyond each length set to zero."""
    real = (np.arange(max(lengths)) < lengths[:, None])[..., None]
    return {n: v * real if v.ndim == 3 else v for n, v in codes.items()}


def at_the_end(codes: Mapping[str, Any]) -> Named:
    """The codes that stand once a sequence."""
    return {n: v for n, v in codes.items() if v.ndim == 2}


def at_each_step(codes: Mapping[str, Any]) -> Named:
    """The codes of each step."""
    return {n: v for n, v in codes.items() if v.ndim == 3}
