"""Rules of arrays and converters: kernels find room, and codes meet the converters they know."""

from collections.abc import Iterator

import numpy as np

from imssa.hardware.description import ChipDescription
from imssa.mapping.bounds import Room, phases_bound
from imssa.mapping.dense import analog_maps, place_tiles
from imssa.mapping.layout import ONE_SHOT, Layout, kernels_per_array
from imssa.mapping.packing import most_phases, pack
from imssa.quantization.network import QuantizedNetwork


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
    """All kernels and linear maps must find room in the layout, within its phases."""
    if any(kernel_fits_an_array(network, chip)):
        return
    tiles = place_tiles(network, chip, 0)
    maps = max((tile.array + 1 for tile in tiles), default=0)
    fault = too_small(layer_shapes(network), chip, layout, maps)
    if fault:
        yield fault


def too_small(
    layers: list[tuple[int, int]], chip: ChipDescription, layout: Layout, maps: int = 0
) -> str | None:
    """Why kernels that fit an array each do not fit the chip, if so; linear maps take ``maps`` arrays."""
    kernels, limit = sum(count for count, _ in layers), most_phases(layers, layout)
    if limit is not None and limit < len(layers):
        return f"{len(layers)} layers take a phase each, at most {limit} a time step are allowed"
    needed = pack(layers, chip, layout).arrays
    if needed + maps <= chip.arrays.count:
        return None
    words, more = f"in the {layout} layout", ""
    if isinstance(layout, int):
        room = Room(chip.arrays.word_lines, chip.arrays.pairs)
        words = f"in at most {layout} phases a time step"
        if chip.arrays.count > maps:
            least = phases_bound(tuple(layers), room, chip.arrays.count - maps)
            more = f"; on these they take {least} phases or more"
    others = f" and its linear maps {maps}" if maps else ""
    return (
        f"{kernels} kernels need {needed} arrays {words}{others}, {chip.name} has "
        f"{chip.arrays.count}{more}"
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


def cuts_fit(network: QuantizedNetwork, chip: ChipDescription) -> bool:
    """Whether the cuts of linear maps are no longer than the chip's arrays."""
    maps = analog_maps(network).values()
    return all(cut.stop - cut.start <= chip.arrays.word_lines for one in maps for cut in one.cuts)


def linear_maps_match(network: QuantizedNetwork, chip: ChipDescription) -> Iterator[str]:
    """Linear maps on arrays were trained for cuts of an array's word lines and full scales on offer.

    Their inputs drive word lines, so they are no wider than the DAC.
    """
    widths = network.widths
    mixed = any(name.startswith("mixing") for name in analog_maps(network))
    if mixed and widths.activation_bits > widths.dac_bits:
        yield (
            f"its mixing stands on arrays and takes activations of {widths.activation_bits} bits, the "
            f"DAC has {widths.dac_bits}"
        )
    for name, one in analog_maps(network).items():
        readout = one.linear.readout
        assert readout is not None  # noqa: S101
        if not all(cut.stop - cut.start <= chip.arrays.word_lines for cut in one.cuts):
            yield (
                f"its {name} was trained for {readout.word_lines} word lines, "
                f"{chip.name} has {chip.arrays.word_lines}"
            )
        elif not np.isin(readout.adc_step, chip.adc_steps(readout.line_max)).all():
            yield f"its {name} uses full scales that {chip.name} does not offer"
        if np.abs(one.linear.weights).max() > readout.line_max:
            yield f"its {name} has codes beyond {readout.line_max}"
