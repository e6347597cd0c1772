"""Runs the stages of an experiment in its folder, each from the files of the one before."""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from imssa.data import SequenceDataset
from imssa.evaluation import save_pictures
from imssa.experiment.compiling import compile_for
from imssa.experiment.costs import write_costs
from imssa.experiment.design import require_chip, require_data
from imssa.experiment.float_training import train
from imssa.experiment.folder import FILES, LOGS, SIMULATION, STAGES, Folder
from imssa.experiment.pictures import draw_pictures
from imssa.experiment.places import locked
from imssa.experiment.provenance import provenance
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe
from imssa.experiment.results import write_results
from imssa.experiment.stages import (
    Comparison,
    Features,
    check_network_against_chip,
    check_training_against_network,
    float_answers,
    load_features,
    one_thread,
    quantized_answers,
    silent,
    waterfall_answers,
)
from imssa.experiment.tailoring import tailored_answers
from imssa.experiment.tracking import tracker_of
from imssa.kernels.random import Key
from imssa.models import load_model, save_model
from imssa.program import save_program
from imssa.program.files import write_arrays
from imssa.quantization.config import Realization
from imssa.quantization.convert import convert, load_network, save_network
from imssa.training import Progress
from imssa.training.distributed import join, leads, wait

StageProgress = Callable[[str], Progress]
"""Gives the progress of a stage by its name."""
Warn = Callable[[str], None]
"""Is told what makes results doubtful."""


def no_progress(_stage: str) -> Progress:
    """Shows nothing of any stage."""
    return silent


class Runner:
    """Runs stages in a folder.

    Args:
        folder: Recipe and files.
        progress: Gives each stage its progress.
        command: The command line that the user typed, for the report; None: one that does the same.
        warn: Told what makes results doubtful, before anything is trained.

    Raises:
        RecipeError: The environment names a tracker that is not known.
        MissingToolError: The tracker is not installed.
    """

    def __init__(
        self,
        folder: Folder,
        progress: StageProgress = no_progress,
        command: str | None = None,
        warn: Warn = lambda _: None,
    ) -> None:
        self.folder, self.progress, self.warn = folder, progress, warn
        self.command = command or shlex.join(["imssa", "run", "--out", str(folder.root)])
        self._features: Features | None = None
        self.tracker = tracker_of(folder.root) if leads() else None

    def followed(self, progress: Progress, stage: str, realization: str) -> Progress:
        """The progress of a training, of which the tracker is told too if there is one."""
        if self.tracker is None:
            return progress
        return self.tracker.following(realization, self.folder.log(stage, realization), progress)

    def run(self) -> None:
        """Runs every stage that is not finished; where another recipe's results lie, that is all."""
        begun = self.folder.begun
        for stage in STAGES:
            if not (begun and self.folder.finished(stage)):
                self.stage(stage)

    def stage(self, stage: str) -> None:
        """Runs one stage, again if it is finished; later ones are then to be run anew.

        Raises:
            OutputError: An earlier stage is not finished, or another process is at work here.
            DesignRuleError: The chip is too small for the network.
        """
        require_data(self.recipe)
        require_chip(self.recipe)
        join()
        if leads():
            self._lead(stage)
        else:
            self._follow(stage)
        wait()

    def _lead(self, stage: str) -> None:
        """Runs a stage in the folder, alone or as the first of several processes."""
        start = time.perf_counter()
        if stage == STAGES[0] and not self.folder.begun:
            with self.folder.made(), one_thread():
                self.read()
            self.folder.begin()
        before = time.perf_counter() - start
        with locked(self.folder.work):
            self.folder.sweep()
            self.folder.require(stage)
            number = STAGES.index(stage)
            self.folder.forget(STAGES[number if self.folder.finished(stage) else number + 1 :])
            wait()
            with self.folder.timed(stage, before), one_thread():
                _RUN[stage](self)

    def _follow(self, stage: str) -> None:
        """Helps the first process with what is trained; writes nothing."""
        wait()
        if stage in LOGS:
            with one_thread():
                _RUN[stage](self)

    @property
    def features(self) -> Features:
        """Features of the recipe, read once."""
        return self._features or self.read()

    def read(self) -> Features:
        """Reads the data of the recipe; warns of what makes results on them doubtful."""
        self._features = load_features(self.recipe, self.folder.work if leads() else None)
        for warning in self._features.warnings:
            self.warn(warning)
        return self._features

    @property
    def parts(self) -> list[SequenceDataset]:
        """Training, validation and test part, as far as they hold anything."""
        return [part for part in self.features.split.parts if len(part)]

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

    def missing(self, stage: str) -> list[tuple[Realization, Path, Progress]]:
        """Realizations whose files of a stage are missing, where they go, and their progress."""
        places = [(r, self.folder.of(r)) for r in self.folder.realizations]
        return [
            (realization, place, self.progress(f"{stage} ({realization})"))
            for realization, place in places
            if not all((place / name).exists() for name in FILES[stage])
        ]


def _train(run: Runner) -> None:
    checkpoint = run.folder.checkpoint("train", "float")
    log = run.folder.log("train", "float")
    progress = run.followed(run.progress("train"), "train", "float")
    model = train(run.recipe, run.features, progress, checkpoint, log)
    if not leads():
        return
    header = {
        **run.header(),
        "preparation": run.features.preparation,
        "class_names": list(run.features.split.train.class_names),
        "warnings": list(run.features.warnings),
    }
    save_model(model, run.folder.model, header)
    for path in run.folder.work.glob("train-*.checkpoint"):
        path.unlink()


def _quantize(run: Runner) -> None:
    model, _ = load_model(run.folder.model)
    for realization, place, progress in run.missing("quantize"):
        recipe = run.recipe.with_realization(realization)
        checkpoint = run.folder.checkpoint("quantize", realization)
        log = run.folder.log("quantize", realization)
        followed = run.followed(progress, "quantize", realization)
        prepared = quantize(recipe, model, run.features, followed, checkpoint, log)
        if not leads():
            continue
        network = convert(prepared)
        compared = [check_training_against_network(prepared, network, p) for p in run.parts]
        contract = sum(compared, Comparison(0, 0))
        header = {**run.header(), "contract": vars(contract)}
        save_network(network, place / "quantized.safetensors", header)
        checkpoint.unlink(missing_ok=True)  # none without training


def _compile(run: Runner) -> None:
    for _, place, progress in run.missing("compile"):
        network = load_network(place / "quantized.safetensors")
        program = compile_for(network, run.recipe.chip, run.header(), run.recipe.layout)
        save_program(program, place / "program.safetensors")
        progress(1, 1, f"{len(program.arrays)} arrays, {len(program.phases)} MVMs a step")


def _simulate(run: Runner) -> None:
    model, _ = load_model(run.folder.model)
    test, key = run.features.split.test, Key.root(run.recipe.seed).child("chip")
    instances = run.recipe.evaluation.chip_instances
    for realization, place, progress in run.missing("simulate"):
        network = load_network(place / "quantized.safetensors")
        program = run.folder.program(realization)
        inputs = network.input_codes(test.features)
        answers = waterfall_answers(program, program.chip, key, instances, test, inputs, progress)
        parts = run.features.split.train, test
        answers |= tailored_answers(network, run.recipe, key, parts, progress)
        answers["software"] = float_answers(model, test)
        answers["quantized"] = quantized_answers(network, test)
        compared = [check_network_against_chip(network, program, part) for part in run.parts]
        contract = sum(compared, Comparison(0, 0))
        pictures = draw_pictures(model, network, program, key, test, realization)
        save_pictures(pictures, place / "pictures.safetensors")
        header = {**run.header(), "contract": vars(contract), "names": list(test.names)}
        arrays = {stage: np.asarray(a, np.int64) for stage, a in answers.items()}
        arrays["labels"] = np.array(test.labels)
        write_arrays(place / "simulation.safetensors", SIMULATION, header, arrays)


def _report(run: Runner) -> None:
    header = {**run.header(), "command": run.command}
    write_costs(run.folder, run.header())
    report = write_results(run.folder, header, SIMULATION)
    if run.tracker is not None:
        run.tracker.finals(report)
    run.progress("report")(1, 1, "report.json, report.html, costs.json")


_RUN: Final[dict[str, Callable[[Runner], None]]] = {
    "train": _train,
    "quantize": _quantize,
    "compile": _compile,
    "simulate": _simulate,
    "report": _report,
}
