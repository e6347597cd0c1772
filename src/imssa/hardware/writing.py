"""Writing an array: defects, the law of writing, the off state, drift, in this order."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int8, Int32, Int64

from imssa.hardware.defect_map import read_defect_map
from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH, STUCK_LOW
from imssa.hardware.description import ChipDescription
from imssa.hardware.law import Draws
from imssa.hardware.writing_law import Cells, Outcome
from imssa.kernels.random import Key

Devices = Float64[np.ndarray, "chips word_lines bit_lines"]
Defects = Int8[np.ndarray, "chips word_lines bit_lines"]


@dataclass(frozen=True)
class WrittenDevices:
    """What writing leaves on the devices of one array, for many chip instances.

    Attributes:
        conductance_siemens: Conductance of each device when the chip is read.
        defects: +1 stuck high, -1 stuck low, -2 open (conducts nothing), 0 sound.
        pulses: Pulses spent on each device; None: the law of writing knows none.
        failed: Devices whose weight missed the tolerance; None: the law of writing cannot tell.
        noise_factor: Read noise as a multiple of a typical device's; None: all devices are typical.
    """

    conductance_siemens: Devices
    defects: Defects
    pulses: Int32[np.ndarray, "chips word_lines bit_lines"] | None = None
    failed: Bool[np.ndarray, "chips word_lines bit_lines"] | None = None
    noise_factor: Devices | None = None


def write_devices(
    targets: Float64[np.ndarray, "word_lines bit_lines"],
    chip: ChipDescription,
    key: Key,
    instances: Int64[np.ndarray, " chips"],
    *,
    array: int | None = None,
    rewritten: int = 0,
) -> WrittenDevices:
    """Draws what writing ``targets`` leaves on chip instances; NaN marks cells never written.

    Args:
        targets: Target conductances in siemens.
        chip: The device laws; those that are None are ideal.
        key: Random key of the array.
        instances: Numbers of the chip instances; each is a stream of its own.
        array: Number of the array on the chip, for defects that the description places there;
            None: none of the chip's arrays, so that only random defects are drawn.
        rewritten: How many times the same was written before: each has a programming error and a drift
            of its own, on the same devices.

    Raises:
        FileFormatError: The defect map that the description names is missing or does not fit.
    """
    draws = Draws(key, instances, targets.shape)
    defects = _defects(chip, draws, array)
    held = _held(chip, defects, draws)
    everywhere = np.broadcast_to(targets, defects.shape)
    cells = Cells(everywhere, held, chip.g_min_siemens, chip.g_max_siemens)
    this_time = draws.child("rewritten", rewritten) if rewritten else draws
    outcome = _written(chip, cells, this_time)
    conductance = _off_state(chip, cells, outcome.conductance_siemens, draws)
    if chip.drift is not None:
        aged = chip.drift.drifted(
            conductance, everywhere, chip.age_seconds, this_time.child("drift")
        )
        conductance = np.where(np.isnan(everywhere), conductance, aged)
    conductance = np.where(defects == SOUND, conductance, held)
    factor = _noise_factor(chip, defects, draws)
    return WrittenDevices(conductance, defects, outcome.pulses, outcome.failed, factor)


def _written(chip: ChipDescription, cells: Cells, draws: Draws) -> Outcome:
    if chip.programming is None:
        return Outcome(np.nan_to_num(cells.targets, nan=cells.bottom_siemens))
    return chip.programming.write(cells, draws.child("programming"))


def _off_state(chip: ChipDescription, cells: Cells, conductance: Devices, draws: Draws) -> Devices:
    """Never-written cells follow the off-state law; without one they stand at the bottom."""
    never = np.isnan(cells.targets)
    if not never.any():
        return conductance
    if chip.off_state is None:
        return np.where(never, chip.g_min_siemens, conductance)
    off = chip.off_state.conductance(draws.child("off state").normals())
    return np.where(never, off, conductance)


def _defects(chip: ChipDescription, draws: Draws, array: int | None) -> Defects:
    defects = np.zeros((len(draws.instances), *draws.shape), np.int8)
    if chip.stuck is not None:
        defects = chip.stuck.drawn(draws.child("stuck").uniforms())
    if chip.defect_map is not None and array is not None:
        lines = (chip.arrays.word_lines, chip.arrays.bit_lines)
        known = read_defect_map(chip.defect_map, chip.arrays.count, lines).arrays[array]
        defects = np.where(known == SOUND, defects, known)
    if chip.dead_lines is not None:
        dead = chip.dead_lines.drawn(draws.child("dead lines"), array)
        defects = np.where(dead, np.int8(OPEN), defects)
    return defects


def _held(chip: ChipDescription, defects: Defects, draws: Draws) -> Devices:
    """Conductance of devices that ignore programming; NaN where a device is sound."""
    held = np.full(defects.shape, np.nan)
    held[defects == STUCK_LOW] = chip.g_min_siemens
    held[defects == OPEN] = 0.0
    high = defects == STUCK_HIGH
    held[high] = chip.g_max_siemens
    spread = 0.0 if chip.stuck is None else chip.stuck.high_spread_siemens
    if spread and high.any():
        held[high] += spread * np.abs(draws.child("stuck high").normals()[high])
    return held


def _noise_factor(chip: ChipDescription, defects: Defects, draws: Draws) -> Devices | None:
    """Open devices make no noise; whether there are factors is up to the description alone."""
    if chip.read_noise is None:
        return None
    factors = chip.read_noise.factors(draws.child("noise factor"))
    if chip.dead_lines is None and chip.defect_map is None:
        return factors
    return np.where(defects == OPEN, 0.0, 1.0 if factors is None else factors)
