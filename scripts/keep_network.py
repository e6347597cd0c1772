"""Keeps the networks of a finished run, so that nobody has to train them again.

Usage: python scripts/keep_network.py FOLDER --name NAME

Writes results/networks/NAME: model.safetensors (float), quantized.safetensors (integer) and the logs of
both trainings, without what belongs to one machine. `benchmarks/recipes.py --networks` and `imssa
compile` take them.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from imssa.program.files import read_arrays, write_arrays, write_atomically

ROOT: Final = Path(__file__).parents[1]
DATA: Final = "DIR"
KINDS: Final = {"model.safetensors": "imssa.model", "quantized.safetensors": "imssa.quantized"}
LOGS: Final = ("training.jsonl", "quantized-training.jsonl")


def placeless(value: Any) -> Any:
    """A header, or part of one, that says neither where data lie nor on which machine it was written."""
    if isinstance(value, list):
        return [placeless(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {k: DATA if k == "root" else placeless(v) for k, v in value.items() if k != "platform"}


def keep(folder: Path, target: Path) -> None:
    """Writes the networks and logs of a run's folder to another folder.

    Raises:
        FileFormatError: A network is missing or damaged.
        OutputError: The folder cannot be written.
    """
    for name, kind in KINDS.items():
        header, arrays, _ = read_arrays(folder / name, kind)
        write_arrays(target / name, kind, placeless(header), arrays)
    for name in LOGS:
        write_atomically(target / name, (folder / name).read_bytes())


def main() -> None:
    """Reads the folder, writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True, help="folder below results/networks")
    chosen = parser.parse_args()
    keep(chosen.folder, ROOT / "results" / "networks" / chosen.name)


if __name__ == "__main__":
    main()
