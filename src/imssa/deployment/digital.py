"""Changing the digital operations of a program, and nothing else of it."""

from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float64

from imssa.kernels.codes import MAX_SHIFT, MULTIPLIER_BITS, code_max, snap_gain
from imssa.program.operations import MatMul, Operation, Requantize
from imssa.program.program import Program
from imssa.program.schema import SECTIONS

Vector = Float64[np.ndarray, " _"]
_Kind = TypeVar("_Kind", bound=Operation)

LARGEST_CHANGE: Final = 4.0
"""A gain moves by at most this factor: beyond it a line is broken, not out of tune."""

ROUNDING: Final = 1e-9
"""Factors that are nearer to one are one."""


def operation_of(program: Program, kind: type[_Kind], target: str) -> _Kind | None:
    """The operation of a kind that writes a register; None if the program has none."""
    for section in SECTIONS:
        for operation in getattr(program, section):
            if isinstance(operation, kind) and getattr(operation, "target", None) == target:
                return operation
    return None


def with_operation(program: Program, old: Operation, new: Operation) -> Program:
    """The program with one operation in place of another."""
    changes: dict[str, Any] = {
        section: tuple(
            new if operation is old else operation for operation in getattr(program, section)
        )
        for section in SECTIONS
    }
    return replace(program, **changes)


def gains_of(operation: Requantize) -> Vector:
    """Gain m 2^-t of each element."""
    return np.asarray(np.ldexp(operation.multiplier.astype(float), -operation.shift))


def with_gains(operation: Requantize, factors: Vector) -> Requantize:
    """The operation with gains changed by factors, as int16 multipliers and shifts.

    A factor of one leaves an element as it is, to the bit; so does one that is not finite.
    """
    factors = np.where(np.isfinite(factors), factors, 1.0)
    factors = np.clip(factors, 1 / LARGEST_CHANGE, LARGEST_CHANGE)
    factors[np.abs(factors - 1) < ROUNDING] = 1.0
    multiplier, shift = snap_gain(gains_of(operation) * factors, MULTIPLIER_BITS)
    same = factors == 1.0
    return replace(
        operation,
        multiplier=np.where(same, operation.multiplier, multiplier),
        shift=np.where(same, operation.shift, shift),
    )


def with_weights(
    program: Program,
    operation: MatMul,
    weights: Float64[np.ndarray, "outputs inputs"],
    bias: Vector,
    bits: int,
) -> tuple[Program, int]:
    """The program with other weights and bias in a matrix product.

    Args:
        program: The program.
        operation: Its product whose weights are replaced.
        weights: In steps of the present weights; they need not be whole.
        bias: In steps of the present sums.
        bits: Largest width of the new codes; less is used where sums would not fit their register.

    Returns:
        The program, and by how many bits its sums are finer than before (below zero: coarser).
    """
    source, target = (program.register(n).bits for n in (operation.source, operation.target))
    largest = np.abs(weights).max(initial=0.0)
    sums = (np.abs(weights).sum(axis=1) * code_max(source) + np.abs(bias)).max(initial=0.0)
    limits = ((code_max(bits), largest), (code_max(target) / 2, sums))
    room = [np.log2(limit / size) for limit, size in limits if size > 0]
    finer = int(np.floor(min(room, default=0.0)))
    codes, offset = (np.rint(np.ldexp(x, finer)).astype(np.int64) for x in (weights, bias))
    new = replace(operation, weights=codes, bias=offset)
    return with_operation(program, operation, new), finer


def shifted(operation: Requantize, bits: int) -> Requantize:
    """The operation for a source whose steps are finer by ``bits`` bits."""
    return replace(operation, shift=np.minimum(operation.shift + bits, MAX_SHIFT))
