"""Size of the three forms of a network in bytes."""

from typing import TYPE_CHECKING, Final

import numpy as np

from imssa.evaluation.demand import Demand, chip_demand, float_demand, quantized_demand
from imssa.evaluation.records import Count, Record
from imssa.models import ModelConfig
from imssa.program import Program
from imssa.quantization.network import IntegerLayer, IntegerLinear, QuantizedNetwork, Readout

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOAT_BYTES: Final = 4
BIAS_BITS: Final = 32
SUM_BITS: Final = 32
MULTIPLIER_STORED_BITS: Final = 16
SHIFT_STORED_BITS: Final = 8


class Size(Record):
    """What a network takes: parameters, bytes, operations.

    Attributes:
        parameters: Numbers of the float network, trained or fixed (B stays at 1 unless asked).
        float_bytes: Four bytes for each of them and for the running statistics of batch norms.
        quantized_bytes: The integer network, bits packed within each part; sum of the next.
        quantized_bytes_by_part: Weights by group, biases, multipliers and shifts, full scales,
            decay shifts, activation tables, the mean's table.
        state_bytes: What the integer network (and the chip's digital side) keeps of a sequence from
            one time step to the next: state registers and the sums of the mean. Does not grow with
            the sequence.
        float_state_bytes: The same of the float network run step by step.
        operations_per_step: By kind, for each form; what runs once a sequence is left out.
    """

    parameters: Count
    float_bytes: Count
    quantized_bytes: Count
    quantized_bytes_by_part: dict[str, Count]
    state_bytes: Count
    float_state_bytes: Count
    operations_per_step: Demand


def measure_size(config: ModelConfig, network: QuantizedNetwork, program: Program) -> Size:
    """Size and demand of the float network, the integer network and its program.

    Args:
        config: Shape of the float network.
        network: The frozen integer network.
        program: What it was compiled to.
    """
    parts = quantized_bytes(network)
    return Size(
        parameters=parameters(config),
        float_bytes=FLOAT_BYTES * (parameters(config) + _running_statistics(config)),
        quantized_bytes=sum(parts.values()),
        quantized_bytes_by_part=parts,
        state_bytes=_state_bytes(network),
        float_state_bytes=_float_state_bytes(config),
        operations_per_step=Demand(
            float=float_demand(config),
            quantized=quantized_demand(network),
            chip=chip_demand(program),
        ),
    )


def parameters(config: ModelConfig) -> int:
    """Numbers that the float network holds as parameters.

    A kernel has log_dt and D, and a mode log Re A, Im A, and B and C with two numbers each.

    Example:
        >>> parameters(ModelConfig(n_features=3, n_classes=2, d_model=4, d_state=8))
        150
    """
    d, modes = config.d_model, config.d_state // 2
    kernels = d * (2 + 6 * modes)
    norm = 2 * d if config.normalization == "batch" else 0
    encoder, mixing = d * (config.n_features + 1), d * (d + 1)
    return encoder + config.n_layers * (kernels + mixing + norm) + config.n_classes * (d + 1)


def _running_statistics(config: ModelConfig) -> int:
    return 2 * config.d_model * config.n_layers if config.normalization == "batch" else 0


def _float_state_bytes(config: ModelConfig) -> int:
    """Two real states a mode (one where poles are real), and the sums of the mean."""
    a_kernel = config.d_state // 2 if config.initialization == "real" else config.d_state
    return FLOAT_BYTES * config.d_model * (config.n_layers * a_kernel + 1)


def _state_bytes(network: QuantizedNetwork) -> int:
    states = sum(layer.B.size for layer in network.layers)
    sums = network.summed
    return _packed(states * network.widths.register_bits + sums * SUM_BITS)


def _packed(bits: int) -> int:
    return -(-int(bits) // 8)


def _scale_bits(multiplier: "NDArray[np.int64]", shift: "NDArray[np.int64]") -> int:
    """Multipliers (none where all are 1) and shifts."""
    multipliers = 0 if bool(np.all(multiplier == 1)) else multiplier.size
    return int(multipliers * MULTIPLIER_STORED_BITS + shift.size * SHIFT_STORED_BITS)


def quantized_bytes(network: QuantizedNetwork) -> dict[str, int]:
    """Bytes of the integer network by part, bits packed within each.

    Weights take the bits of their group, biases 32 bits, multipliers 16 (nothing where all are 1),
    shifts and decay shifts 8, activation tables the activation's width. The decoder's scales and,
    except in ``leaky``, the decay shifts are not used and so not counted.
    """
    bits, layers = network.config["bits"], network.layers
    parts = {
        f"weights_{group}": _packed(
            sum(getattr(layer, group).size for layer in layers) * bits[group]
        )
        for group in "ABCD"
    }
    linear = {
        "encoder": (network.encoder,),
        "mixing": tuple(layer.mixing for layer in layers),
        "decoder": (network.decoder,),
    }
    for group, maps in linear.items():
        parts[f"weights_{group}"] = _packed(sum(m.weights.size for m in maps) * bits[group])
    every = [m for maps in linear.values() for m in maps]
    biases, readouts = sum(m.bias.size for m in every), [m.readout for m in every if m.readout]
    decays = sum(layer.k.size for layer in layers) if network.widths.realization == "leaky" else 0
    table_bits = network.widths.activation_bits * sum(layer.table.size for layer in layers)
    return parts | {
        "biases": _packed(biases * BIAS_BITS),
        "scales": _packed(_linear_scales(network.encoder) + sum(map(_layer_scales, layers))),
        "full_scales": _packed(
            sum(map(_full_scale_bits, layers)) + sum(map(_full_scale_bits, readouts))
        ),
        "decay_shifts": _packed(decays * SHIFT_STORED_BITS),
        "activation_tables": _packed(table_bits),
        "mean_table": _packed(_scale_bits(*network.mean_scale())),
        "input_step": FLOAT_BYTES,
    }


def _linear_scales(layer: IntegerLinear) -> int:
    return _scale_bits(layer.multiplier, layer.shift)


def _layer_scales(layer: IntegerLayer) -> int:
    return (
        _scale_bits(layer.multiplier, layer.shift)
        + _scale_bits(layer.output_multiplier, layer.output_shift)
        + _scale_bits(layer.residual_multiplier, layer.residual_shift)
        + _linear_scales(layer.mixing)
    )


def _full_scale_bits(layer: IntegerLayer | Readout) -> int:
    """L and h of each line, L as wide as the widest."""
    widest = int(layer.full_scale.max()).bit_length()
    return layer.full_scale.size * (widest + SHIFT_STORED_BITS)
