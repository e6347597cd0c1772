"""Accuracy of any saved form of a network on recordings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from imssa.crossbar import simulate
from imssa.data import KINDS, DataConfig, SequenceDataset
from imssa.errors import DataError, FileFormatError, RecipeError
from imssa.evaluation import InstanceAccuracy, accuracy
from imssa.experiment.own_map import require_own_map
from imssa.experiment.stages import (
    float_answers,
    prepared_features,
    quantized_answers,
    silent,
)
from imssa.hardware import load_chip
from imssa.kernels.codes import quantized
from imssa.kernels.random import Key
from imssa.models import load_model
from imssa.models.files import KIND as MODEL
from imssa.program import Program, load_program
from imssa.program.files import kinds_in, read_arrays
from imssa.program.program import KIND as PROGRAM
from imssa.quantization.convert import KIND as QUANTIZED
from imssa.quantization.convert import load_network
from imssa.training import Progress

PARTS: Final = ("train", "validation", "test", "all")


@dataclass(frozen=True)
class Asked:
    """What is to be measured.

    Attributes:
        kind: Format of the recordings.
        root: Their folder; None: bundled.
        part: One of ``PARTS``.
        chip: Whose device errors a program meets, a preset or a file; None: its own chip's.
        instances: Chip instances of a program.
        seed: Of the chip instances.
    """

    kind: str
    root: Path | None = None
    part: str = "test"
    chip: str | None = None
    instances: int = 50
    seed: int = 0


@dataclass(frozen=True)
class _Kept:
    """What a file keeps about the data of its network."""

    class_names: tuple[str, ...]
    preparation: dict[str, Any]
    recipe: dict[str, Any]


def evaluate_file(path: Path, asked: Asked, progress: Progress = silent) -> dict[str, Any]:
    """Accuracy of a model, a quantized network or a program.

    Raises:
        FileFormatError: Nothing that answers.
        RecipeError: No such format, part or chip, or a part that the file does not know.
        DesignRuleError: A program for another chip.
        DataError: Recordings that cannot be used.
    """
    kinds = kinds_in(path)
    kind = next((k for k in _MEASURES if k in kinds), None)
    if kind is None:
        raise FileFormatError(
            given=str(path),
            rule="it holds no model, quantized network or program",
            remedy="Name such a file.",
        )
    if asked.chip is not None and kind != PROGRAM:
        raise RecipeError(
            given=f"--chip {asked.chip} for {path}",
            rule="only a program runs on a chip",
            remedy="Leave --chip away, or name a program.",
        )
    return _MEASURES[kind](path, asked, progress)


def _model(path: Path, asked: Asked, _progress: Progress) -> dict[str, Any]:
    model, header = load_model(path)
    kept = _Kept(tuple(header["class_names"]), header["preparation"], header.get("recipe", {}))
    data = _data(asked, kept)
    return {"items": len(data), "float": accuracy(float_answers(model, data), data.labels)}


def network_data(path: Path, asked: Asked) -> SequenceDataset:
    """Recordings as a quantized network wants them.

    Args:
        path: The network's file.
        asked: Format, folder and part.

    Raises:
        RecipeError: No such format or part, or a part that the file does not know.
        DataError: Recordings that cannot be used.
    """
    network = load_network(path)
    recipe = read_arrays(path, QUANTIZED)[0]["provenance"].get("recipe", {})
    return _data(asked, _Kept(network.class_names, network.preparation, recipe))


def program_data(program: Program, asked: Asked) -> SequenceDataset:
    """Recordings as a program wants them; else as `network_data`."""
    recipe = program.provenance.get("recipe", {})
    return _data(asked, _Kept(program.class_names, program.preparation, recipe))


def _network(path: Path, asked: Asked, _progress: Progress) -> dict[str, Any]:
    network, data = load_network(path), network_data(path, asked)
    return {
        "items": len(data),
        "quantized": accuracy(quantized_answers(network, data), data.labels),
    }


def _program(path: Path, asked: Asked, progress: Progress) -> dict[str, Any]:
    program = load_program(path)
    if asked.chip is None:
        require_own_map(program)
    chip = program.chip if asked.chip is None else load_chip(asked.chip)
    data = program_data(program, asked)
    bits = program.chip.converters.dac_bits
    inputs = quantized(data.features, program.preparation["input_step"], bits)
    key = Key.root(asked.seed).child("chip")
    found: dict[str, Any] = {"items": len(data), "chip_name": chip.name}
    for number, (name, device, count) in enumerate(
        (("ideal_chip", chip.only(), 1), ("chip", chip, asked.instances))
    ):
        trace = simulate(program, device, key, np.arange(count), inputs, data.lengths)
        measured = InstanceAccuracy.from_answers(trace.answers, data.labels)
        found[name] = measured.model_dump() if name == "chip" else measured.mean
        progress(number + 1, 2, name.replace("_", " "))
    return found


_MEASURES: Final[dict[str, Callable[[Path, Asked, Progress], dict[str, Any]]]] = {
    MODEL: _model,
    QUANTIZED: _network,
    PROGRAM: _program,
}


def _corpus(kind: object) -> str | None:
    """Which recordings a format holds: two formats may hold the same."""
    return KINDS[kind].corpus if isinstance(kind, str) and kind in KINDS else None


def _data(asked: Asked, kept: _Kept) -> SequenceDataset:
    """The recordings, split as when the network was trained if the file tells."""
    if asked.part not in PARTS:
        raise RecipeError(
            given=f"--part {asked.part}",
            rule="there is no such part",
            remedy=f"Use {', '.join(PARTS)}.",
        )
    trained = kept.recipe.get("data", {})
    known = _corpus(trained.get("kind")) == _corpus(asked.kind)
    if asked.part in {"train", "validation"} and not known:
        raise RecipeError(
            given=f"--part {asked.part}",
            rule=f"the file does not say which recordings of {asked.kind} it was trained on",
            remedy="Use test or all.",
        )
    auxiliary = _corpus(kept.recipe.get("auxiliary", {}).get("kind"))
    if auxiliary is not None and auxiliary == _corpus(asked.kind):
        raise RecipeError(
            given=f"--data {asked.kind}",
            rule="the network learned recordings of these data beside its own (auxiliary)",
            remedy="Ask data that it never heard.",
        )
    words = {"kind": asked.kind, "words": kept.class_names}
    settings = {**(trained if known else {}), **words}
    try:
        config = DataConfig.model_validate({**settings, "root": asked.root})
    except ValidationError as error:
        rule = "; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())
        raise RecipeError(
            given=f"--data {asked.kind}",
            rule=rule.rstrip("."),
            remedy="See `imssa evaluate --help`.",
        ) from error
    seed = int(kept.recipe.get("seed", 0))
    part = prepared_features(config, kept.preparation, asked.part, seed)
    return _labelled_as(part, kept.class_names)


def _labelled_as(part: SequenceDataset, names: tuple[str, ...]) -> SequenceDataset:
    """The same with labels in a network's order: classes are the same by name, not by number.

    Raises:
        DataError: A class that the network does not know.
    """
    unknown = [name for name in part.class_names if name not in names]
    if unknown:
        raise DataError(
            given=f"recordings of {', '.join(unknown)}",
            rule=f"the network knows {', '.join(names)}",
            remedy="Ask recordings of its classes.",
        )
    order = np.array([names.index(name) for name in part.class_names], np.int64)
    return replace(part, labels=order[part.labels], class_names=names)
