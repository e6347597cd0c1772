"""Kernels packed on arrays: arrays, phases, utilization, and how near that comes to the lower bounds.

    python benchmarks/packing.py [--networks N] [--tiny] [--json FILE]

``recipes``: 63 kernels of four modes on 64 x 64 arrays, from one phase a time step to a full grid.
``large``: 10,000 kernels, and the seconds that packing takes (nothing was packed before in the process).
``random``: networks of one to four layers of one size, up to 400 kernels a layer, one to eight modes, on arrays of
32 to 512 lines a side; for each layout the share of networks within 5 % of the lower bound, the mean ratio
and the worst, of arrays and of phases (on as many arrays as were taken). ``mixed``: the same with layers
of different sizes, which the packer does less well. A budget is twice the number of layers, or the
geometric mean of the fewest phases and those of the ``phased`` layout.
"""

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

from imssa.experiment.provenance import provenance
from imssa.hardware import ChipDescription, load_chip
from imssa.mapping.packing import Packing, pack

Shapes = list[tuple[int, int]]
DIGITS: Shapes = [(63, 9)]
LARGE: dict[str, tuple[Shapes, tuple[int, int]]] = {
    "one layer, 64 x 64": ([(10_000, 9)], (64, 64)),
    "four layers, 64 x 64": ([(2_500, 9)] * 4, (64, 64)),
    "four layers, 256 x 256": ([(2_500, 9)] * 4, (256, 256)),
    "four sizes, 256 x 128": ([(2_500, n) for n in (17, 9, 7, 5)], (256, 128)),
}


def chip_of(size: tuple[int, int]) -> ChipDescription:
    """The TaOx chip with other arrays."""
    chip = load_chip("taox-64")
    arrays = chip.arrays.model_copy(update={"word_lines": size[0], "bit_lines": size[1]})
    return chip.model_copy(update={"arrays": arrays})


def row_of(packing: Packing) -> dict[str, Any]:
    """Numbers of one packing."""
    return {
        "arrays": packing.arrays,
        "fewest_arrays": packing.fewest_arrays,
        "phases": packing.phases_per_step,
        "fewest_phases": packing.fewest_phases,
        "utilization": packing.utilization,
    }


def random_network(seed: int, *, mixed: bool) -> tuple[Shapes, tuple[int, int]]:
    """Layers and the size of the arrays."""
    rng = np.random.default_rng(seed)
    word_lines, bit_lines = (2 ** rng.integers(5, 10, 2)).tolist()
    top = min(8, (min(word_lines, bit_lines // 2) - 1) // 2)
    count = int(rng.integers(2 if mixed else 1, 5))
    kernels = np.exp(rng.uniform(0, np.log(400), count)).astype(int).tolist()
    modes = rng.integers(1, top + 1, count if mixed else 1).tolist() * (1 if mixed else count)
    return [(k, 2 * m + 1) for k, m in zip(kernels, modes, strict=True)], (word_lines, bit_lines)


def layouts_of(layers: Shapes, chip: ChipDescription) -> dict[str, Packing]:
    """Packings of one network in all layouts."""
    found = {name: pack(layers, chip, name) for name in ("one-shot", "fewest-phases", "phased")}
    twice = 2 * len(layers)
    middle = round((len(layers) * found["phased"].phases_per_step) ** 0.5)
    found["twice the fewest phases"] = pack(layers, chip, twice)
    found["budget between"] = pack(layers, chip, max(middle, len(layers)))
    return found


def summary(networks: list[dict[str, Packing]]) -> dict[str, Any]:
    """Ratios to the lower bounds, by layout."""
    result = {}
    for name in networks[0]:
        parts: dict[str, Any] = {}
        for what in ("array_ratio", "phase_ratio"):
            ratios = np.array([getattr(one[name], what) for one in networks])
            parts[what] = {
                "within_5_percent": float((ratios <= 1.05).mean()),
                "mean": float(ratios.mean()),
                "worst": float(ratios.max()),
            }
        result[name] = parts
    return result


def main() -> None:
    """Measures, prints a table and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--tiny", action="store_true", help="three small networks")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    result: dict[str, Any] = {"benchmark": "packing", "recipes": [], "large": []}
    for layout in ("one-shot", 2, 3, 4, 5, 7, 9, 11, 14, 16, 21, "phased"):
        row = {"layout": layout, **row_of(pack(DIGITS, chip_of((64, 64)), layout))}
        result["recipes"].append(row)
        print(
            f"63 kernels, {layout!s:10} {row['arrays']:3} arrays (at least {row['fewest_arrays']})"
            f" {row['phases']:3} phases, {row['utilization']:.0%} used"
        )
    for name, (layers, size) in list(LARGE.items())[: 1 if chosen.tiny else None]:
        for layout in ("one-shot", "fewest-phases", 20, "phased"):
            start = time.perf_counter()
            packing = pack(layers, chip_of(size), layout)
            seconds = time.perf_counter() - start
            row = {"name": name, "layout": layout, "seconds": seconds, **row_of(packing)}
            result["large"].append(row)
            print(
                f"10,000 kernels, {name}, {layout}: {row['arrays']} arrays (at least"
                f" {row['fewest_arrays']}), {row['phases']} phases, {seconds:.1f} s",
                flush=True,
            )
    for kind in ("random", "mixed"):
        networks = []
        for seed in range(3 if chosen.tiny else chosen.networks):
            layers, size = random_network(seed, mixed=kind == "mixed")
            networks.append(layouts_of(layers, chip_of(size)))
        result[kind] = {"networks": len(networks), "layouts": summary(networks)}
        for name, parts in result[kind]["layouts"].items():
            words = [
                f"{what}: {p['within_5_percent']:.1%} within 5 %, mean {p['mean']:.3f}, worst"
                f" {p['worst']:.2f}"
                for what, p in parts.items()
            ]
            print(f"{kind}, {name}: {'; '.join(words)}", flush=True)
    result |= {"provenance": provenance(0), "machine": platform.processor() or platform.machine()}
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
