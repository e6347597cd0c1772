"""The fused simulation: whole sequences on many chip instances at once."""

from typing import Any

import numpy as np
from jaxtyping import Int64
from numba.typed import List

from imssa.crossbar.arrays import ProgrammedArray, program_chips
from imssa.crossbar.interpreter import LANES, run_blocks
from imssa.crossbar.tape import Tape, encode
from imssa.crossbar.trace import Trace, require_inputs
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.parallel import for_ranges
from imssa.kernels.random import Key
from imssa.program.program import Program

MEMORY_BUDGET_BYTES = 2**30
"""Largest share of memory for register files and records of one call."""


def simulate(
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    record: tuple[str, ...] = (),
) -> Trace:
    """Runs a program on many simulated chip instances, code for code as the executor does.

    Args:
        program: The program.
        chip: Device laws; usually the program's own chip, or it with some effects only.
        key: Random key of the study.
        instances: Numbers of the chip instances.
        inputs: Input codes; steps beyond a sequence's length are not executed.
        lengths: True lengths.
        record: Registers to keep after each step.

    Returns:
        Answers (chips, batch); registers with a leading axis of chips.

    Raises:
        ShapeError: Inputs that the program cannot take.
    """
    require_inputs(program, inputs, lengths)
    tape = encode(program)
    elements = np.concatenate(
        [np.arange(program.register(n).size) + tape.offsets[n] for n in record]
        or [np.zeros(0, np.int64)]
    )
    order = np.argsort(lengths, kind="stable")
    blocks = _blocks(order, inputs, lengths)
    bytes_a_chip = 8 * blocks[1].size * (tape.size + inputs.shape[1] * len(elements))
    chunk = max(1, MEMORY_BUDGET_BYTES // max(bytes_a_chip, 1))
    parts = [
        _run(program, chip, key, instances[i : i + chunk], tape, blocks, elements)
        for i in range(0, len(instances), chunk)
    ]
    final, kept = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _trace(program, tape, record, order, final, kept)


def _blocks(order: Any, inputs: Any, lengths: Any) -> tuple[Any, Any, Any]:
    """Sequences of like length side by side in lanes; spare lanes have length 0."""
    count = -(-len(order) // LANES)
    samples = np.zeros(count * LANES, np.int64)
    samples[: len(order)] = order
    padded = np.zeros(count * LANES, np.int64)
    padded[: len(order)] = lengths[order]
    codes = np.zeros((count * LANES, *inputs.shape[1:]), np.int64)
    codes[: len(order)] = inputs[order]
    codes = codes.reshape(count, LANES, *inputs.shape[1:]).transpose(0, 2, 3, 1)
    shape = (count, LANES)
    return np.ascontiguousarray(codes), padded.reshape(shape), samples.reshape(shape)


def _run(
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Any,
    tape: Tape,
    blocks: Any,
    elements: Any,
) -> tuple[Any, Any]:
    arrays = program_chips(program, chip, key, instances)
    count, length = blocks[0].shape[:2]
    final = np.zeros((len(instances), count, tape.size, LANES), np.int64)
    kept = np.zeros((len(instances), count, length, len(elements), LANES), np.int64)
    weights, variances = (
        List([_of_phase(arrays[p.array], p, part) for p in tape.phases])
        for part in ("weights", "variance")
    )
    chips = (weights, variances, *key.child("read").words, instances)
    widths = tuple(code_max(b) for b in (chip.converters.dac_bits, chip.converters.adc_bits))
    places = (tape.offsets[program.input], elements)
    sections = (tape.start, tape.step, tape.end)
    content = (tape.pool, List(tape.phases))
    for_ranges(
        len(instances) * count,
        lambda first, end: run_blocks(
            first, end, count, content, sections, chips, blocks, places, widths, final, kept
        ),
    )
    return final, kept


def _of_phase(array: ProgrammedArray, phase: Any, part: str) -> Any:
    values = getattr(array, part)[:, phase.word_lines][:, :, phase.pairs]
    return np.ascontiguousarray(values.transpose(0, 2, 1))


def _trace(
    program: Program, tape: Tape, record: tuple[str, ...], order: Any, final: Any, kept: Any
) -> Trace:
    chips, batch = len(final), len(order)
    lanes, back = final.shape[1] * LANES, np.argsort(order)
    flat = final.transpose(0, 1, 3, 2).reshape(chips, lanes, tape.size)[:, :batch][:, back]
    registers = {
        r.name: flat[..., tape.offsets[r.name] : tape.offsets[r.name] + r.size]
        for r in program.registers
    }
    flat = kept.transpose(0, 1, 4, 2, 3).reshape(chips, lanes, *kept.shape[2:4])
    flat, steps, place = flat[:, :batch][:, back], {}, 0
    for name in record:
        size = program.register(name).size
        steps[name] = flat[..., place : place + size]
        place += size
    return Trace(registers[program.output][..., 0], registers, steps)
