"""Keeps the results of a finished demo for the README: numbers and pictures.

Usage: python scripts/keep_demo.py FOLDER [--name NAME], then python scripts/fill_readme.py

Writes results/NAME.json (the report without what belongs to one machine) and, for the demo,
docs/pictures/*.svg.
"""

import argparse
import json
import os
from pathlib import Path

from imssa.evaluation import Report, load_pictures, load_report
from imssa.evaluation.figures.accuracy import draw_waterfall
from imssa.evaluation.figures.chip import draw_trace
from imssa.evaluation.figures.svg import WIDTH_PIXELS
from imssa.program.files import write_atomically

ROOT = Path(__file__).parents[1]
RECORDINGS = "DIR"


def kept(report: Report) -> dict[str, object]:
    """The report without the names of one machine, but with its cores, for the times."""
    value = report.model_dump(mode="json")
    del value["provenance"]["platform"]
    root = value["recipe"]["data"].get("root")
    if root is not None:
        value["recipe"]["data"]["root"] = RECORDINGS
        value["provenance"]["command"] = value["provenance"]["command"].replace(root, RECORDINGS)
    return {**value, "cores": os.cpu_count()}


def main() -> None:
    """Reads the folder, writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="demo", help="file below results; only demo has pictures")
    chosen = parser.parse_args()
    folder = chosen.folder
    report = load_report(folder / "report.json")
    pictures = load_pictures(folder / "pictures.safetensors")
    text = json.dumps(kept(report), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_atomically(ROOT / "results" / f"{chosen.name}.json", text.encode())
    if chosen.name != "demo":
        return
    drawn = {
        "waterfall": draw_waterfall(report.waterfall),
        "trace": draw_trace(pictures.traces[-1]),
    }
    for name, drawing in drawn.items():
        path = ROOT / "docs" / "pictures" / f"{name}.svg"
        write_atomically(path, drawing.standalone(WIDTH_PIXELS).encode())


if __name__ == "__main__":
    main()
