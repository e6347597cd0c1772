"""Rules on calibration data: registers do not saturate, ADCs seldom clip.

Without data they are not asked. The worst case over all inputs tells nothing: ranges are chosen so that
rare peaks clip, and a network whose every line could be full at once would still be a good one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float64, Int64

from imssa.data import true_frames
from imssa.kernels.codes import code_max, driven
from imssa.kernels.passes import parts_of
from imssa.quantization.network import IntegerLayer, QuantizedNetwork, Record, Widths

LARGEST_CLIPPED_SHARE: Final = 0.5
"""Share of a line's conversions that may clip. Training picks full scales by least squared error, and
takes up to a third on single lines of the shipped recipes; beyond half, a line gives little but signs."""

SEQUENCES: Final = 64
"""Of the calibration data so many are looked at, evenly spaced."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Sequences that a network is judged by.

    Attributes:
        inputs: Input codes.
        lengths: True lengths.
        largest_clipped_share: Share of a line's conversions that may clip.
    """

    inputs: Int64[np.ndarray, "batch length features"]
    lengths: Int64[np.ndarray, " batch"]
    largest_clipped_share: float = LARGEST_CLIPPED_SHARE

    @staticmethod
    def of(
        network: QuantizedNetwork,
        features: Float[np.ndarray, "batch length features"],
        lengths: Int64[np.ndarray, " batch"],
    ) -> "Calibration":
        """Some of the prepared features, as input codes."""
        every = -(-len(features) // SEQUENCES)
        return Calibration(network.input_codes(features[::every]), lengths[::every])


def calibration_faults(network: QuantizedNetwork, data: Calibration) -> Iterator[str]:
    """All violations on calibration data; the network is run once."""
    run = network.run(data.inputs, data.lengths)
    real = true_frames(data.lengths, data.inputs.shape[1])
    for number in range(len(network.layers)):
        yield from registers_do_not_saturate(network, number, run)
        yield from adcs_seldom_clip(network, number, run, real, data.largest_clipped_share)


def registers_do_not_saturate(network: QuantizedNetwork, number: int, run: Record) -> Iterator[str]:
    """No state register of a layer reaches its largest value."""
    largest = code_max(network.widths.register_bits)
    shape = network.layers[number].B.shape
    full = (np.abs(run[f"state.{number}"]) >= largest).reshape(-1, *shape)
    for feature, mode in np.argwhere(full.any(axis=(0, -1))):
        yield (
            f"a register of mode {mode} of kernel {feature} of layer {number} overflows its "
            f"{network.widths.register_bits} bits on calibration data; raise register_bits"
        )


def adcs_seldom_clip(
    network: QuantizedNetwork,
    number: int,
    run: Record,
    real: np.ndarray,
    largest_share: float,
) -> Iterator[str]:
    """No line of a layer clips at more than a share of its conversions."""
    layer = network.layers[number]
    share = clipped_shares(
        layer, network.widths, run[f"state.{number}"], run[f"stream.{number}"], real
    )
    for feature, line in np.argwhere(share > largest_share):
        last = line == share.shape[1] - 1
        what = "the output" if last else f"state {line}"
        yield (
            f"the ADC of {what} of kernel {feature} of layer {number} clips at "
            f"{share[feature, line]:.0%} of its conversions on calibration data, at most "
            f"{largest_share:.0%} are allowed; a larger full scale is needed"
        )


def clipped_shares(
    layer: IntegerLayer,
    widths: Widths,
    state: Int64[np.ndarray, "batch length states"],
    stream: Int64[np.ndarray, "batch length features"],
    real: np.ndarray,
) -> Float64[np.ndarray, "features lines"]:
    """Share of conversions whose sum lies beyond the ADC's largest code, for each line.

    A line clips at a step where any pass of its conversion does.

    Args:
        layer: The kernels.
        widths: Realization and widths.
        state: Registers after each step.
        stream: DAC codes of the inputs at each step.
        real: Steps within the sequences, (batch, length).
    """
    before = np.concatenate([np.zeros_like(state[:, :1]), state[:, :-1]], axis=1)[real]
    after, u = state[real], stream[real]
    clipped: Any = False
    for part in parts_of(widths.passes):
        sums = _sums(layer, widths, before, after, u, part)
        beyond = np.abs(sums) / layer.adc_step >= code_max(widths.adc_bits) + 0.5
        clipped = clipped | beyond
    return np.asarray(clipped.mean(axis=0))


def _sums(  # one argument an operand
    layer: IntegerLayer,
    widths: Widths,
    before: Int64[np.ndarray, "steps states"],
    after: Int64[np.ndarray, "steps states"],
    u: Int64[np.ndarray, "steps features"],
    part: Any,
) -> Int64[np.ndarray, "steps features lines"]:
    """Exact sums of one pass on the lines of the states, then of the output."""
    shift, shape = np.array(widths.guard_bits), (len(u), *layer.B.shape)

    def fed(register: Int64[np.ndarray, "steps states"]) -> Any:
        return part(driven(register, shift, widths.dac_bits)).reshape(shape)

    drive, inputs = fed(before), part(u)
    read = fed(after) if widths.output == "current" else drive
    states = (layer.A * drive[..., None, :]).sum(-1) + layer.B * inputs[..., None, None]
    output = (layer.C * read).sum((-1, -2)) + layer.D * inputs
    return np.concatenate([states.reshape(*shape[:2], -1), output[..., None]], axis=-1)
