"""What arrays hold: codes of kernels and of tiles of linear maps, and which cells are written."""

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Int64

from imssa.errors import CheckFailedError
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.description import ChipDescription
from imssa.mapping.dense import Tile, analog_maps
from imssa.mapping.differential import common_mode
from imssa.mapping.layout import Place, together
from imssa.program.program import ArrayContents
from imssa.quantization.network import IntegerLayer, QuantizedNetwork

Blocks = Int64[np.ndarray, "features lines lines"]
PairScales = Int64[np.ndarray, "arrays pairs"]


def line_maxima(layer: IntegerLayer) -> Int64[np.ndarray, " lines"]:
    """Largest code of each of a kernel's pairs: the states', then the output's."""
    states = 2 * layer.k.shape[1]
    return np.append(np.full(states, layer.state_line_max), layer.output_line_max)


def pair_scales(
    chip: ChipDescription, places: tuple[Place, ...], line_max: list[Int64[np.ndarray, " lines"]]
) -> PairScales:
    """Code of each pair that stands at the window's top: one that serves all kernels on the pair.

    Kernels of other phases may want another largest code there; codes and full scales of each are
    then multiplied by the same number, which changes no conversion.
    """
    found = np.ones((max(p.array for p in places) + 1, chip.arrays.pairs), np.int64)
    for place in places:
        pairs = place.columns.line
        found[place.array, pairs] = np.lcm(found[place.array, pairs], line_max[place.layer])
    return found


def kernel_contents(
    chip: ChipDescription,
    places: tuple[Place, ...],
    blocks: list[Blocks],
    scales: PairScales,
    line_max: list[Int64[np.ndarray, " lines"]],
    defects: DefectMap | None,
) -> tuple[ArrayContents, ...]:
    """What the kernels' arrays hold.

    Args:
        chip: Size of the arrays and device window.
        places: Of all kernels.
        blocks: Weight codes of each layer's kernels.
        scales: As of `pair_scales`.
        line_max: Largest code of each of a kernel's pairs, layer by layer.
        defects: Of the chip instance.

    Raises:
        CheckFailedError: Kernels on one another: a fault of the packer.
    """
    shape = (len(scales), chip.arrays.word_lines, chip.arrays.pairs)
    codes, owner, written = (np.zeros(shape, kind) for kind in (np.int64, np.int32, bool))
    for number, place in enumerate(places, 1):
        if owner[place.array][place.cells].any():
            _misplaced(place, "stands on another kernel")
        owner[place.array][place.cells] = number
        share = scales[place.array, place.columns.line] // line_max[place.layer]
        block = place.signs * blocks[place.layer][place.feature]
        codes[place.array][place.cells] = block * share
    for group in together(places):
        array = group[0].array
        rows, pairs = (
            np.concatenate([s.used for s in sides])
            for sides in ([p.rows for p in group], [p.columns for p in group])
        )
        # a driven line crosses all pairs that are read, so zeros must be written there
        crossed = np.ix_(rows, pairs)
        written[array][crossed] = True
        if np.count_nonzero(owner[array][crossed]) != sum(
            len(p.rows.used) * len(p.columns.used) for p in group
        ):
            _misplaced(group[0], "crosses another kernel in its phase")
    return _arrays(chip, 0, (codes, written, scales), defects)


def tile_contents(
    network: QuantizedNetwork,
    chip: ChipDescription,
    tiles: tuple[Tile, ...],
    defects: DefectMap | None,
    first: int,
) -> tuple[ArrayContents, ...]:
    """What the arrays of the linear maps hold."""
    maps = analog_maps(network)
    shape = (chip.arrays.word_lines, chip.arrays.pairs)
    count = max((tile.array for tile in tiles), default=first - 1) + 1 - first
    codes, written = np.zeros((count, *shape), np.int64), np.zeros((count, *shape), bool)
    line_max = np.ones((count, shape[1]), np.int64)
    for tile in tiles:
        one, array = maps[tile.name], tile.array - first
        codes[array][tile.cells] = tile.signs * tile.weights(one.linear)
        written[array][np.ix_(tile.rows.used, tile.columns.used)] = True
        line_max[array][tile.columns.line] = one.line_max
    return _arrays(chip, first, (codes, written, line_max), defects)


def _arrays(
    chip: ChipDescription, first: int, held: tuple[Any, Any, Any], defects: DefectMap | None
) -> tuple[ArrayContents, ...]:
    """Contents of neighbouring arrays from their codes, cells in use and largest codes of each pair."""
    contents = []
    for array, (codes, written, line_max) in enumerate(zip(*held, strict=True), first):
        found = ArrayContents(codes, written, chip.window_siemens / line_max)
        if defects is not None:
            common = common_mode(codes, line_max, defects.arrays[array])
            found = replace(found, common_mode=common * written)
        contents.append(found)
    return tuple(contents)


def _misplaced(place: Place, fault: str) -> NoReturn:
    raise CheckFailedError(
        given=f"kernel {place.feature} of layer {place.layer} on array {place.array}",
        rule=f"it {fault}",
        remedy="This is a fault of the packer: please report it.",
    )
