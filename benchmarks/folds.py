"""Ten folds of the recording index: every recording tested once, by a network that never saw it.

    python benchmarks/folds.py [--recipe NAME] [--set KEY=VALUE]... [--json FILE] [--tiny]

Official test parts are small (one file of 60 is 1.7 points), so headline accuracies are given over
ten folds: fold f tests takes 5 f to 5 f + 4, training and model selection see the others only. For
each realization of the recipe: accuracy of software, quantized network, ideal chip and chip
instances, and the paired loss between software and chip, with standard errors over recordings and
chips. Chip instance i is a new chip in every fold, so ``chip`` lists folds times instances, each
measured on its fold's recordings. ``loss_by_fold`` has a standard error over folds, which contains
that of training; the one over recordings and chips does not.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imssa.evaluation import STAGES, paired_loss, waterfall
from imssa.experiment.float_training import train
from imssa.experiment.provenance import provenance
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.experiment.stages import (
    float_answers,
    load_features,
    quantized_answers,
    waterfall_answers,
)
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.quantization.convert import convert

FOLDS = 10
TINY = (
    "float_training.epochs=1",
    "quantized_training.epochs=1",
    "evaluation.chip_instances=2",
    "evaluation.compare=[]",
)


def run_fold(recipe: Recipe, fold: int) -> tuple[dict[str, Any], Any]:
    """Answers of every realization and stage on the fold's test part, and its labels."""
    data = recipe.data.model_copy(update={"split": "fold", "fold": fold})
    recipe = recipe.model_copy(update={"data": data})
    features = load_features(recipe)
    test = features.split.test
    model = train(recipe, features)
    found = {}
    for realization in (recipe.quantization.realization, *recipe.evaluation.compare):
        own = recipe.with_realization(realization)
        network = convert(quantize(own, model, features))
        program = compile_network(network, recipe.chip, {})
        inputs, count = network.input_codes(test.features), recipe.evaluation.chip_instances
        key = Key.root(recipe.seed).child("chip", fold)
        answers = waterfall_answers(program, program.chip, key, count, test, inputs)
        answers |= {"software": float_answers(model, test)}
        answers |= {"quantized": quantized_answers(network, test)}
        found[realization] = answers
    return found, test.labels


def summary(folds: list[dict[str, Any]], labels: list[Any]) -> dict[str, Any]:
    """Numbers of one realization over all folds."""
    truth = np.concatenate(labels)
    joined = {s: np.concatenate([f[s] for f in folds], axis=-1) for s in STAGES}
    rows = waterfall({s: a[0] if s == "ideal_chip" else a for s, a in joined.items()}, truth)
    chips = np.concatenate(
        [(f["all"] == own).mean(axis=1) for f, own in zip(folds, labels, strict=True)]
    )
    losses = [
        paired_loss(f["software"], f["all"], own).mean for f, own in zip(folds, labels, strict=True)
    ]
    return {
        "waterfall": [row.model_dump(mode="json") for row in rows],
        "chip": {
            "mean": float(chips.mean()),
            "std": float(chips.std(ddof=1)),
            "min": float(chips.min()),
            "max": float(chips.max()),
            "per_instance": chips.tolist(),
        },
        "loss": paired_loss(joined["software"], joined["all"], truth).model_dump(mode="json"),
        "loss_by_fold": {
            "per_fold": losses,
            "mean": float(np.mean(losses)),
            "standard_error": float(np.std(losses, ddof=1) / np.sqrt(len(losses))),
        },
    }


def main() -> None:
    """Runs the folds, prints a table and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="zero-one")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="two folds, one epoch, two chips")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe(chosen.recipe, [*chosen.changes, *(TINY if chosen.tiny else ())])
    start, folds, labels = time.perf_counter(), [], []
    for fold in range(2 if chosen.tiny else FOLDS):
        found, truth = run_fold(recipe, fold)
        folds.append(found)
        labels.append(truth)
        print(f"fold {fold}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    result = {
        "benchmark": "folds",
        "recipe": recipe.model_dump(mode="json"),
        "recordings": sum(map(len, labels)),
        "chip_instances": recipe.evaluation.chip_instances,
        "realizations": {name: summary([f[name] for f in folds], labels) for name in folds[0]},
        "provenance": provenance(recipe.seed),
        "machine": platform.processor() or platform.machine(),
        "seconds": time.perf_counter() - start,
    }
    for name, part in result["realizations"].items():
        print(f"{recipe.name}, {name}, {result['recordings']} recordings, each tested once")
        for row in part["waterfall"]:
            print(f"  {row['stage']:18} {row['accuracy']:8.2%} +- {row['standard_error']:.2%}")
        print(f"  worst chip on its fold {part['chip']['min']:.2%}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
