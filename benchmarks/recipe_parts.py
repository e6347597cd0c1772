"""One trained network of a recipe: what it answers in software; parts of a table, kept in their folder."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from imssa.data import SequenceDataset
from imssa.errors import RecipeError
from imssa.evaluation import accuracy, measure_resources, measure_size
from imssa.experiment.folder import Folder
from imssa.experiment.provenance import provenance
from imssa.experiment.recipe import Recipe
from imssa.experiment.run import Runner, StageProgress
from imssa.experiment.stages import (
    Features,
    check_network_against_chip,
    float_answers,
)
from imssa.models import S4DClassifier, load_model
from imssa.models.files import KIND as MODEL
from imssa.program.files import read_arrays, write_atomically
from imssa.quantization.convert import load_network
from imssa.quantization.network import QuantizedNetwork
from imssa.quantization.restore import restore
from imssa.training import read_log

COMPARED_ITEMS: Final = 20


def digest(*values: Any) -> str:
    """Name of what results were made with."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_of(folder: Path, part: str, settings: Any) -> Path:
    """Where a part's numbers are kept."""
    return folder / "parts" / f"{part}-{digest(settings)}.json"


def once(folder: Path, part: str, settings: Any, found: Callable[[], dict[str, Any]]) -> Any:
    """What a part has found: from its file where that is of the same settings, else anew.

    Args:
        folder: Of the recipe and seed.
        part: Its name.
        settings: All that the part's numbers depend on, besides the code.
        found: Finds it.
    """
    path = file_of(folder, part, settings)
    if path.exists():
        return json.loads(path.read_text())
    start = time.perf_counter()
    result = found()
    seconds, origin = time.perf_counter() - start, provenance(0)
    kept = {"commit": origin["commit"], "modified": origin["modified"], "seconds": seconds}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps({**result, "made": kept}).encode())
    return {**result, "made": kept}


def codes_answers(network: QuantizedNetwork, recipe: Recipe, part: SequenceDataset) -> Any:
    """Answers of an integer network, by the compiled forward of its training.

    That has the codes of the network, code for code, and takes a tenth of the time.
    """
    return float_answers(restore(network, recipe.chip).eval(), part)


def adopt(folder: Folder, kept: Path) -> None:
    """Puts networks that were kept by scripts/keep_network.py in a folder, in place of training them.

    Args:
        folder: Of a recipe and seed; networks that are there already stay.
        kept: The folder of the networks.

    Raises:
        RecipeError: They were trained by another recipe, wherever its data lay.
    """
    if folder.finished("quantize"):
        return
    header, _, _ = read_arrays(kept / folder.model.name, MODEL)
    own = folder.recipe.model_dump(mode="json", exclude_none=True)
    if _asked(header["recipe"]) != _asked(own):
        raise RecipeError(
            given=f"{kept} for {folder.recipe.name} with seed {folder.recipe.seed}",
            rule="its networks were trained by another recipe, or from another seed",
            remedy="Leave --networks out, and train.",
        )
    with folder.made():
        folder.begin()
        for stage in ("train", "quantize"):
            for path in (*folder.outputs(stage), *folder.logs(stage).values()):
                shutil.copyfile(kept / path.name, path)


def _asked(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without the places of its data, and without what is done after training."""
    sections = {name: value for name, value in recipe.items() if name != "evaluation"}
    for name in {"data", "auxiliary"} & sections.keys():
        sections[name] = {key: v for key, v in sections[name].items() if key != "root"}
    return sections


class Trained:
    """A recipe trained in its folder; what is there already is not trained again."""

    def __init__(self, folder: Folder, progress: StageProgress) -> None:
        self.folder = folder
        self.recipe = folder.recipe
        self._runner = Runner(folder, progress)
        for stage in ("train", "quantize", "compile"):
            if not folder.finished(stage):
                self._runner.stage(stage)
        self.network = load_network(folder.root / "quantized.safetensors")
        self.program = folder.program(self.recipe.quantization.realization)

    @cached_property
    def model(self) -> S4DClassifier:
        """The float network."""
        return load_model(self.folder.model)[0].eval()

    @property
    def root(self) -> Path:
        """The folder."""
        return self.folder.root

    @property
    def features(self) -> Features:
        """Features of all parts, and how they were made."""
        return self._runner.features

    @property
    def test(self) -> SequenceDataset:
        """The test part."""
        return self.features.split.test

    def minutes(self) -> dict[str, float]:
        """Minutes of the trainings' epochs, interrupted runs included."""
        logs = {"float": self.folder.logs("train"), "quantized": self.folder.logs("quantize")}
        return {
            name: sum(r["seconds"] for path in paths.values() for r in read_log(path)) / 60
            for name, paths in logs.items()
        }

    def told(self) -> dict[str, Any]:
        """Accuracy in software, size, time."""
        test, split = self.test, self.features.split
        some = test.subset(np.arange(min(COMPARED_ITEMS, len(test))))
        contract = check_network_against_chip(self.network, self.program, some)
        minutes = self.minutes()
        size = measure_size(self.model.config, self.network, self.program)
        codes = codes_answers(self.network, self.recipe, test)
        return {
            "accuracies": {
                "float": accuracy(float_answers(self.model, test), test.labels),
                "quantized": accuracy(codes, test.labels),
            },
            "test_items": len(test),
            "items": {
                name: len(part)
                for name, part in zip(("train", "validation", "test"), split.parts, strict=True)
            },
            "classes": len(test.class_names),
            "steps": {"longest": int(test.lengths.max()), "mean": float(test.lengths.mean())},
            "parameters": size.parameters,
            "quantized_bytes": size.quantized_bytes,
            "bits": self.recipe.quantization.bits.model_dump(),
            **measure_resources(self.program).model_dump(include={"arrays", "kernels"}),
            "phases": len(self.program.phases),
            "minutes": sum(minutes.values()),
            "minutes_by_training": minutes,
            "codes_compared": vars(contract),
        }
