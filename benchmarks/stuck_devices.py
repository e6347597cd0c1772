"""Stuck devices: what they cost a chip, mapped blind and by the compiler that knows them.

    python benchmarks/stuck_devices.py [--recipe NAME] [--data DIR] [--run DIR] [--rates 0,0.02,0.1]
        [--high-share 0.5] [--chips N] [--errors stuck,all] [--folds N] [--json FILE] [--tiny]

The recipe's network is trained (or taken from the folder of an earlier run), then every chip instance
is scanned for its defects and compiled for, with the measures of the compiler added one by one:
``blind`` (no map), ``partner`` (the sound device of a pair answers for the stuck one), ``arranged``
(rows and columns moved and negated), ``compiled`` (what is still wrong repaired, modes switched off).
``whole`` is the same instance with no defect, mapped blind: ``loss`` is what the defects cost against
it, in points of accuracy, with its standard error over chips and recordings. ``stuck``: the chip has
no other error; ``all``: every error of its description. No retraining anywhere. Recordings are the
test part of the recipe's split; with ``--folds N`` those of the first N folds, each asked of a network
that never saw it and of chips of its own (instance i is a new chip in every fold).
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imssa.crossbar import SimulatedChip, simulate
from imssa.data import SequenceDataset
from imssa.deployment import scan
from imssa.evaluation import accuracy, crossed_estimate
from imssa.experiment.float_training import train
from imssa.experiment.provenance import provenance
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.stages import (
    float_answers,
    load_features,
    prepared_features,
    quantized_answers,
)
from imssa.hardware import ChipDescription
from imssa.hardware.defects import StuckDevices
from imssa.kernels.random import Key
from imssa.mapping import Measures, TailoredCompiler, compile_network
from imssa.mapping.layout import Layout
from imssa.models import load_model
from imssa.program import Program
from imssa.quantization.convert import convert, load_network
from imssa.quantization.network import QuantizedNetwork

STEPS = {
    "partner": Measures(arrange=False, repair=False),
    "arranged": Measures(repair=False),
    "compiled": Measures(),
}
TINY = ("float_training.epochs=1", "quantized_training.epochs=1")


@dataclass(frozen=True)
class Subject:
    """A trained network, the recordings it is asked, and what software answers."""

    network: QuantizedNetwork
    data: SequenceDataset
    software: Any

    @property
    def inputs(self) -> Any:
        """Input codes."""
        return self.network.input_codes(self.data.features)

    @property
    def quantized(self) -> Any:
        """Answers of the integer network."""
        return quantized_answers(self.network, self.data)


@dataclass
class Found:
    """What the chips of one row answer (step by step; chips, recordings), and what they lose."""

    answers: dict[str, Any] = field(default_factory=dict)
    lost_weights: dict[str, list[int]] = field(default_factory=dict)
    worst_error: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


def joined(folds: list[Found]) -> Found:
    """Folds side by side: other recordings, other chips."""
    whole = Found(seconds=[s for fold in folds for s in fold.seconds])
    for step in folds[0].answers:
        whole.answers[step] = np.concatenate([fold.answers[step] for fold in folds], axis=1)
    for step in STEPS:
        whole.lost_weights[step] = [n for fold in folds for n in fold.lost_weights[step]]
        whole.worst_error[step] = [e for fold in folds for e in fold.worst_error[step]]
    return whole


def subjects_of(recipe: Recipe, run: Path | None, folds: int) -> list[Subject]:
    """One network, or one a fold."""
    if run is not None:
        return [kept(recipe, run)]
    if not folds:
        return [trained(recipe)]
    found = []
    for fold in range(folds):
        data = recipe.data.model_copy(update={"split": "fold", "fold": fold})
        found.append(trained(recipe.model_copy(update={"data": data})))
    return found


def trained(recipe: Recipe) -> Subject:
    """Trains the recipe's networks."""
    features = load_features(recipe)
    model = train(recipe, features)
    network = convert(quantize(recipe, model, features))
    test = features.split.test
    return Subject(network, test, float_answers(model, test))


def kept(recipe: Recipe, folder: Path) -> Subject:
    """The networks of an earlier run of the recipe."""
    network = load_network(folder / "quantized.safetensors")
    model, _ = load_model(folder / "model.safetensors")
    test = prepared_features(recipe.data, network.preparation, "test", recipe.seed)
    return Subject(network, test, float_answers(model, test))


def measured(
    subject: Subject,
    scanned: ChipDescription,
    simulated: ChipDescription,
    layout: Layout,
    chips: int,
    key: Key,
) -> Found:
    """Answers of chip instances to every way of compiling.

    Args:
        subject: Network and recordings.
        scanned: Description with all its errors, whose defects are looked for.
        simulated: The same with the errors that count here.
        layout: How kernels share its arrays.
        chips: Instances.
        key: Of the study.
    """
    found, numbers = Found(), np.arange(chips)

    def answers(program: Program, chip: ChipDescription, instances: Any) -> Any:
        lengths = subject.data.lengths
        return simulate(program, chip, key, instances, subject.inputs, lengths).answers

    blind = compile_network(subject.network, scanned, {}, layout)
    sound = simulated.model_copy(update={"stuck": None})
    found.answers |= {step: np.zeros((chips, len(subject.data)), np.int64) for step in STEPS}
    found.answers["whole"] = answers(blind, sound, numbers)
    found.answers["blind"] = answers(blind, simulated, numbers)
    compiler = TailoredCompiler(subject.network, scanned, layout)
    for number in numbers:
        defects = scan(SimulatedChip(scanned, key, int(number)), scanned)
        for step, measures in STEPS.items():
            start = time.perf_counter()
            tailored = compiler.compile(defects, {}, measures)
            if step == "compiled":
                found.seconds.append(time.perf_counter() - start)
            told = answers(tailored.program, simulated, np.array([number]))
            found.answers[step][number] = told[0]
            found.lost_weights.setdefault(step, []).append(tailored.losses.lost_weights)
            found.worst_error.setdefault(step, []).append(tailored.losses.worst)
    return found


def row_of(found: Found, labels: Any, sizes: list[int]) -> dict[str, Any]:
    """Numbers of one row; ``min`` and ``worst_loss`` are of a chip on its own fold.

    Args:
        found: Answers and losses.
        labels: True classes of all recordings.
        sizes: Recordings of each fold.
    """

    def by_chip(values: Any) -> Any:
        folds = np.split(values, np.cumsum(sizes)[:-1], axis=1)
        return np.concatenate([fold.mean(axis=1) for fold in folds])

    right = {step: (told == labels).astype(float) for step, told in found.answers.items()}
    row: dict[str, Any] = {"compile_seconds": float(np.mean(found.seconds))}
    for step, correct in right.items():
        estimate, chips = crossed_estimate(correct), by_chip(correct)
        row[step] = {
            "mean": estimate.mean,
            "standard_error": estimate.standard_error,
            "min": float(chips.min()),
            "per_instance": chips.tolist(),
        }
        if step != "whole":
            loss = crossed_estimate(right["whole"] - correct)
            row[step] |= {
                "loss": 100 * loss.mean,
                "loss_standard_error": 100 * loss.standard_error,
                "worst_loss": 100 * float((by_chip(right["whole"]) - chips).max()),
            }
    for step in STEPS:
        row[step] |= {
            "lost_weights": float(np.mean(found.lost_weights[step])),
            "worst_predicted_error": max(found.worst_error[step]),
        }
    return row


def printed(row: dict[str, Any]) -> None:
    """One row of the table."""
    print(
        f"{row['rate']:.1%} stuck, errors: {row['errors']}, compiled in "
        f"{row['compile_seconds']:.3f} s a chip"
    )
    for step in ("whole", "blind", *STEPS):
        part = row[step]
        text = f"  {step:9} {part['mean']:8.2%} +- {part['standard_error']:.2%}"
        text += f"  worst {part['min']:8.2%}"
        if "loss" in part:
            text += f"  loss {part['loss']:6.2f} +- {part['loss_standard_error']:.2f} points"
        if "lost_weights" in part:
            text += f", {part['lost_weights']:.1f} weights lost"
        print(text, flush=True)


def asked_recipe(chosen: argparse.Namespace) -> Recipe:
    """The recipe of a benchmark's options: changed, with its data, small where that is asked."""
    changes = ["evaluation.compare=[]", *chosen.changes, *(TINY if chosen.tiny else ())]
    if chosen.data is not None:
        changes.append(f"data.root={json.dumps(chosen.data)}")
    return load_recipe(chosen.recipe, changes)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="zero-one")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--data", help="folder of the recordings, where they are not bundled")
    parser.add_argument("--run", type=Path, help="folder of an earlier run of the recipe")
    parser.add_argument("--rates", default="0,0.02,0.1")
    parser.add_argument("--high-share", type=float, default=0.5)
    parser.add_argument("--errors", default="stuck,all")
    parser.add_argument("--chips", type=int, default=100)
    parser.add_argument("--folds", type=int, default=0, choices=range(11), metavar="0..10")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="one epoch, two chips, 10 % stuck")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and writes JSON."""
    chosen = arguments()
    torch.set_num_threads(1)
    recipe = asked_recipe(chosen)
    start = time.perf_counter()
    subjects = subjects_of(recipe, chosen.run, chosen.folds)
    sizes = [len(s.data) for s in subjects]
    count = 2 if chosen.tiny else chosen.chips
    labels, key = np.concatenate([s.data.labels for s in subjects]), Key.root(recipe.seed)
    result: dict[str, Any] = {
        "benchmark": "stuck_devices",
        "recipe": recipe.model_dump(mode="json"),
        "recordings": len(labels),
        "chips": count,
        "high_share": chosen.high_share,
        "folds": chosen.folds,
        "software_accuracy": accuracy(np.concatenate([s.software for s in subjects]), labels),
        "quantized_accuracy": accuracy(np.concatenate([s.quantized for s in subjects]), labels),
        "rows": [],
    }
    print(
        f"{recipe.name}: {len(labels)} recordings, {result['chips']} chips, software "
        f"{result['software_accuracy']:.2%}, quantized {result['quantized_accuracy']:.2%}"
    )
    for rate in [0.1] if chosen.tiny else map(float, chosen.rates.split(",")):
        high = rate * chosen.high_share
        stuck = StuckDevices(high_rate=high, low_rate=rate - high)
        chip = recipe.chip.model_copy(update={"stuck": stuck})
        for errors in chosen.errors.split(","):
            simulated = chip.only("stuck") if errors == "stuck" else chip
            found = joined(
                [
                    measured(
                        subject, chip, simulated, recipe.layout, count, key.child("chip", number)
                    )
                    for number, subject in enumerate(subjects)
                ]
            )
            result["rows"].append({"rate": rate, "errors": errors, **row_of(found, labels, sizes)})
            printed(result["rows"][-1])
    result |= {"provenance": provenance(recipe.seed), "seconds": time.perf_counter() - start}
    result["machine"] = platform.processor() or platform.machine()
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
        print(f"{result['seconds']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
