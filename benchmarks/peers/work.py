"""The work that all contestants share: weights, converters, noise, first input; our program for it."""

from pathlib import Path
from typing import Any

import numpy as np

from imssa.hardware import ChipDescription
from imssa.hardware.description import Arrays, Converters
from imssa.hardware.read_noise import RelativeReadNoise
from imssa.hardware.statistical import GaussianProgramming
from imssa.kernels.codes import code_max
from imssa.program import ArrayContents, Program
from imssa.program.operations import Clear, MatMul, Operation, Phase, Register
from imssa.program.rules import broken_rules

BITS = 8
WEIGHT_MAX = 7
PROGRAMMING, READ = 0.02, 0.01
"""Standard deviations of a device as shares of the window: at writing, at each read."""

WINDOW_SIEMENS = 150e-6


def make_work(path: Path, lines: int, inputs: int) -> None:
    """Writes the arrays of the work.

    Weights are uniformly random codes -7 .. 7. The ADC's full scale is half a device's current times
    sqrt(lines): signals then neither die out nor sit at the bounds when outputs become inputs.

    Args:
        path: An npz file.
        lines: Word lines and pairs.
        inputs: Vectors for the single calls.
    """
    rng = np.random.default_rng(lines)
    codes = rng.integers(-WEIGHT_MAX, WEIGHT_MAX + 1, (lines, lines))
    codes[0, 0] = WEIGHT_MAX  # so that the largest weight is at the window's top for everybody
    top = code_max(BITS)
    full_scale = np.sqrt(lines) / 2
    drives = rng.integers(-top, top + 1, (inputs + 1, lines))
    np.savez(
        path,
        weights=(codes / WEIGHT_MAX / full_scale).astype(np.float32),
        orthogonal=np.linalg.qr(rng.normal(size=(lines, lines)))[0].astype(np.float32),
        codes=codes,
        full_scale=full_scale,
        start=(drives[-1] / top).astype(np.float32),
        inputs=(drives[:-1] / top).astype(np.float32),
        code_max=top,
        bits=BITS,
        programming=PROGRAMMING,
        read=READ,
    )


def chip_of(work: Any, *, noisy: bool = True) -> ChipDescription:
    """One array of the size of the work, with its converters and errors."""
    lines = len(work["codes"])
    chip = ChipDescription(
        name="closed-loop",
        source="made for this benchmark",
        arrays=Arrays(count=1, word_lines=lines, bit_lines=2 * lines),
        converters=Converters(
            dac_bits=BITS, adc_bits=BITS, full_scale_devices=(float(work["full_scale"]),)
        ),
        g_max_siemens=WINDOW_SIEMENS,
        read_voltage_volt=0.2,
        programming=GaussianProgramming(sigma_siemens=PROGRAMMING * WINDOW_SIEMENS),
        read_noise=RelativeReadNoise(sigma_siemens=READ * WINDOW_SIEMENS),
    )
    return chip if noisy else chip.only()


def program_of(work: Any, steps: int, *, closed: bool) -> Program:
    """One phase that reads all pairs: closed, back into the register that drives the lines.

    Closed, the first input is put there at the start, the same for all sequences, and the input
    register drives nothing; else that register drives the lines.
    """
    lines = len(work["codes"])
    drive = "state" if closed else "input"
    chip = chip_of(work)
    first = np.rint(work["start"] * work["code_max"]).astype(np.int64)
    start = MatMul("input", "state", np.zeros((lines, 1), np.int64), first)
    program = Program(
        chip=chip,
        registers=(
            Register("input", 1 if closed else lines, BITS),
            Register("state", lines, BITS),
            Register("answer", 1, BITS),
        ),
        arrays=(_contents(work),),
        start=(start if closed else Clear("state"),),
        step=(_phase(chip, drive, lines),),
        end=(),
        input="input",
        output="answer",
        max_length=steps,
        class_names=("none",),
        preparation={},
        provenance={},
    )
    faults = broken_rules(program)
    if faults:
        raise SystemExit("; ".join(faults))
    return program


def _contents(work: Any) -> ArrayContents:
    codes = work["codes"]
    return ArrayContents(
        codes, np.ones(codes.shape, bool), np.full(codes.shape[1], WINDOW_SIEMENS / WEIGHT_MAX)
    )


def _phase(chip: ChipDescription, drive: str, lines: int) -> Operation:
    every, zeros, ones = (np.asarray(a) for a in (np.arange(lines), [0] * lines, [1] * lines))
    full_scale, shift = chip.converters.scale(chip.converters.full_scale_devices[0], WEIGHT_MAX)
    return Phase(
        array=0,
        drive=(drive,),
        word_lines=every,
        drive_register=zeros,
        drive_index=every,
        drive_sign=ones,
        drive_shift=zeros,
        read=("state",),
        pairs=every,
        read_register=zeros,
        read_index=every,
        read_sign=ones,
        full_scale=full_scale * ones,
        full_scale_shift=shift * ones,
    )
