"""Finished runs read from their folders, to be set side by side."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from imssa.errors import ImssaError, OutputError
from imssa.evaluation import load_report
from imssa.evaluation.comparison import PAIRED, Run
from imssa.experiment.costs import read_costs
from imssa.experiment.folder import SIMULATION
from imssa.experiment.recipe import Recipe
from imssa.program.files import read_arrays


def load_runs(folders: Sequence[Path]) -> list[Run]:
    """The runs of some folders, in this order.

    Raises:
        OutputError: Fewer than two, the same twice, or a folder without a finished run.
        FileFormatError: A damaged file.
    """
    places = [folder.resolve() for folder in folders]
    if len(places) < 2 or len(set(places)) < len(places):
        raise OutputError(
            given=", ".join(map(str, folders)) or "no folder",
            rule="a comparison takes at least two runs, each once",
            remedy="Name the folders of two or more runs: imssa compare out/a out/b",
        )
    for folder in folders:
        _require_finished(folder)
    return [_load(folder, label) for folder, label in zip(folders, _labels(folders), strict=True)]


def _require_finished(folder: Path) -> None:
    for name in ("report.json", "simulation.safetensors"):
        if not (folder / name).exists():
            raise OutputError(
                given=str(folder),
                rule=f"it holds no finished run ({name} is missing)",
                remedy=f"Name the --out of a run, or finish it: imssa run --out {folder}",
            )


def _labels(folders: Sequence[Path]) -> list[str]:
    """Names of the folders; their whole paths where two have the same name."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _resolved(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe with every key of this version, so that runs of an older one compare; or as it is."""
    try:
        return Recipe.model_validate(recipe).model_dump(mode="json", exclude_none=True)
    except (ValidationError, ImssaError):
        return recipe


def _load(folder: Path, label: str) -> Run:
    report = load_report(folder / "report.json")
    report = report.model_copy(update={"recipe": _resolved(report.recipe)})
    header, arrays, _ = read_arrays(folder / "simulation.safetensors", SIMULATION)
    labels = arrays["labels"]
    same = [header["names"], labels.tolist(), report.class_names, report.recipe["data"].get("kind")]
    correct: dict[str, np.ndarray] = {
        stage: np.atleast_2d(arrays[stage] == labels).astype(np.float64) for stage in PAIRED
    }
    items = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    return Run(label, report, correct, items, read_costs(folder))
