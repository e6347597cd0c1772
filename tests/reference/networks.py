"""Small random networks in codes, made from a seed without any training."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imssa.hardware import ChipDescription, load_chip
from imssa.hardware.converters import Converters
from imssa.hardware.description import Arrays
from imssa.kernels.codes import code_max
from imssa.quantization.config import (
    Parts,
    QuantizationConfig,
    Realization,
    TrainingNoise,
    WeightBits,
)
from imssa.quantization.convert import convert
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.linear import AnalogLinear, QuantizedLinear
from imssa.quantization.network import MEAN_FRACTION_BITS, QuantizedNetwork
from imssa.quantization.prepared import PreparedBlock, PreparedClassifier

Codes = NDArray[np.int64]
TERNARY, NOISE = WeightBits(), TrainingNoise()
DIGITAL, ON_ARRAYS = Parts(), Parts(encoder="analog", mixing="analog", decoder="analog")


def chip_with(
    *, count: int = 3, size: tuple[int, int] = (64, 64), **converters: Any
) -> ChipDescription:
    """The TaOx preset with other arrays and converters."""
    taox = load_chip("taox-64")
    scales = taox.converters.full_scale_devices
    return taox.model_copy(
        update={
            "arrays": Arrays(count=count, word_lines=size[0], bit_lines=size[1]),
            "converters": Converters(
                **{"dac_bits": 8, "adc_bits": 8, "full_scale_devices": scales, **converters}
            ),
        }
    )


@dataclass(frozen=True)
class Sketch:
    """What a random network is to look like."""

    realization: Realization = "leaky"
    output: str = "delayed"
    bits: WeightBits = TERNARY
    layers: int = 1
    kernels: int = 3
    modes: int = 2
    inputs: int = 4
    classes: int = 3
    activation: str = "gelu"
    gain_bits: int = 8
    guard_bits: int = 8
    register_bits: int = 20
    max_length: int = 40
    noise: TrainingNoise = NOISE
    parts: Parts = DIGITAL

    def config(self) -> QuantizationConfig:
        """The quantization settings."""
        return QuantizationConfig(
            realization=self.realization,
            bits=self.bits,
            gain_bits=self.gain_bits,
            guard_bits=self.guard_bits,
            register_bits=self.register_bits,
            max_decay_shift=min(7, self.guard_bits - 1),
            noise=self.noise,
            parts=self.parts,
        )


def all_bits(bits: int) -> WeightBits:
    """The same width for every group."""
    return WeightBits(A=bits, B=bits, C=bits, D=bits, encoder=bits, mixing=bits, decoder=bits)


def prepared_network(
    seed: int, sketch: Sketch | None = None, chip: ChipDescription | None = None
) -> PreparedClassifier:
    """A random trainable network whose codes are lively at every place and whose poles are stable."""
    sketch, chip = sketch or Sketch(), chip or chip_with()
    rng, largest = np.random.default_rng(seed), code_max(chip.converters.dac_bits)
    on_arrays = {part: chip for part, how in sketch.parts if how == "analog"}
    mean_max = largest if "decoder" in on_arrays else largest * 2**MEAN_FRACTION_BITS
    bits, noise = sketch.bits, sketch.noise
    shapes = (sketch.kernels, sketch.inputs), (sketch.classes, sketch.kernels)
    encoder, decoder = on_arrays.get("encoder"), on_arrays.get("decoder")
    prepared = PreparedClassifier(
        encoder=_linear(rng, shapes[0], bits.encoder, largest, noise, encoder),
        blocks=[_block(rng, sketch, chip) for _ in range(sketch.layers)],
        decoder=_linear(rng, shapes[1], bits.decoder, mean_max, noise, decoder),
        input_step=1.0,
        logit_step=1e-4,
        max_length=sketch.max_length,
        class_names=tuple(f"class {n}" for n in range(sketch.classes)),
        preparation={"front_end": "none"},
    )
    prepared.project()
    return prepared


def _linear(
    rng: np.random.Generator,
    shape: tuple[int, int],
    bits: int,
    input_max: int,
    noise: TrainingNoise,
    chip: ChipDescription | None = None,
) -> QuantizedLinear:
    gain = 2.0 ** rng.uniform(-0.5, 1.0, shape[0]) / (code_max(bits) * np.sqrt(shape[1]))
    bias = rng.uniform(-0.1, 0.1, shape[0])
    given = (rng.uniform(-1.2, 1.2, shape), bias, gain, bits, input_max)
    if chip is None:
        return QuantizedLinear(*given)
    linear = AnalogLinear(*given, chip, noise)
    linear.choose(rng.choice(chip.converters.full_scale_devices[:3], shape[0]))
    return linear


def _block(rng: np.random.Generator, sketch: Sketch, chip: ChipDescription) -> PreparedBlock:
    shape = (sketch.kernels, sketch.modes)
    A = rng.uniform(-1, 1, (*shape, 2))
    A[..., 0] = -np.abs(A[..., 0])
    kernels = PreparedKernels(
        A=A,
        B=rng.uniform(-1.2, 1.2, (*shape, 2)),
        C=rng.uniform(-1.2, 1.2, (*shape, 2)),
        D=rng.uniform(-1.2, 1.2, sketch.kernels),
        gain=2.0 ** rng.uniform(-3, 0, shape),
        k=rng.uniform(1, 7, shape),
        output_gain=2.0 ** rng.uniform(-1, 1.5, sketch.kernels),
        config=sketch.config(),
        chip=chip,
        current=sketch.output == "current",
    )
    offers = np.array(chip.converters.full_scale_devices[:3], float)
    kernels.state_scale.copy_(torch.from_numpy(rng.choice(offers, shape)))
    kernels.output_scale.copy_(torch.from_numpy(rng.choice(offers, sketch.kernels)))
    largest = code_max(kernels.config.activation_bits)
    square, on_array = (sketch.kernels, sketch.kernels), sketch.parts.mixing == "analog"
    width = sketch.bits.mixing
    mixing = _linear(rng, square, width, largest, sketch.noise, chip if on_array else None)
    residual = 2.0 ** rng.uniform(-2, 0, sketch.kernels)
    return PreparedBlock(kernels, mixing, residual, (sketch.activation, 4.0 / largest))


def random_network(
    seed: int, sketch: Sketch | None = None, chip: ChipDescription | None = None
) -> QuantizedNetwork:
    """The frozen form of :func:`prepared_network`."""
    return convert(prepared_network(seed, sketch, chip))


def random_inputs(
    network: QuantizedNetwork, seed: int, batch: int, length: int
) -> tuple[Codes, Codes]:
    """Input codes over the whole range and ragged lengths, the longest and a shortest among them."""
    rng, largest = np.random.default_rng(seed), code_max(network.widths.dac_bits)
    inputs = rng.integers(-largest, largest + 1, (batch, length, network.encoder.weights.shape[1]))
    lengths = rng.integers(1, length + 1, batch)
    lengths[:2] = (length, 1)[: len(lengths[:2])]
    return inputs, lengths


def with_layer(network: QuantizedNetwork, number: int = 0, **changes: object) -> QuantizedNetwork:
    """The network with some fields of one layer replaced."""
    layers = list(network.layers)
    layers[number] = replace(layers[number], **changes)  # type: ignore[arg-type]
    return replace(network, layers=tuple(layers))
