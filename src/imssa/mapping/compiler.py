"""From the integer network to a program: blocks on arrays, phases, digital operations."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Int64

from imssa.hardware.defect_map import DefectMap
from imssa.hardware.description import ChipDescription
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.correction import Correction, correction_operations, correction_registers
from imssa.mapping.dense import Tile, analog_maps, linear_maps, map_operations, place_tiles
from imssa.mapping.differential import common_mode
from imssa.mapping.layout import Place, arrays_of, one_shot, together
from imssa.mapping.rules import WIDE, layer_shapes, require
from imssa.program.operations import (
    Accumulate,
    Add,
    ArgMax,
    Clear,
    Leak,
    MatMul,
    MeanByLength,
    Operation,
    Phase,
    Register,
    Requantize,
    Table,
)
from imssa.program.program import ArrayContents, Program
from imssa.quantization.network import (
    MEAN_BITS,
    IntegerLayer,
    IntegerLinear,
    QuantizedNetwork,
)

Blocks = Int64[np.ndarray, "features lines lines"]


def compile_network(
    network: QuantizedNetwork, chip: ChipDescription, provenance: dict[str, Any]
) -> Program:
    """Compiles a network for a chip in the ``one-shot`` layout.

    The kernels' A, B and C (and D) stand together on the arrays; so do encoder, mixing and decoder
    where the network was trained for it. Activation, residual and pooling are operations of the
    program, and so are the linear maps that stay digital.

    Args:
        network: The frozen integer network; not changed.
        chip: What it is compiled for.
        provenance: Kept in the program.

    Raises:
        DesignRuleError: The chip cannot hold the network; names every violated rule.
    """
    require(network, chip)
    places = one_shot(layer_shapes(network), chip)
    tiles = place_tiles(network, chip, arrays_of(places))
    return assemble(network, chip, provenance, (places, tiles), network_blocks(network))


def assemble(
    network: QuantizedNetwork,
    chip: ChipDescription,
    provenance: dict[str, Any],
    placed: tuple[tuple[Place, ...], tuple[Tile, ...]],
    blocks: list[Blocks],
    defects: DefectMap | None = None,
    corrections: tuple[Correction, ...] = (),
) -> Program:
    """The program of kernels and linear maps whose places are known.

    Args:
        network: The frozen integer network.
        chip: What it is compiled for.
        provenance: Kept in the program.
        placed: Places of all kernels, and tiles of the linear maps that stand on arrays.
        blocks: Weight codes of each layer's kernels, as of :func:`kernel_blocks`.
        defects: Of the chip instance: the sound device of a pair takes up what the other holds.
        corrections: Cells whose weight is made up for digitally.
    """
    places, tiles = placed
    step = [*_linear(network, "encoder", tiles), _rescaled(network.encoder, "encoded", "stream.0")]
    for number, layer in enumerate(network.layers):
        own = [place for place in places if place.layer == number]
        mixing = _linear(network, f"mixing.{number}", tiles)
        step += _layer_operations(network, layer, own, mixing, corrections)
    last = f"stream.{len(network.layers)}"
    if network.decodes_steps:
        step, last = [*step, *_linear(network, "decoder", tiles)], "decoded"
    return Program(
        chip=chip,
        registers=(
            *_registers(network, chip),
            *correction_registers(network, corrections, chip.converters.conversion_bits),
        ),
        arrays=(
            *_contents(network, chip, places, blocks, defects),
            *_tile_contents(network, chip, tiles, defects, arrays_of(places)),
        ),
        start=(*(Clear(f"state.{n}") for n in range(len(network.layers))), Clear("sum")),
        step=(*step, Accumulate(last, "sum")),
        end=_end(network),
        input="input",
        output="answer",
        max_length=network.max_length,
        class_names=network.class_names,
        preparation={**network.preparation, "input_step": network.input_step},
        provenance=provenance,
    )


def _end(network: QuantizedNetwork) -> tuple[Operation, ...]:
    """From the sums over all steps to the answer."""
    answer = ArgMax("logits", "answer")
    if network.decodes_steps:
        return MeanByLength("sum", "logits", *network.mean_scale()), answer
    decoder = network.decoder
    return (
        MeanByLength("sum", "mean", *network.mean_scale()),
        MatMul("mean", "logits", decoder.weights, decoder.bias),
        answer,
    )


def _linear(network: QuantizedNetwork, name: str, tiles: tuple[Tile, ...]) -> list[Operation]:
    """The sums of a linear map: phases of its tiles where it stands on arrays, else in integers."""
    maps = linear_maps(network)
    one = maps[name]
    if one.linear.readout is not None:
        return map_operations(name, one, tiles)
    return [MatMul(one.source, one.target, one.linear.weights, one.linear.bias)]


def _rescaled(linear: IntegerLinear, source: str, target: str) -> Requantize:
    return Requantize(source, target, linear.multiplier, linear.shift)


def network_blocks(network: QuantizedNetwork) -> list[Blocks]:
    """Weight codes of all kernels, layer by layer."""
    return [kernel_blocks(held.A, held.B, held.C, held.D) for held in network.layers]


def line_maxima(layer: IntegerLayer) -> Int64[np.ndarray, " lines"]:
    """Largest code of each of a kernel's pairs: the states', then the output's."""
    states = 2 * layer.k.shape[1]
    return np.append(np.full(states, layer.state_line_max), layer.output_line_max)


def _registers(network: QuantizedNetwork, chip: ChipDescription) -> tuple[Register, ...]:
    widths, features = network.widths, len(network.decoder.weights[0])
    dac, adc = widths.dac_bits, chip.converters.conversion_bits
    registers = [
        Register("input", network.encoder.weights.shape[1], dac),
        Register("encoded", features, WIDE),
        Register("stream.0", features, dac),
    ]
    for n, layer in enumerate(network.layers):
        states = layer.B.size
        registers += [
            Register(f"adc.{n}", states, adc),
            Register(f"readout.{n}", features, adc),
            Register(f"update.{n}", states, widths.register_bits),
            Register(f"decayed.{n}", states, widths.register_bits),
            Register(f"state.{n}", states, widths.register_bits),
            Register(f"kernel.{n}", features, widths.activation_bits),
            Register(f"activation.{n}", features, widths.activation_bits),
            Register(f"mixed.{n}", features, WIDE),
            Register(f"mixing.{n}", features, dac),
            Register(f"residual.{n}", features, dac),
            Register(f"stream.{n + 1}", features, dac),
        ]
    classes = len(network.decoder.weights)
    decoded = [Register("decoded", classes, WIDE)] if network.decodes_steps else []
    mean = [] if network.decodes_steps else [Register("mean", features, MEAN_BITS)]
    return (
        *registers,
        *(Register(m.read, m.read_size, adc) for m in analog_maps(network).values()),
        *decoded,
        Register("sum", network.summed, WIDE),
        *mean,
        Register("logits", classes, WIDE),
        Register("answer", 1, MEAN_BITS),
    )


def _layer_operations(
    network: QuantizedNetwork,
    layer: IntegerLayer,
    places: list[Place],
    mixing: list[Operation],
    corrections: tuple[Correction, ...],
) -> list[Operation]:
    """One time step of a layer; ``mixing`` are the sums of its mixing map."""
    n = places[0].layer
    delayed = network.widths.output == "delayed"
    phases = _phases(network, layer, places, states=True, output=delayed)
    read = ("adc", "readout") if delayed else ("adc",)
    phases += correction_operations(network, n, corrections, read)
    operations = [*phases, *_update(network.widths.realization, layer, n)]
    if not delayed:
        operations += _phases(network, layer, places, states=False, output=True)
        operations += correction_operations(network, n, corrections, ("readout",))
    residual = Requantize(
        f"stream.{n}", f"residual.{n}", layer.residual_multiplier, layer.residual_shift
    )
    return [
        *operations,
        Requantize(f"readout.{n}", f"kernel.{n}", layer.output_multiplier, layer.output_shift),
        Table(f"kernel.{n}", f"activation.{n}", layer.table),
        *mixing,
        _rescaled(layer.mixing, f"mixed.{n}", f"mixing.{n}"),
        residual,
        Add(f"mixing.{n}", f"residual.{n}", f"stream.{n + 1}"),
    ]


def _update(realization: str, layer: IntegerLayer, n: int) -> list[Operation]:
    """The registers' update of each realization (DESIGN section 4)."""
    m, t, k = (np.repeat(x.ravel(), 2) for x in (layer.multiplier, layer.shift, layer.k))
    if realization == "direct":
        return [Requantize(f"adc.{n}", f"state.{n}", m, t)]
    update = Requantize(f"adc.{n}", f"update.{n}", m, t)
    if realization == "incremental":
        return [update, Add(f"state.{n}", f"update.{n}", f"state.{n}")]
    return [
        update,
        Leak(f"state.{n}", f"decayed.{n}", k),
        Add(f"decayed.{n}", f"update.{n}", f"state.{n}"),
    ]


def _phases(
    network: QuantizedNetwork,
    layer: IntegerLayer,
    places: list[Place],
    *,
    states: bool,
    output: bool,
) -> list[Operation]:
    """One phase an array: all kernels of the layer there are driven; their pairs are read."""
    return [_phase(network, layer, group, states, output) for group in together(tuple(places))]


def _phase(
    network: QuantizedNetwork, layer: IntegerLayer, places: list[Place], states: bool, output: bool
) -> Phase:
    n, lines = places[0].layer, len(places[0].rows)
    inner = np.arange(lines - 1)
    read = np.arange(0 if states else lines - 1, lines if output else lines - 1)

    def join(parts: list[Any]) -> Any:
        return np.concatenate([np.asarray(part, np.int64) for part in parts])

    features = [p.feature for p in places]
    own = [np.append(f * (lines - 1) + inner, f) for f in features]
    is_input = np.tile(np.arange(lines) == lines - 1, len(places))
    word_lines, row_sign = (join([getattr(p.rows, n) for p in places]) for n in ("line", "sign"))
    pairs, column_sign = (
        join([getattr(p.columns, n)[read] for p in places]) for n in ("line", "sign")
    )
    row, column = _in_order(word_lines, row_sign), _in_order(pairs, column_sign)
    return Phase(
        array=places[0].array,
        drive=(f"state.{n}", f"stream.{n}"),
        word_lines=word_lines[row],
        drive_register=is_input.astype(np.int64)[row],
        drive_index=join(own)[row],
        drive_sign=row_sign[row],
        drive_shift=np.where(is_input, 0, network.widths.guard_bits).astype(np.int64)[row],
        read=(f"adc.{n}", f"readout.{n}"),
        pairs=pairs[column],
        read_register=np.tile((read == lines - 1).astype(np.int64), len(places))[column],
        read_index=join([elements[read] for elements in own])[column],
        read_sign=column_sign[column],
        full_scale=join([layer.full_scale[f, read] for f in features])[column],
        full_scale_shift=join([layer.full_scale_shift[f, read] for f in features])[column],
    )


def _in_order(
    lines: Int64[np.ndarray, " lines"], sign: Int64[np.ndarray, " lines"]
) -> Int64[np.ndarray, " used"]:
    """Index of the lines in use, by number."""
    order = np.argsort(lines)
    return np.asarray(order[sign[order] != 0])


def _contents(
    network: QuantizedNetwork,
    chip: ChipDescription,
    places: tuple[Place, ...],
    blocks: list[Blocks],
    defects: DefectMap | None,
) -> tuple[ArrayContents, ...]:
    shape, count = (chip.arrays.word_lines, chip.arrays.pairs), arrays_of(places)
    codes, written = np.zeros((count, *shape), np.int64), np.zeros((count, *shape), bool)
    line_max = np.ones((count, shape[1]), np.int64)
    for group in together(places):
        rows, pairs = (
            np.concatenate([s.used for s in sides])
            for sides in ([p.rows for p in group], [p.columns for p in group])
        )
        # a driven line crosses all pairs that are read; layers have phases of their own
        written[group[0].array][np.ix_(rows, pairs)] = True
        for place in group:
            codes[place.array][place.cells] = place.signs * blocks[place.layer][place.feature]
            line_max[place.array][place.columns.line] = line_maxima(network.layers[place.layer])
    return _arrays(chip, 0, (codes, written, line_max), defects)


def _tile_contents(
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
