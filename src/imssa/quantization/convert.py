"""From the trained network in codes to the frozen integer network, and its file."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from imssa.errors import FileFormatError
from imssa.places import AnyPath
from imssa.program.files import Arrays, read_arrays, write_arrays
from imssa.quantization.linear import QuantizedLinear
from imssa.quantization.network import (
    IntegerLayer,
    IntegerLinear,
    QuantizedNetwork,
    Readout,
    Widths,
)
from imssa.quantization.prepared import PreparedBlock, PreparedClassifier
from imssa.quantization.quantizers import gain_codes, integers

KIND: Final = "imssa.quantized"
SCHEMA: Final = "imssa.quantized/1"


def convert(prepared: PreparedClassifier) -> QuantizedNetwork:
    """Freezes a prepared network: the same codes, without latents, gradients or torch."""
    kernels = prepared.blocks[0].kernels
    config, converters = kernels.config, kernels.chip.converters
    return QuantizedNetwork(
        encoder=_linear(prepared.encoder),
        layers=tuple(_layer(block) for block in prepared.blocks),
        decoder=_linear(prepared.decoder),
        widths=Widths(
            realization=config.realization,
            output="current" if kernels.current else "delayed",
            dac_bits=converters.dac_bits,
            adc_bits=converters.adc_bits,
            guard_bits=config.guard_bits,
            register_bits=config.register_bits,
            activation_bits=config.activation_bits,
            drive=converters.drive,
            polarity=converters.polarity,
        ),
        input_step=prepared.input_step,
        max_length=prepared.max_length,
        class_names=prepared.class_names,
        preparation=_with_logit_step(prepared),
        config=config.model_dump(mode="json"),
    )


def _with_logit_step(prepared: PreparedClassifier) -> dict[str, Any]:
    """What is kept with the network, with the unit of its scores as trained, where that is kept."""
    kept = prepared.preparation
    return {**kept, "logit_step": prepared.logit_step} if "logit_step" in kept else kept


def _gain(log_gain: Tensor) -> tuple[Any, Any]:
    return gain_codes(torch.exp2(log_gain), 15)


def _linear(layer: QuantizedLinear) -> IntegerLinear:
    weights, bias = layer.weights()
    scale = _gain(layer.log_gain)
    return IntegerLinear(integers(weights), integers(bias), *scale, layer.readout())


def _layer(block: PreparedBlock) -> IntegerLayer:
    kernels = block.kernels
    scales = kernels.scales()
    L, h = kernels.full_scales()
    A, B, C, D = map(integers, kernels.weights())
    output_multiplier, output_shift = _gain(kernels.log_output_gain)
    residual_multiplier, residual_shift = _gain(block.log_residual_gain)
    return IntegerLayer(
        A=A,
        B=B,
        C=C,
        D=D,
        state_line_max=kernels.state_line_max,
        output_line_max=kernels.output_line_max,
        full_scale=L,
        full_scale_shift=h,
        multiplier=scales.multiplier,
        shift=scales.shift,
        k=scales.k,
        output_multiplier=output_multiplier,
        output_shift=output_shift,
        activation=block.activation,
        activation_step=block.activation_step,
        table=block.table(),
        mixing=_linear(block.mixing),
        residual_multiplier=residual_multiplier,
        residual_shift=residual_shift,
    )


def save_network(network: QuantizedNetwork, path: AnyPath, provenance: dict[str, Any]) -> str:
    """Writes a quantized network; gives the SHA-256 of its content."""
    arrays: Arrays = {}
    plain: dict[str, Any] = {"schema": SCHEMA, "provenance": provenance}
    _flatten("encoder", network.encoder, arrays, plain)
    _flatten("decoder", network.decoder, arrays, plain)
    for number, layer in enumerate(network.layers):
        _flatten(f"layers.{number}", layer, arrays, plain)
    plain["widths"] = vars(network.widths)
    plain["layers"] = len(network.layers)
    for name in ("input_step", "max_length", "class_names", "preparation", "config"):
        plain[name] = getattr(network, name)
    return write_arrays(Path(path), KIND, plain, arrays)


def _flatten(prefix: str, value: object, arrays: Arrays, plain: dict[str, Any]) -> None:
    for field in fields(value):  # type: ignore[arg-type]
        part, name = getattr(value, field.name), f"{prefix}.{field.name}"
        if isinstance(part, np.ndarray):
            arrays[name] = part
        elif isinstance(part, IntegerLinear | Readout):
            _flatten(name, part, arrays, plain)
        elif part is not None:
            plain[name] = part


def load_network(path: AnyPath) -> QuantizedNetwork:
    """Reads a quantized network.

    Raises:
        FileFormatError: Damaged, of another kind or version.
    """
    path = Path(path)
    plain, arrays, _ = read_arrays(path, KIND)
    if plain.get("schema") != SCHEMA:
        raise FileFormatError(
            given=f"{path} of schema {plain.get('schema')!r}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Quantize the model again, or use the version of imssa that wrote it.",
        )
    try:
        return QuantizedNetwork(
            encoder=_unflatten(IntegerLinear, "encoder", arrays, plain),
            layers=tuple(
                _unflatten(IntegerLayer, f"layers.{n}", arrays, plain)
                for n in range(plain["layers"])
            ),
            decoder=_unflatten(IntegerLinear, "decoder", arrays, plain),
            widths=Widths(**plain["widths"]),
            input_step=float(plain["input_step"]),
            max_length=int(plain["max_length"]),
            class_names=tuple(plain["class_names"]),
            preparation=plain["preparation"],
            config=plain["config"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(
            given=str(path), rule=f"a part is missing ({error})", remedy="Write the file anew."
        ) from error


def _unflatten(kind: Any, prefix: str, arrays: Arrays, plain: dict[str, Any]) -> Any:
    values: dict[str, Any] = {}
    for field in fields(kind):
        name = f"{prefix}.{field.name}"
        if name in arrays:
            values[field.name] = arrays[name]
        elif field.name == "mixing":
            values[field.name] = _unflatten(IntegerLinear, name, arrays, plain)
        elif field.name == "readout":
            held = f"{name}.full_scale" in arrays
            values[field.name] = _unflatten(Readout, name, arrays, plain) if held else None
        else:
            values[field.name] = plain[name]
    return kind(**values)


def load_contract(path: Path) -> dict[str, int]:
    """How many codes were compared when the network was frozen, and how many differed.

    Raises:
        FileFormatError: Damaged, or saved outside an experiment.
    """
    plain, _, _ = read_arrays(path, KIND)
    contract = plain.get("provenance", {}).get("contract")
    if not isinstance(contract, dict):
        raise FileFormatError(
            given=str(path),
            rule="it does not say how many codes were compared",
            remedy="Run the stage quantize again.",
        )
    return contract
