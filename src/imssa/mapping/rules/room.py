"""Rules of arrays and converters: kernels find room, and codes meet the converters they know."""

from collections.abc import Iterator

import numpy as np

from imssa.hardware.description import ChipDescription
from imssa.mapping.dense import analog_maps, place_tiles
from imssa.mapping.layout import arrays_of, kernels_per_array, one_shot
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
