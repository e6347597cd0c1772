"""Starts the processes of the example driver: the lab's controller, and the driver beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w
from numpy.typing import NDArray

from imssa.hardware import ChipDescription

FOLDER = Path(__file__).parents[2] / "examples" / "lab_driver"
SOURCES = FOLDER / "src"


def environment() -> dict[str, str]:
    """That of the tests, with the example's sources on Python's path."""
    paths = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def start(module: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that runs a module of the example."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


@contextmanager
def controller(
    chip: ChipDescription, folder: Path, seed: int = 0, instance: int = 0
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A controller with a simulated chip, and its address."""
    path = folder / "chip.toml"
    path.write_text(tomli_w.dumps(chip.model_dump(mode="json", exclude_none=True)), "utf-8")
    asked = ("--chip", str(path), "--seed", str(seed), "--instance", str(instance))
    with start("lab_driver.controller", *asked) as process:
        try:
            assert process.stdout is not None
            word, _, address = process.stdout.readline().strip().partition(" ")
            assert word == "ready", process.communicate()[1]
            yield process, address
        finally:
            process.kill()


def write_inputs(path: Path, inputs: NDArray[Any], lengths: NDArray[Any]) -> None:
    """Sequences as the driver's command reads them."""
    rows = [row[:length].tolist() for row, length in zip(inputs, lengths, strict=True)]
    path.write_text(json.dumps(rows), "utf-8")
