"""Computational demand: operations of one time step, by kind, counted and not estimated.

Kinds: ``multiplications``, ``additions``, ``multiply_accumulates`` (an integer weight times a code,
added), ``shifts`` (a rounding shift counts once), ``divisions``, ``look_ups``, ``comparisons``,
``activations`` (a non-linear function in floats), and on the chip ``analog_mvms``, ``dac_conversions``,
``adc_conversions``, ``analog_multiply_accumulates``. Zero weights count like others. Routing, signs
and saturation are not counted, nor what runs once a sequence (clearing, mean, decoder, answer).
"""

from collections import Counter

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from imssa.cost.work import MOVES, work_of_all
from imssa.evaluation.records import Count, Record
from imssa.models import ModelConfig
from imssa.program import Program
from imssa.quantization.network import (
    IntegerLayer,
    IntegerLinear,
    QuantizedNetwork,
    cuts_of,
)

Counts = dict[str, int]
Codes = Int64[np.ndarray, "..."]


class Demand(Record):
    """Operations of one time step by kind, for the three forms of a network."""

    in_floats: dict[str, Count] = Field(alias="float")
    quantized: dict[str, Count]
    chip: dict[str, Count]


def float_demand(config: ModelConfig) -> Counts:
    """Operations of the float network in its recurrence form, all constants folded.

    A complex mode: Abar s is 4 multiplications and 2 additions, + Bbar u 2 and 2, 2 Re(C s) 2 and 2
    (with the sum). A mode with a real pole takes one real state: 3 multiplications, 2 additions.
    D u adds one multiplication a kernel; batch norms are folded into the mixing map.

    Example:
        >>> float_demand(ModelConfig(n_features=3, n_classes=2, d_model=4, d_state=8))
        {'multiplications': 160, 'additions': 132, 'activations': 4}
    """
    d, modes = config.d_model, config.d_state // 2
    a_mode = (3, 2) if config.initialization == "real" else (8, 6)
    mixing, encoder = d * d, d * config.n_features
    residual = pooling = d
    layer = (d * (a_mode[0] * modes + 1) + mixing, d * a_mode[1] * modes + mixing + residual)
    active = config.n_layers * d if config.activation != "identity" else 0
    return {
        "multiplications": encoder + config.n_layers * layer[0],
        "additions": encoder + config.n_layers * layer[1] + pooling,
        "activations": active,
    }


def quantized_demand(network: QuantizedNetwork) -> Counts:
    """Operations of the integer network on a digital processor.

    The conversion round(acc 2^h / L) is a shift where L is a power of two, else a division.
    """
    counts = _linear(network.encoder)
    for layer in network.layers:
        counts += _kernels(layer, network.widths.realization, network.widths.guard_bits)
        counts += _rescaled(layer.output_multiplier, layer.output_shift)
        counts += Counter(look_ups=len(layer.D))
        counts += _linear(layer.mixing)
        counts += _rescaled(layer.residual_multiplier, layer.residual_shift)
        counts += Counter(additions=len(layer.D))
    if network.decodes_steps:
        counts += _linear(network.decoder)
    counts += Counter(additions=network.summed)
    return _named(counts)


def chip_demand(program: Program) -> Counts:
    """Operations of one time step on the chip and on its digital side, from the program."""
    counts: Counter[str] = Counter()
    for phase in program.phases:
        lines, pairs = len(phase.word_lines), len(phase.pairs)
        counts += Counter(
            analog_mvms=1,
            analog_multiply_accumulates=lines * pairs,
            dac_conversions=lines,
            adc_conversions=pairs,
        )
    for work in work_of_all(program.step, program):
        if work.kind not in MOVES:
            counts[work.kind] += work.count
    return _named(counts)


def _named(counts: "Counter[str]") -> Counts:
    return {kind: int(count) for kind, count in counts.items() if count}


def _rescaled(multiplier: Codes, shift: Codes) -> "Counter[str]":
    """clip(round(x m 2^-t)): m = 1 costs the shift only, t = 0 none."""
    return Counter(
        multiplications=int(np.count_nonzero(multiplier > 1)), shifts=int(np.count_nonzero(shift))
    )


def _linear(layer: IntegerLinear) -> "Counter[str]":
    counts = Counter(multiply_accumulates=layer.weights.size, additions=layer.bias.size)
    if layer.readout is not None:
        cuts = len(cuts_of(layer.weights.shape[1], layer.readout.word_lines))
        for _ in range(cuts):
            counts += _conversions(layer.readout.full_scale, layer.readout.full_scale_shift)
        counts += Counter(additions=(cuts - 1) * layer.bias.size)
    return counts + _rescaled(layer.multiplier, layer.shift)


def _conversions(L: Codes, h: Codes) -> "Counter[str]":
    """round(acc 2^h / L) of each line."""
    by_shift = (L & (L - 1)) == 0
    return Counter(
        divisions=int(np.count_nonzero(~by_shift)),
        shifts=int(np.count_nonzero(by_shift & ((L > 1) | (h > 0)))),
    )


def _kernels(layer: IntegerLayer, realization: str, guard_bits: int) -> "Counter[str]":
    """Drive, product, conversion and update of all states, and the outputs."""
    states = layer.B.size
    products = layer.A.size + layer.B.size + layer.C.size + layer.D.size
    converted = _conversions(layer.full_scale, layer.full_scale_shift)
    update = _rescaled(np.repeat(layer.multiplier, 2), np.repeat(layer.shift, 2))
    register = {
        "direct": Counter(),
        "incremental": Counter(additions=states),
        "leaky": Counter(additions=2 * states, shifts=states),
    }[realization]
    driven = Counter(multiply_accumulates=products, shifts=states if guard_bits else 0)
    return driven + converted + update + register
