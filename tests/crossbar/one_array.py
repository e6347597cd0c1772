"""One array by itself: random contents, a phase on chosen lines, and its MVMs on a simulated chip."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imssa.crossbar import SimulatedChip
from imssa.crossbar.chip import ReadAddress
from imssa.hardware import ChipDescription
from imssa.kernels.random import Key
from imssa.program.operations import Phase
from imssa.program.program import ArrayContents

Codes = NDArray[np.int64]
KEY = Key.root(17)
WEIGHT_MAX = 7


def contents_of(codes: Codes, chip: ChipDescription) -> ArrayContents:
    """Weight codes of up to ``WEIGHT_MAX`` on every cell."""
    step = np.full(codes.shape[1], chip.window_siemens / WEIGHT_MAX)
    return ArrayContents(codes, np.ones(codes.shape, bool), step)


def random_contents(rng: np.random.Generator, chip: ChipDescription) -> ArrayContents:
    """Random codes on every cell."""
    shape = (chip.arrays.word_lines, chip.arrays.pairs)
    return contents_of(rng.integers(-WEIGHT_MAX, WEIGHT_MAX + 1, shape), chip)


def phase_of(chip: ChipDescription, lines: Any = None, pairs: Any = None) -> Phase:
    """A phase on some lines and pairs; None: all. It uses the first full scale on offer."""
    driven = np.arange(chip.arrays.word_lines) if lines is None else np.asarray(lines)
    read = np.arange(chip.arrays.pairs) if pairs is None else np.asarray(pairs)
    L, h = chip.converters.scale(chip.converters.full_scale_devices[0], WEIGHT_MAX)
    return Phase(
        array=0,
        drive=("d",),
        word_lines=driven,
        drive_register=np.zeros_like(driven),
        drive_index=driven,
        drive_sign=np.ones_like(driven),
        drive_shift=np.zeros_like(driven),
        read=("a",),
        pairs=read,
        read_register=np.zeros_like(read),
        read_index=read,
        read_sign=np.ones_like(read),
        full_scale=np.full(len(read), L),
        full_scale_shift=np.full(len(read), h),
    )


def adc_step(phase: Phase) -> float:
    """L / 2^h of the phase's pairs."""
    return float(np.ldexp(float(phase.full_scale[0]), -int(phase.full_scale_shift[0])))


def written(chip: ChipDescription, contents: ArrayContents, instance: int = 0) -> SimulatedChip:
    """A chip instance that holds the contents as its array 0."""
    device = SimulatedChip(chip, KEY, instance)
    device.write(0, contents)
    return device


def codes_of(device: SimulatedChip, phase: Phase, drive: Codes, event: int = 0) -> Codes:
    """ADC codes of one MVM for each row of DAC codes."""
    return device.mvm(phase, drive, ReadAddress(event, 0, np.arange(len(drive))))
