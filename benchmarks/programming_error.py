"""Programming error against bits and realization: what the compiled chip answers.

    python benchmarks/programming_error.py --data DIR [--recipe spoken-digits] [--realizations leaky,direct,incremental]
        [--bits 2,3,4,8] [--errors 0,0.026,0.05,0.1] [--stuck 0.02] [--chips 20] [--json FILE] [--tiny]

The recipe's float network is trained once; for every realization and width of the kernels' weights
(A, B, C and D alike) a network is trained in codes from it, and asked on chip instances whose devices
miss their targets by each of the errors given (a standard deviation, as a share of the device window)
and of which some are stuck, half high and half low. Each instance is scanned and compiled for. Only
these two errors are on: read noise and wires are not. The networks are trained with the error of the
recipe's chip, not with the one that they are asked under. Recordings are the recipe's test part.
A file that exists already is gone on with: what it holds is not computed again.
"""

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stuck_devices import asked_recipe

from imssa.crossbar import SimulatedChip, simulate
from imssa.data import SequenceDataset
from imssa.deployment import scan
from imssa.evaluation import accuracy, crossed_estimate
from imssa.experiment.float_training import train
from imssa.experiment.provenance import provenance
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import float_answers, load_features, quantized_answers
from imssa.hardware import ChipDescription
from imssa.hardware.defects import StuckDevices
from imssa.hardware.statistical import GaussianProgramming
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler
from imssa.quantization.convert import convert
from imssa.quantization.network import QuantizedNetwork


def disturbed(chip: ChipDescription, error: float, stuck: float) -> ChipDescription:
    """The chip with programming error and stuck devices alone.

    Args:
        chip: The recipe's.
        error: Standard deviation of a written device, as a share of the window.
        stuck: Share of stuck devices.
    """
    defects = StuckDevices(high_rate=stuck / 2, low_rate=stuck / 2) if stuck else None
    law = GaussianProgramming(sigma_siemens=error * chip.window_siemens) if error else None
    return chip.only().model_copy(update={"programming": law, "stuck": defects})


def asked(
    network: QuantizedNetwork, data: SequenceDataset, chip: ChipDescription, chips: int, key: Key
) -> dict[str, Any]:
    """Accuracy of chip instances, each compiled for."""
    compiler, inputs = TailoredCompiler(network, chip), network.input_codes(data.features)
    right = np.zeros((chips, len(data)))
    for number in range(chips):
        defects = scan(SimulatedChip(chip, key, number), chip)
        program = compiler.compile(defects, {}).program
        told = simulate(program, chip, key, np.array([number]), inputs, data.lengths).answers
        right[number] = told[0] == data.labels
    estimate, per_chip = crossed_estimate(right), right.mean(1)
    return {
        "mean": estimate.mean,
        "standard_error": estimate.standard_error,
        "min": float(per_chip.min()),
        "per_instance": per_chip.tolist(),
    }


def with_bits(recipe: Recipe, realization: str, bits: int) -> Recipe:
    """The recipe with another realization and another width of the kernels' weights."""
    widths = recipe.quantization.bits.model_copy(update=dict.fromkeys("ABCD", bits))
    changes = {"realization": realization, "bits": widths}
    return recipe.model_copy(
        update={"quantization": recipe.quantization.model_copy(update=changes)}
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="spoken-digits")
    parser.add_argument("--data", help="folder of the recordings, where they are not bundled")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--realizations", default="leaky,direct,incremental")
    parser.add_argument("--bits", default="2,3,4,8")
    parser.add_argument("--errors", default="0,0.026,0.05,0.1")
    parser.add_argument("--stuck", type=float, default=0.02)
    parser.add_argument("--chips", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="one epoch, two chips, two cells")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and writes JSON after every network."""
    chosen = arguments()
    torch.set_num_threads(1)
    if chosen.tiny:
        chosen.realizations, chosen.bits, chosen.errors, chosen.chips = "leaky", "2,4", "0.05", 2
    recipe = asked_recipe(chosen)
    features, key = load_features(recipe), Key.root(recipe.seed).child("chip")
    test, errors = features.split.test, [float(error) for error in chosen.errors.split(",")]
    found: dict[str, Any] = {
        "benchmark": "programming_error",
        "recipe": recipe.model_dump(mode="json"),
        "stuck": chosen.stuck,
        "chips": chosen.chips,
        "rows": [],
    }
    if chosen.json is not None and chosen.json.is_file():
        found = json.loads(chosen.json.read_text())
    model = train(recipe, features)
    found["software_accuracy"] = accuracy(float_answers(model, test), test.labels)
    for realization, bits in itertools.product(
        chosen.realizations.split(","), map(int, chosen.bits.split(","))
    ):
        if any((r["realization"], r["bits"]) == (realization, bits) for r in found["rows"]):
            continue
        start, own = time.perf_counter(), with_bits(recipe, realization, bits)
        network = convert(quantize(own, model, features))
        row: dict[str, Any] = {
            "realization": realization,
            "bits": bits,
            "quantized_accuracy": accuracy(quantized_answers(network, test), test.labels),
            "training_seconds": time.perf_counter() - start,
            "by_error": {
                str(error): asked(
                    network, test, disturbed(recipe.chip, error, chosen.stuck), chosen.chips, key
                )
                for error in errors
            },
        }
        found["rows"].append(row)
        cells = "  ".join(
            f"{100 * error:g}%: {part['mean']:.2%} +- {part['standard_error']:.2%}"
            for error, part in zip(errors, row["by_error"].values(), strict=True)
        )
        print(f"{realization:11} {bits} bits  {row['quantized_accuracy']:.2%}  {cells}", flush=True)
        found["provenance"] = provenance(recipe.seed)
        if chosen.json is not None:
            partial = chosen.json.with_name(chosen.json.name + ".partial")
            partial.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
            partial.replace(chosen.json)
    print(f"software {found['software_accuracy']:.2%}", file=sys.stderr)


if __name__ == "__main__":
    main()
