"""Writes the golden netlists beside this file and asks ngspice for their currents.

Run from the repository, where ngspice is installed: ``python -m tests.circuit.golden.make_golden``.
The numbers are ngspice's alone; the tests compare Y with them without running it.
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from imssa.circuit.netlist import netlist
from imssa.circuit.ngspice import solve_netlist
from imssa.circuit.wires import OpenSegment, Wires
from tests.circuit.arrays import Case, devices

FOLDER = Path(__file__).parent

KINDS = {
    "plain_4x4": ((4, 4), Wires(1.0, 1.0)),
    "both_ends_5x6": ((5, 6), Wires(100.0, 30.0, 50.0, 80.0, "both", "both")),
    "floating_broken_6x5": (
        (6, 5),
        Wires(
            10.0,
            0.0,
            sense_resistance_ohm=40.0,
            undriven="floating",
            open_word_lines=(OpenSegment(1, 3),),
            open_bit_lines=(OpenSegment(2, 4),),
        ),
    ),
}


def golden_case(name: str) -> Case:
    """The array of a golden netlist, rounded so that it can be read in the text."""
    (word_lines, bit_lines), wires = KINDS[name]
    rng = np.random.default_rng([ord(letter) for letter in name])
    conductance = np.round(devices(rng, word_lines, bit_lines, faulty=0.3), 8)
    driven = np.arange(word_lines) % 3 != 2
    drive = np.where(driven, np.round(rng.uniform(-0.2, 0.2, word_lines), 3), 0.0)
    return Case(conductance, wires, drive, driven, np.ones(bit_lines, np.bool_))


def main() -> None:
    """Write every netlist and its currents."""
    version = subprocess.run(
        [shutil.which("ngspice") or "ngspice", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    currents = {}
    for name, ((_, bit_lines), wires) in KINDS.items():
        case = golden_case(name)
        text = netlist(case.conductance, wires, case.drive, **case.phase)
        (FOLDER / f"{name}.cir").write_text(text, encoding="ascii")
        currents[name] = [float(value) for value in solve_netlist(text, bit_lines)]
    found = {
        "solved_by": next(line for line in version.splitlines() if "ngspice-" in line).strip("* "),
        "bit_line_ampere": currents,
    }
    (FOLDER / "currents.json").write_text(json.dumps(found, indent=2) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
