"""What a page shows of one chip: a kernel at work, conductances, poles."""

from dataclasses import replace
from typing import Final

import numpy as np
import torch
from jaxtyping import Complex128, Float64, Int64

from imssa.crossbar import simulate
from imssa.data import SequenceDataset
from imssa.evaluation import (
    ConverterUse,
    ImpulseResponses,
    KernelTrace,
    Pictures,
    Poles,
    chip_pictures,
    converter_use,
    held_poles,
    impulse_responses,
)
from imssa.kernels.random import Key
from imssa.mapping.rules import integer_poles
from imssa.models import S4DClassifier
from imssa.models.state_space import kernel
from imssa.program import Program
from imssa.quantization.network import IntegerLayer, QuantizedNetwork

LONGEST_RESPONSE: Final = 256
"""Steps of an impulse response that are drawn."""
HEARD: Final = 32
"""Recordings on which the use of converters is counted."""


def draw_pictures(
    model: S4DClassifier,
    network: QuantizedNetwork,
    program: Program,
    key: Key,
    part: SequenceDataset,
    realization: str,
) -> Pictures:
    """The arrays behind the pictures of one realization, on chip instance 0.

    Args:
        model: The float network, for its poles.
        network: The integer network.
        program: Its program.
        key: The key of the study, so that chip 0 is that of the results.
        part: Recordings; the first is shown, and the first ones count how converters are used.
        realization: Its name.
    """
    first = part.subset(np.arange(1))
    codes = network.input_codes(first.features)[0, : int(first.lengths[0])]
    return replace(
        chip_pictures(program, key, codes=codes),
        traces=tuple(_trace(network, program, key, part, ideal) for ideal in (True, False)),
        poles=Poles(
            realization,
            np.concatenate([_float_poles(model, n).ravel() for n in range(len(network.layers))]),
            np.concatenate([_poles(network, layer).ravel() for layer in network.layers]),
            held_poles(program, key, network),
            f"{program.chip.name}, chip 0",
        ),
        responses=_responses(model, network, program, key),
        converters=_converters(network, program, key, part),
    )


def _responses(
    model: S4DClassifier, network: QuantizedNetwork, program: Program, key: Key
) -> tuple[ImpulseResponses, ...]:
    """Impulse responses of the first layer's kernels, over the longest sequence at most."""
    discrete = model.blocks[0].s4d.discrete(torch.float64)
    steps = max(2, min(network.max_length, LONGEST_RESPONSE))
    with torch.no_grad():
        software = kernel(discrete, steps, model.config.output).numpy().astype(float)
    software[:, 0] += discrete.D.detach().numpy()
    return impulse_responses(software, program, key, network)


def _converters(
    network: QuantizedNetwork, program: Program, key: Key, part: SequenceDataset
) -> tuple[ConverterUse, ...]:
    some = part.subset(np.arange(min(len(part), HEARD)))
    return converter_use(program, key, network.input_codes(some.features), some.lengths)


def _float_poles(model: S4DClassifier, layer: int) -> Complex128[np.ndarray, "features modes"]:
    poles: Complex128[np.ndarray, "features modes"] = (
        model.blocks[layer].s4d.discrete().A_bar.detach().numpy().astype(complex)
    )
    return poles


def _poles(
    network: QuantizedNetwork, layer: IntegerLayer
) -> Complex128[np.ndarray, "features modes"]:
    return integer_poles(layer, network.widths.realization, network.widths.guard_bits)


def _trace(
    network: QuantizedNetwork, program: Program, key: Key, part: SequenceDataset, ideal: bool
) -> KernelTrace:
    """Kernel 0 of layer 0 on the first recording: the recurrence in floats against the chip."""
    one = part.subset(np.arange(1))
    inputs = network.input_codes(one.features)
    chip = program.chip.only() if ideal else program.chip
    names = ("stream.0", "state.0", "readout.0")
    trace = simulate(program, chip, key, np.zeros(1, int), inputs, one.lengths, names)
    length, states = int(one.lengths[0]), 2 * network.layers[0].k.shape[1]
    stream, state, readout = (trace.steps[n][0, 0, :length] for n in names)
    float_states, float_output = float_recurrence(network, 0, 0, stream[:, 0])
    layer = network.layers[0]
    return KernelTrace(
        kernel="kernel 0 of layer 0",
        sequence=one.names[0],
        chip=f"{program.chip.name}, {'no errors' if ideal else 'all errors on, chip 0'}",
        unit="DAC steps",
        steps=np.arange(length),
        float_states=float_states,
        chip_states=state[:, :states] / 2.0**network.widths.guard_bits,
        float_output=float_output / layer.output_line_max,
        chip_output=readout[:, 0] * layer.adc_step[0, -1] / layer.output_line_max,
        float_label="same weights in floats",
        chip_label="ideal chip" if ideal else "chip 0",
    )


def float_recurrence(
    network: QuantizedNetwork, layer: int, feature: int, u: Int64[np.ndarray, " steps"]
) -> tuple[Float64[np.ndarray, "steps states"], Float64[np.ndarray, " steps"]]:
    """One kernel's states (DAC steps) and output sums with neither rounding nor clipping."""
    part = network.layers[layer]
    pole = _poles(network, part)[feature]
    step = part.adc_step[feature, 0:-1:2]
    gain = np.ldexp(part.multiplier[feature].astype(float), -part.shift[feature])
    gain = gain / 2.0**network.widths.guard_bits / step
    B = gain * (part.B[feature, :, 0] + 1j * part.B[feature, :, 1])
    C = part.C[feature, :, 0] - 1j * part.C[feature, :, 1]
    state, states, output = np.zeros(len(pole), complex), [], []
    for value in u:
        before = state
        state = pole * state + B * value
        read = state if network.widths.output == "current" else before
        states.append(np.stack([state.real, state.imag], -1).ravel())
        output.append(float((C * read).real.sum() + part.D[feature] * value))
    return np.array(states), np.array(output)
