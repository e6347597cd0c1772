"""Design rules: named functions that refuse a network before anything is mapped, all at once."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Complex128

from imssa.errors import DesignRuleError
from imssa.hardware.description import ChipDescription
from imssa.kernels.codes import code_max
from imssa.mapping.bounds import Room, phases_bound
from imssa.mapping.layout import ONE_SHOT, Layout, kernels_per_array
from imssa.mapping.packing import most_phases, pack
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


def arrays_suffice(
    network: QuantizedNetwork, chip: ChipDescription, layout: Layout = ONE_SHOT
) -> Iterator[str]:
    """All kernels must find room in the layout, within its phases."""
    if not any(kernel_fits_an_array(network, chip)):
        fault = too_small(layer_shapes(network), chip, layout)
        if fault:
            yield fault


def too_small(layers: list[tuple[int, int]], chip: ChipDescription, layout: Layout) -> str | None:
    """Why kernels that fit an array each do not fit the chip, if so."""
    kernels, limit = sum(count for count, _ in layers), most_phases(layers, layout)
    if limit is not None and limit < len(layers):
        return f"{len(layers)} layers take a phase each, at most {limit} a time step are allowed"
    needed = pack(layers, chip, layout).arrays
    if needed <= chip.arrays.count:
        return None
    if isinstance(layout, str):
        words, more = f"in the {layout} layout", ""
    else:
        room = Room(chip.arrays.word_lines, chip.arrays.pairs)
        least = phases_bound(tuple(layers), room, chip.arrays.count)
        words = f"in at most {layout} phases a time step"
        more = f"; on these they take {least} phases or more"
    return (
        f"{kernels} kernels need {needed} arrays {words}, {chip.name} has {chip.arrays.count}{more}"
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
        worst = np.abs(linear.weights).sum(axis=1) * largest + np.abs(linear.bias)
        if worst.max() > code_max(WIDE):
            yield f"sums of the {name} can need more than {WIDE} bits"
    if network.max_length * dac > code_max(WIDE):
        yield f"sums over {network.max_length} steps can need more than {WIDE} bits"


RULES: tuple[Rule, ...] = (
    sums_fit_their_registers,
    kernel_fits_an_array,
    converters_match,
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


def require(network: QuantizedNetwork, chip: ChipDescription, layout: Layout = ONE_SHOT) -> None:
    """Applies all design rules.

    Args:
        network: The network.
        chip: What it is compiled for.
        layout: How kernels share arrays.

    Raises:
        DesignRuleError: Naming every violation.
    """
    faults = [fault for rule in RULES for fault in rule(network, chip)]
    faults += arrays_suffice(network, chip, layout)
    if faults:
        raise DesignRuleError(
            given=f"a network for {chip.name}",
            rule="; ".join(faults),
            remedy="Use a smaller network, or a chip description that fits.",
        )
