"""Runs the stages of an experiment in its folder, each from the files of the one before."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from imssa.evaluation import save_pictures
from imssa.experiment.folder import STAGES, Folder
from imssa.experiment.pictures import draw_pictures
from imssa.experiment.provenance import provenance
from imssa.experiment.recipe import Recipe
from imssa.experiment.results import write_results
from imssa.experiment.stages import (
    Comparison,
    Features,
    Progress,
    check_network_against_chip,
    check_training_against_network,
    float_answers,
    load_features,
    quantize,
    quantized_answers,
    train,
    waterfall_answers,
)
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.models import load_model, save_model
from imssa.program import load_program, save_program
from imssa.program.files import write_arrays
from imssa.quantization.convert import convert, load_network, save_network

SIMULATION: Final = "imssa.simulation"
StageProgress = Callable[[str], Progress]
"""Gives the progress of a stage by its name."""


class Runner:
    """Runs stages in a folder.

    Args:
        folder: Recipe and files.
        progress: Gives each stage its progress.
    """

    def __init__(self, folder: Folder, progress: StageProgress) -> None:
        self.folder, self.progress = folder, progress
        self._features: Features | None = None

    def run(self) -> None:
        """Runs every stage that is not finished."""
        for stage in STAGES:
            if not self.folder.finished(stage):
                self.stage(stage)

    def stage(self, stage: str) -> None:
        """Runs one stage, again if it is finished; later ones are then to be run anew.

        Raises:
            OutputError: An earlier stage is not finished.
        """
        self.folder.require(stage)
        number = STAGES.index(stage)
        self.folder.forget(STAGES[number if self.folder.finished(stage) else number + 1 :])
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # small products: more threads are slower, and numbers may differ
        try:
            with self.folder.timed(stage):
                _RUN[stage](self)
        finally:
            torch.set_num_threads(threads)

    @property
    def features(self) -> Features:
        """Features of the recipe, read once."""
        if self._features is None:
            self._features = load_features(self.recipe, self.folder.work)
        return self._features

    @property
    def recipe(self) -> Recipe:
        """The folder's recipe."""
        return self.folder.recipe

    def header(self) -> dict[str, Any]:
        """What every result file carries."""
        return {
            "recipe": self.recipe.model_dump(mode="json", exclude_none=True),
            "provenance": provenance(self.recipe.seed),
        }

    def realizations(self, stage: str) -> list[tuple[str, Path]]:
        """Realizations whose files of a stage are missing, and where they go."""
        folder = self.folder
        missing = []
        for realization in folder.realizations:
            own = [p for p in folder.outputs(stage) if p.parent == folder.of(realization)]
            if not all(p.exists() for p in own):
                missing.append((realization, folder.of(realization)))
        return missing


def _train(run: Runner) -> None:
    checkpoint = run.folder.checkpoint("train", "float")
    model = train(run.recipe, run.features, run.progress("train"), checkpoint)
    split = run.features.split
    header = {
        **run.header(),
        "preparation": run.features.preparation,
        "class_names": list(split.train.class_names),
    }
    save_model(model, run.folder.model, header)
    checkpoint.unlink()


def _quantize(run: Runner) -> None:
    model, _ = load_model(run.folder.model)
    for realization, place in run.realizations("quantize"):
        recipe = run.recipe.with_realization(realization)
        checkpoint = run.folder.checkpoint("quantize", realization)
        progress = run.progress(f"quantize ({realization})")
        prepared = quantize(recipe, model, run.features, progress, checkpoint)
        network = convert(prepared)
        parts = [part for part in run.features.split.parts if len(part)]
        compared = [check_training_against_network(prepared, network, part) for part in parts]
        contract = sum(compared, Comparison(0, 0))
        header = {**run.header(), "contract": vars(contract)}
        save_network(network, place / "quantized.safetensors", header)
        checkpoint.unlink()


def _compile(run: Runner) -> None:
    for _, place in run.realizations("compile"):
        network = load_network(place / "quantized.safetensors")
        program = compile_network(network, run.recipe.chip, run.header())
        save_program(program, place / "program.safetensors")


def _simulate(run: Runner) -> None:
    model, _ = load_model(run.folder.model)
    split, key = run.features.split, Key.root(run.recipe.seed).child("chip")
    for realization, place in run.realizations("simulate"):
        network = load_network(place / "quantized.safetensors")
        program = load_program(place / "program.safetensors")
        inputs = network.input_codes(split.test.features)
        instances = run.recipe.evaluation.chip_instances
        answers = waterfall_answers(
            program,
            program.chip,
            key,
            instances,
            split.test,
            inputs,
            run.progress(f"simulate ({realization})"),
        )
        answers["software"] = float_answers(model, split.test)
        answers["quantized"] = quantized_answers(network, split.test)
        parts = [part for part in split.parts if len(part)]
        compared = [check_network_against_chip(network, program, part) for part in parts]
        contract = sum(compared, Comparison(0, 0))
        pictures = draw_pictures(model, network, program, key, split.test, realization)
        save_pictures(pictures, place / "pictures.safetensors")
        header = {**run.header(), "contract": vars(contract), "names": list(split.test.names)}
        arrays = {stage: np.asarray(a, np.int64) for stage, a in answers.items()}
        arrays["labels"] = np.array(split.test.labels)
        write_arrays(place / "simulation.safetensors", SIMULATION, header, arrays)


def _report(run: Runner) -> None:
    write_results(run.folder, run.header(), SIMULATION)


_RUN: Final[dict[str, Callable[[Runner], None]]] = {
    "train": _train,
    "quantize": _quantize,
    "compile": _compile,
    "simulate": _simulate,
    "report": _report,
}
