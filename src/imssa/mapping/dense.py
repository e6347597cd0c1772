"""Linear maps on arrays: cut along word lines (partial sums) and bit lines, each tile read by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from imssa.hardware.description import ChipDescription
from imssa.mapping.layout import Side
from imssa.program.operations import MatMul, Operation, Phase
from imssa.quantization.network import (
    SUM_FRACTION_BITS,
    IntegerLinear,
    QuantizedNetwork,
    cuts_of,
)


@dataclass(frozen=True, eq=False)
class Tile:
    """A rectangle of a linear map that stands on one array and is read in one phase.

    Attributes:
        name: Of the map, as `analog_maps` calls it: ``encoder``, ``mixing.0`` ...
        cut: Number of the cut, whose sums are added to those of the others.
        inputs: First of its inputs.
        outputs: First of its outputs.
        array: The array.
        rows: Word lines of its inputs.
        columns: Bit-line pairs of its outputs.
    """

    name: str
    cut: int
    inputs: int
    outputs: int
    array: int
    rows: Side
    columns: Side

    @property
    def signs(self) -> Int64[np.ndarray, "rows columns"]:
        """By what each weight is multiplied where it stands."""
        return np.asarray(self.rows.sign[:, None] * self.columns.sign[None, :])

    @property
    def cells(self) -> tuple[Int64[np.ndarray, "rows 1"], Int64[np.ndarray, "1 columns"]]:
        """Index of the tile in a matrix of word lines by pairs."""
        return self.rows.line[:, None], self.columns.line[None, :]

    def weights(self, linear: IntegerLinear) -> Int64[np.ndarray, "rows columns"]:
        """Its weight codes, before the signs of its lines."""
        rows = slice(self.inputs, self.inputs + len(self.rows))
        return np.asarray(linear.weights[self.outputs : self.outputs + len(self.columns), rows].T)


class MapShape(NamedTuple):
    """Size of a linear map that stands on arrays.

    Attributes:
        outputs: Rows of its matrix.
        inputs: Columns.
        line_max: Largest code of its pairs.
        word_lines: Most inputs of a cut.
    """

    outputs: int
    inputs: int
    line_max: int
    word_lines: int


@dataclass(frozen=True)
class LinearMap:
    """A linear map and the registers around it.

    Attributes:
        linear: The map.
        source: Register of its inputs.
        read: Register of its ADC codes, cut after cut, where it stands on arrays.
        target: Register of its sums.
    """

    linear: IntegerLinear
    source: str
    read: str
    target: str

    @property
    def cuts(self) -> list[slice]:
        """Inputs of each cut."""
        assert self.linear.readout is not None  # noqa: S101  # `analog_maps` takes no others
        return cuts_of(self.linear.weights.shape[1], self.linear.readout.word_lines)

    @property
    def line_max(self) -> int:
        """Largest code of its pairs."""
        assert self.linear.readout is not None  # noqa: S101
        return self.linear.readout.line_max

    @property
    def shape(self) -> MapShape:
        """Its size, where it stands on arrays."""
        assert self.linear.readout is not None  # noqa: S101
        outputs, inputs = self.linear.weights.shape
        return MapShape(outputs, inputs, self.line_max, self.linear.readout.word_lines)

    @property
    def read_size(self) -> int:
        """Elements of the register of ADC codes."""
        return len(self.cuts) * len(self.linear.weights)


def linear_maps(network: QuantizedNetwork) -> dict[str, LinearMap]:
    """All linear maps by name, in the order in which they run."""
    last = len(network.layers)
    maps = {"encoder": LinearMap(network.encoder, "input", "encoder_read", "encoded")}
    for n, layer in enumerate(network.layers):
        registers = (f"activation.{n}", f"mixing_read.{n}", f"mixed.{n}")
        maps[f"mixing.{n}"] = LinearMap(layer.mixing, *registers)
    maps["decoder"] = LinearMap(network.decoder, f"stream.{last}", "decoder_read", "decoded")
    return maps


def analog_maps(network: QuantizedNetwork) -> dict[str, LinearMap]:
    """Those that stand on arrays."""
    maps = linear_maps(network)
    return {name: one for name, one in maps.items() if one.linear.readout is not None}


def place_tiles(
    network: QuantizedNetwork, chip: ChipDescription, first_array: int
) -> tuple[Tile, ...]:
    """Cuts all analog maps into tiles and packs these onto arrays of their own, from ``first_array`` on."""
    return packed_tiles(
        {name: one.shape for name, one in analog_maps(network).items()}, chip, first_array
    )


def packed_tiles(
    maps: dict[str, MapShape], chip: ChipDescription, first_array: int
) -> tuple[Tile, ...]:
    """The same for maps of which no more than the shape is known.

    Tiles are set side by side on shelves, the highest first. Those on one array share no cell, and no
    bit line with others of another weight width; each is read in a phase of its own.
    """
    room: dict[int, _Shelves] = {}
    found, arrays = [], first_array
    pieces = [piece for name, one in maps.items() for piece in _pieces(name, one, chip)]
    for name, cut, rows, columns in sorted(pieces, key=lambda p: (p[2].start - p[2].stop, p[0])):
        shelves = room.get(maps[name].line_max)
        at = None if shelves is None else shelves.put(rows, columns)
        if at is None:
            shelves = room[maps[name].line_max] = _Shelves(arrays, chip)
            arrays, at = arrays + 1, shelves.put(rows, columns)
        assert shelves is not None  # noqa: S101
        assert at is not None  # noqa: S101  # a tile is no larger than an array
        sides = (
            Side.straight(first, part.stop - part.start)
            for first, part in zip(at, (rows, columns), strict=True)
        )
        found.append(Tile(name, cut, rows.start, columns.start, shelves.array, *sides))
    order = list(maps)
    return tuple(sorted(found, key=lambda t: (order.index(t.name), t.cut, t.outputs)))


def _pieces(
    name: str, one: MapShape, chip: ChipDescription
) -> Iterator[tuple[str, int, slice, slice]]:
    """Name, cut, inputs and outputs of each tile."""
    for number, rows in enumerate(cuts_of(one.inputs, one.word_lines)):
        for columns in cuts_of(one.outputs, chip.arrays.pairs):
            yield name, number, rows, columns


class _Shelves:
    """One array that is filled shelf by shelf; a shelf is as high as its first tile."""

    def __init__(self, array: int, chip: ChipDescription) -> None:
        self.array, self.size = array, (chip.arrays.word_lines, chip.arrays.pairs)
        self.shelves: list[list[int]] = []
        """First word line, height, pairs in use of each shelf."""

    def put(self, rows: slice, columns: slice) -> tuple[int, int] | None:
        """Where a tile finds room: first word line and pair; None: nowhere."""
        height, width = rows.stop - rows.start, columns.stop - columns.start
        for shelf in self.shelves:
            if height <= shelf[1] and shelf[2] + width <= self.size[1]:
                shelf[2] += width
                return shelf[0], shelf[2] - width
        top = sum(shelf[1] for shelf in self.shelves)
        if top + height > self.size[0]:
            return None
        self.shelves.append([top, height, width])
        return top, 0


def map_operations(name: str, one: LinearMap, tiles: Iterable[Tile]) -> list[Operation]:
    """Phases of a map's tiles, and the sum of their codes with the bias."""
    outputs = len(one.linear.weights)
    phases = [_phase(one, tile) for tile in tiles if tile.name == name]
    weights = np.tile(np.eye(outputs, dtype=np.int64) << SUM_FRACTION_BITS, len(one.cuts))
    return [*phases, MatMul(one.read, one.target, weights, one.linear.bias)]


def _phase(one: LinearMap, tile: Tile) -> Phase:
    readout, outputs = one.linear.readout, len(one.linear.weights)
    assert readout is not None  # noqa: S101
    row, column = tile.rows.in_order, tile.columns.in_order
    own = tile.outputs + column
    zero: Any = np.zeros_like
    return Phase(
        array=tile.array,
        drive=(one.source,),
        word_lines=tile.rows.line[row],
        drive_register=zero(row),
        drive_index=tile.inputs + row,
        drive_sign=tile.rows.sign[row],
        drive_shift=zero(row),
        read=(one.read,),
        pairs=tile.columns.line[column],
        read_register=zero(column),
        read_index=tile.cut * outputs + own,
        read_sign=tile.columns.sign[column],
        full_scale=readout.full_scale[own],
        full_scale_shift=readout.full_scale_shift[own],
    )
