"""The fused simulation: whole sequences on many chip instances at once."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from imssa.crossbar.arrays import program_chips
from imssa.crossbar.tape import Tape, encode
from imssa.crossbar.trace import Trace, require_chip, require_inputs
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.interpreter import run_items, working_room
from imssa.kernels.parallel import for_ranges
from imssa.kernels.random import Key
from imssa.program.operations import Phase
from imssa.program.program import Program

MEMORY_BUDGET_BYTES: Final = 2**30


def simulate(  # noqa: PLR0913
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    record: tuple[str, ...] = (),
    *,
    first_sample: int = 0,
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES,
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
        first_sample: Number of the first sequence; addresses the read noise.
        memory_budget_bytes: Chips are run in groups whose registers and records fit in it.

    Returns:
        Answers (chips, batch); registers with a leading axis of chips.

    Raises:
        ShapeError: Inputs that the program cannot take.
        DesignRuleError: A chip that differs from the program's own in more than its errors.
    """
    require_inputs(program, inputs, lengths)
    require_chip(program, chip)
    tape = encode(program, 0)
    elements = np.concatenate(
        [np.zeros(0, np.int64)]
        + [np.arange(program.register(n).size) + tape.offsets[n] for n in record]
    )
    numbers = np.arange(len(inputs)) + first_sample
    sequences = (np.ascontiguousarray(inputs), np.ascontiguousarray(lengths), numbers)
    bytes_a_chip = 8 * len(inputs) * (tape.size + inputs.shape[1] * len(elements))
    chunk = max(1, memory_budget_bytes // max(bytes_a_chip, 1))
    parts = [
        _run(program, chip, key, instances[i : i + chunk], tape, sequences, elements)
        for i in range(0, len(instances), chunk)
    ]
    final, kept = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _trace(program, tape, record, final, kept)


def _run(
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Any,
    tape: Tape,
    sequences: Any,
    elements: Any,
) -> tuple[Any, Any]:
    arrays = program_chips(program, chip, key, instances)
    batch, length = sequences[0].shape[:2]
    final = np.zeros((len(instances), batch, tape.size), np.int64)
    kept = np.zeros((len(instances), batch, length, len(elements)), np.int64)
    rows = max((array.variance.shape[1] for array in arrays), default=0)
    tape = encode(program, rows)
    weights = _joined([(arrays[p.array].weights, p) for p in tape.phases], len(instances))
    variances = _joined([(arrays[p.array].variance, p) for p in tape.phases], len(instances))
    chips = (weights, variances, *key.child("read").words, instances)
    largest = (code_max(chip.converters.dac_bits), code_max(chip.converters.adc_bits))
    places = (tape.offsets[program.input], elements)
    sections = (tape.start, tape.step, tape.end)
    content = (tape.pool, tape.scale, largest)
    for_ranges(
        len(instances) * batch,
        lambda first, end: run_items(
            first,
            end,
            content,
            sections,
            chips,
            sequences,
            places,
            working_room(*tape.widest, weights.dtype),
            final,
            kept,
        ),
    )
    return final, kept


def _joined(of_phases: list[tuple[Any, Phase]], chips: int) -> Any:
    """Values where each phase's word lines cross its pairs, flat, phase after phase."""
    parts = []
    for values, phase in of_phases:
        rows = values if values.shape[1] <= 1 else values[:, phase.word_lines]
        parts.append(rows[:, :, phase.pairs].reshape(chips, -1))
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _trace(program: Program, tape: Tape, record: tuple[str, ...], final: Any, kept: Any) -> Trace:
    registers = {
        r.name: final[..., tape.offsets[r.name] : tape.offsets[r.name] + r.size]
        for r in program.registers
    }
    sizes = np.cumsum([0] + [program.register(name).size for name in record])
    steps = {
        name: kept[..., first:end]
        for name, (first, end) in zip(record, pairwise(sizes), strict=True)
    }
    return Trace(registers[program.output][..., 0], registers, steps)
