"""ngspice as the judge: golden numbers everywhere, live comparisons where it is installed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imssa.circuit.netlist import netlist
from imssa.circuit.ngspice import Comparison, compare, find_ngspice, solve_netlist
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Ends, OpenSegment, Wires
from imssa.errors import CheckFailedError, FileFormatError, MissingToolError
from tests.circuit.arrays import Case, devices
from tests.circuit.golden.make_golden import FOLDER, KINDS, golden_case

ALLOWED = 1e-6
GOLDEN = json.loads((FOLDER / "currents.json").read_text(encoding="ascii"))["bit_line_ampere"]
needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="ngspice is not installed (apt install ngspice)"
)


def golden_error(case: Case, ngspice_ampere: list[float]) -> float:
    ours = case.drive @ transfer_matrix(case.conductance, case.wires, **case.phase)
    return Comparison(ours, np.array(ngspice_ampere)).largest_relative_error


@pytest.mark.parametrize("name", KINDS)
def test_golden_currents(name: str) -> None:
    assert golden_error(golden_case(name), GOLDEN[name]) < ALLOWED


@pytest.mark.parametrize("name", KINDS)
def test_golden_netlist_is_written_again(name: str) -> None:
    case = golden_case(name)
    text = netlist(case.conductance, case.wires, case.drive, **case.phase)
    assert text == (FOLDER / f"{name}.cir").read_text(encoding="ascii")


@pytest.mark.parametrize("name", KINDS)
def test_a_perturbed_golden_value_is_noticed(name: str) -> None:
    values = list(GOLDEN[name])
    largest = int(np.argmax(np.abs(values)))
    values[largest] *= 1 + 3 * ALLOWED
    assert golden_error(golden_case(name), values) > ALLOWED


@needs_ngspice
@pytest.mark.parametrize("ends", ["one", "both"])
@pytest.mark.parametrize("ohm", [0.1, 1.0, 10.0, 100.0])
def test_agrees_with_ngspice(ohm: float, ends: Ends) -> None:
    """With stuck and open devices, several resistances, both drive styles."""
    rng = np.random.default_rng([int(10 * ohm), len(ends)])
    conductance = devices(rng, 12, 10, faulty=0.3)
    wires = Wires(ohm, ohm, word_line_ends=ends)
    found = compare(conductance, wires, rng.uniform(-0.2, 0.2, 12))
    assert 0 < found.largest_relative_error < ALLOWED


@needs_ngspice
def test_agrees_with_ngspice_on_broken_and_floating_lines() -> None:
    rng = np.random.default_rng(1)
    wires = Wires(
        5.0,
        0.0,
        sense_resistance_ohm=30.0,
        bit_line_ends="both",
        undriven="floating",
        unread="floating",
        open_word_lines=(OpenSegment(2, 0), OpenSegment(3, 4)),
        open_bit_lines=(OpenSegment(1, 3), OpenSegment(1, 5), OpenSegment(4, 0)),
    )
    driven, read = np.arange(8) != 5, np.arange(7) != 2
    drive = np.where(driven, rng.normal(size=8), 0.0)
    found = compare(devices(rng, 8, 7), wires, drive, driven=driven, read=read)
    assert found.largest_relative_error < ALLOWED


@needs_ngspice
def test_an_all_open_array_agrees_too() -> None:
    found = compare(np.zeros((3, 2)), Wires(1.0, 1.0), np.ones(3))
    assert found.largest_relative_error == 0.0
    assert Comparison(np.ones(2), np.zeros(2)).largest_relative_error == float("inf")


@needs_ngspice
def test_ngspice_tells_what_is_wrong_with_a_netlist() -> None:
    with pytest.raises(CheckFailedError, match=r"saying .*singular matrix"):
        solve_netlist("* broken\nrg0 a\n.op\n.end\n", 1)


@needs_ngspice
def test_a_missing_current_is_named() -> None:
    text = netlist(np.full((2, 2), 1e-4), Wires(), np.ones(2))
    with pytest.raises(FileFormatError, match=r"without i\(vs2\)"):
        solve_netlist(text, 3)


def test_missing_ngspice_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt install ngspice"):
        find_ngspice()
    with pytest.raises(MissingToolError, match="No such file"):
        solve_netlist("* none\n.end\n", 1, program=tmp_path / "ngspice")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'Error: singular matrix' >&2; exit 1", "exit status 1, saying 'Error: singular"),
        ("echo hello", "without a result, saying 'hello'"),
        ("exec sleep 5", "after 0.2 s, unfinished"),
    ],
)
def test_a_failing_program_is_quoted(tmp_path: Path, script: str, told: str) -> None:
    program = tmp_path / "ngspice"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
    with pytest.raises(CheckFailedError, match=told):
        solve_netlist("* none\n.end\n", 1, program=program, timeout_seconds=0.2)


def test_a_truncated_result_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "ngspice"
    program.write_text("#!/bin/sh\nprintf 'Title: x\\nBinary:\\n' > array.raw\n", encoding="ascii")
    program.chmod(0o755)
    with pytest.raises(FileFormatError, match="ngspice's raw file"):
        solve_netlist("* none\n.end\n", 1, program=program)
