"""Analog errors of a training batch, drawn from the laws that the simulator uses."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, Int64

from imssa.hardware.defects import StuckDevices
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import effective_weights, pair_targets, read_variance, write_devices
from imssa.kernels.codes import code_max
from imssa.kernels.random import Key
from imssa.kernels.scan import Noise
from imssa.quantization.config import TrainingNoise

if TYPE_CHECKING:
    from imssa.quantization.prepared import PreparedKernels


def training_chip(chip: ChipDescription, noise: TrainingNoise) -> ChipDescription:
    """The chip with just the effects that training is to see."""
    rate = noise.stuck_high_rate + noise.stuck_low_rate
    stuck = StuckDevices(high_rate=noise.stuck_high_rate, low_rate=noise.stuck_low_rate)
    effects = {"programming": noise.programming, "read_noise": noise.read_noise}
    seen = chip.only(*(name for name, on in effects.items() if on))
    return seen.model_copy(update={"stuck": stuck if rate > 0 else None})


def kernel_matrix(
    kernels: "PreparedKernels",
) -> Int64[np.ndarray, "features lines lines"]:
    """Each kernel as a block of an array: rows are driven lines, columns read pairs.

    Driven are the states, then the input; read are the states, then the output.
    """
    A, B, C, D = (w.detach().numpy() for w in kernels.weights())
    features, modes = B.shape[:2]
    block = np.zeros((features, 2 * modes + 1, 2 * modes + 1))
    for n in range(modes):
        part = slice(2 * n, 2 * n + 2)
        block[:, part, part] = A[:, n].transpose(0, 2, 1)
        block[:, -1, part] = B[:, n]
        block[:, part, -1] = C[:, n]
    block[:, -1, -1] = D
    return block.astype(np.int64)


def siemens_per_step(
    kernels: "PreparedKernels",
) -> Float64[np.ndarray, " lines"]:
    """Conductance of one integer step on each of a kernel's pairs."""
    states = 2 * kernels.k.shape[1]
    largest = np.array([kernels.state_line_max] * states + [kernels.output_line_max], float)
    return np.asarray(kernels.chip.window_siemens / largest)


def draw_noise(kernels: "PreparedKernels", key: Key) -> Noise:
    """Draws chip instances of the kernels' blocks and the variance of their reads.

    A block sees its own cells only. On an array a pair also crosses the driven lines of the other
    kernels there, whose cells hold zero with errors of their own, and the wires; neither is drawn,
    so a chip is noisier than this.
    """
    settings = kernels.config.noise
    chip = training_chip(kernels.chip, settings)
    blocks = kernel_matrix(kernels)
    features, lines = blocks.shape[:2]
    codes = blocks.transpose(1, 0, 2).reshape(lines, features * lines)
    step = np.tile(siemens_per_step(kernels), features)
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
    return Noise(
        _by_kernel(deviation, features), _by_kernel(variance, features), *key.child("read").words
    )


def _by_kernel(
    values: Float64[np.ndarray, "draws lines pairs"], features: int
) -> Float64[np.ndarray, "draws features lines lines"]:
    draws, lines = values.shape[:2]
    blocks = values.reshape(draws, lines, features, lines)
    return np.ascontiguousarray(blocks.transpose(0, 2, 3, 1))
