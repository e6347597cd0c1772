"""Wires refuse what no wire is, and name every fault at once."""

import subprocess
import sys
from typing import Any

import pytest

from imssa.circuit.wires import OpenSegment, Wires
from imssa.errors import RecipeError

# In an interpreter of its own: here the test run's type checker would answer first.
WRONG_WORDS = """
from imssa.circuit.wires import Wires
from imssa.errors import RecipeError
try:
    Wires(word_line_ends="three", undriven="open", driver_resistance_ohm="1", sense_resistance_ohm=1)
except RecipeError as error:
    print(error)
"""


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        Wires(
            word_line_resistance_ohm=-1.0,
            bit_line_resistance_ohm=float("nan"),
            driver_resistance_ohm=float("inf"),
            open_bit_lines=(OpenSegment(0, -2),),
        )
    told = str(caught.value)
    for fault in (
        "word_line_resistance_ohm = -1",
        "bit_line_resistance_ohm = nan",
        "driver_resistance_ohm = inf",
        "open_bit_lines with OpenSegment(line=0, segment=-2)",
    ):
        assert fault in told
    assert "sense_resistance_ohm" not in told


def test_wrong_words_and_kinds_are_named() -> None:
    command = [sys.executable, "-c", WRONG_WORDS]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "word_line_ends = 'three', not one or both" in told
    assert "undriven = 'open', not grounded or floating" in told
    assert "driver_resistance_ohm = '1', not a number" in told
    assert "sense_resistance_ohm" not in told


@pytest.mark.parametrize(
    "wires",
    [
        {},
        {"word_line_resistance_ohm": 1.0},
        {"bit_line_resistance_ohm": 0.5, "sense_resistance_ohm": 100.0},
        {"open_word_lines": (OpenSegment(3, 0),), "word_line_ends": "both"},
    ],
)
def test_zero_is_ideal_and_allowed_anywhere(wires: dict[str, Any]) -> None:
    assert Wires(**wires) == Wires(**wires)
    assert hash(Wires(**wires)) == hash(Wires(**wires))
