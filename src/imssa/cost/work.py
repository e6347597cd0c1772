"""Digital work of a program, counted from its operations: what, how often, how wide."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from math import sqrt
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.cost.ranges import Number
from imssa.program.operations import (
    Accumulate,
    Add,
    ArgMax,
    Clear,
    Gather,
    Leak,
    MatMul,
    MeanByLength,
    Operation,
    Phase,
    Requantize,
    Table,
)
from imssa.program.program import Program

UPDATE: Final = "digital update"
MAPS: Final = "linear maps"
TABLES: Final = "tables"
POOLING: Final = "pooling"
REGISTERS: Final = "registers"

MULTIPLIER_BITS: Final = 16
"""Of the multipliers of requantization (DESIGN section 5)."""

SHIFT_BITS: Final = 8
REGISTER_BYTES: Final = "register_bytes"
WEIGHT_BYTES: Final = "weight_bytes"
MOVES: Final = frozenset({REGISTER_BYTES, WEIGHT_BYTES})
"""Kinds that move bytes and compute nothing."""


@dataclass(frozen=True)
class Work:
    """Equal actions of one operation.

    Attributes:
        part: Part of the cost that they belong to.
        kind: ``multiplications``, ``additions``, ``multiply_accumulates``, ``shifts``,
            ``look_ups``, ``comparisons``, ``REGISTER_BYTES`` or ``WEIGHT_BYTES``.
        bits: Width; of unlike factors the geometric mean.
        count: How many.
    """

    part: str
    kind: str
    bits: Number
    count: int


def work_of(operation: Operation, program: Program) -> tuple[Work, ...]:
    """All digital work of one operation, what it moves from and to registers included."""
    found = [*_arithmetic(operation, program), _traffic(operation, program)]
    return tuple(work for work in found if work.count)


def work_of_all(operations: Iterable[Operation], program: Program) -> tuple[Work, ...]:
    """The same of many operations."""
    return tuple(work for one in operations for work in work_of(one, program))


def weight_bits(weights: Int64[np.ndarray, "outputs inputs"]) -> int:
    """Width of the integers of a matrix, two at least."""
    return max(2, int(np.abs(weights).max(initial=0)).bit_length() + 1)


def conversion_work(phase: Phase, program: Program) -> tuple[Work, ...]:
    """Shifting and adding the codes of a conversion's passes; none where there is one pass."""
    converters = program.chip.converters
    count, bits = (len(converters.passes) - 1) * len(phase.pairs), converters.conversion_bits
    both = (Work(UPDATE, "shifts", bits, count), Work(UPDATE, "additions", bits, count))
    return both if count else ()


@singledispatch
def _arithmetic(operation: Operation, _program: Program) -> tuple[Work, ...]:
    """Arithmetic of an operation; a new kind needs its own rule here."""
    raise NotImplementedError(type(operation).__name__)


@_arithmetic.register(Clear)
@_arithmetic.register(Gather)
def _(_operation: Clear | Gather, _program: Program) -> tuple[Work, ...]:
    """Clearing and routing take no arithmetic."""
    return ()


@_arithmetic.register
def _(operation: Phase, program: Program) -> tuple[Work, ...]:
    """Rounding of registers to DAC codes."""
    widths = np.array([program.register(name).bits for name in operation.drive])
    shifted = widths[operation.drive_register[operation.drive_shift != 0]]
    return tuple(
        Work(UPDATE, "shifts", int(bits), int(np.count_nonzero(shifted == bits)))
        for bits in np.unique(shifted)
    )


@_arithmetic.register
def _(operation: Requantize, program: Program) -> tuple[Work, ...]:
    """A multiplier of one costs the shift only, a shift of zero none."""
    bits = program.register(operation.source).bits
    return (
        Work(
            UPDATE,
            "multiplications",
            sqrt(bits * MULTIPLIER_BITS),
            int(np.count_nonzero(operation.multiplier > 1)),
        ),
        Work(UPDATE, "shifts", bits, int(np.count_nonzero(operation.shift))),
    )


@_arithmetic.register
def _(operation: Leak, program: Program) -> tuple[Work, ...]:
    bits, size = program.register(operation.source).bits, len(operation.k)
    return Work(UPDATE, "shifts", bits, size), Work(UPDATE, "additions", bits, size)


@_arithmetic.register
def _(operation: Add, program: Program) -> tuple[Work, ...]:
    target = program.register(operation.target)
    return (Work(UPDATE, "additions", target.bits, target.size),)


@_arithmetic.register
def _(operation: MatMul, program: Program) -> tuple[Work, ...]:
    own, given = weight_bits(operation.weights), program.register(operation.source).bits
    target, count = program.register(operation.target), operation.weights.size
    return (
        Work(MAPS, "multiply_accumulates", sqrt(own * given), count),
        Work(MAPS, "additions", target.bits, operation.bias.size),
        Work(MAPS, WEIGHT_BYTES, 8, _bytes(own * count) + _bytes(32 * operation.bias.size)),
    )


@_arithmetic.register
def _(operation: Accumulate, program: Program) -> tuple[Work, ...]:
    target = program.register(operation.target)
    return (Work(POOLING, "additions", target.bits, target.size),)


@_arithmetic.register
def _(operation: Table, program: Program) -> tuple[Work, ...]:
    target = program.register(operation.target)
    return (Work(TABLES, "look_ups", target.bits, target.size),)


@_arithmetic.register
def _(operation: MeanByLength, program: Program) -> tuple[Work, ...]:
    bits, size = program.register(operation.source).bits, program.register(operation.target).size
    return (
        Work(POOLING, "multiplications", sqrt(bits * MULTIPLIER_BITS), size),
        Work(POOLING, "shifts", bits, size),
        Work(POOLING, "look_ups", MULTIPLIER_BITS + SHIFT_BITS, 1),
    )


@_arithmetic.register
def _(operation: ArgMax, program: Program) -> tuple[Work, ...]:
    source = program.register(operation.source)
    return (Work(POOLING, "comparisons", source.bits, source.size - 1),)


def _traffic(operation: Operation, program: Program) -> Work:
    """Bytes of operands read, of results written, and of multipliers and shifts."""
    bits = _operand_bits(operation, program) + _parameter_bits(operation)
    return Work(REGISTERS, REGISTER_BYTES, 8, _bytes(bits))


def _operand_bits(operation: Operation, program: Program) -> int:
    def whole(*names: str) -> int:
        return sum(r.size * r.bits for r in map(program.register, names))

    if isinstance(operation, Phase):
        return _line_bits(operation.drive, operation.drive_register, program) + _line_bits(
            operation.read, operation.read_register, program
        )
    if isinstance(operation, Clear):
        return whole(operation.target)
    if isinstance(operation, Gather):  # as many elements as it puts together
        target = program.register(operation.target)
        return whole(operation.target) + target.size * program.register(operation.source).bits
    more = (operation.other,) if isinstance(operation, Add) else ()
    again = (operation.target,) if isinstance(operation, Accumulate) else ()
    return whole(operation.source, operation.target, *more, *again)


def _line_bits(names: tuple[str, ...], which: Int64[np.ndarray, " lines"], program: Program) -> int:
    widths = np.array([program.register(name).bits for name in names], np.int64)
    return int(widths[which].sum())


def _parameter_bits(operation: Operation) -> int:
    if isinstance(operation, Requantize):
        multipliers = int(np.count_nonzero(operation.multiplier > 1))
        return MULTIPLIER_BITS * multipliers + SHIFT_BITS * operation.shift.size
    return SHIFT_BITS * operation.k.size if isinstance(operation, Leak) else 0


def _bytes(bits: int) -> int:
    return -(-bits // 8)
