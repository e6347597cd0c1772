"""Analog errors of a training batch, drawn from the laws that the simulator uses."""

import numpy as np
from jaxtyping import Float64, Int64

from imssa.hardware.defects import StuckDevices
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import effective_weights, pair_targets, read_variance, write_devices
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.kernels.scan import Noise
from imssa.quantization.config import TrainingNoise


def training_chip(chip: ChipDescription, noise: TrainingNoise) -> ChipDescription:
    """The chip with just the effects that training is to see."""
    rate = noise.stuck_high_rate + noise.stuck_low_rate
    stuck = StuckDevices(high_rate=noise.stuck_high_rate, low_rate=noise.stuck_low_rate)
    effects = {"programming": noise.programming, "read_noise": noise.read_noise}
    seen = chip.only(*(name for name, on in effects.items() if on))
    return seen.model_copy(update={"stuck": stuck if rate > 0 else None})


def draw_noise(
    blocks: Int64[np.ndarray, "features lines lines"],
    line_max: Int64[np.ndarray, " lines"],
    chip: ChipDescription,
    settings: TrainingNoise,
    key: Key,
) -> Noise:
    """Draws chip instances of kernels' blocks and the variance of their reads.

    A block sees its own cells only. On an array a pair also crosses the driven lines of the other
    kernels there, whose cells hold zero with errors of their own, and the wires; neither is drawn,
    so a chip is noisier than this.

    Args:
        blocks: Integer weights, rows driven and columns read.
        line_max: Largest code of each read pair, held by the whole device window.
        chip: The chip.
        settings: Which of its errors are drawn, and how many instances.
        key: Random key of the batch.
    """
    features, lines = blocks.shape[:2]
    codes = blocks.transpose(1, 0, 2).reshape(lines, features * lines)
    drawn = draw_weights(codes, np.tile(line_max, features), chip, settings, key)
    deviation, variance = (_by_kernel(values, features) for values in drawn)
    return Noise(deviation, variance, *key.child("read").words)


def draw_weights(
    codes: Int64[np.ndarray, "lines pairs"],
    line_max: Int64[np.ndarray, " pairs"],
    chip: ChipDescription,
    settings: TrainingNoise,
    key: Key,
) -> tuple[Float64[np.ndarray, "draws lines pairs"], Float64[np.ndarray, "draws lines pairs"]]:
    """Deviations of weights as chip instances hold them, and the variance of each at a read, in codes.

    Args:
        codes: Integer weights of driven lines and read pairs.
        line_max: Largest code of each pair, held by the whole device window.
        chip: The chip.
        settings: Which of its errors are drawn, and how many instances.
        key: Random key of the batch.
    """
    chip = training_chip(chip, settings)
    step = chip.window_siemens / line_max
    instances = np.arange(settings.draws)
    targets = pair_targets(codes, step, chip.g_min_siemens)
    devices = write_devices(targets, chip, key, instances)
    dac_max = code_max(chip.converters.dac_bits)
    weights = effective_weights(devices.conductance_siemens, step, dac_max)
    deviation = weights.astype(float) - codes
    variance = np.zeros_like(deviation)
    if chip.read_noise is not None:
        factor = devices.noise_factor
        variance[:] = read_variance(devices.conductance_siemens, chip, step, factor)
    return deviation, variance


def _by_kernel(
    values: Float64[np.ndarray, "draws lines pairs"], features: int
) -> Float64[np.ndarray, "draws features lines lines"]:
    draws, lines = values.shape[:2]
    blocks = values.reshape(draws, lines, features, lines)
    return np.ascontiguousarray(blocks.transpose(0, 2, 3, 1))
