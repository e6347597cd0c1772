"""Costs of a program with what lies beside it: recordings for its drives, a model to time.

The program is a file's, that of a run's folder, or one of a recipe that was not trained yet.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from imssa.cost import (
    Constants,
    CostReport,
    Drives,
    ProcessorCost,
    Settings,
    cost_of,
    measure_processor,
    measured_drives,
)
from imssa.errors import FileFormatError
from imssa.experiment.design import require_data
from imssa.experiment.evaluate import Asked, program_data
from imssa.experiment.folder import Folder
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import AuxiliaryConfig, Recipe, load_recipe
from imssa.experiment.shipped import recipe_names
from imssa.experiment.stages import load_features
from imssa.kernels.codes import quantized
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.models import ModelConfig, ModelStream, S4DClassifier, load_model
from imssa.program import Program, load_program
from imssa.program.files import file_in, read_bytes, write_atomically
from imssa.quantization.convert import convert

STEPS: Final = 2000
"""Time steps of one measured call."""

COSTS: Final = "costs.json"
"""Energy, latency and area of a run's program."""

ASSUMED_HERTZ: Final = 100.0
"""Time steps a second of sequences that have no time of their own, such as pixels."""

PROGRAM: Final = "program.safetensors"
UNTRAINED: Final = (
    "untrained: as training starts, calibrated and quantized; shapes, phases, conversions and widths are "
    "those of the trained network, the current through devices is not"
)

ENDS: Final = ("low", "typical", "high")
SHOWN: Final = {
    "Energy of a time step on the chip, nJ": ("chip", "step_joule", 1e9),
    "Energy of a time step on a digital chip in int8, nJ": ("digital", "step_joule", 1e9),
    "Energy of a time step on a digital chip, packed weights, nJ": ("packed", "step_joule", 1e9),
    "Time of a step on the chip, us": ("chip", "step_seconds", 1e6),
    "Area of the chip, mm2": ("chip", "area_square_metre", 1e6),
}
"""What a page shows: design, quantity and scale."""

RECORDINGS: Final = 16
"""How many are heard at most: line voltages are means over all their steps."""


@dataclass(frozen=True)
class CostAsked:
    """What is to be reckoned.

    Attributes:
        recordings: Format, folder and part of the recordings that drive the lines; None: assumed.
        rate_hertz: Time steps a second; None: as the program's front end makes them.
        model: The float network that is timed on this machine; None: the one beside the program.
        processor: Whether it is timed.
        settings: Of the periphery.
    """

    recordings: Asked | None = None
    rate_hertz: float | None = None
    model: Path | None = None
    processor: bool = True
    settings: Settings | None = None


@dataclass(frozen=True)
class Priced:
    """A program whose costs are asked for.

    Attributes:
        program: The program.
        path: Its file; None: it was compiled of an untrained network just now.
    """

    program: Program
    path: Path | None = None


def priced_at(place: str, root: Path | None = None) -> Priced:
    """The program of a file, of a run's folder, or of a recipe without training.

    Args:
        place: Path of a program or of a folder, name of a shipped recipe or path of one (``.toml``).
        root: Folder or file of a recipe's data, if another one than it names.

    Raises:
        FileFormatError: No program.
        RecipeError: No recipe.
        DataError: The recipe's data are not there: an untrained network is calibrated on them.
    """
    path = Path(place)
    if not path.is_dir() and (place in recipe_names() or path.suffix == ".toml"):
        changes = [] if root is None else [f"data.root={root}"]
        return Priced(untrained_program(load_recipe(place, changes)))
    path = file_in(path, PROGRAM)
    return Priced(load_program(path), path)


def untrained_program(recipe: Recipe) -> Program:
    """The program of a recipe's network as training starts: the same shapes, phases and widths."""
    recipe = recipe.model_copy(update={"auxiliary": AuxiliaryConfig()})  # it has learned nothing
    require_data(recipe)
    features, key = load_features(recipe), Key.root(recipe.seed).child("float", "start")
    part = features.split.train
    shape = ModelConfig(
        **recipe.model.model_dump(),
        n_features=part.n_features,
        n_classes=len(part.class_names),
    )
    model = S4DClassifier(shape, key.torch()).eval()
    once = recipe.quantized_training.model_copy(update={"epochs": 0})
    calibrated = recipe.model_copy(update={"quantized_training": once})
    network = convert(quantize(calibrated, model, features))
    return compile_network(network, recipe.chip, {}, recipe.layout)


def program_costs(priced: Priced, asked: CostAsked) -> CostReport:
    """Costs of a program.

    Raises:
        FileFormatError: No model where one is named.
        RecipeError: A rate that is none, or recordings that do not exist.
        DataError: Recordings that cannot be used.
    """
    program = priced.program
    settings = asked.settings or Settings()
    rate, told = _rate(program, asked.rate_hertz)
    found = cost_of(
        program,
        drives=None if asked.recordings is None else _heard(program, asked.recordings),
        rate_hertz=rate,
        settings=settings,
        processor=_timed(priced.path, asked, settings.constants) if asked.processor else None,
    )
    weights = {"weights": UNTRAINED} if priced.path is None else {}
    return replace(found, assumptions={"rate": told, **weights, **found.assumptions})


def _rate(program: Program, given: float | None) -> tuple[float, str]:
    """Time steps a second, and where they come from in words."""
    if given is not None:
        return given, f"{given:g} steps a second, as given"
    front_end = program.preparation.get("front_end") or {}
    hop = next(filter(None, (front_end.get(k) for k in ("hop_seconds", "bin_seconds"))), None)
    if hop:
        return 1.0 / hop, f"{1.0 / hop:g} steps a second, as the front end makes them"
    return ASSUMED_HERTZ, (
        f"{ASSUMED_HERTZ:g} steps a second, assumed: the sequences have no time of their own "
        "(--rate sets another); power, real time and idle power depend on it"
    )


def write_costs(folder: Folder, header: dict[str, Any]) -> None:
    """Writes what the recipe's program costs, beside the same network on a digital chip.

    The lines' voltages are assumed and nothing is timed, so that the file depends on the program alone.
    """
    asked = CostAsked(processor=False)
    costs = program_costs(priced_at(str(folder.root)), asked).to_dict()
    found = {**header, "costs": costs}
    write_atomically(folder.root / COSTS, json.dumps(found, indent=1).encode())


def read_costs(root: Path) -> dict[str, dict[str, dict[str, float]]] | None:
    """Costs of a run's folder, by quantity and part, for its page; None: there are none.

    Raises:
        FileFormatError: The file holds something else.
    """
    with _kept(root) as found:
        return found and {
            told: {
                part: {end: scale * float(ends[end]) for end in ENDS}
                for part, ends in found[design][quantity]["parts"].items()
            }
            for told, (design, quantity, scale) in SHOWN.items()
        }


def read_verdict(root: Path) -> tuple[str, ...]:
    """What the costs of a run's folder say, in sentences, for its page; none where there are none.

    Raises:
        FileFormatError: The file holds something else.
    """
    with _kept(root) as found:
        return tuple(str(sentence) for sentence in found["verdict"]) if found else ()


@contextmanager
def _kept(root: Path) -> Iterator[Any]:
    """What the file of costs holds; None: there is none."""
    path = root / COSTS
    try:
        yield json.loads(read_bytes(path))["costs"] if path.exists() else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileFormatError(
            given=str(path),
            rule="it holds no costs: by quantity and part, low, typical and high",
            remedy="Make the report again.",
        ) from error


def _heard(program: Program, asked: Asked) -> Drives:
    """Line voltages while the program hears evenly spread recordings."""
    data = program_data(program, asked)
    rows = np.unique(np.linspace(0, len(data) - 1, RECORDINGS).astype(int))
    bits = program.chip.converters.dac_bits
    inputs = quantized(data.features[rows], program.preparation["input_step"], bits)
    return measured_drives(program, inputs, data.lengths[rows])


def _timed(path: Path | None, asked: CostAsked, constants: Constants) -> ProcessorCost | None:
    """The float network's compiled step, fed with normal numbers: its time depends on no value."""
    beside = None if path is None else path.with_name("model.safetensors")
    given = asked.model or (beside if beside is not None and beside.is_file() else None)
    if given is None:
        return None
    model, _ = load_model(given)
    stream = ModelStream(model)
    features = np.random.default_rng(0).standard_normal((STEPS, model.config.n_features))
    return measure_processor(lambda: stream.push(features), STEPS, constants)
