"""Targets for wires: how much of what resistance takes the compiler gives back.

    python benchmarks/wire_targets.py [--recipe NAME] [--data DIR] [--run DIR] [--sizes 64,128]
        [--ohms 1,2,5] [--chips N] [--json FILE] [--tiny]

The network is compiled for square arrays whose lines have so many ohm a segment. ``weights``: the
relative error (2-norm, mean over arrays) of the weights in the transfer matrix: ``by_codes`` when
devices are set as the codes say, ``by_gains`` when the best gain of each pair is made up for
digitally, ``by_targets`` with targets made for the wires. Accuracies on the test part: ``codes``,
``targets`` (digital multipliers as they were) and ``wired`` (they make up for each pair's share), with
wires and never-written cells as the only errors, and (``programmed``) with programming error too.
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
from stuck_devices import Subject, asked_recipe, kept, trained

from imssa.crossbar import simulate
from imssa.evaluation import accuracy, crossed_estimate
from imssa.experiment.provenance import provenance
from imssa.hardware import ChipDescription
from imssa.hardware.description import Arrays
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.mapping.layout import kernels_per_array
from imssa.mapping.rules import layer_shapes
from imssa.mapping.wire_targets import for_wires
from imssa.program import Program


def wired_chip(chip: ChipDescription, size: int, ohm: float, subject: Subject) -> ChipDescription:
    """The chip with other wires, and as many arrays of a size as the network needs."""
    square = Arrays(count=1, word_lines=size, bit_lines=size)
    wires = WireSettings(word_line_resistance_ohm=ohm, bit_line_resistance_ohm=ohm)
    chip = chip.model_copy(update={"arrays": square, "wires": wires})
    shapes = layer_shapes(subject.network)
    count = sum(-(-kernels // kernels_per_array(lines, chip)) for kernels, lines in shapes)
    return chip.model_copy(update={"arrays": square.model_copy(update={"count": count})})


def told(subject: Subject, program: Program, chip: ChipDescription, chips: int) -> dict[str, float]:
    """Accuracy of chip instances, and what they lose against the integer network, in points."""
    labels, key = subject.data.labels, Key.root(0).child("chip")
    lengths, numbers = subject.data.lengths, np.arange(chips)
    answers = simulate(program, chip, key, numbers, subject.inputs, lengths).answers
    right = (answers == labels).astype(float)
    network = (subject.quantized == labels).astype(float)
    estimate, loss = crossed_estimate(right), crossed_estimate(network - right)
    return {
        "mean": estimate.mean,
        "standard_error": estimate.standard_error,
        "min": float(right.mean(axis=1).min()),
        "loss": 100 * loss.mean,
        "loss_standard_error": 100 * loss.standard_error,
        "answers_as_network": float((answers == subject.quantized).mean()),
    }


def row_of(subject: Subject, chip: ChipDescription, chips: int) -> dict[str, Any]:
    """One size and resistance."""
    plain = compile_network(subject.network, chip, {})
    start = time.perf_counter()
    wired = for_wires(plain)
    seconds = time.perf_counter() - start
    targets = for_wires(plain, compensated=False)
    programs = {"codes": plain, "targets": targets.program, "wired": wired.program}
    still = chip.only("wires", "off_state")
    written = chip.only("wires", "off_state", "programming")
    names = {"by_codes": "before", "by_gains": "gained", "by_targets": "after"}
    return {
        "arrays": len(plain.arrays),
        "seconds": seconds,
        "weights": {
            ours: float(np.mean([getattr(array, name) for array in wired.arrays]))
            for ours, name in names.items()
        },
        "least_share": float(min(array.shares.min() for array in wired.arrays)),
        "mean_share": float(np.mean([array.shares.mean() for array in wired.arrays])),
        "still": {name: told(subject, p, still, 1) for name, p in programs.items()},
        "programmed": {name: told(subject, p, written, chips) for name, p in programs.items()},
    }


def printed(row: dict[str, Any]) -> None:
    """One row of the table."""
    weights = ", ".join(f"{name} {error:.2%}" for name, error in row["weights"].items())
    print(
        f"{row['size']}x{row['size']}, {row['ohm']:g} ohm: weights {weights}; shares from "
        f"{row['least_share']:.2f}, mean {row['mean_share']:.2f}; {row['seconds']:.1f} s"
    )
    for errors in ("still", "programmed"):
        for name, part in row[errors].items():
            print(
                f"  {errors:10} {name:8} {part['mean']:8.2%} +- {part['standard_error']:.2%}  loss "
                f"{part['loss']:6.2f} +- {part['loss_standard_error']:.2f}  answers as the network "
                f"{part['answers_as_network']:.2%}"
            )
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="zero-one")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--data", help="folder of the recordings, where they are not bundled")
    parser.add_argument("--run", type=Path, help="folder of an earlier run of the recipe")
    parser.add_argument("--sizes", default="64,128")
    parser.add_argument("--ohms", default="1,2,5")
    parser.add_argument("--chips", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="one epoch, two chips, one array size")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and writes JSON."""
    chosen = arguments()
    torch.set_num_threads(1)
    recipe, start = asked_recipe(chosen), time.perf_counter()
    subject = trained(recipe) if chosen.run is None else kept(recipe, chosen.run)
    sizes, ohms = ("32", "5") if chosen.tiny else (chosen.sizes, chosen.ohms)
    result: dict[str, Any] = {
        "benchmark": "wire_targets",
        "recipe": recipe.model_dump(mode="json"),
        "recordings": len(subject.data),
        "chips": 2 if chosen.tiny else chosen.chips,
        "quantized_accuracy": accuracy(subject.quantized, subject.data.labels),
        "rows": [],
    }
    for size in map(int, sizes.split(",")):
        for ohm in map(float, ohms.split(",")):
            chip = wired_chip(recipe.chip, size, ohm, subject)
            found = row_of(subject, chip, result["chips"])
            result["rows"].append({"size": size, "ohm": ohm, **found})
            printed(result["rows"][-1])
    result |= {"provenance": provenance(recipe.seed), "seconds": time.perf_counter() - start}
    result["machine"] = platform.processor() or platform.machine()
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
        print(f"{result['seconds']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
