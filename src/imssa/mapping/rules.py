"""Design rules: named functions that refuse a network before anything is mapped, all at once."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Complex128

from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.mapping.dense import analog_maps, place_tiles
from imssa.mapping.layout import arrays_of, kernels_per_array, one_shot
from imssa.quantization.network import MEAN_BITS, IntegerLayer, QuantizedNetwork

WIDE = 32
"""Bits of the registers that hold exact sums."""

Rule = Callable[[QuantizedNetwork, ChipDescription], Iterator[str]]


def layer_shapes(network: QuantizedNetwork) -> list[tuple[int, int]]:
    """Number of kernels and lines of a kernel, for each layer."""
    return [(len(layer.D), 2 * layer.k.shape[1] + 1) for layer in network.layers]


def kernel_fits_an_array(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[str]:
    """A kernel needs as many word lines and pairs as it has states, and one more."""
    for number, (_, lines) in enumerate(layer_shapes(network)):
        if kernels_per_array(lines, chip) < 1:
            yield (
                f"a kernel of layer {number} needs {lines} word lines and {2 * lines} bit lines, "
                f"an array of {chip.name} has {chip.arrays.word_lines} and {chip.arrays.bit_lines}"
            )


def arrays_suffice(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[str]:
    """All kernels must find room."""
    if any(kernel_fits_an_array(network, chip)):
        return
    places = one_shot(layer_shapes(network), chip)
    kernels = arrays_of(places)
    tiles = place_tiles(network, chip, kernels)
    needed = max((tile.array + 1 for tile in tiles), default=kernels)
    if needed > chip.arrays.count:
        maps = f" and its linear maps {needed - kernels}" if tiles else ""
        yield (
            f"{len(places)} kernels need {kernels} arrays in the one-shot layout{maps}, "
            f"{chip.name} has {chip.arrays.count}"
        )


def converters_match(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[str]:
    """Codes were trained for given converter widths and full scales."""
    keys = ("dac_bits", "adc_bits", "drive", "polarity")
    trained, offered = (
        [getattr(w, key) for key in keys] for w in (network.widths, chip.converters)
    )
    for key, ours, theirs in zip(keys, trained, offered, strict=True):
        if ours != theirs:
            yield f"it was trained for {key} = {ours}, {chip.name} has {theirs}"
    if trained != offered:
        return
    for number, layer in enumerate(network.layers):
        for name, scale, line_max in (
            ("state", layer.adc_step[:, :-1], layer.state_line_max),
            ("output", layer.adc_step[:, -1], layer.output_line_max),
        ):
            if not np.isin(scale, chip.adc_steps(line_max)).all():
                yield f"layer {number} uses {name} full scales that {chip.name} does not offer"


def linear_maps_match(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[str]:
    """Linear maps on arrays were trained for cuts of an array's word lines and full scales on offer."""
    for name, one in analog_maps(network).items():
        readout = one.linear.readout
        assert readout is not None  # noqa: S101
        if readout.word_lines > chip.arrays.word_lines:
            yield (
                f"its {name} was trained for {readout.word_lines} word lines, "
                f"{chip.name} has {chip.arrays.word_lines}"
            )
        elif not np.isin(readout.adc_step, chip.adc_steps(readout.line_max)).all():
            yield f"its {name} uses full scales that {chip.name} does not offer"
        if np.abs(one.linear.weights).max() > readout.line_max:
            yield f"its {name} has codes beyond {readout.line_max}"


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
    """Register values below 2^(k-1) never decay: they must be under half a DAC step."""
    if network.widths.realization != "leaky":
        return
    for number, layer in enumerate(network.layers):
        stuck = 2.0 ** (layer.k - 1 - network.widths.guard_bits)
        for feature, mode in np.argwhere(stuck > 0.5):
            yield (
                f"mode {mode} of kernel {feature} of layer {number} never decays below "
                f"{stuck[feature, mode]:g} DAC steps; raise guard_bits"
            )


def weights_fit_the_pairs(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Codes lie inside the range of their bit-line pair."""
    for number, layer in enumerate(network.layers):
        for names, line_max in (("AB", layer.state_line_max), ("CD", layer.output_line_max)):
            for name in names:
                if np.abs(getattr(layer, name)).max() > line_max:
                    yield f"layer {number} has {name} codes beyond {line_max}"
    if code_max(network.widths.register_bits) < 2**network.widths.guard_bits:
        yield "register_bits must exceed guard_bits"


def sums_fit_their_registers(network: QuantizedNetwork, _chip: ChipDescription) -> Iterator[str]:
    """Exact sums are kept in registers of 32 bits, which must never saturate."""
    dac, activation = (
        code_max(bits) for bits in (network.widths.dac_bits, network.widths.activation_bits)
    )
    maps = [("encoder", network.encoder, dac), ("decoder", network.decoder, code_max(MEAN_BITS))]
    maps += [
        (f"mixing of layer {n}", layer.mixing, activation) for n, layer in enumerate(network.layers)
    ]
    for name, linear, largest in maps:
        if linear.largest_sum(largest).max() > code_max(WIDE):
            yield f"sums of the {name} can need more than {WIDE} bits"
    a_step = network.decoder.largest_sum(dac).max() if network.decodes_steps else dac
    if network.max_length * a_step > code_max(WIDE):
        yield f"sums over {network.max_length} steps can need more than {WIDE} bits"


RULES: tuple[Rule, ...] = (
    sums_fit_their_registers,
    kernel_fits_an_array,
    arrays_suffice,
    converters_match,
    linear_maps_match,
    weights_fit_the_pairs,
    poles_are_stable,
    dead_zone_is_small,
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


def require(network: QuantizedNetwork, chip: ChipDescription) -> None:
    """Applies all design rules.

    Raises:
        DesignRuleError: Naming every violation.
    """
    faults = [fault for rule in RULES for fault in rule(network, chip)]
    if faults:
        raise DesignRuleError(
            given=f"a network for {chip.name}",
            rule="; ".join(faults),
            remedy="Use a smaller network, or a chip description that fits.",
        )
