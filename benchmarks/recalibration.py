"""Recalibration: what a written chip loses to all its errors, and how much of it comes back.

    python benchmarks/recalibration.py [--recipe NAME] [--data DIR] [--run DIR] [--chips N]
        [--per-class N] [--conditions described,double,fourfold,wires] [--json FILE] [--tiny]

Every chip instance is scanned, compiled for and written with all errors of its description (2 % stuck
devices, programming error, read noise, wires), then read back and trimmed, then recalibrated on
training recordings. Steps: ``written`` (as compiled), ``trimmed`` (cells that harm their kernels
written again, modes that do not decay switched off), ``read-out`` (gains of updates and outputs, and the decoder, set anew) and
``recalibrated`` (the mixing too). Conditions: ``described`` is the chip as it is described,
``double`` and ``fourfold`` have two and four times its programming error, ``wires`` 5 ohm a segment
in place of 1. Losses are in points of accuracy against the integer network on the same recordings,
with their standard error over chips and recordings; test recordings are never calibrated on.
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

from imssa.crossbar import ProgrammedChips, SimulatedChip, simulate
from imssa.data import SequenceDataset
from imssa.deployment import Calibration, Parts, deploy, recalibrate, trim
from imssa.evaluation import accuracy, crossed_estimate
from imssa.experiment.provenance import provenance
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import prepared_features
from imssa.hardware import ChipDescription
from imssa.hardware.statistical import GaussianProgramming
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.mapping import TailoredCompiler, compile_network
from imssa.mapping.layout import Layout
from imssa.program import Program

SETTINGS = {"read-out": Parts(mixing=False), "recalibrated": Parts()}
STEPS = ("written", "trimmed", *SETTINGS)
CONDITIONS = ("described", "double", "fourfold", "wires")
WIRES_OHM = 5.0


def under(condition: str, chip: ChipDescription) -> ChipDescription:
    """The chip with larger errors."""
    if condition == "wires":
        wires = chip.wires or WireSettings()
        lines = dict.fromkeys(("word_line_resistance_ohm", "bit_line_resistance_ohm"), WIRES_OHM)
        return chip.model_copy(update={"wires": wires.model_copy(update=lines)})
    times = {"described": 1.0, "double": 2.0, "fourfold": 4.0}[condition]
    law = chip.programming
    if times == 1.0 or not isinstance(law, GaussianProgramming):
        return chip
    wider = law.model_copy(update={"sigma_siemens": times * law.sigma_siemens})
    return chip.model_copy(update={"programming": wider})


class Measured:
    """Answers of chip instances at each step, and what was found on the way."""

    def __init__(
        self, subject: Subject, chip: ChipDescription, layout: Layout, calibration: Calibration
    ) -> None:
        self.subject, self.chip, self.calibration = subject, chip, calibration
        self.compiler = TailoredCompiler(subject.network, chip, layout)
        self.answers: dict[str, list[Any]] = {step: [] for step in STEPS}
        self.registers: dict[str, list[tuple[float, float]]] = {}
        self.accuracies: list[tuple[float, float, float]] = []
        self.trimmed: list[dict[str, int]] = []
        self.seconds: list[float] = []

    def instance(self, number: int, key: Key) -> None:
        """Deploys one chip, trims and recalibrates it, and asks it the test recordings."""
        device = SimulatedChip(self.chip, key, number)
        tailored = deploy(self.compiler, device, {}, largest_error=np.inf)
        self._asked("written", tailored.program, device)
        start = time.perf_counter()
        result = trim(self.compiler, tailored, device)
        counts = {name: len(getattr(result, name)) for name in ("found", "kept")}
        off = len(result.switched_off)
        self.trimmed.append({**counts, "rewritten": result.rewritten, "switched_off": off})
        program = result.tailored.program
        self._asked("trimmed", program, device)
        run, network = self.calibration.on(device), self.subject.network
        for step, parts in SETTINGS.items():
            found = recalibrate(program, network, run, self.calibration, parts)
            self._asked(step, found.program, device)
        self.seconds.append(time.perf_counter() - start)
        for error in found.registers:
            self.registers.setdefault(error.register, []).append((error.before, error.after))
        accuracies = (found.network_accuracy, found.accuracy_before, found.accuracy_after)
        self.accuracies.append(accuracies)

    def _asked(self, step: str, program: Program, device: SimulatedChip) -> None:
        one, data = np.array([device.instance]), self.subject.data
        chips = ProgrammedChips(program, self.chip, device.key, one, device.arrays)
        self.answers[step].append(chips.run(self.subject.inputs, data.lengths).answers[0])

    def row(self) -> dict[str, Any]:
        """Numbers of all chips."""
        labels = self.subject.data.labels
        network = (self.subject.quantized == labels).astype(float)
        row: dict[str, Any] = {"seconds_per_chip": float(np.mean(self.seconds))}
        for step, told in self.answers.items():
            right = (np.array(told) == labels).astype(float)
            estimate, loss = crossed_estimate(right), crossed_estimate(network - right)
            row[step] = {
                "mean": estimate.mean,
                "standard_error": estimate.standard_error,
                "min": float(right.mean(axis=1).min()),
                "per_instance": right.mean(axis=1).tolist(),
                "loss": 100 * loss.mean,
                "loss_standard_error": 100 * loss.standard_error,
            }
        errors = {name: np.mean(pairs, axis=0).tolist() for name, pairs in self.registers.items()}
        row["register_errors"] = {
            n: dict(zip(("before", "after"), e, strict=True)) for n, e in errors.items()
        }
        names = ("network", "before", "after")
        row["calibration_accuracy"] = dict(
            zip(names, np.mean(self.accuracies, axis=0).tolist(), strict=True)
        )
        row["modes"] = {n: sum(t[n] for t in self.trimmed) for n in self.trimmed[0]}
        return row


def ideal(subject: Subject, chip: ChipDescription, layout: Layout) -> float:
    """Accuracy of the chip without any error."""
    program = compile_network(subject.network, chip, {}, layout)
    one, lengths = np.zeros(1, np.int64), subject.data.lengths
    trace = simulate(program, chip.only(), Key.root(0), one, subject.inputs, lengths)
    return accuracy(trace.answers, subject.data.labels)


def training_part(recipe: Recipe, subject: Subject) -> SequenceDataset:
    """Training recordings as the network wants them."""
    return prepared_features(recipe.data, subject.network.preparation, "train", recipe.seed)


def printed(row: dict[str, Any]) -> None:
    """One condition of the table."""
    modes = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in row["modes"].items())
    print(f"{row['condition']}: {row['seconds_per_chip']:.1f} s a chip; modes: {modes}")
    for step in STEPS:
        part = row[step]
        print(
            f"  {step:13} {part['mean']:8.2%} +- {part['standard_error']:.2%}  worst "
            f"{part['min']:8.2%}  loss {part['loss']:6.2f} +- {part['loss_standard_error']:.2f}"
        )
    for name, error in row["register_errors"].items():
        if error["before"] > 0:
            print(f"    {name:13} error {error['before']:7.1%} -> {error['after']:7.1%}")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="zero-one")
    parser.add_argument("--set", action="append", default=[], dest="changes")
    parser.add_argument("--data", help="folder of the recordings, where they are not bundled")
    parser.add_argument("--run", type=Path, help="folder of an earlier run of the recipe")
    parser.add_argument("--chips", type=int, default=16)
    parser.add_argument("--per-class", type=int, default=32)
    parser.add_argument("--conditions", default=",".join(CONDITIONS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="one epoch, two chips, one condition")
    return parser.parse_args()


def main() -> None:
    """Measures, prints a table and writes JSON."""
    chosen = arguments()
    torch.set_num_threads(1)
    recipe, start = asked_recipe(chosen), time.perf_counter()
    subject = trained(recipe) if chosen.run is None else kept(recipe, chosen.run)
    per_class, chips = (4, 2) if chosen.tiny else (chosen.per_class, chosen.chips)
    key = Key.root(recipe.seed)
    data = training_part(recipe, subject)
    calibration = Calibration.drawn(subject.network, data, per_class, key)
    labels = subject.data.labels
    result: dict[str, Any] = {
        "benchmark": "recalibration",
        "recipe": recipe.model_dump(mode="json"),
        "recordings": len(subject.data),
        "calibration_recordings": len(calibration.labels),
        "chips": chips,
        "software_accuracy": accuracy(subject.software, labels),
        "quantized_accuracy": accuracy(subject.quantized, labels),
        "ideal_chip_accuracy": ideal(subject, recipe.chip, recipe.layout),
        "rows": [],
    }
    print(
        f"{recipe.name}: {len(labels)} recordings, {chips} chips, software "
        f"{result['software_accuracy']:.2%}, quantized {result['quantized_accuracy']:.2%}, ideal "
        f"chip {result['ideal_chip_accuracy']:.2%}"
    )
    for condition in ["described"] if chosen.tiny else chosen.conditions.split(","):
        measured = Measured(subject, under(condition, recipe.chip), recipe.layout, calibration)
        for number in range(chips):
            measured.instance(number, key.child("chip"))
        result["rows"].append({"condition": condition, **measured.row()})
        printed(result["rows"][-1])
    result |= {"provenance": provenance(recipe.seed), "seconds": time.perf_counter() - start}
    result["machine"] = platform.processor() or platform.machine()
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
        print(f"{result['seconds']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
