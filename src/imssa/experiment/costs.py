"""Costs of a program's file, with what lies beside it: recordings for its drives, a model to time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
from imssa.experiment.evaluate import Asked, program_data
from imssa.kernels.codes import quantized
from imssa.models import ModelStream, load_model
from imssa.program import Program, load_program

STEPS: Final = 2000
"""Time steps of one measured call."""

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
