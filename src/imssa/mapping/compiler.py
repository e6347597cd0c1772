"""From the integer network to a program: blocks on arrays, phases, digital operations."""

from typing import Any

import numpy as np

from imssa.errors import DesignRuleError
from imssa.hardware.converters import LARGEST_SCALE
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.description import ChipDescription
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.contents import (
    Blocks,
    PairScales,
    kernel_contents,
    line_maxima,
    pair_scales,
    tile_contents,
)
from imssa.mapping.correction import Correction, correction_operations, correction_registers
from imssa.mapping.dense import Tile, analog_maps, linear_maps, map_operations, place_tiles
from imssa.mapping.layout import ONE_SHOT, Layout, Place, Side, arrays_of, together
from imssa.mapping.packing import pack
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
from imssa.program.program import Program
from imssa.quantization.network import (
    MEAN_BITS,
    IntegerLayer,
    IntegerLinear,
    QuantizedNetwork,
)


def compile_network(
    network: QuantizedNetwork,
    chip: ChipDescription,
    provenance: dict[str, Any],
    layout: Layout = ONE_SHOT,
) -> Program:
    """Compiles a network for a chip.

    The kernels' A, B and C (and D) stand together on the arrays; so do encoder, mixing and decoder
    where the network was trained for it. Activation, residual and pooling are operations of the
    program, and so are the linear maps that stay digital.

    Args:
        network: The frozen integer network; not changed.
        chip: What it is compiled for.
        provenance: Kept in the program.
        layout: How kernels share arrays.

    Raises:
        DesignRuleError: The chip cannot hold the network; names every violated rule.
    """
    require(network, chip, layout=layout)
    places = pack(layer_shapes(network), chip, layout).places
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
    line_max = [line_maxima(layer) for layer in network.layers]
    scales = pair_scales(chip, places, line_max)
    step = [*_linear(network, "encoder", tiles), _rescaled(network.encoder, "encoded", "stream.0")]
    for number, layer in enumerate(network.layers):
        own = [place for place in places if place.layer == number]
        mixing = _linear(network, f"mixing.{number}", tiles)
        step += _layer_operations(network, layer, (own, scales), mixing, corrections)
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
            *kernel_contents(chip, places, blocks, scales, line_max, defects),
            *tile_contents(network, chip, tiles, defects, arrays_of(places)),
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
    placed: tuple[list[Place], PairScales],
    mixing: list[Operation],
    corrections: tuple[Correction, ...],
) -> list[Operation]:
    """One time step of a layer; ``mixing`` are the sums of its mixing map."""
    places, scales = placed
    n, groups = places[0].layer, together(tuple(places))
    delayed = network.widths.output == "delayed"
    operations: list[Operation] = [
        _phase(network, layer, group, scales, (True, delayed)) for group in groups
    ]
    read = ("adc", "readout") if delayed else ("adc",)
    operations += correction_operations(network, n, corrections, read)
    operations += _update(network.widths.realization, layer, n)
    if not delayed:
        operations += [_phase(network, layer, group, scales, (False, True)) for group in groups]
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


def _phase(
    network: QuantizedNetwork,
    layer: IntegerLayer,
    places: list[Place],
    scales: PairScales,
    reads: tuple[bool, bool],
) -> Phase:
    """The MVM of kernels that share a phase: all their rows drive; states, outputs or both are read."""
    states, output = reads
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
    row, column = Side(word_lines, row_sign).in_order, Side(pairs, column_sign).in_order
    share = scales[places[0].array, pairs] // np.tile(line_maxima(layer)[read], len(places))
    full_scale = join([layer.full_scale[f, read] for f in features]) * share
    if full_scale.max() >= LARGEST_SCALE:
        raise DesignRuleError(
            given=f"kernels of layer {n} that share bit-line pairs with other kernels",
            rule="no full scale serves the largest weights of both exactly",
            remedy="Give A, B, C and D the same bits, or use the one-shot layout.",
        )
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
        full_scale=full_scale[column],
        full_scale_shift=join([layer.full_scale_shift[f, read] for f in features])[column],
    )
