"""Energy of digital work, and the same network on a digital chip."""

import math
from collections.abc import Iterable
from typing import Final

from imssa.cost.prices import Prices
from imssa.cost.ranges import ZERO, Parts, Range
from imssa.cost.work import (
    MAPS,
    MOVES,
    REGISTER_BYTES,
    WEIGHT_BYTES,
    Work,
    weight_bits,
    work_of_all,
)
from imssa.program.operations import MatMul, Phase
from imssa.program.program import Program

KERNELS: Final = "kernels"
WEIGHTS: Final = "weights of kernels"
INT8: Final = 8


def priced(work: Iterable[Work], prices: Prices) -> Parts:
    """Energy of work by its part, in joules."""
    found: Parts = {}
    for one in work:
        found[one.part] = found.get(one.part, ZERO) + price_of(one, prices) * one.count
    return found


def price_of(work: Work, prices: Prices) -> Range:
    """Energy of one such action."""
    if work.kind == REGISTER_BYTES:
        return prices.register_byte
    if work.kind == WEIGHT_BYTES:
        return prices.memory_byte
    if work.kind == "look_ups":
        return prices.memory_byte * (work.bits / 8)
    by_kind = {
        "multiplications": prices.multiplication,
        "multiply_accumulates": prices.multiply_accumulate,
        "shifts": prices.shift,
        "additions": prices.addition,
        "comparisons": prices.addition,
    }
    return by_kind[work.kind](work.bits)


def kernel_weights(program: Program) -> int:
    """Weights of all state-space kernels: a mode has 4 in A, 2 in B and 2 in C, a kernel one D."""
    found = 0
    for readout in program.registers:
        role, _, layer = readout.name.partition(".")
        if role == "readout":
            found += 4 * program.register(f"state.{layer}").size + readout.size
    return found


def is_kernel_phase(phase: Phase) -> bool:
    """Whether a phase drives or reads the states of kernels."""
    names = (*phase.drive, *phase.read)
    return any(name.partition(".")[0] in {"state", "readout"} for name in names)


def map_weights_on_arrays(program: Program) -> int:
    """Multiply-accumulates of linear maps that arrays do: every driven line with every pair."""
    phases = [phase for phase in program.phases if not is_kernel_phase(phase)]
    return sum(len(phase.word_lines) * len(phase.pairs) for phase in phases)


def digital_step(program: Program, *, packed: bool = False) -> tuple[Work, ...]:
    """Work of a time step where a digital chip does what the arrays do.

    Products of a diagonal A are those of its modes, no dense matrix. Every weight is read from SRAM
    at each step. All other digital work of the program stays: rescaling, update, tables, pooling and
    registers.

    Args:
        program: The program.
        packed: Weights as wide as the program's own instead of a byte each.
    """
    kernels, maps = kernel_weights(program), map_weights_on_arrays(program)
    own = array_weight_bits(program) if packed else INT8
    width = math.sqrt(own * INT8)
    stays = work_of_all(program.step, program)
    return (
        Work(KERNELS, "multiply_accumulates", width, kernels),
        Work(WEIGHTS, WEIGHT_BYTES, 8, -(-own * kernels // 8)),
        Work(MAPS, "multiply_accumulates", width, maps),
        Work(MAPS, WEIGHT_BYTES, 8, -(-own * maps // 8)),
        *(stays if packed else _in_int8(program, stays)),
    )


def array_weight_bits(program: Program) -> int:
    """Width that holds all weight codes of the arrays."""
    return max((weight_bits(contents.codes) for contents in program.arrays), default=INT8)


def _in_int8(program: Program, work: tuple[Work, ...]) -> tuple[Work, ...]:
    """Digital maps with weights of a byte."""
    maps = [one for one in program.step if isinstance(one, MatMul)]
    weights = sum(one.weights.size + 4 * one.bias.size for one in maps)
    others = [one for one in work if one.kind not in {"multiply_accumulates", WEIGHT_BYTES}]
    products = sum(one.count for one in work if one.kind == "multiply_accumulates")
    return (
        Work(MAPS, "multiply_accumulates", INT8, products),
        Work(MAPS, WEIGHT_BYTES, 8, weights),
        *others,
    )


def operations_of(work: Iterable[Work]) -> int:
    """Steps of arithmetic lanes: every action but moves."""
    return sum(one.count for one in work if one.kind not in MOVES)
