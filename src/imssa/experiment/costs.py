"""Costs of a program's file, with what lies beside it: recordings for its drives, a model to time."""

import json
from dataclasses import dataclass
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
from imssa.experiment.evaluate import Asked, program_data
from imssa.experiment.folder import Folder
from imssa.kernels.codes import quantized
from imssa.models import ModelStream, load_model
from imssa.program import Program, load_program
from imssa.program.files import read_bytes, write_atomically

STEPS: Final = 2000
"""Time steps of one measured call."""

COSTS: Final = "costs.json"
"""Energy, latency and area of a run's program."""

ASSUMED_HERTZ: Final = 100.0
"""Time steps a second of sequences that have no time of their own, such as pixels."""

ENDS: Final = ("low", "typical", "high")
SHOWN: Final = {
    "Energy of a time step on the chip, nJ": ("chip", "step_joule", 1e9),
    "Energy of a time step on a digital chip in int8, nJ": ("digital", "step_joule", 1e9),
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


def program_costs(path: Path, asked: CostAsked) -> CostReport:
    """Costs of a program's file.

    Raises:
        FileFormatError: No program, or no model where one is named.
        RecipeError: No rate, or recordings that do not exist.
        DataError: Recordings that cannot be used.
    """
    program = load_program(path)
    settings = asked.settings or Settings()
    return cost_of(
        program,
        drives=None if asked.recordings is None else _heard(program, asked.recordings),
        rate_hertz=asked.rate_hertz,
        settings=settings,
        processor=_timed(path, asked, settings.constants) if asked.processor else None,
    )


def write_costs(folder: Folder, header: dict[str, Any]) -> None:
    """Writes what the recipe's program costs, beside the same network on a digital chip.

    The lines' voltages are assumed and nothing is timed, so that the file depends on the program alone.
    """
    path = folder.root / "program.safetensors"
    front_end = load_program(path).preparation["front_end"]
    timed = any(front_end.get(key) for key in ("hop_seconds", "bin_seconds"))
    asked = CostAsked(rate_hertz=None if timed else ASSUMED_HERTZ, processor=False)
    found = {**header, "costs": program_costs(path, asked).to_dict()}
    write_atomically(folder.root / COSTS, json.dumps(found, indent=1).encode())


def read_costs(root: Path) -> dict[str, dict[str, dict[str, float]]] | None:
    """Costs of a run's folder, by quantity and part, for its page; None: there are none.

    Raises:
        FileFormatError: The file holds something else.
    """
    path = root / COSTS
    if not path.exists():
        return None
    try:
        found = json.loads(read_bytes(path))["costs"]
        return {
            told: {
                part: {end: scale * float(ends[end]) for end in ENDS}
                for part, ends in found[design][quantity]["parts"].items()
            }
            for told, (design, quantity, scale) in SHOWN.items()
        }
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


def _timed(path: Path, asked: CostAsked, constants: Constants) -> ProcessorCost | None:
    """The float network's compiled step, fed with normal numbers: its time depends on no value."""
    beside = path.with_name("model.safetensors")
    given = asked.model or (beside if beside.is_file() else None)
    if given is None:
        return None
    model, _ = load_model(given)
    stream = ModelStream(model)
    features = np.random.default_rng(0).standard_normal((STEPS, model.config.n_features))
    return measure_processor(lambda: stream.push(features), STEPS, constants)
