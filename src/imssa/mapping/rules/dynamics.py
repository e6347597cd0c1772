"""Rules of the recurrence: its poles, and what rounding keeps from decaying."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex128

from imssa.hardware.description import ChipDescription
from imssa.quantization.network import IntegerLayer, QuantizedNetwork


def poles_are_stable(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Every pole of the integer recurrence lies inside the unit circle."""
    for number, layer in enumerate(network.layers):
        size = np.abs(integer_poles(layer, network.widths.realization, network.widths.guard_bits))
        for feature, mode in np.argwhere(size >= 1):
            yield (
                f"mode {mode} of kernel {feature} of layer {number} has a pole of magnitude "
                f"{size[feature, mode]:.4f}"
            )


def dead_zone_is_small(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Register values below 2^(k-1) never decay: they must be under half a DAC step.

    A value of at most half a DAC step drives nothing, so it can stay for ever and be heard by no one.
    This judges ``leaky`` alone, whose register decays by itself. ``direct`` and ``incremental`` decay
    through DAC, array and ADC: what their rounding holds up depends on the ADC step and on the whole
    loop (in ``direct`` at a pole p it is about 1 / (2 (1 - |p|)) steps, and no network of slow modes
    would pass), so `imssa check` runs the loop itself and names the modes that stay.
    """
    if network.widths.realization != "leaky":
        return
    for number, layer in enumerate(network.layers):
        stuck = 2.0 ** (layer.k - 1 - network.widths.guard_bits)
        for feature, mode in np.argwhere(stuck > 0.5):
            yield (
                f"mode {mode} of kernel {feature} of layer {number} never decays below "
                f"{stuck[feature, mode]:g} DAC steps; raise guard_bits"
            )


def integer_poles(
    layer: IntegerLayer, realization: str, guard_bits: int
) -> Complex128[np.ndarray, "features modes"]:
    """Poles of the recurrence that the integer codes describe, (features, modes).

    The linear part of DESIGN section 5: rounding and clipping left out.
    """
    A = layer.A.astype(float)
    step = layer.adc_step[:, 0:-1:2]
    gain = np.ldexp(layer.multiplier.astype(float), -layer.shift - guard_bits) / step
    turn = gain * (A[..., 0, 0] + 1j * A[..., 1, 0])
    if realization == "direct":
        return np.asarray(turn)
    if realization == "incremental":
        return np.asarray(1 + turn)
    return np.asarray(1 - 2.0**-layer.k + turn)
