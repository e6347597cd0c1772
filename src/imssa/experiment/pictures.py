"""What a page shows of one chip: a kernel at work, conductances, poles."""

from dataclasses import replace
from typing import Any, Final

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
from imssa.hardware import ChipDescription
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
        traces=_traces(network, program, key, part),
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


def _traces(
    network: QuantizedNetwork, program: Program, key: Key, part: SequenceDataset
) -> tuple[KernelTrace, KernelTrace]:
    """The liveliest kernel of layer 0 on the first recording, in floats against an ideal chip and chip 0."""
    one = part.subset(np.arange(1))
    inputs, length = network.input_codes(one.features), int(one.lengths[0])

    def steps(chip: ChipDescription) -> dict[str, Any]:
        names = ("stream.0", "state.0", "readout.0")
        trace = simulate(program, chip, key, np.zeros(1, int), inputs, one.lengths, names)
        return {name: codes[0, 0, :length] for name, codes in trace.steps.items()}

    ideal, noisy = steps(program.chip.only()), steps(program.chip)
    feature = liveliest(network.layers[0], ideal["readout.0"])
    heard, name = one.names[0], program.chip.name
    return (
        _trace(network, feature, ideal, (heard, f"{name}, no errors", "ideal chip")),
        _trace(network, feature, noisy, (heard, f"{name}, all errors on, chip 0", "chip 0")),
    )


def liveliest(layer: IntegerLayer, readout: Int64[np.ndarray, "steps features"]) -> int:
    """The kernel whose output moves most; some stand still where weights are ternary."""
    gain = np.ldexp(layer.output_multiplier.astype(float), -layer.output_shift)
    return int((readout.std(axis=0) * gain).argmax())


def _trace(
    network: QuantizedNetwork, feature: int, found: dict[str, Any], told: tuple[str, str, str]
) -> KernelTrace:
    """A kernel of layer 0: the recurrence in floats against codes of a chip; recording, chip and its label."""
    layer, stream = network.layers[0], found["stream.0"]
    modes = layer.k.shape[1]
    state = found["state.0"].reshape(len(stream), -1, 2 * modes)[:, feature]
    float_states, float_output = float_recurrence(network, 0, feature, stream[:, feature])
    sequence, chip, label = told
    return KernelTrace(
        kernel=f"kernel {feature} of layer 0",
        sequence=sequence,
        chip=chip,
        unit="DAC steps",
        steps=np.arange(len(stream)),
        float_states=float_states,
        chip_states=state / 2.0**network.widths.guard_bits,
        float_output=float_output / layer.output_line_max,
        chip_output=found["readout.0"][:, feature]
        * layer.adc_step[feature, -1]
        / layer.output_line_max,
        float_label="same weights in floats",
        chip_label=label,
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
