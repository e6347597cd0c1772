"""``lab-run PROGRAM INPUTS.json HOST:PORT``: answers to sequences of input codes, one a line."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from lab_driver.link import ControllerError, Link
from lab_driver.program_file import ProgramFileError, read_program
from lab_driver.sequencer import Sequencer


def main() -> int:
    """Writes the program to the chip and runs it on each sequence; exit 2: could not."""
    parser = argparse.ArgumentParser(prog="lab-run", description=__doc__)
    parser.add_argument("program", type=Path)
    parser.add_argument("inputs", type=Path, help="JSON: sequences of steps of input codes")
    parser.add_argument("controller", help="HOST:PORT")
    parser.add_argument("--registers", action="store_true", help="print them all with each answer")
    asked = parser.parse_args()
    try:
        _run(asked)
    except (ProgramFileError, ControllerError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _run(asked: argparse.Namespace) -> None:
    program = read_program(asked.program)
    sequencer = Sequencer(program, Link(asked.controller))
    sequencer.write()
    names = program.header["class_names"]
    for number, sequence in enumerate(json.loads(asked.inputs.read_text("utf-8"))):
        answer = sequencer.run(np.array(sequence, np.int64), number)
        word = names[answer] if answer < len(names) else None
        found = {"sequence": number, "answer": answer, "class": word}
        if asked.registers:
            found["registers"] = {k: v.tolist() for k, v in sequencer.registers.items()}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.exit(main())
