"""Arrays of programs before ngspice: every phase where idle lines float, one comparison where not."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from imssa.crossbar.arrays import program_array
from imssa.experiment.circuits import LIMIT, verify, write_netlist
from imssa.hardware.wires import WireSettings
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.program import Program
from tests.reference.networks import Sketch, chip_with, random_network

SIZE = (36, 72)


def program_of(idle: str) -> Program:
    """Two layers on one array, each with a phase for states and one for outputs."""
    wires = WireSettings.model_validate(
        {
            "word_line_resistance_ohm": 20.0,
            "bit_line_resistance_ohm": 30.0,
            "undriven": idle,
            "unread": idle,
        }
    )
    chip = chip_with(count=1, size=SIZE).model_copy(update={"wires": wires})
    return compile_network(random_network(4, Sketch(output="current", layers=2), chip), chip, {})


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.parametrize("idle", ["floating", "grounded"])
def test_each_transfer_of_a_program_is_verified(idle: str) -> None:
    program = program_of(idle)
    found = verify(program, (), 2, 0)
    phases: list[int | None] = [0, 1, 2, 3] if idle == "floating" else [None]
    assert [(v.phase, v.drive) for v in found] == [(p, n) for p in phases for n in range(2)]
    assert all(v.relative_error <= LIMIT and v.largest_current_ampere > 0 for v in found)


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
def test_a_wrong_transfer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "imssa.circuit.ngspice.transfer_matrix",
        lambda conductance, _wires, **_lines: conductance * (1 + 1e-5),
    )
    assert not any(v.passed for v in verify(program_of("grounded"), (0,), 1, 0))


def test_a_netlist_of_floating_lines_is_that_of_the_first_phase(tmp_path: Path) -> None:
    program = program_of("floating")
    write_netlist(program, 0, tmp_path / "a.cir", 3)
    text = (tmp_path / "a.cir").read_text()
    assert "Lines in use: those of phase 0 of the program." in text
    phase = program.phases[0]
    assert f"({len(phase.word_lines)} of {SIZE[0]})" in text
    assert f"({2 * len(phase.pairs)} of {SIZE[1]})" in text
    key = Key.root(3).child("chip").child("array", 0)
    array = program_array(program.arrays[0], program.chip, key, np.zeros(1, np.int64), array=0)
    conducting = int((array.devices.conductance_siemens > 0).sum())
    assert sum(line.startswith("rg") for line in text.splitlines()) == conducting
