"""Programmed arrays of simulated chip instances: effective weights and read variances in codes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from imssa.circuit.sensitivity import sensitivities
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Wires
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import (
    WrittenDevices,
    effective_weights,
    pair_targets,
    read_variance,
    write_devices,
)
from imssa.kernels.codes import code_max
from imssa.kernels.parallel import worker_count
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
    step = contents.siemens_per_step
    transfer = transfer_of(devices.conductance_siemens, chip)
    weights = effective_weights(transfer, step, code_max(chip.converters.dac_bits))
    return ProgrammedArray(devices, weights, _variance(devices, chip, step))


def wires_of(chip: ChipDescription) -> Wires | None:
    """The chip's wires; None where they are ideal."""
    return None if chip.wires is None else Wires(**chip.wires.model_dump())


def transfer_of(
    conductance: Float64[np.ndarray, "chips word_lines bit_lines"], chip: ChipDescription
) -> Float64[np.ndarray, "chips word_lines bit_lines"]:
    """Transfer matrix Y of each chip's array: bit-line currents are voltages times Y."""
    wires = wires_of(chip)
    if wires is None:
        return conductance
    return transfer_matrix(conductance, wires, workers=worker_count())


def _variance(
    devices: WrittenDevices, chip: ChipDescription, step: Float64[np.ndarray, " pairs"]
) -> Float32[np.ndarray, "chips rows pairs"]:
    """Variance of each pair's weight at each read; with wires to first order around Y."""
    wires, conductance = wires_of(chip), devices.conductance_siemens
    if wires is None or chip.read_noise is None:
        return read_variance(conductance, chip, step, devices.noise_factor)
    sigma = chip.read_noise.sigma_of(conductance, devices.noise_factor)
    lines = np.arange(conductance.shape[-1])
    pairs = np.stack([lines[0::2], lines[1::2]], axis=1)
    found = [
        sensitivities(one, wires).variance_matrix(noise**2, pairs)
        for one, noise in zip(conductance, sigma, strict=True)
    ]
    return np.asarray((np.array(found) / step**2).astype(np.float32))


def program_chips(
    program: Program, chip: ChipDescription, key: Key, instances: Int64[np.ndarray, " chips"]
) -> tuple[ProgrammedArray, ...]:
    """Writes all arrays of many chip instances."""
    return tuple(
        program_array(contents, chip, key.child("array", number), instances, array=number)
        for number, contents in enumerate(program.arrays)
    )
