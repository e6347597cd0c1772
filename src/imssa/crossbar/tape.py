"""A program as flat integer arrays, for the compiled interpreter of the fused simulation.

Registers become one file of elements; each operation becomes one row of ``COLUMNS`` integers that
point into the file and into a pool of parameters. Columns: operation, first operand, second operand,
target, count, place in the pool, largest code of the target, and one more number where needed.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64, Int64, UInt64

from imssa.kernels.codes import code_max
from imssa.kernels.interpreter import OPERATIONS
from imssa.kernels.products import padded
from imssa.program import operations as ops
from imssa.program.program import Program

COLUMNS: Final = 8
CODES: Final = {ops.BY_NAME[name]: number for number, name in enumerate(OPERATIONS)}


class Tape(NamedTuple):
    """A program for the interpreter.

    Attributes:
        start: Rows that run once.
        step: Rows that run each time step.
        end: Rows that run at the end.
        pool: Parameters.
        scale: ADC steps L / 2^h of all phases, one after the other.
        phases: The phases, in order.
        widest: Most driven lines and most read pairs of a phase.
        size: Elements of the register file.
        offsets: First element of each register.
    """

    start: UInt64[np.ndarray, "rows columns"]
    step: UInt64[np.ndarray, "rows columns"]
    end: UInt64[np.ndarray, "rows columns"]
    pool: Int64[np.ndarray, " parameters"]
    scale: Float64[np.ndarray, " all_pairs"]
    phases: tuple[ops.Phase, ...]
    widest: tuple[int, int]
    size: int
    offsets: dict[str, int]


class _Writer:
    def __init__(self, program: Program, variance_rows: int, columns: int) -> None:
        self.variance_rows, self.columns = variance_rows, columns
        sizes = np.array([r.size for r in program.registers])
        starts = np.cumsum(sizes) - sizes
        self.offsets = {r.name: int(s) for r, s in zip(program.registers, starts, strict=True)}
        self.sizes = {r.name: r.size for r in program.registers}
        self.largest = {r.name: code_max(r.bits) for r in program.registers}
        self.size = int(sizes.sum())
        self.pool: list[Any] = []
        self.pooled = 0
        self.phases: list[ops.Phase] = []
        self.scale: list[Any] = []
        self.weights = self.variances = 0

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
        """A row of one phase: its parameters in the pool, its weights after those before it."""

        def elements(names: tuple[str, ...], which: Any, index: Any) -> Any:
            return np.array([self.offsets[name] for name in names], np.int64)[which] + index

        lines, pairs = len(op.word_lines), len(op.pairs)
        source = elements(op.drive, op.drive_register, op.drive_index)
        target = elements(op.read, op.read_register, op.read_index)
        more = np.array(
            [
                sum(len(s) for s in self.scale),
                op.pairs.min(),
                op.pairs.max(),
                _is_run(op.pairs, np.ones_like(op.pairs)),
                _is_run(source, op.drive_sign),
                _is_run(target, op.read_sign),
            ]
        )
        place = self.put(
            *(source, op.drive_sign, op.drive_shift, op.pairs, target, op.read_sign, more)
        )
        self.scale.append(np.ldexp(op.full_scale.astype(float), -op.full_scale_shift))
        rows = lines if self.variance_rows > 1 else self.variance_rows
        row = [CODES[ops.Phase], lines, pairs, place, self.weights, self.variances, rows]
        width = padded(pairs * self.columns)
        self.weights += lines * width
        self.variances += rows * width
        self.phases.append(op)
        return [*row, len(self.phases) - 1]


def _is_run(elements: Int64[np.ndarray, " n"], sign: Int64[np.ndarray, " n"]) -> bool:
    """Whether elements are neighbours in rising order and nothing is negated: no look-up needed."""
    return bool((np.diff(elements) == 1).all() and (sign == 1).all())


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


def encode(program: Program, variance_rows: int, columns: int = 1) -> Tape:
    """The program as flat arrays.

    Args:
        program: The program.
        variance_rows: Rows of an array's read variances: 0 (quiet), 1 (all lines alike) or all.
        columns: Of a pair: 1, or 2 where each bit line is one.
    """
    writer = _Writer(program, variance_rows, columns)
    rows = {
        section: np.array(
            [_ENCODE[type(op)](writer, op) for op in getattr(program, section)], np.uint64
        ).reshape(-1, COLUMNS)
        for section in ("start", "step", "end")
    }
    lines = max((len(p.word_lines) for p in writer.phases), default=1)
    pairs = max((len(p.pairs) for p in writer.phases), default=1)
    return Tape(
        **rows,
        pool=np.concatenate([*writer.pool, np.zeros(1, np.int64)]),
        scale=np.concatenate([*writer.scale, np.ones(1)]),
        phases=tuple(writer.phases),
        widest=(lines, pairs),
        size=writer.size,
        offsets=writer.offsets,
    )
