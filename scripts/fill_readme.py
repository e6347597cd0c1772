"""Fills README.md and docs/measured.md between their markers from files: no number is typed there.

Usage: python scripts/fill_readme.py [--check]

A part begins with ``<!-- filled: NAME -->`` and ends with ``<!-- end -->``. Results come from
results/ (scripts/keep_demo.py, benchmarks/*.py --json), code from examples/. With --check
nothing is written, and the exit code is 1 where a page differs from its files.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import proof_tables
from recipe_table import recipes

from imssa.evaluation import unseen_error_bound
from imssa.evaluation.words import STAGE_NAMES

ROOT = Path(__file__).parents[1]
PAGES: Final = ("README.md", "docs/measured.md")
STUCK: Final = (
    "zero-one",
    "zero-one-high",
    "zero-one-arrays",
    "digits",
    "digits-phased",
    "digits-more",
    "digits-high",
    "digits-arrays",
)
"""Files results/stuck-devices-*.json, as far as they are measured."""
PART: Final = re.compile(r"(<!-- filled: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def result(name: str) -> Any:
    """What results/NAME.json holds; None where it is missing."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; numbers stand on the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def waterfalls(realizations: dict[str, Any]) -> str:
    """Accuracy at each stage, one column a realization."""
    names = list(realizations)
    rows = [
        [STAGE_NAMES[row["stage"]], *(_row(realizations[n]["waterfall"][place]) for n in names)]
        for place, row in enumerate(realizations[names[0]]["waterfall"])
    ]
    return table(["accuracy in %", *(f"`{name}`" for name in names)], rows)


def _row(row: dict[str, Any]) -> str:
    mean, error = f"{100 * row['accuracy']:.1f}", f"{100 * row['standard_error']:.1f}"
    return mean if row["chips"] == 1 else f"{mean} ± {error}"


def demo() -> str:
    """What `imssa demo` finds."""
    found = result("demo")
    parts, own = found["realizations"], found["realization"]
    ordered = {own: parts[own], **parts}
    worst = ", ".join(f"`{n}` {100 * p['accuracy']['chip']['min']:.1f}" for n, p in ordered.items())
    codes = sum(part["contract"]["codes_compared"] for part in parts.values())
    wrong = sum(part["contract"]["mismatches"] for part in parts.values())
    fewer = "".join(
        f", {row['chips']} of them trimmed and recalibrated"
        for row in parts[own]["waterfall"]
        if row["stage"] == "recalibrated"
    )
    size, seconds = found["size"], sum(found["seconds"].values())
    return (
        f"{waterfalls(ordered)}\n\n"
        f"{found['test_items']} test recordings, {found['chip_instances']} chips{fewer}; ± is the standard "
        f"error over recordings and chips. Worst chip in %: {worst}. No error in "
        f"{found['test_items']} recordings leaves an error rate of up to "
        f"{100 * unseen_error_bound(found['test_items']):.1f} % open (95 % confidence). *All together* "
        "adds the resistance of the wires.\n\n"
        f"- {codes:,} integer codes of training, integer network and program on an ideal chip were "
        f"compared: {wrong} differ.\n"
        f"- {size['parameters']} parameters: {size['float_bytes']:,} bytes as floats, "
        f"{size['quantized_bytes']:,} bytes quantized; {size['state_bytes']} bytes of state, "
        "whatever the length.\n"
        f"- {found['resources']['kernels']} kernels on {found['resources']['arrays']} arrays.\n"
        f"- {seconds:.0f} s on {found['cores']} cores, `{found['provenance']['command']}`.\n"
    )


def folds() -> str:
    """What benchmarks/folds.py finds."""
    found = result("folds")
    if found is None:
        return "Not measured yet: `python benchmarks/folds.py --json results/folds.json`.\n"
    parts = found["realizations"]
    worst = ", ".join(f"`{n}` {100 * p['chip']['min']:.1f}" for n, p in parts.items())
    losses = ", ".join(
        f"`{n}` {100 * p['loss']['mean']:.1f} ± {100 * p['loss']['standard_error']:.1f} "
        f"(over folds ± {100 * p['loss_by_fold']['standard_error']:.1f})"
        for n, p in parts.items()
    )
    return (
        f"{waterfalls(parts)}\n\n"
        f"{found['recordings']} recordings, each tested once by a network that never saw it, "
        f"{found['chip_instances']} chips a fold. Worst chip on its fold in %: {worst}. Points lost "
        f"from software to chip, paired: {losses}.\n"
    )


def digits() -> str:
    """What the recipe spoken-digits finds."""
    found = result("spoken-digits")
    if found is None:
        return "Not measured yet.\n"
    parts, own = found["realizations"], found["realization"]
    return (
        f"{waterfalls({own: parts[own], **parts})}\n\n"
        f"{found['test_items']} test recordings, {found['chip_instances']} chips, "
        f"{found['resources']['kernels']} kernels on {found['resources']['arrays']} arrays, "
        f"{found['size']['parameters']:,} parameters, "
        f"{sum(found['seconds'].values()) / 60:.0f} minutes on {found['cores']} cores.\n"
    )


def stuck() -> str:
    """What benchmarks/stuck_devices.py finds."""
    heads = (
        "stuck",
        "no device stuck",
        "blind",
        "partner set",
        "compiled",
        "points lost",
        "worst chip",
    )
    parts = []
    for name in STUCK:
        found = result(f"stuck-devices-{name}")
        if found is None:
            continue
        rows = [
            [
                f"{100 * row['rate']:g} %{', all errors' if row['errors'] == 'all' else ''}",
                *(_mean(row[step]) for step in ("whole", "blind", "partner", "compiled")),
                f"{row['compiled']['loss']:.2f} ± {row['compiled']['loss_standard_error']:.2f}",
                f"{100 * row['compiled']['min']:.1f}",
            ]
            for row in found["rows"]
        ]
        recipe, high = found["recipe"]["name"], found["high_share"]
        on_arrays = "analog" in found["recipe"]["quantization"].get("parts", {}).values()
        which = "whole network on arrays" if on_arrays else "kernels on arrays"
        which += f", layout {_layout(found)}"
        share = "all stuck devices high" if high == 1 else "stuck devices half high, half low"
        parts.append(
            f"{table([f'`{recipe}`, {heads[0]}', *heads[1:]], rows)}\n\n"
            f"{which[0].upper()}{which[1:]}; {found['recordings']} test recordings, "
            f"{found['chips']} chips, {share}, no other error unless named; accuracy in %, software "
            f"{100 * found['software_accuracy']:.1f}, quantized "
            f"{100 * found['quantized_accuracy']:.1f}.\n"
        )
    return "\n".join(parts)


def _layout(found: dict[str, Any]) -> str:
    return f"`{found['recipe'].get('layout', 'one-shot')}`"


def defects() -> str:
    """What stuck devices cost ten digits: the layouts side by side."""
    rows = []
    for name in ("digits", "digits-phased"):
        found = result(f"stuck-devices-{name}")
        for row in () if found is None else found["rows"]:
            errors = "all errors" if row["errors"] == "all" else "no other error"
            rows.append(
                [
                    f"{100 * row['rate']:g} %, {errors}",
                    _layout(found),
                    *(_mean(row[step]) for step in ("blind", "compiled")),
                    f"{row['compiled']['loss']:.2f} ± {row['compiled']['loss_standard_error']:.2f}",
                    f"{100 * row['compiled']['min']:.1f}",
                ]
            )
    head = ["stuck devices", "layout", "blind", "compiled", "points lost", "worst chip"]
    return table(head, rows) + "\n"


def _mean(part: dict[str, Any]) -> str:
    return f"{100 * part['mean']:.1f} ± {100 * part['standard_error']:.1f}"


CONDITIONS: Final = {
    "described": "as described",
    "double": "twice the programming error",
    "fourfold": "four times the programming error",
    "wires": "wires of 5 ohm a segment",
}


def written() -> str:
    """What benchmarks/recalibration.py finds on the ten digits."""
    found = result("recalibration-digits")
    rows = [
        [
            CONDITIONS[row["condition"]],
            *(_mean(row[step]) for step in ("written", "trimmed", "read-out", "recalibrated")),
            f"{row['trimmed']['loss']:.2f} ± {row['trimmed']['loss_standard_error']:.2f}",
            f"{100 * row['trimmed']['min']:.1f}",
        ]
        for row in found["rows"]
    ]
    head = ["chip", "written", "trimmed", "gains and read-out", "mixing too", "lost", "worst"]
    return (
        f"{table(head, rows)}\n\n"
        f"`{found['recipe']['name']}`, {found['chips']} chips with all errors, 2 % of the devices stuck and "
        f"compiled for (wires too); accuracy in %, software {100 * found['software_accuracy']:.1f}, integer network "
        f"{100 * found['quantized_accuracy']:.1f}, to which points lost by trimmed chips refer, beside the worst of these; "
        f"{found['calibration_recordings']} training recordings to calibrate.\n"
    )


def wired() -> str:
    """What benchmarks/wire_targets.py finds on the ten digits."""
    found = result("wire-targets-digits")
    rows = [
        [
            f"{row['size']}x{row['size']}, {row['ohm']:g} ohm",
            *(f"{100 * row['weights'][how]:.2f}" for how in ("by_codes", "by_targets")),
            *(_mean(row["programmed"][how]) for how in ("codes", "wired")),
        ]
        for row in found["rows"]
    ]
    head = [
        "arrays, resistance of a segment",
        "error of weights, %",
        "by targets",
        "accuracy, %",
        "with targets",
    ]
    return (
        f"{table(head, rows)}\n\n"
        f"`{found['recipe']['name']}`, {found['chips']} chips with programming error and wires alone.\n"
    )


def speed() -> str:
    """Ratios of benchmarks/closed_loop.py, quantized_recurrence.py, float_layer.py, streaming.py."""
    loop = result("closed_loop")["rows"]
    chips = [r for r in loop if r["case"].startswith(("closed loop", "100 chips"))]
    cases = list(dict.fromkeys(row["case"] for row in chips))
    peers = ("aihwkit", "aihwkit, torch tile", "aihwkit-lightning")
    of = {(row["case"], row["name"]): row for row in chips}
    simulation = [
        [
            case,
            f"{1e3 * of[case, 'imssa']['seconds']:.2f}",
            *(f"{of[case, peer]['ratio']:.1f}" for peer in peers),
        ]
        for case in cases
    ]
    scans = [
        [
            f"{row['length']:,} steps, batch {row['batch']}",
            f"{1e3 * row['ours']['seconds']:.0f}",
            f"{row['eager_over_ours']['time']:.1f}",
            f"{row['compiled_over_ours']['time']:.1f}",
            f"{row['eager_over_ours']['more_memory']:.0f}",
        ]
        for row in result("quantized_recurrence")["rows"]
    ]
    return (
        "Simulation of programmed chips with all errors, one closed loop of 64x64:\n\n"
        f"{table(['', 'imssa, ms', *(f'{peer}, times' for peer in peers)], simulation)}\n\n"
        "Training through the quantized recurrence, forward and backward, 128 kernels of 16 modes:\n\n"
        f"{table(['', 'imssa, ms', 'PyTorch loop, times', 'torch.compile, times', 'loop, memory times'], scans)}\n\n"
        f"{_layers()}"
    )


def _layers() -> str:
    """Layers of float_layer.json, relative to the float layer."""
    rows = [row for row in result("float_layer")["rows"] if row["what"] == "layer"]
    lengths = list(dict.fromkeys((row["batch"], row["length"]) for row in rows))
    of = {(row["batch"], row["length"], row["way"]): row for row in rows}
    found = [
        [
            f"{length:,} steps, batch {batch}",
            f"{1e3 * of[batch, length, 'imssa']['seconds']:.1f}",
            *(f"{of[batch, length, way]['ratio']:.1f}" for way in ("textbook", "imssa quantized")),
        ]
        for batch, length in lengths
    ]
    head = ["", "imssa float, ms", "textbook float, times", "imssa quantized, times"]
    return f"A training step of one layer of that size:\n\n{table(head, found)}\n"


def example(name: str) -> str:
    """An example's code."""
    code = (ROOT / "examples" / name).read_text(encoding="utf-8")
    return f"```python\n{code}```\n"


def costs() -> str:
    """The cost model against publications."""
    head, *rows = proof_tables.costs(result("cost_model"))
    return f"{table(head, rows)}\n"


def readers() -> str:
    """What became of mutated files."""
    found = result("reader_fuzz")
    return "Not measured yet: `make proof`.\n" if found is None else proof_tables.readers(found)


FILLS: Final[dict[str, Callable[[], str]]] = {
    "demo": demo,
    "folds": folds,
    "digits": digits,
    "recipes": lambda: recipes(ROOT / "results" / "recipes"),
    "stuck": stuck,
    "defects": defects,
    "written": written,
    "wired": wired,
    "speed": speed,
    "costs": costs,
    "readers": readers,
    "example": lambda: example("01_zero_one.py"),
    "one-chip": lambda: example("02_one_chip.py"),
}


def filled(text: str) -> str:
    """A page with every part filled anew."""
    return PART.sub(lambda part: f"{part[1]}{FILLS[part[2]]()}{part[3]}", text)


def main() -> int:
    """Fills or checks the pages."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true")
    check, differ = parser.parse_args().check, False
    for page in (ROOT / name for name in PAGES):
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        differ |= before != after
        if not check:
            page.write_text(after, encoding="utf-8")
    return int(check and differ)


if __name__ == "__main__":
    sys.exit(main())
