"""The rules of a well-formed program: names, shapes, ranges; all violations at once."""

from collections.abc import Iterator
from functools import singledispatch
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int64

from imssa.hardware.converters import LARGEST_SCALE
from imssa.kernels.codes import MAX_SHIFT, MULTIPLIER_BITS
from imssa.kernels.random import MOST_READS
from imssa.program.operations import (
    Accumulate,
    Add,
    ArgMax,
    Clear,
    Gather,
    Leak,
    MatMul,
    MeanByLength,
    Phase,
    Register,
    Requantize,
    Table,
)

if TYPE_CHECKING:
    from imssa.hardware.description import ChipDescription
    from imssa.program.program import ArrayContents, Program

MAX_ELEMENTS = 2**20
MAX_TOGETHER = 2**24
Registers = dict[str, Register]
Vector = Int64[np.ndarray, " _"]


class Limits(NamedTuple):
    """What a program's operations must stay inside."""

    arrays: int
    word_lines: int
    pairs: int
    max_length: int
    adc_bits: int


def broken_rules(program: "Program") -> list[str]:
    """Every rule that the program breaks, in words; empty for a well-formed program."""
    registers = {r.name: r for r in program.registers}
    shape = program.chip.arrays
    adc_bits = program.chip.converters.conversion_bits
    limits = Limits(
        len(program.arrays), shape.word_lines, shape.pairs, program.max_length, adc_bits
    )
    faults = [
        *_registers(program, registers),
        *_fits_memory(program),
        *_arrays(program),
        *reads_have_addresses(program),
    ]
    for section in ("start", "step", "end"):
        for number, operation in enumerate(getattr(program, section)):
            where = f"{section}[{number}] {type(operation).__name__}"
            try:
                found = list(rules_of(operation, registers, limits))
            except KeyError as error:
                found = [f"names the register {error}, which the program lacks"]
            if isinstance(operation, Phase) and section != "step":
                found.append("stands outside the time step, the only place for an MVM")
            faults += [f"{where} {fault}" for fault in found]
    return faults


def reads_have_addresses(program: "Program") -> Iterator[str]:
    """Each read of a time step needs a number of its own, which read noise is a function of.

    Lines always have one: an array has at most 1,024 bit lines, and a read can tell 262,144 apart.
    """
    phases, passes = len(program.phases), len(program.chip.converters.passes)
    if phases * passes > MOST_READS:
        yield (
            f"it has {phases:,} phases of {passes} passes a time step; read noise can tell at most "
            f"{MOST_READS:,} reads apart"
        )


def _registers(program: "Program", registers: Registers) -> Iterator[str]:
    if len(registers) != len(program.registers):
        yield "two registers share a name"
    for r in program.registers:
        if not (1 <= r.size <= MAX_ELEMENTS and 2 <= r.bits <= 32):
            yield f"register {r.name} has size {r.size} and {r.bits} bits (at most 32)"
    for name in (program.input, program.output):
        if name not in registers:
            yield f"names the register {name!r}, which the program lacks"
    for op in program.end:
        if isinstance(op, ArgMax) and op.target == program.output and op.source in registers:
            yield from _sizes(registers[op.source].size, class_names=len(program.class_names))


def _fits_memory(program: "Program") -> Iterator[str]:
    """What a sequence needs, whatever the header announces."""
    together = sum(r.size for r in program.registers)
    if together > MAX_TOGETHER:
        yield f"its registers hold {together:,} elements together (at most {MAX_TOGETHER:,})"


def _arrays(program: "Program") -> Iterator[str]:
    chip = program.chip
    shape = (chip.arrays.word_lines, chip.arrays.pairs)
    if len(program.arrays) > chip.arrays.count:
        yield f"it uses {len(program.arrays)} arrays, the chip has {chip.arrays.count}"
    for number, a in enumerate(program.arrays):
        if a.codes.shape != shape or a.written.shape != shape:
            yield f"array {number} has shape {a.codes.shape}, the chip's arrays {shape}"
        elif a.siemens_per_step.shape != shape[1:] or not np.all(
            (a.siemens_per_step > 0) & np.isfinite(a.siemens_per_step)
        ):
            yield f"array {number} needs one positive siemens_per_step a pair"
        elif a.common_mode is not None and a.common_mode.shape != shape:
            yield f"array {number} has a common_mode of shape {a.common_mode.shape}, not {shape}"
        else:
            yield from (f"array {number} {fault}" for fault in _targets(a, chip.window_siemens))
            yield from (f"array {number} {fault}" for fault in _sums(a, chip.converters.pass_max))
            yield from (f"array {number} {fault}" for fault in _wired_targets(a, chip))


def _wired_targets(contents: "ArrayContents", chip: "ChipDescription") -> Iterator[str]:
    """Targets for wires: one a device, finite, inside the window."""
    targets, shape = contents.targets_siemens, (chip.arrays.word_lines, 2 * chip.arrays.pairs)
    if targets is None:
        return
    if targets.shape != shape:
        yield f"has targets_siemens of shape {targets.shape}, not {shape}"
    elif not np.all((targets >= chip.g_min_siemens) & (targets <= chip.g_max_siemens)):
        yield "has targets_siemens outside the device window"


def _targets(contents: "ArrayContents", window_siemens: float) -> Iterator[str]:
    """Both devices of every pair must be inside the window; in floats, where nothing wraps."""
    common = 0.0 if contents.common_mode is None else contents.common_mode.astype(float)
    if np.any(common < 0):
        yield "has a common_mode below zero"
    highest = (np.abs(contents.codes.astype(float)) + common) * contents.siemens_per_step
    if np.any(highest > window_siemens * (1 + 1e-9)):
        yield "holds a weight outside the device window"


def _sums(contents: "ArrayContents", input_max: int) -> Iterator[str]:
    """Sums of codes times inputs must be exact in float64."""
    if np.any(np.abs(contents.codes.astype(float)).sum(axis=0) * input_max >= 2.0**53):
        yield "has sums beyond 53 bits"


@singledispatch
def rules_of(operation: object, registers: Registers, limits: Limits) -> Iterator[str]:
    """Broken rules of one operation."""
    del registers, limits
    yield f"is not in the list of operations: {operation!r}"


def _within(values: Vector, low: int, high: int, what: str) -> Iterator[str]:
    if values.ndim != 1 or (values.size and (values.min() < low or values.max() > high)):
        yield f"{what} must be a vector of values {low} .. {high}"


def _sizes(expected: int, **lengths: int) -> Iterator[str]:
    for name, length in lengths.items():
        if length != expected:
            yield f"{name} has {length} elements, {expected} are needed"


def _holds(target: Register, bits: int) -> Iterator[str]:
    if target.bits < bits:
        yield f"writes {bits} bits into the narrower register {target.name} of {target.bits}"


def _signs(values: Vector) -> Iterator[str]:
    if not np.all(np.abs(values) == 1):
        yield "signs must be 1 or -1"


@rules_of.register
def _(op: Clear, registers: Registers, _: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size)


@rules_of.register
def _(op: Gather, registers: Registers, _: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size, index=len(op.index), sign=len(op.sign))
    yield from _within(op.index, 0, registers[op.source].size - 1, "index")
    yield from _holds(registers[op.target], registers[op.source].bits)
    yield from _signs(op.sign)


@rules_of.register
def _(op: Phase, registers: Registers, limits: Limits) -> Iterator[str]:
    if not 0 <= op.array < limits.arrays:
        yield f"names array {op.array}, the program has {limits.arrays}"
    lines, pairs = len(op.word_lines), len(op.pairs)
    yield from _sizes(
        lines,
        drive_register=len(op.drive_register),
        drive_index=len(op.drive_index),
        drive_sign=len(op.drive_sign),
        drive_shift=len(op.drive_shift),
    )
    yield from _sizes(
        pairs,
        read_register=len(op.read_register),
        read_index=len(op.read_index),
        read_sign=len(op.read_sign),
        full_scale=len(op.full_scale),
        full_scale_shift=len(op.full_scale_shift),
    )
    yield from _within(op.word_lines, 0, limits.word_lines - 1, "word_lines")
    yield from _within(op.pairs, 0, limits.pairs - 1, "pairs")
    yield from _within(op.drive_shift, 0, MAX_SHIFT, "drive_shift")
    yield from _within(op.full_scale, 1, LARGEST_SCALE, "full_scale")
    yield from _within(op.full_scale_shift, 0, 16, "full_scale_shift")
    yield from _signs(op.drive_sign)
    yield from _signs(op.read_sign)
    if len(set(op.word_lines.tolist())) != lines or len(set(op.pairs.tolist())) != pairs:
        yield "names a word line or a pair twice"
    yield from _lists(op.drive, op.drive_register, op.drive_index, registers, "drive")
    yield from _lists(op.read, op.read_register, op.read_index, registers, "read")
    for name in op.read:
        yield from _holds(registers[name], limits.adc_bits)
    targets = set(zip(op.read_register.tolist(), op.read_index.tolist(), strict=False))
    if len(targets) != pairs:
        yield "has two pairs read into the same element"


def _lists(
    names: tuple[str, ...], which: Vector, index: Vector, registers: Registers, what: str
) -> Iterator[str]:
    yield from _within(which, 0, len(names) - 1, f"{what}_register")
    if len(which) != len(index):
        return
    for number, name in enumerate(names):
        inside = index[which == number]
        yield from _within(inside, 0, registers[name].size - 1, f"{what}_index of {name}")


@rules_of.register
def _(op: Requantize, registers: Registers, _: Limits) -> Iterator[str]:
    size = registers[op.target].size
    yield from _sizes(
        size,
        source=registers[op.source].size,
        multiplier=len(op.multiplier),
        shift=len(op.shift),
    )
    yield from _scales(op.multiplier, op.shift, registers[op.source].bits)


def _scales(multiplier: Vector, shift: Vector, bits: int) -> Iterator[str]:
    yield from _within(multiplier, 0, 2**MULTIPLIER_BITS - 1, "multiplier")
    # a left shift must stay inside 63 bits together with source and multiplier
    yield from _within(shift, -(62 - bits - MULTIPLIER_BITS), MAX_SHIFT, "shift")


@rules_of.register
def _(op: Leak, registers: Registers, _: Limits) -> Iterator[str]:
    size = registers[op.target].size
    yield from _sizes(size, source=registers[op.source].size, k=len(op.k))
    yield from _within(op.k, 1, 31, "k")
    yield from _holds(registers[op.target], registers[op.source].bits)


@rules_of.register
def _(op: Add, registers: Registers, _: Limits) -> Iterator[str]:
    size = registers[op.target].size
    yield from _sizes(size, source=registers[op.source].size, other=registers[op.other].size)


@rules_of.register
def _(op: MatMul, registers: Registers, _: Limits) -> Iterator[str]:
    shape = (registers[op.target].size, registers[op.source].size)
    if op.weights.shape != shape:
        yield f"has weights of shape {op.weights.shape}, {shape} is needed"
        return
    yield from _sizes(shape[0], bias=len(op.bias))
    largest = 2.0 ** (registers[op.source].bits - 1)
    worst = np.abs(op.weights).sum(axis=1, dtype=float) * largest + np.abs(op.bias.astype(float))
    if np.any(worst >= 2.0**53):
        yield "has sums beyond 53 bits"


@rules_of.register
def _(op: Table, registers: Registers, _: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size, source=registers[op.source].size)
    yield from _sizes(2 ** registers[op.source].bits - 1, values=len(op.values))
    largest = 2 ** (registers[op.target].bits - 1) - 1
    yield from _within(op.values, -largest, largest, "values")


@rules_of.register
def _(op: Accumulate, registers: Registers, _: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size, source=registers[op.source].size)


@rules_of.register
def _(op: MeanByLength, registers: Registers, limits: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size, source=registers[op.source].size)
    entries = limits.max_length + 1
    yield from _sizes(entries, multiplier=len(op.multiplier), shift=len(op.shift))
    yield from _scales(op.multiplier, op.shift, registers[op.source].bits)


@rules_of.register
def _(op: ArgMax, registers: Registers, _: Limits) -> Iterator[str]:
    yield from _sizes(registers[op.target].size, one=1)
    yield from _holds(registers[op.target], registers[op.source].size.bit_length() + 1)
