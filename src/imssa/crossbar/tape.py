"""A program as flat integer arrays, for the compiled interpreter of the fused simulation.

Registers become one file of elements; each operation becomes one row of ``COLUMNS`` integers that
point into the file and into a pool of parameters. Columns: operation, first operand, second operand,
target, count, place in the pool, largest code of the target, and one more number where needed.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from imssa.kernels.codes import code_max
from imssa.program import operations as ops
from imssa.program.program import Program

COLUMNS: Final = 8
CODES: Final = {kind: number for number, kind in enumerate(ops.BY_NAME.values())}


class PhaseTable(NamedTuple):
    """One phase: physical lines, elements of the register file, scales.

    Attributes:
        array: The array.
        word_lines: Driven word lines.
        source: Element of the register file that drives each.
        drive_sign: Sign of each drive.
        drive_shift: Fractional bits of each source.
        pairs: Read pairs.
        target: Element of the register file that takes each code.
        read_sign: Sign of each code.
        scale: L / 2^h of each pair.
    """

    array: int
    word_lines: Int64[np.ndarray, " lines"]
    source: Int64[np.ndarray, " lines"]
    drive_sign: Int64[np.ndarray, " lines"]
    drive_shift: Int64[np.ndarray, " lines"]
    pairs: Int64[np.ndarray, " pairs"]
    target: Int64[np.ndarray, " pairs"]
    read_sign: Int64[np.ndarray, " pairs"]
    scale: Float64[np.ndarray, " pairs"]


class Tape(NamedTuple):
    """A program for the interpreter.

    Attributes:
        start: Rows that run once.
        step: Rows that run each time step.
        end: Rows that run at the end.
        pool: Parameters.
        phases: The phases, in order; a row of operation ``Phase`` names one by number.
        size: Elements of the register file.
        offsets: First element of each register.
    """

    start: Int64[np.ndarray, "rows columns"]
    step: Int64[np.ndarray, "rows columns"]
    end: Int64[np.ndarray, "rows columns"]
    pool: Int64[np.ndarray, " parameters"]
    phases: tuple[PhaseTable, ...]
    size: int
    offsets: dict[str, int]


class _Writer:
    def __init__(self, program: Program) -> None:
        sizes = np.array([r.size for r in program.registers])
        starts = np.cumsum(sizes) - sizes
        self.offsets = {r.name: int(s) for r, s in zip(program.registers, starts, strict=True)}
        self.sizes = {r.name: r.size for r in program.registers}
        self.largest = {r.name: code_max(r.bits) for r in program.registers}
        self.size = int(sizes.sum())
        self.pool: list[Any] = []
        self.pooled = 0
        self.phases: list[PhaseTable] = []

    def put(self, *values: Int64[np.ndarray, "..."]) -> int:
        """Adds parameters to the pool; gives their place."""
        place = self.pooled
        for value in values:
            self.pool.append(np.asarray(value, np.int64).ravel())
            self.pooled += value.size
        return place

    def row(self, op: Any, other: int = 0, pool: int = 0, extra: int = 0) -> list[int]:
        """A row of one operation with a source (where it has one) and a target."""
        first = self.offsets[op.source] if hasattr(op, "source") else 0
        return [
            CODES[type(op)],
            first,
            other,
            self.offsets[op.target],
            self.sizes[op.target],
            pool,
            self.largest[op.target],
            extra,
        ]

    def phase(self, op: ops.Phase) -> list[int]:
        """A row that names a phase by its number."""

        def elements(names: tuple[str, ...], which: Any, index: Any) -> Any:
            return np.array([self.offsets[name] for name in names], np.int64)[which] + index

        self.phases.append(
            PhaseTable(
                op.array,
                op.word_lines,
                elements(op.drive, op.drive_register, op.drive_index),
                op.drive_sign,
                op.drive_shift,
                op.pairs,
                elements(op.read, op.read_register, op.read_index),
                op.read_sign,
                np.ldexp(op.full_scale.astype(float), -op.full_scale_shift),
            )
        )
        return [CODES[ops.Phase], 0, 0, 0, 0, 0, 0, len(self.phases) - 1]


_ENCODE: Final[dict[type, Callable[[_Writer, Any], list[int]]]] = {
    ops.Clear: lambda w, op: w.row(op),
    ops.Gather: lambda w, op: w.row(op, pool=w.put(op.index, op.sign)),
    ops.Phase: lambda w, op: w.phase(op),
    ops.Requantize: lambda w, op: w.row(op, pool=w.put(op.multiplier, op.shift)),
    ops.Leak: lambda w, op: w.row(op, pool=w.put(op.k)),
    ops.Add: lambda w, op: w.row(op, other=w.offsets[op.other]),
    ops.MatMul: lambda w, op: w.row(op, pool=w.put(op.bias, op.weights), extra=op.weights.shape[1]),
    ops.Table: lambda w, op: w.row(op, pool=w.put(op.values), extra=len(op.values) // 2),
    ops.Accumulate: lambda w, op: w.row(op),
    ops.MeanByLength: lambda w, op: w.row(
        op, pool=w.put(op.multiplier, op.shift), extra=len(op.multiplier)
    ),
    ops.ArgMax: lambda w, op: w.row(op, extra=w.sizes[op.source]),
}


def encode(program: Program) -> Tape:
    """The program as flat arrays."""
    writer = _Writer(program)
    rows = {
        section: np.array(
            [_ENCODE[type(op)](writer, op) for op in getattr(program, section)], np.int64
        ).reshape(-1, COLUMNS)
        for section in ("start", "step", "end")
    }
    pool = np.concatenate([*writer.pool, np.zeros(1, np.int64)])
    phases = tuple(writer.phases)
    return Tape(**rows, pool=pool, phases=phases, size=writer.size, offsets=writer.offsets)
