"""What a program occupies on its chip."""

import numpy as np
from jaxtyping import Bool, Int64

from imssa.evaluation.records import Count, Fraction, Record
from imssa.program import Program
from imssa.program.operations import Phase

STATES = ("state", "adc")
"""Registers with one element a state, before and after the array; the others: one a kernel."""


class Resources(Record):
    """Arrays, devices and reads that a program takes.

    Attributes:
        arrays: Arrays that hold something.
        kernels: State-space kernels on them.
        devices: All devices of these arrays.
        devices_written: Devices that have to be programmed: every cell where a driven word line
            crosses a pair that is read, cells that must hold zero included.
        devices_used: Devices that hold a weight of A, B, C or D (the weight may be zero), two a
            weight. Cells between modes or kernels, where a diagonal A has no weight, are left out.
        utilization: ``devices_used / devices``.
        mvms_per_step: Analog matrix-vector multiplies of one time step.
    """

    arrays: Count
    kernels: Count
    devices: Count
    devices_written: Count
    devices_used: Count
    utilization: Fraction
    mvms_per_step: Count


def measure_resources(program: Program) -> Resources:
    """What a program takes, counted from its phases and arrays.

    Args:
        program: Registers are named as the compiler names them: ``state.N`` and ``adc.N`` have one
            element a state, mode after mode; ``stream.N`` and ``readout.N`` one a kernel.
    """
    shape = (program.chip.arrays.word_lines, program.chip.arrays.pairs)
    holding = np.zeros((len(program.arrays), *shape), bool)
    for phase in program.phases:
        crossing = np.ix_(phase.word_lines, phase.pairs)
        holding[phase.array][crossing] |= _holds_weights(program, phase)
    devices = len(program.arrays) * program.chip.arrays.word_lines * program.chip.arrays.bit_lines
    used = 2 * int(holding.sum())
    return Resources(
        arrays=len(program.arrays),
        kernels=sum(r.size for r in program.registers if r.name.startswith("readout.")),
        devices=devices,
        devices_written=2 * sum(int(contents.written.sum()) for contents in program.arrays),
        devices_used=used,
        utilization=used / devices if devices else 0.0,
        mvms_per_step=len(program.phases),
    )


def _holds_weights(program: Program, phase: Phase) -> Bool[np.ndarray, "word_lines pairs"]:
    """Where a driven word line and a read pair belong to one mode, or to input or output."""
    kernel, mode = _owners(program, phase.drive, phase.drive_register, phase.drive_index)
    reader, read_mode = _owners(program, phase.read, phase.read_register, phase.read_index)
    same_kernel = kernel[:, None] == reader
    outside = (mode[:, None] < 0) | (read_mode < 0)
    return np.asarray(same_kernel & (outside | (mode[:, None] == read_mode)))


def _owners(
    program: Program,
    names: tuple[str, ...],
    register: Int64[np.ndarray, " n"],
    index: Int64[np.ndarray, " n"],
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """The kernel of each line and its mode; -1 for an input or an output."""
    kernel, mode = index.copy(), np.full_like(index, -1)
    for number, name in enumerate(names):
        role, _, layer = name.partition(".")
        if role not in STATES:
            continue
        own = register == number
        states = program.register(name).size // program.register(f"readout.{layer}").size
        kernel[own], mode[own] = index[own] // states, index[own] // 2
    return kernel, mode
