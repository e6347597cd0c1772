"""Netlists as text: the same bytes each time, nothing but what the array has."""

from itertools import takewhile

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
    assert text.startswith("* imssa array of 2 word lines and 2 bit lines\n* ")
    assert [line for line in text.splitlines() if not line.startswith("*")] == [
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


def comment(text: str) -> str:
    """The comment at the head, its lines joined."""
    lines = text.splitlines()
    head = list(takewhile(lambda line: line.startswith("*"), lines))
    assert not any(line.startswith("*") for line in lines[len(head) :])
    return " ".join(line.removeprefix("*").strip() for line in head)


def test_the_head_tells_array_wires_drives_and_names() -> None:
    wires = Wires(
        1.5, 2.0, 10.0, 20.0, "both", "one", "floating", open_word_lines=(OpenSegment(1, 2),)
    )
    driven = np.array([True, True, False, True])
    drive = np.array([0.2, -0.125, 0.0, 0.0])
    text = comment(netlist(np.full((4, 3), 1e-4), wires, drive, driven=driven))
    for words in (
        "array of 4 word lines and 3 bit lines",
        "1.5 ohm a segment of word line, 2 ohm a segment of bit line",
        "driver 10 ohm, amplifier 20 ohm",
        "driven from both ends, bit lines read at one end",
        "Broken word lines: line 1 at segment 2.",
        "Driven word lines: 0-1, 3 (3 of 4); voltages from -0.125 to 0.2 V. Others: floating.",
        "Read bit lines: 0-2 (3 of 3), at 0 V.",
        "w3_5 and b3_5 word-line and bit-line side",
        "i(vs5), in ampere",
    ):
        assert words in text


def test_what_the_caller_adds_stays_a_comment() -> None:
    """No line of it becomes an element, whatever it holds."""
    hostile = "a\nr1 d0 s0 1\r\n.end\x00 \N{MICRO SIGN} " + "x" * 300
    plain, more = (
        netlist(np.full((2, 2), 1e-4), Wires(), np.ones(2), about=about)
        for about in ((), (hostile,))
    )
    assert "a r1 d0 s0 1 .end? ? xxx" in comment(more)
    assert more.isascii()
    assert max(len(line) for line in more.splitlines()) < 200
    assert plain.splitlines()[-12:] == more.splitlines()[-12:]
    assert elements(plain) == elements(more)
