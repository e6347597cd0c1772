"""The table of recipes: float, integer network and chips over seeds, beside other ways to do the same.

    python benchmarks/recipes.py RECIPE --work DIR [--set KEY=VALUE]... [--over KEY=A,B,...]
        [--seeds 0 1 2] [--chips 50] [--stuck 0.02] [--chip-items N] [--recalibrated N]
        [--baselines gru ptq int8 int16 int8_ptq int16_ptq] [--gru-rates 0.3 1 3] [--gru-epochs N]
        [--networks results/networks/NAME] [--json FILE] [--tiny]

Each seed is trained in a folder of its own below DIR, as by ``imssa run``; the epoch is chosen on
validation data, the test part is asked once. Accuracies of a seed:

- ``float``: the float network; ``quantized``: the integer network ("ternary in software", where all
  bits are 2), which a chip without errors equals code for code (compared on some items);
- ``chip_...``: mean over the same network on chip instances with ``--stuck`` stuck devices, half high
  and half low. ``stuck_blind`` and ``stuck_compiled`` have no other error; ``blind`` and what follows
  have all errors of the recipe's chip (programming, read noise, wires). ``blind`` is
  one program for all; ``compiled`` is scanned and compiled for each chip's defects and wires; ``trimmed``
  has cells written again that harm their kernels; ``recalibrated`` has its digital operations fitted to
  training recordings after that. ``whole``: all errors, no defect;
- ``gru``, ``ptq``, ``int8``, ``int16`` and their variants: what is compared with (`baselines.py`), as
  far as it is asked for or lies there.

``--networks`` takes the networks of one seed from a folder (scripts/keep_network.py).

``--over`` repeats all that over values of a key, each with a network of its own, and pools them:
``--over data.test_speakers=george,jackson`` (split "speaker"), ``--over data.fold=0,1,2`` (split
"fold"). The summary has mean and standard deviation over seeds, and Wilson's 95 % interval over the
test items at the mean. Everything is kept below DIR, chip by chip: an interrupted call goes on, and the
JSON file is written anew after each part.
"""

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from baselines import STATES, gru, integer, integer_ptq, ptq
from recipe_chips import Asked, ChipStudy
from recipe_parts import Trained, adopt, file_of, once
from rich.console import Console
from rich.table import Table

from imssa.evaluation import wilson_interval
from imssa.experiment.folder import open_folder
from imssa.experiment.provenance import provenance
from imssa.experiment.recipe import Recipe, load_recipe
from imssa.program.files import write_atomically

TINY: Final = ("float_training.epochs=1", "quantized_training.epochs=1")
TINY_CHIPS: Final = 2
SPLITS: Final = {"data.test_speakers": "speaker", "data.fold": "fold"}
"""Keys that go with a split."""
BASELINES: Final = ("gru", "ptq", *STATES, *(f"{name}_ptq" for name in STATES))


def said(text: str) -> None:
    """One line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def values_of(over: str | None) -> tuple[str | None, list[str]]:
    """Key and values of ``--over``; a comma inside brackets does not part values."""
    if over is None:
        return None, [""]
    key, _, text = over.partition("=")
    values = [value.strip() for value in re.split(r",(?![^\[]*\])", text)]
    if key == "data.test_speakers":
        values = [value if value.startswith("[") else json.dumps([value]) for value in values]
    return key, values


class Study:
    """A recipe over seeds and values, and its result file.

    Args:
        chosen: The command line.
    """

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen, self.started = chosen, time.perf_counter()
        self.key, self.values = values_of(chosen.over)
        chips = TINY_CHIPS if chosen.tiny else chosen.chips
        recalibrated = chips if chosen.recalibrated is None else min(chosen.recalibrated, chips)
        self.asked = Asked(chips, chosen.stuck, chosen.chip_items, recalibrated)
        self.rows: list[dict[str, Any]] = []

    def recipe(self, value: str, seed: int) -> Recipe:
        """The recipe of a row."""
        changes = ["evaluation.compare=[]", *(TINY if self.chosen.tiny else ())]
        if self.key is not None:
            split = SPLITS.get(self.key)
            changes += [f"data.split={split}"] if split else []
            changes.append(f"{self.key}={value}")
        return load_recipe(self.chosen.recipe, [*changes, *self.chosen.changes, f"seed={seed}"])

    def run(self) -> None:
        """Fills all rows, part after part."""
        for seed in self.chosen.seeds:
            for value in self.values:
                row: dict[str, Any] = {"seed": seed, "over": value or None, "accuracies": {}}
                self.rows.append(row)
                for part, found in self.parts(self.recipe(value, seed), value):
                    row["accuracies"] |= found.pop("accuracies", {})
                    row[part] = found
                    self.write()

    def parts(self, recipe: Recipe, value: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The parts of a row as they are found."""
        words = re.sub(r"[^\w.]+", "-", value).strip("-")
        name = f"{words + '-' if words else ''}seed-{recipe.seed}"
        root = Path(self.chosen.work) / recipe.name / name
        said(f"{recipe.name}, {name}")
        folder = open_folder(root, recipe)
        if self.chosen.networks is not None:
            adopt(folder, self.chosen.networks)
        trained = Trained(folder, _told(recipe.name, name))
        dump = recipe.model_dump(mode="json")
        yield "network", once(root, "network", dump, trained.told)
        yield "chip", self.on_chips(trained)
        yield from self.baselines(trained)

    def on_chips(self, trained: Trained) -> dict[str, Any]:
        """The recipe's own network on chips."""
        split, place = trained.features.split, trained.root / "chips"
        parts = split.train, split.test
        study = ChipStudy(trained.network, trained.recipe, parts, self.asked, place)
        settings = (study.made_with, vars(self.asked))
        return once(trained.root, "chip", settings, lambda: study.told(_counted))

    def baselines(self, trained: Trained) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is compared with, as far as it is asked for."""
        dump, chosen = trained.recipe.model_dump(mode="json"), self.chosen
        progress = _told(trained.recipe.name, trained.root.name)
        rates, epochs = chosen.gru_rates, chosen.gru_epochs
        asked = rates if epochs is None else (rates, epochs)
        ways: dict[str, tuple[Any, Callable[[], dict[str, Any]]]] = {
            "gru": (asked, lambda: gru(trained, rates, epochs, progress)),
            "ptq": (vars(self.asked), lambda: ptq(trained, self.asked, _counted)),
            "int8": (None, lambda: integer(trained, "int8", progress)),
            "int16": (None, lambda: integer(trained, "int16", progress)),
            "int8_ptq": (None, lambda: integer_ptq(trained, "int8")),
            "int16_ptq": (None, lambda: integer_ptq(trained, "int16")),
        }
        for name, (settings, find) in ways.items():
            kept = file_of(trained.root, name, (dump, settings)).exists()
            if name in chosen.baselines or kept:
                said(f"  {name}")
                yield name, once(trained.root, name, (dump, settings), find)

    def result(self) -> dict[str, Any]:
        """What is known by now."""
        recipe = self.recipe(self.values[0], self.chosen.seeds[0])
        return {
            "benchmark": "recipes",
            "recipe": recipe.model_dump(mode="json"),
            "changes": self.chosen.changes,
            "over": {"key": self.key, "values": self.values} if self.key else None,
            "seeds": self.chosen.seeds,
            **vars(self.asked),
            "rows": self.rows,
            "summary": summary(self.rows),
            "provenance": provenance(recipe.seed),
            "machine": platform.processor() or platform.machine(),
            "seconds": time.perf_counter() - self.started,
        }

    def write(self) -> None:
        """Writes the result file anew."""
        if self.chosen.json is not None:
            self.chosen.json.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.result(), indent=2, sort_keys=True) + "\n"
            write_atomically(self.chosen.json, text.encode())


def _told(name: str, seed: str) -> Any:
    """Progress of the stages: a line at each tenth."""

    def of(stage: str) -> Any:
        def progress(done: int, total: int, text: str) -> None:
            if done == total or done * 10 // total > (done - 1) * 10 // total:
                said(f"  {name}, {seed}: {stage} {done}/{total} {text}")

        return progress

    return of


def _counted(done: int) -> None:
    if done % 10 == 0:
        said(f"  {done} chips")


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and spread over seeds of every accuracy, and what else a table shows.

    Values of ``--over`` are pooled, each with the weight of its test items. A seed counts where all
    its values are there.
    """
    names = list(dict.fromkeys(name for row in rows for name in row["accuracies"]))
    values = {row["over"] for row in rows}
    found: dict[str, Any] = {}
    for name in names:
        having = [row for row in rows if name in row["accuracies"]]
        of_seed = {s: [r for r in having if r["seed"] == s] for s in {r["seed"] for r in having}}
        whole = {s: mine for s, mine in sorted(of_seed.items()) if len(mine) == len(values)}
        if whole:
            found[name] = _over_seeds(name, whole)
    done = [row["network"] for row in rows if "network" in row]
    same = {key: done[0][key] for key in ("parameters", "arrays", "kernels", "phases", "bits")}
    minutes = float(np.mean([network["minutes"] for network in done]))
    return {"accuracies": found, **same, "minutes": minutes, "test_items": _tested(rows)}


def _over_seeds(name: str, seeds: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Numbers of one accuracy; the weights of values are their test items."""
    on_chip = "chip" in name.split("_")

    def items(row: dict[str, Any]) -> int:
        return row["chip"]["chip_items"] if on_chip else row["network"]["test_items"]

    pooled = [
        float(np.average([r["accuracies"][name] for r in mine], weights=[items(r) for r in mine]))
        for mine in seeds.values()
    ]
    tested, mean = sum(map(items, next(iter(seeds.values())))), float(np.mean(pooled))
    low, high = wilson_interval(mean, tested)
    return {
        "mean": mean,
        "std": float(np.std(pooled, ddof=1)) if len(pooled) > 1 else None,
        "seeds": len(pooled),
        "per_seed": pooled,
        "test_items": tested,
        "low": low,
        "high": high,
    }


def _tested(rows: list[dict[str, Any]]) -> int:
    """Test items of all values together."""
    of_value = {r["over"]: r["network"]["test_items"] for r in rows if "network" in r}
    return sum(of_value.values())


def printed(result: dict[str, Any]) -> None:
    """The table."""
    table = Table(title=f"{result['recipe']['name']}, {result['summary']['test_items']} test items")
    seeds = [f"seed {seed}" for seed in result["seeds"]]
    for column in ("accuracy in %", "mean", "sd", "95 % over items", *seeds):
        table.add_column(column, justify="left" if column.startswith("acc") else "right")
    for name, part in result["summary"]["accuracies"].items():
        std = "" if part["std"] is None else f"{100 * part['std']:.2f}"
        each = [f"{100 * value:.2f}" for value in part["per_seed"]]
        interval = f"{100 * part['low']:.1f} to {100 * part['high']:.1f}"
        table.add_row(name, f"{100 * part['mean']:.2f}", std, interval, *each)
    Console().print(table)
    found = result["summary"]
    print(
        f"{found['parameters']} parameters, {found['kernels']} kernels on {found['arrays']} arrays, "
        f"{found['phases']} phases a step, {found['minutes']:.1f} minutes of training; "
        f"{result['chips']} chips, {100 * result['stuck']:g} % of their devices stuck"
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--set", action="append", default=[], dest="changes", metavar="KEY=VALUE")
    parser.add_argument("--over", metavar="KEY=A,B,...")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--chips", type=int, default=50)
    parser.add_argument("--stuck", type=float, default=0.02)
    parser.add_argument("--chip-items", type=int, help="most test items that chips are asked")
    parser.add_argument("--recalibrated", type=int, help="how many chips are recalibrated too")
    parser.add_argument("--baselines", nargs="*", default=[], choices=BASELINES)
    parser.add_argument("--gru-rates", type=float, nargs="+", default=[0.3, 1.0, 3.0])
    parser.add_argument("--gru-epochs", type=int, help="of each training; else the recipe's")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--networks", type=Path, help="kept networks, not trained again")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="one epoch, two chips")
    return parser.parse_args()


def main() -> None:
    """Trains, measures, prints a table and writes JSON."""
    chosen = arguments()
    torch.set_num_threads(1)
    study = Study(chosen)
    study.run()
    study.write()
    printed(study.result())


if __name__ == "__main__":
    main()
