"""The step-by-step executor: runs a program on any chip, one operation after the other.

Slow and obvious: the reference beside the fused simulation, and the way to run a lab's chip.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Int64

from imssa.crossbar.chip import Chip, ReadAddress
from imssa.crossbar.trace import Trace, require_addresses, require_inputs
from imssa.kernels.codes import code_max, decayed, driven, requantized
from imssa.program import operations as ops
from imssa.program.program import Program

Registers = dict[str, Int64[np.ndarray, "batch size"]]


def write_program(program: Program, chip: Chip) -> None:
    """Writes all arrays of a program."""
    for number, contents in enumerate(program.arrays):
        chip.write(number, contents)


def execute(
    program: Program,
    chip: Chip,
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    record: tuple[str, ...] = (),
    first_sample: int = 0,
) -> Trace:
    """Runs a program on a chip to which it was written.

    Args:
        program: The program.
        chip: Any chip.
        inputs: Input codes; steps beyond a sequence's length are not executed.
        lengths: True lengths.
        record: Registers to keep after each step.
        first_sample: Number of the first sequence; addresses the read noise.

    Raises:
        ShapeError: Inputs that the program cannot take.
        DesignRuleError: More reads a time step than read noise can tell apart.
    """
    require_inputs(program, inputs, lengths)
    require_addresses(program)
    run = _Run(program, chip, lengths, first_sample)
    steps = {
        name: np.zeros((*inputs.shape[:2], program.register(name).size), np.int64)
        for name in record
    }
    everyone = np.arange(len(inputs))
    run.operate(program.start, everyone, 0)
    for step in range(int(lengths.max())):
        rows = np.flatnonzero(lengths > step)
        run.registers[program.input][rows] = inputs[rows, step]
        run.operate(program.step, rows, step)
        for name, kept in steps.items():
            kept[rows, step] = run.registers[name][rows]
    run.operate(program.end, everyone, 0)
    return Trace(run.registers[program.output][:, 0], run.registers, steps)


class _Run:
    """Registers of a batch of sequences while a program runs."""

    def __init__(self, program: Program, chip: Chip, lengths: Any, first_sample: int) -> None:
        self.program, self.chip, self.lengths = program, chip, lengths
        self.first_sample = first_sample
        self.bits = {r.name: r.bits for r in program.registers}
        self.registers: Registers = {
            r.name: np.zeros((len(lengths), r.size), np.int64) for r in program.registers
        }

    def operate(self, operations: tuple[ops.Operation, ...], rows: Any, step: int) -> None:
        """Executes operations on the sequences ``rows``."""
        event = 0
        for operation in operations:
            if isinstance(operation, ops.Phase):
                self._phase(operation, rows, ReadAddress(event, step, rows + self.first_sample))
                event += 1
            else:
                result = _RULES[type(operation)](self, operation, rows)
                self.registers[operation.target][rows] = result

    def source(self, name: str, rows: Any) -> Any:
        """A register of the sequences ``rows``."""
        return self.registers[name][rows]

    def clipped(self, value: Any, name: str) -> Any:
        """A value saturated to a register's width."""
        largest = code_max(self.bits[name])
        return np.clip(value, -largest, largest)

    def _phase(self, phase: ops.Phase, rows: Any, address: ReadAddress) -> None:
        drive = np.zeros((len(rows), len(phase.word_lines)), np.int64)
        for number, name in enumerate(phase.drive):
            mine = phase.drive_register == number
            value = self.source(name, rows)[:, phase.drive_index[mine]] * phase.drive_sign[mine]
            bits = self.program.chip.converters.dac_bits
            drive[:, mine] = driven(value, phase.drive_shift[mine], bits)
        codes = self.chip.mvm(phase, drive, address)
        for number, name in enumerate(phase.read):
            mine = phase.read_register == number
            target = np.ix_(rows, phase.read_index[mine])
            self.registers[name][target] = codes[:, mine] * phase.read_sign[mine]


def _gather(run: _Run, op: ops.Gather, rows: Any) -> Any:
    return run.source(op.source, rows)[:, op.index] * op.sign


def _requantize(run: _Run, op: ops.Requantize, rows: Any) -> Any:
    return requantized(run.source(op.source, rows), op.multiplier, op.shift, run.bits[op.target])


def _add(run: _Run, op: ops.Add, rows: Any) -> Any:
    return run.clipped(run.source(op.source, rows) + run.source(op.other, rows), op.target)


def _matmul(run: _Run, op: ops.MatMul, rows: Any) -> Any:
    return run.clipped(run.source(op.source, rows) @ op.weights.T + op.bias, op.target)


def _table(run: _Run, op: ops.Table, rows: Any) -> Any:
    return op.values[run.source(op.source, rows) + len(op.values) // 2]


def _accumulate(run: _Run, op: ops.Accumulate, rows: Any) -> Any:
    return run.clipped(run.source(op.target, rows) + run.source(op.source, rows), op.target)


def _mean(run: _Run, op: ops.MeanByLength, rows: Any) -> Any:
    lengths = run.lengths[rows][:, None]
    value, bits = run.source(op.source, rows), run.bits[op.target]
    return requantized(value, op.multiplier[lengths], op.shift[lengths], bits)


_RULES: dict[type, Callable[[_Run, Any, Any], Any]] = {
    ops.Clear: lambda _run, _op, _rows: 0,
    ops.Gather: _gather,
    ops.Requantize: _requantize,
    ops.Leak: lambda run, op, rows: decayed(run.source(op.source, rows), op.k),
    ops.Add: _add,
    ops.MatMul: _matmul,
    ops.Table: _table,
    ops.Accumulate: _accumulate,
    ops.MeanByLength: _mean,
    ops.ArgMax: lambda run, op, rows: run.source(op.source, rows).argmax(1)[:, None],
}
