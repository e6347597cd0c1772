"""Raw files of SPICE simulators, whole and damaged."""

import struct

import numpy as np
import pytest

from imssa.circuit.rawfile import read_raw
from imssa.errors import FileFormatError

HEAD = (
    "Title: * array\nDate: today\nPlotname: Operating Point\nFlags: real\n"
    "No. Variables: 2\nNo. Points: {points}\nVariables:\n\t0\ti(vs0)\tcurrent\n\t1\tI(vs1)\tcurrent\n"
)
BINARY = HEAD.format(points=2).encode() + b"Binary:\n" + struct.pack("<4d", 1e-5, -2.0, 3.5, 0.1)
ASCII = HEAD.format(points=2).encode() + b"Values:\n0\t1e-5\n\t-2.0\n\n1\t3.5\n\t0.1\n"


@pytest.mark.parametrize("content", [BINARY, ASCII])
def test_both_kinds_give_the_same(content: bytes) -> None:
    vectors = read_raw(content)
    assert list(vectors) == ["i(vs0)", "i(vs1)"]
    np.testing.assert_array_equal(vectors["i(vs0)"], [1e-5, 3.5])
    np.testing.assert_array_equal(vectors["i(vs1)"], [-2.0, 0.1])


@pytest.mark.parametrize("content", [BINARY, ASCII.rstrip()])
def test_every_cut_is_noticed(content: bytes) -> None:
    """Except within the digits of an ASCII file's last number, which no reader can notice."""
    last = len(b"0.1") - 1 if content.endswith(b"0.1") else 0
    for length in range(len(content) - last):
        with pytest.raises(FileFormatError):
            read_raw(content[:length])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "neither binary data nor values"),
        (BINARY.replace(b"Flags: real", b"Flags: complex"), "its numbers are complex"),
        (BINARY.replace(b"Variables: 2", b"Variables: 3"), "another number of variables"),
        (BINARY.replace(b"Points: 2", b"Points: -1"), "'no. points' is '-1'"),
        (BINARY.replace(b"\tcurrent", b""), "no name or no type"),
        (BINARY.replace(b"\nVariables:", b"\nVectors:"), "lists no variables"),
        (BINARY.replace(b"Points: 2", b"Points: 3"), "cut short: 32 of 48 bytes"),
        (ASCII.replace(b"3.5", b"x.5"), "not a number"),
    ],
)
def test_faults_are_named(content: bytes, told: str) -> None:
    with pytest.raises(FileFormatError, match=told):
        read_raw(content, "array.raw")
