"""Programmed arrays of simulated chip instances: effective weights and read variances in codes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import (
    WrittenDevices,
    effective_weights,
    pair_targets,
    read_variance,
    write_devices,
)
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.program.program import ArrayContents, Program


@dataclass(frozen=True)
class ProgrammedArray:
    """One array of many chip instances after writing.

    Attributes:
        devices: Conductances and defects.
        weights: Effective weight of each pair in codes; the integer codes on an ideal chip.
        variance: Variance of each weight at each read, in squared codes; one row for all word lines
            where the law is the same at all conductances, none where reads are quiet.
    """

    devices: WrittenDevices
    weights: Float[np.ndarray, "chips word_lines pairs"]
    variance: Float32[np.ndarray, "chips rows pairs"]


def targets_of(
    contents: ArrayContents, chip: ChipDescription
) -> Float64[np.ndarray, "word_lines bit_lines"]:
    """Target conductances of an array in siemens; NaN where nothing is written."""
    targets = pair_targets(contents.codes, contents.siemens_per_step, chip.g_min_siemens)
    targets[~np.repeat(contents.written, 2, axis=1)] = np.nan
    return targets


def program_array(
    contents: ArrayContents,
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    *,
    array: int | None = None,
) -> ProgrammedArray:
    """Writes one array of many chip instances.

    Args:
        contents: What it is to hold.
        chip: Device laws.
        key: Random key of the array.
        instances: Numbers of the chip instances; results depend on the number alone.
        array: Its number on the chip, for defects that the description places there.
    """
    targets = targets_of(contents, chip)
    devices = write_devices(targets, chip, key, instances, array=array)
    conductance = devices.conductance_siemens
    step = contents.siemens_per_step
    weights = effective_weights(conductance, step, code_max(chip.converters.dac_bits))
    variance = read_variance(conductance, chip, step, devices.noise_factor)
    return ProgrammedArray(devices, weights, variance)


def program_chips(
    program: Program, chip: ChipDescription, key: Key, instances: Int64[np.ndarray, " chips"]
) -> tuple[ProgrammedArray, ...]:
    """Writes all arrays of many chip instances."""
    return tuple(
        program_array(contents, chip, key.child("array", number), instances, array=number)
        for number, contents in enumerate(program.arrays)
    )
