"""From the integer network to a program: blocks on arrays, phases, digital operations."""

from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Int64

from imssa.errors import CheckFailedError, DesignRuleError
from imssa.hardware.converters import LARGEST_SCALE
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.description import ChipDescription
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.differential import common_mode
from imssa.mapping.layout import ONE_SHOT, Layout, Place, together
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
from imssa.program.program import ArrayContents, Program
from imssa.quantization.network import MEAN_BITS, IntegerLayer, QuantizedNetwork

Blocks = Int64[np.ndarray, "features lines lines"]
PairScales = Int64[np.ndarray, "arrays pairs"]


def compile_network(
    network: QuantizedNetwork,
    chip: ChipDescription,
    provenance: dict[str, Any],
    layout: Layout = ONE_SHOT,
) -> Program:
    """Compiles a network for a chip.

    The kernels' A, B and C (and D) stand together on the arrays; encoder, activation, mixing,
    residual, pooling and decoder stay digital, as operations of the program.

    Args:
        network: The frozen integer network; not changed.
        chip: What it is compiled for.
        provenance: Kept in the program.
        layout: How kernels share arrays.

    Raises:
        DesignRuleError: The chip cannot hold the network; names every violated rule.
    """
    require(network, chip, layout)
    places = pack(layer_shapes(network), chip, layout).places
    return assemble(network, chip, provenance, places, network_blocks(network))


def assemble(
    network: QuantizedNetwork,
    chip: ChipDescription,
    provenance: dict[str, Any],
    places: tuple[Place, ...],
    blocks: list[Blocks],
    defects: DefectMap | None = None,
) -> Program:
    """The program of kernels whose places and weights are known.

    Args:
        network: The frozen integer network.
        chip: What it is compiled for.
        provenance: Kept in the program.
        places: Of all kernels.
        blocks: Weight codes of each layer's kernels, as of :func:`kernel_blocks`.
        defects: Of the chip instance: the sound device of a pair takes up what the other holds.
    """
    line_max = [line_maxima(layer) for layer in network.layers]
    scales = pair_scales(chip, places, line_max)
    step: list[Operation] = [
        MatMul("input", "encoded", network.encoder.weights, network.encoder.bias),
        Requantize("encoded", "stream.0", network.encoder.multiplier, network.encoder.shift),
    ]
    for number, layer in enumerate(network.layers):
        own = [place for place in places if place.layer == number]
        step += _layer_operations(network, layer, own, scales)
    last = f"stream.{len(network.layers)}"
    multiplier, shift = network.mean_scale()
    return Program(
        chip=chip,
        registers=_registers(network, chip),
        arrays=_contents(chip, places, blocks, scales, line_max, defects),
        start=(*(Clear(f"state.{n}") for n in range(len(network.layers))), Clear("sum")),
        step=(*step, Accumulate(last, "sum")),
        end=(
            MeanByLength("sum", "mean", multiplier, shift),
            MatMul("mean", "logits", network.decoder.weights, network.decoder.bias),
            ArgMax("logits", "answer"),
        ),
        input="input",
        output="answer",
        max_length=network.max_length,
        class_names=network.class_names,
        preparation={**network.preparation, "input_step": network.input_step},
        provenance=provenance,
    )


def network_blocks(network: QuantizedNetwork) -> list[Blocks]:
    """Weight codes of all kernels, layer by layer."""
    return [kernel_blocks(held.A, held.B, held.C, held.D) for held in network.layers]


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
    return (
        *registers,
        Register("sum", features, WIDE),
        Register("mean", features, MEAN_BITS),
        Register("logits", len(network.decoder.weights), WIDE),
        Register("answer", 1, MEAN_BITS),
    )


def _layer_operations(
    network: QuantizedNetwork, layer: IntegerLayer, places: list[Place], scales: PairScales
) -> list[Operation]:
    n, groups = places[0].layer, together(tuple(places))
    at_once = network.widths.output == "delayed"
    phases = [_phase(network, layer, group, scales, (True, at_once)) for group in groups]
    operations = [*phases, *_update(network.widths.realization, layer, n)]
    if network.widths.output == "current":
        operations += [_phase(network, layer, group, scales, (False, True)) for group in groups]
    residual = Requantize(
        f"stream.{n}", f"residual.{n}", layer.residual_multiplier, layer.residual_shift
    )
    return [
        *operations,
        Requantize(f"readout.{n}", f"kernel.{n}", layer.output_multiplier, layer.output_shift),
        Table(f"kernel.{n}", f"activation.{n}", layer.table),
        MatMul(f"activation.{n}", f"mixed.{n}", layer.mixing.weights, layer.mixing.bias),
        Requantize(f"mixed.{n}", f"mixing.{n}", layer.mixing.multiplier, layer.mixing.shift),
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
    row, column = _in_order(word_lines, row_sign), _in_order(pairs, column_sign)
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


def _in_order(
    lines: Int64[np.ndarray, " lines"], sign: Int64[np.ndarray, " lines"]
) -> Int64[np.ndarray, " used"]:
    """Index of the lines in use, by number."""
    order = np.argsort(lines)
    return np.asarray(order[sign[order] != 0])


def _contents(
    chip: ChipDescription,
    places: tuple[Place, ...],
    blocks: list[Blocks],
    scales: PairScales,
    line_max: list[Int64[np.ndarray, " lines"]],
    defects: DefectMap | None,
) -> tuple[ArrayContents, ...]:
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
    contents = []
    for array, scale in enumerate(scales):
        found = ArrayContents(codes[array], written[array], chip.window_siemens / scale)
        if defects is not None:
            common = common_mode(codes[array], scale, defects.arrays[array])
            found = replace(found, common_mode=common * written[array])
        contents.append(found)
    return tuple(contents)


def _misplaced(place: Place, fault: str) -> NoReturn:
    raise CheckFailedError(
        given=f"kernel {place.feature} of layer {place.layer} on array {place.array}",
        rule=f"it {fault}",
        remedy="This is a fault of the packer: please report it.",
    )
