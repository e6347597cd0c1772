"""The large comparison with ngspice behind "agrees to 1e-6"; `pytest -m proof`, about three minutes."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imssa.circuit.ngspice import compare
from imssa.circuit.wires import Ends, OpenSegment, Wires
from tests.circuit.arrays import WINDOW_SIEMENS

ALLOWED = 1e-6
SIZES = [4, 5, 7, 8, 10, 12, 16, 20, 24, 32, 32, 40, 48, 56, 64]
"""Twice each, with another number of bit lines and another drive style."""

OHMS = [0.1, 0.5, 1.0, 5.0, 20.0, 100.0]
RESULT = Path(__file__).parents[2] / "proof" / "circuit.json"


def programmed(rng: np.random.Generator, word_lines: int, bit_lines: int) -> NDArray[np.float64]:
    """Ternary pairs written with 2.6 % error; 2 % stuck at either end, 1 % open."""
    weights = rng.integers(-1, 2, (word_lines, bit_lines // 2 + 1))
    pairs = np.stack([weights > 0, weights < 0], axis=-1).reshape(word_lines, -1)[:, :bit_lines]
    error = 0.026 * WINDOW_SIEMENS * rng.normal(size=pairs.shape)
    conductance = np.abs(WINDOW_SIEMENS * pairs + error)
    fate = rng.random(pairs.shape)
    conductance[fate < 0.05] = WINDOW_SIEMENS
    conductance[fate < 0.03] = 1e-7
    conductance[fate < 0.01] = 0.0
    return conductance


def judged(
    rng: np.random.Generator, word_lines: int, bit_lines: int, wires: Wires
) -> dict[str, object]:
    """One array and one random drive before ngspice."""
    conductance = programmed(rng, word_lines, bit_lines)
    found = compare(conductance, wires, rng.uniform(-0.2, 0.2, word_lines))
    return {
        "word_lines": word_lines,
        "bit_lines": bit_lines,
        "ohm_a_segment": wires.word_line_resistance_ohm,
        "word_line_ends": wires.word_line_ends,
        "open_segments": len(wires.open_word_lines) + len(wires.open_bit_lines),
        "open_devices": int((conductance == 0).sum()),
        "largest_relative_error": found.largest_relative_error,
    }


def drawn_wires(number: int, word_lines: int, bit_lines: int, rng: np.random.Generator) -> Wires:
    """Resistances and drive styles in turn; every fifth array has a broken line of each kind."""
    styles: tuple[Ends, Ends] = ("one", "both")
    broken = number % 5 == 4
    word = OpenSegment(int(rng.integers(word_lines)), int(rng.integers(bit_lines)))
    bit = OpenSegment(int(rng.integers(bit_lines)), int(rng.integers(1, word_lines + 1)))
    ohm = OHMS[number % len(OHMS)]
    return Wires(
        ohm,
        ohm,
        driver_resistance_ohm=float(rng.choice([0.0, 50.0])),
        sense_resistance_ohm=float(rng.choice([0.0, 20.0])),
        word_line_ends=styles[number // len(SIZES)],
        open_word_lines=(word,) if broken else (),
        open_bit_lines=(bit,) if broken else (),
    )


@pytest.mark.proof
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
def test_thirty_programmed_arrays_and_a_large_one() -> None:
    rng = np.random.default_rng(20)
    results = []
    for number, word_lines in enumerate(SIZES * 2):
        bit_lines = word_lines if word_lines in {4, 64} else int(rng.integers(4, word_lines + 1))
        wires = drawn_wires(number, word_lines, bit_lines, rng)
        results.append(judged(rng, word_lines, bit_lines, wires))
    results.append(judged(rng, 128, 128, Wires(1.0, 1.0)))
    worst = max(float(str(result["largest_relative_error"])) for result in results)
    _write({"allowed": ALLOWED, "largest_relative_error": worst, "arrays": results})
    assert worst <= ALLOWED


def _write(found: dict[str, object]) -> None:
    RESULT.parent.mkdir(exist_ok=True)
    partial = RESULT.with_suffix(".json.partial")
    partial.write_text(json.dumps(found, indent=2) + "\n", encoding="ascii")
    os.replace(partial, RESULT)  # noqa: PTH105 - atomic
