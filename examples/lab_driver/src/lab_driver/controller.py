"""Plays the lab: a process that holds a (simulated) chip and answers write, read and mvm.

A lab replaces this file by its own; nothing else in the package knows how the chip is made.
"""

import argparse
import json
import socketserver
from typing import Any

import numpy as np

from imssa.crossbar import SimulatedChip
from imssa.crossbar.chip import ReadAddress
from imssa.errors import ImssaError
from imssa.hardware import load_chip
from imssa.kernels.random import Key
from imssa.program import ArrayContents
from imssa.program.operations import Phase

Record = dict[str, Any]


class Controller:
    """Answers requests with one chip.

    Args:
        chip: The chip.
    """

    def __init__(self, chip: SimulatedChip) -> None:
        self.chip = chip

    def answer(self, line: bytes) -> Record:
        """The reply to one line."""
        try:
            question = json.loads(line)
            reply: Record = getattr(self, f"_{question['do']}")(question)
        except (ImssaError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return reply

    def _write(self, question: Record) -> Record:
        common, targets = question.get("common_mode"), question.get("targets_siemens")
        contents = ArrayContents(
            codes=np.array(question["codes"], np.int64),
            written=np.array(question["written"], np.bool_),
            siemens_per_step=np.array(question["siemens_per_step"], np.float64),
            common_mode=None if common is None else np.array(common, np.int64),
            targets_siemens=None if targets is None else np.array(targets, np.float64),
        )
        cells = question.get("cells")
        if cells is None:
            self.chip.write(question["array"], contents)
        else:
            self.chip.rewrite(question["array"], contents, np.array(cells, np.bool_))
        return {}

    def _read(self, question: Record) -> Record:
        return {"siemens": self.chip.read(question["array"]).tolist()}

    def _mvm(self, question: Record) -> Record:
        place = ReadAddress(question["event"], question["step"], np.array([question["sequence"]]))
        drive = np.array([question["drive"]], np.int64)
        return {"codes": self.chip.mvm(_phase(question), drive, place)[0].tolist()}


def _phase(question: Record) -> Phase:
    """A phase as the simulated chip wants it; where codes come from and go to is not its business."""
    lists = {
        name: np.array(question[name], np.int64)
        for name in ("word_lines", "pairs", "full_scale", "full_scale_shift")
    }
    none = np.zeros(0, np.int64)
    unused = dict.fromkeys(
        ("drive_register", "drive_index", "drive_sign", "drive_shift"), none
    ) | dict.fromkeys(("read_register", "read_index", "read_sign"), none)
    return Phase(array=question["array"], drive=(), read=(), **lists, **unused)


class _Handler(socketserver.StreamRequestHandler):
    """One driver's connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answers line by line until the driver hangs up."""
        for line in self.rfile:
            self.wfile.write(json.dumps(self.server.controller.answer(line)).encode() + b"\n")


def main() -> None:
    """Serves one chip on a port of this machine; prints ``ready HOST:PORT``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--chip", default="taox-64", help="preset or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instance", type=int, default=0)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    asked = parser.parse_args()
    chip = SimulatedChip(load_chip(asked.chip), Key.root(asked.seed), asked.instance)
    with socketserver.TCPServer(("127.0.0.1", asked.port), _Handler) as server:
        server.controller = Controller(chip)
        print(f"ready 127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
