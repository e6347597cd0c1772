"""The simulation in plain tensors, for any device that PyTorch knows: one Python step a time step.

The compiled interpreter (:mod:`imssa.crossbar.fused`) is faster on a CPU. Random numbers and rounding are
the same, so codes equal those of the interpreter; only the variance of a read is summed in another
order, in float32: with read noise on, one code in millions may round the other way.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from imssa.crossbar.arrays import program_chips
from imssa.crossbar.tensor_phase import (
    ReadNormals,
    TensorPhase,
    digits,
    first_largest,
    rounded_shift,
)
from imssa.crossbar.trace import Trace, require_chip, require_inputs
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.program import operations as ops
from imssa.program.program import Program


def simulate_tensors(  # noqa: PLR0913
    program: Program,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    inputs: Int64[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    record: tuple[str, ...] = (),
    *,
    first_sample: int = 0,
    device: torch.device | str = "cpu",
) -> Trace:
    """Runs a program on many simulated chip instances, as tensors on a device.

    Args:
        program: The program.
        chip: Device laws; usually the program's own chip, or it with some effects only.
        key: Random key of the study.
        instances: Numbers of the chip instances.
        inputs: Input codes; steps beyond a sequence's length are not executed.
        lengths: True lengths.
        record: Registers to keep after each step.
        first_sample: Number of the first sequence; addresses the read noise.
        device: Where the tensors live.

    Returns:
        Answers (chips, batch); registers with a leading axis of chips.

    Raises:
        ShapeError: Inputs that the program cannot take.
        DesignRuleError: A chip that differs from the program's own in more than its errors.
    """
    require_inputs(program, inputs, lengths)
    require_chip(program, chip)
    run = _Run(
        program,
        chip,
        key,
        instances,
        lengths,
        first_sample=first_sample,
        device=torch.device(device),
    )
    run.operate(program.start, 0)
    fed, steps = run.tensor(inputs), int(lengths.max())
    kept: dict[str, list[Tensor]] = {name: [] for name in record}
    for step in range(steps):
        real = (run.lengths > step)[:, None]
        before = dict(run.registers)
        run.registers[program.input] = fed[:, step].expand(len(instances), -1, -1)
        run.operate(program.step, step)
        run.registers = {n: torch.where(real, v, before[n]) for n, v in run.registers.items()}
        for name, values in kept.items():
            values.append(run.registers[name] * real)
    run.operate(program.end, 0)
    final = {name: value.cpu().numpy() for name, value in run.registers.items()}
    more = inputs.shape[1] - steps
    recorded = {
        name: np.pad(torch.stack(v, 2).cpu().numpy(), ((0, 0), (0, 0), (0, more), (0, 0)))
        for name, v in kept.items()
    }
    return Trace(final[program.output][..., 0], final, recorded)


class _Run:
    """Registers of chips times sequences, (chips, batch, size), while a program runs."""

    def __init__(
        self,
        program: Program,
        chip: ChipDescription,
        key: Key,
        instances: Int64[np.ndarray, " chips"],
        lengths: Int64[np.ndarray, " batch"],
        *,
        first_sample: int,
        device: torch.device,
    ) -> None:
        self.device, self.passes = device, chip.converters.passes.tolist()
        self.lengths = self.tensor(lengths)
        self.largest = {r.name: code_max(r.bits) for r in program.registers}
        shape = (len(instances), len(lengths))
        self.registers = {
            r.name: torch.zeros((*shape, r.size), dtype=torch.int64, device=device)
            for r in program.registers
        }
        sizes = {r.name: r.size for r in program.registers}
        arrays = program_chips(program, chip, key, instances)
        self.phases = [
            TensorPhase(p, arrays[p.array].seen_by(p), chip, sizes, self.tensor)
            for p in program.phases
        ]
        samples = np.arange(len(lengths)) + first_sample
        self.normals = ReadNormals(key.child("read"), instances, samples, device)

    def tensor(self, values: Any) -> Tensor:
        """Values on the device."""
        return torch.as_tensor(np.ascontiguousarray(values), device=self.device)

    def operate(self, operations: tuple[ops.Operation, ...], step: int) -> None:
        """Executes operations on all chips and sequences."""
        event = 0
        for operation in operations:
            if isinstance(operation, ops.Phase):
                self._phase(self.phases[event], event, step)
                event += 1
            else:
                value = _RULES[type(operation)](self, operation)
                self.registers[operation.target] = value

    def clipped(self, value: Tensor, name: str) -> Tensor:
        """A value saturated to a register's width."""
        return value.clamp(-self.largest[name], self.largest[name])

    def _phase(self, phase: TensorPhase, event: int, step: int) -> None:
        drive = phase.driven(torch.cat([self.registers[name] for name in phase.op.drive], dim=-1))
        total: Any = 0
        for number, (bit, sign, weight) in enumerate(self.passes):
            at = (event * len(self.passes) + number, step)
            total = total + weight * phase.read(digits(drive, bit, sign), self.normals, at)
        for number, name in enumerate(phase.op.read):
            target = self.registers[name].clone()
            target[..., phase.targets[number]] = (total * phase.read_sign)[..., phase.mine[number]]
            self.registers[name] = target


def _scaled(run: _Run, op: Any, value: Tensor, multiplier: Any, shift: Any) -> Tensor:
    product = value * run.tensor(multiplier)
    return run.clipped(rounded_shift(product, run.tensor(shift)), op.target)


def _matmul(run: _Run, op: ops.MatMul) -> Tensor:
    """Exact in float64: a program's sums stay below 2^53 (program.rules)."""
    weights, bias = run.tensor(op.weights.T.astype(float)), run.tensor(op.bias)
    sums = run.registers[op.source].double() @ weights
    return run.clipped(sums.to(torch.int64) + bias, op.target)


def _mean(run: _Run, op: ops.MeanByLength) -> Tensor:
    of_length = run.lengths[:, None]
    multiplier, shift = run.tensor(op.multiplier)[of_length], run.tensor(op.shift)[of_length]
    product = run.registers[op.source] * multiplier
    return run.clipped(rounded_shift(product, shift), op.target)


def _leak(run: _Run, op: ops.Leak) -> Tensor:
    value = run.registers[op.source]
    return value - rounded_shift(value, run.tensor(op.k))


_RULES: dict[type, Callable[[_Run, Any], Tensor]] = {
    ops.Clear: lambda run, op: torch.zeros_like(run.registers[op.target]),
    ops.Gather: lambda run, op: (
        run.registers[op.source][..., run.tensor(op.index)] * run.tensor(op.sign)
    ),
    ops.Requantize: lambda run, op: _scaled(
        run, op, run.registers[op.source], op.multiplier, op.shift
    ),
    ops.Leak: _leak,
    ops.Add: lambda run, op: run.clipped(
        run.registers[op.source] + run.registers[op.other], op.target
    ),
    ops.MatMul: _matmul,
    ops.Table: lambda run, op: run.tensor(op.values)[
        run.registers[op.source] + len(op.values) // 2
    ],
    ops.Accumulate: lambda run, op: run.clipped(
        run.registers[op.target] + run.registers[op.source], op.target
    ),
    ops.MeanByLength: _mean,
    ops.ArgMax: lambda run, op: first_largest(run.registers[op.source]),
}
