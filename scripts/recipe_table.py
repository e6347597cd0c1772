"""The README's table of recipes, from results/recipes/*.json (benchmarks/recipes.py --json)."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

ORDER: Final = (
    "zero-one",
    "zero-one-spikes",
    "zero-one-spikes-folds",
    "spoken-digits",
    "spoken-digits-speakers",
    "yes-no",
    "ten-words",
    "japanese-vowels",
    "smnist",
    "psmnist",
)
"""Recipes that are shown first, as far as they are measured; others follow by name."""

ACCURACIES: Final = {
    "float": "float",
    "quantized": "quantized",
    "blind": "chip_blind",
    "compiled": "chip_compiled",
    "trimmed": "chip_trimmed",
    "recalibrated": "chip_recalibrated",
}
BASELINES: Final = {"GRU": "gru", "PTQ": "ptq", "int8": "int8"}
UNTRAINED: Final = {"int8": "int8_ptq"}
"""What is shown with a star where a network was not trained for it in codes."""
NONE: Final = "-"
MISSING: Final = "Not measured yet: `python benchmarks/recipes.py RECIPE --work DIR --json results/recipes/RECIPE.json`.\n"


def recipes(folder: Path) -> str:
    """The table and what it says beside its numbers.

    Args:
        folder: Of the result files; those that are not there are left out.
    """
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in _files(folder)}
    if not found:
        return MISSING
    head = ["recipe", "bits", *ACCURACIES, "parameters", "arrays", "minutes", *BASELINES, "seeds"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    lines += [_row(name, result) for name, result in found.items()]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    chips = _distinct(result["chips"] for result in found.values())
    fitted = _distinct(result["recalibrated"] for result in found.values())
    fewer = "".join(
        f" Chips of `{name}` are asked {result['items']} test items."
        for name, result in found.items()
        if result.get("items") is not None
    )
    shorter = "".join(
        f" The GRU of `{name}` was trained for {told} epochs."
        for name, result in found.items()
        if (told := _gru_epochs(result)) is not None
    )
    stuck = _distinct(f"{100 * result['stuck']:g} %" for result in found.values())
    intervals = "; ".join(_interval(name, result["summary"]) for name, result in found.items())
    return (
        f"{table}\n\n"
        "Accuracy in % on the test part, mean ± standard deviation over seeds; bits of A/B/C/D and of "
        f"the linear layers. {chips} chips a seed with all errors of their description and {stuck} of "
        "the devices stuck, half high and half low: mapped *blind*, *compiled* for each chip's "
        "defects and wires, *trimmed* (cells that harm their kernels written again), and *recalibrated* "
        f"after that (of these chips {fitted}).{fewer} * PTQ, not trained in codes.{shorter} Minutes of training a seed, both trainings. What the "
        "number of test items alone leaves open (95 %, float and compiled): "
        f"{intervals}.\n"
    )


def _gru_epochs(result: dict[str, Any]) -> int | None:
    """Epochs of the GRU where they are not those of the recipe."""
    found = {row["gru"].get("epochs") for row in result["rows"] if "gru" in row} - {None}
    usual = result["recipe"]["float_training"]["epochs"]
    return min(found) if found and found != {usual} else None


def _files(folder: Path) -> list[Path]:
    places = {name: number for number, name in enumerate(ORDER)}
    return sorted(folder.glob("*.json"), key=lambda p: (places.get(p.stem, len(ORDER)), p.stem))


def _row(name: str, result: dict[str, Any]) -> list[str]:
    summary = result["summary"]
    accuracies = summary["accuracies"]
    shown = [accuracies.get(key) for key in (*ACCURACIES.values(), *BASELINES.values())]
    texts = [NONE if part is None else _spread(part) for part in shown]
    for number, key in enumerate(BASELINES.values(), len(ACCURACIES)):
        beside = accuracies.get(UNTRAINED.get(key, ""))
        if key not in accuracies and beside is not None:
            texts[number] = f"{_spread(beside)} *"
    cut = len(ACCURACIES)
    size = (f"{summary['parameters']:,}", str(summary["arrays"]), f"{summary['minutes']:.1f}")
    seeds = _distinct(part["seeds"] for part in accuracies.values())
    return [f"`{name}`", _bits(summary["bits"]), *texts[:cut], *size, *texts[cut:], seeds]


def _spread(part: dict[str, Any]) -> str:
    mean = f"{100 * part['mean']:.1f}"
    return mean if part["std"] is None else f"{mean} ± {100 * part['std']:.1f}"


def _bits(bits: dict[str, int]) -> str:
    groups = [[bits[name] for name in "ABCD"], [bits[n] for n in ("encoder", "mixing", "decoder")]]
    return "; ".join("/".join(map(str, g if len(set(g)) > 1 else g[:1])) for g in groups)


def _interval(name: str, summary: dict[str, Any]) -> str:
    shown = [summary["accuracies"].get(key) for key in ("float", "chip_compiled")]
    texts = [f"{100 * part['low']:.1f} to {100 * part['high']:.1f}" for part in shown if part]
    return f"`{name}` {summary['test_items']:,} items, {' and '.join(texts)}"


def _distinct(values: Iterable[Any]) -> str:
    """All that occur, once each."""
    return ", ".join(dict.fromkeys(map(str, values)))
