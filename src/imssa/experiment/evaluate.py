"""Accuracy of any saved form of a network on recordings."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from imssa.crossbar import simulate
from imssa.data import DataConfig, SequenceDataset
from imssa.errors import FileFormatError, RecipeError
from imssa.evaluation import InstanceAccuracy, accuracy
from imssa.experiment.stages import float_answers, prepared_features, quantized_answers
from imssa.kernels.codes import quantized
from imssa.kernels.random import Key
from imssa.models import load_model
from imssa.models.files import KIND as MODEL
from imssa.program import load_program
from imssa.program.files import kinds_in
from imssa.program.program import KIND as PROGRAM
from imssa.quantization.convert import KIND as QUANTIZED
from imssa.quantization.convert import load_network

PARTS: Final = ("train", "validation", "test", "all")


def evaluate_file(
    path: Path, kind: str, root: Path | None, part: str, instances: int, seed: int
) -> dict[str, Any]:
    """Accuracy of a model, a quantized network or a program.

    Args:
        path: The file.
        kind: Format of the recordings.
        root: Their folder.
        part: One of ``PARTS``.
        instances: Chip instances of a program.
        seed: Of the chip instances.

    Raises:
        FileFormatError: Nothing that answers.
        RecipeError: No such format or part.
        DataError: Recordings that cannot be used.
    """
    kinds = kinds_in(path)
    if MODEL in kinds:
        model, header = load_model(path)
        data = _data(kind, root, part, header["class_names"], header["preparation"])
        return {"items": len(data), "float": accuracy(float_answers(model, data), data.labels)}
    if QUANTIZED in kinds:
        network = load_network(path)
        data = _data(kind, root, part, network.class_names, network.preparation)
        answers = quantized_answers(network, data)
        return {"items": len(data), "quantized": accuracy(answers, data.labels)}
    if PROGRAM in kinds:
        return _program(path, (kind, root, part), instances, seed)
    raise FileFormatError(
        given=str(path),
        rule="it holds no model, quantized network or program",
        remedy="Name such a file.",
    )


def _program(path: Path, data_of: tuple[Any, ...], instances: int, seed: int) -> dict[str, Any]:
    program = load_program(path)
    data = _data(*data_of, program.class_names, program.preparation)
    bits = program.chip.converters.dac_bits
    inputs = quantized(data.features, program.preparation["input_step"], bits)
    key, found = Key.root(seed).child("chip"), {"items": len(data)}
    for name, chip, count in (
        ("ideal_chip", program.chip.only(), 1),
        ("chip", program.chip, instances),
    ):
        trace = simulate(program, chip, key, np.arange(count), inputs, data.lengths)
        measured = InstanceAccuracy.from_answers(trace.answers, data.labels)
        found |= {name: measured.model_dump() if name == "chip" else measured.mean}
    return found


def _data(
    kind: str, root: Path | None, part: str, words: Any, preparation: dict[str, Any]
) -> SequenceDataset:
    if part not in PARTS:
        raise RecipeError(
            given=f"--part {part}", rule="there is no such part", remedy=f"Use {', '.join(PARTS)}."
        )
    try:
        config = DataConfig(kind=kind, root=root, words=tuple(words))
    except ValidationError as error:
        rule = "; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())
        raise RecipeError(
            given=f"--data {kind}", rule=rule, remedy="See `imssa evaluate --help`."
        ) from error
    return prepared_features(config, preparation, part)
