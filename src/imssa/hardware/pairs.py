"""Differential pairs: weight codes to conductances, and conductances back to deviations in codes.

One signed weight is held by two devices on neighbouring bit lines, ``g_plus`` on the even and
``g_minus`` on the odd one; the weight is their difference. Deviations and variances are rounded to a
fixed fraction of a code, so that sums of products with integer inputs are exact in float64 in any
order of summation (DESIGN section 3).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int8, Int64

from imssa.hardware.description import ChipDescription
from imssa.kernels.random import Key

DEVIATION_STEPS_PER_CODE: Final = 2.0**16
VARIANCE_STEPS_PER_CODE: Final = 2.0**20

Devices = Float64[np.ndarray, "chips word_lines bit_lines"]


@dataclass(frozen=True)
class WrittenDevices:
    """What writing leaves on the devices of one array, for many chip instances.

    Attributes:
        conductance_siemens: Conductance of each device.
        defects: +1 stuck high, -1 stuck low, 0 sound.
    """

    conductance_siemens: Devices
    defects: Int8[np.ndarray, "chips word_lines bit_lines"]


def pair_targets(
    codes: Int64[np.ndarray, "*lead word_lines pairs"],
    siemens_per_step: Float64[np.ndarray, " pairs"],
) -> Float64[np.ndarray, "*lead word_lines bit_lines"]:
    """Target conductances: |code| steps on the device of its sign, zero on the other.

    Example:
        >>> pair_targets(np.array([[1, -1]]), np.array([2e-6, 3e-6])).tolist()
        [[2e-06, 0.0, 0.0, 3e-06]]
    """
    weights = codes * siemens_per_step
    targets = np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)], axis=-1)
    return targets.reshape(*weights.shape[:-1], 2 * weights.shape[-1])


def write_devices(
    targets: Float64[np.ndarray, "word_lines bit_lines"],
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
) -> WrittenDevices:
    """Draws what writing ``targets`` leaves on chip instances; NaN marks cells never written.

    Args:
        targets: Target conductances in siemens.
        chip: The device laws; those that are None are ideal.
        key: Random key of the array.
        instances: Numbers of the chip instances; each is a stream of its own.
    """
    shape = (len(instances), *targets.shape)
    written = np.broadcast_to(np.nan_to_num(targets), shape).copy()
    if chip.programming is not None:
        uniforms = key.child("programming").uniforms(instances, targets.size).reshape(shape)
        written = chip.programming.written(written, uniforms)
    never = np.broadcast_to(np.isnan(targets), shape)
    written[never] = 0.0
    if chip.off_state is not None and never.any():
        normals = key.child("off state").normals(instances, targets.size).reshape(shape)
        written = np.where(never, chip.off_state.conductance(normals), written)
    defects = np.zeros(shape, np.int8)
    if chip.stuck is not None:
        defects = chip.stuck.drawn(key.child("stuck").uniforms(instances, targets.size)).reshape(
            shape
        )
        written = np.where(defects == 0, written, np.where(defects > 0, chip.g_max_siemens, 0.0))
    return WrittenDevices(written, defects)


def weight_deviation(
    conductance: Devices,
    codes: Int64[np.ndarray, "word_lines pairs"],
    siemens_per_step: Float64[np.ndarray, " pairs"],
) -> Float64[np.ndarray, "chips word_lines pairs"]:
    """Weight on the pair minus its target, in codes, in steps of 2^-16 of a code."""
    weight = (conductance[..., 0::2] - conductance[..., 1::2]) / siemens_per_step
    steps = np.rint((weight - codes) * DEVIATION_STEPS_PER_CODE)
    return np.asarray(steps / DEVIATION_STEPS_PER_CODE)


def read_variance(
    conductance: Devices,
    chip: ChipDescription,
    siemens_per_step: Float64[np.ndarray, " pairs"],
) -> Float64[np.ndarray, "chips word_lines pairs"]:
    """Variance of a pair's weight at each read, in squared codes, in steps of 2^-20."""
    if chip.read_noise is None:
        return np.zeros((*conductance.shape[:-1], conductance.shape[-1] // 2))
    variance = chip.read_noise.sigma(conductance) ** 2
    pair = (variance[..., 0::2] + variance[..., 1::2]) / siemens_per_step**2
    return np.asarray(np.rint(pair * VARIANCE_STEPS_PER_CODE) / VARIANCE_STEPS_PER_CODE)
