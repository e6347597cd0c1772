"""Netlists as text: the same bytes each time, nothing but what the array has."""

import numpy as np
import pytest
from hypothesis import given

from imssa.circuit.netlist import netlist
from imssa.circuit.wires import OpenSegment, Wires
from imssa.errors import ShapeError
from tests.circuit.arrays import build, plans


def elements(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("r")]


def test_every_element_of_a_small_array() -> None:
    conductance = np.array([[1e-4, 0.0], [5e-5, 2e-4]])
    text = netlist(conductance, Wires(1.0, 2.0, 10.0, 20.0), np.array([0.2, -0.1]))
    assert text.splitlines() == [
        "* imssa array of 2 word lines and 2 bit lines",
        "rg0_0 w0_0 b0_0 10000.0",
        "rg1_0 w1_0 b1_0 20000.0",
        "rg1_1 w1_1 b1_1 5000.0",
        "rr0_0 d0 w0_0 11.0",
        "rr0_1 w0_0 w0_1 1.0",
        "rr1_0 d1 w1_0 11.0",
        "rr1_1 w1_0 w1_1 1.0",
        "rc1_0 b0_0 b1_0 2.0",
        "rc1_1 b0_1 b1_1 2.0",
        "rc2_0 b1_0 s0 22.0",
        "rc2_1 b1_1 s1 22.0",
        "vd0 d0 0 0.2",
        "vd1 d1 0 -0.1",
        "vs0 s0 0 0",
        "vs1 s1 0 0",
        ".options reltol=1e-9 abstol=1e-18 vntol=1e-15 gmin=1e-18",
        ".save i(vs0) i(vs1)",
        ".op",
        ".end",
    ]


def test_ideal_wires_join_nodes() -> None:
    text = netlist(np.full((2, 2), 1e-4), Wires(), np.ones(2))
    assert elements(text) == [f"rg{i}_{j} d{i} s{j} 10000.0" for i in (0, 1) for j in (0, 1)]


def test_open_and_floating_parts_are_left_out() -> None:
    """The device at the far end of both broken lines hangs on nothing."""
    wires = Wires(
        1.0, 1.0, open_word_lines=(OpenSegment(0, 1),), open_bit_lines=(OpenSegment(1, 1),)
    )
    text = netlist(np.full((2, 2), 1e-4), wires, np.ones(2))
    assert not any("w0_1" in line or "b0_1" in line for line in elements(text))
    assert "rg0_1" not in text


@given(plans())
def test_text_is_plain_and_always_the_same(plan: dict[str, object]) -> None:
    case = build(plan)
    first = netlist(case.conductance, case.wires, case.drive, **case.phase)
    assert first == netlist(case.conductance.copy(), case.wires, case.drive, **case.phase)
    assert first.isascii()
    assert max(len(line) for line in first.splitlines()) < 200
    assert first.splitlines()[-1] == ".end"


def test_one_array_and_one_drive_only() -> None:
    with pytest.raises(ShapeError, match="one array"):
        netlist(np.full((2, 3, 4), 1e-4), Wires(), np.ones(3))
    with pytest.raises(ShapeError, match="one array"):
        netlist(np.full((3, 4), 1e-4), Wires(), np.ones((2, 3)))
