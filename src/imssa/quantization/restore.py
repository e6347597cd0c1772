"""From a frozen integer network back to a trainable one: the inverse of `convert`."""

from typing import Any

import numpy as np

from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.quantization.config import QuantizationConfig, TrainingNoise
from imssa.quantization.kernels import PreparedKernels
from imssa.quantization.linear import AnalogLinear, QuantizedLinear
from imssa.quantization.network import (
    MEAN_FRACTION_BITS,
    SUM_FRACTION_BITS,
    IntegerLayer,
    IntegerLinear,
    QuantizedNetwork,
)
from imssa.quantization.prepared import PreparedBlock, PreparedClassifier


def restore(network: QuantizedNetwork, chip: ChipDescription) -> PreparedClassifier:
    """A trainable network whose forward gives the codes of the frozen one.

    Args:
        network: The frozen network.
        chip: A chip that offers its full scales.

    Raises:
        DesignRuleError: The chip does not offer a full scale that the network uses.
    """
    config = QuantizationConfig.model_validate(network.config)
    bits, largest = config.bits, code_max(network.widths.dac_bits)
    mean_max = largest if network.decodes_steps else largest * 2**MEAN_FRACTION_BITS
    held = chip, config.noise
    prepared = PreparedClassifier(
        encoder=_linear(network.encoder, bits.encoder, largest, *held),
        blocks=[_block(network, layer, config, chip) for layer in network.layers],
        decoder=_linear(network.decoder, bits.decoder, mean_max, *held),
        input_step=network.input_step,
        logit_step=network.preparation.get("logit_step") or _logit_step(network),
        max_length=network.max_length,
        class_names=network.class_names,
        preparation=network.preparation,
    )
    prepared.decoder.log_gain.requires_grad = False
    return prepared


def _gain(multiplier: Any, shift: Any) -> Any:
    return np.ldexp(multiplier.astype(float), -shift)


def _logit_step(network: QuantizedNetwork) -> float:
    """Of networks that do not say: as it was before training."""
    return float(_gain(network.decoder.multiplier, network.decoder.shift)[0])


def _linear(
    layer: IntegerLinear, bits: int, input_max: int, chip: ChipDescription, noise: TrainingNoise
) -> QuantizedLinear:
    unit = code_max(bits)
    gain = _gain(layer.multiplier, layer.shift)
    weights, bias = layer.weights / unit, layer.bias / (unit * input_max)
    if layer.readout is None:
        return QuantizedLinear(weights, bias, gain, bits, input_max)
    step = layer.readout.adc_step
    sums = bias * step * 2.0**-SUM_FRACTION_BITS
    linear = AnalogLinear(weights, sums, gain, bits, input_max, chip, noise)
    linear.scale.numpy()[:] = _devices(step, layer.readout.line_max, chip)
    linear.log_gain.detach().numpy()[:] = np.log2(gain)
    return linear


def _block(
    network: QuantizedNetwork,
    layer: IntegerLayer,
    config: QuantizationConfig,
    chip: ChipDescription,
) -> PreparedBlock:
    bits = config.bits
    rotation = np.stack([layer.A[..., 0, 0], layer.A[..., 1, 0]], -1)
    step = layer.adc_step
    unit = 2.0**config.guard_bits / layer.state_line_max
    kernels = PreparedKernels(
        A=_latent(rotation, bits.A, layer.state_line_max),
        B=_latent(layer.B, bits.B, layer.state_line_max),
        C=_latent(layer.C, bits.C, layer.output_line_max),
        D=_latent(layer.D, bits.D, layer.output_line_max),
        gain=_gain(layer.multiplier, layer.shift) / step[:, 0:-1:2] / unit,
        k=layer.k.astype(float),
        output_gain=_gain(layer.output_multiplier, layer.output_shift),
        config=config,
        chip=chip,
        current=network.widths.output == "current",
    )
    kernels.state_scale.numpy()[:] = _devices(step[:, 0:-1:2], layer.state_line_max, chip)
    kernels.output_scale.numpy()[:] = _devices(step[:, -1], layer.output_line_max, chip)
    largest = code_max(config.activation_bits)
    mixing = _linear(layer.mixing, bits.mixing, largest, chip, config.noise)
    residual = _gain(layer.residual_multiplier, layer.residual_shift)
    return PreparedBlock(kernels, mixing, residual, (layer.activation, layer.activation_step))


def _latent(codes: Any, bits: int, line_max: int) -> Any:
    return codes / (line_max // code_max(bits)) / code_max(bits)


def _devices(step: Any, line_max: int, chip: ChipDescription) -> Any:
    """Which full scales on offer have the given ADC steps."""
    offers = chip.converters.full_scale_devices
    same = step[..., None] == chip.adc_steps(line_max)
    if not same.any(-1).all():
        raise DesignRuleError(
            given=f"full scales of the network on {chip.name}",
            rule="the chip does not offer all of them",
            remedy="Use the chip description that the network was trained for.",
        )
    return np.array(offers)[same.argmax(-1)]
