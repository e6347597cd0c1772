"""Random arrays with all that wires may do to them, for hypothesis and for the proof."""

from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from imssa.circuit.wires import OpenSegment, Wires

WINDOW_SIEMENS = 150e-6


class Phase(TypedDict):
    """Keyword arguments that say which lines a phase uses."""

    driven: NDArray[np.bool_]
    read: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    """One array, its wires, and one phase."""

    conductance: NDArray[np.float64]
    wires: Wires
    drive: NDArray[np.float64]
    driven: NDArray[np.bool_]
    read: NDArray[np.bool_]

    @property
    def phase(self) -> Phase:
        return {"driven": self.driven, "read": self.read}


def devices(
    rng: np.random.Generator, word_lines: int, bit_lines: int, faulty: float = 0.1
) -> NDArray[np.float64]:
    """Uniform in the window; some stuck high, some stuck low, some open."""
    conductance = rng.uniform(0, WINDOW_SIEMENS, (word_lines, bit_lines))
    fate = rng.random(conductance.shape)
    conductance[fate < faulty] = WINDOW_SIEMENS
    conductance[fate < faulty * 2 / 3] = 1e-7
    conductance[fate < faulty / 3] = 0.0
    return conductance


def _breaks(lines: int, first: int, last: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.lists(st.tuples(st.integers(0, lines - 1), st.integers(first, last)), max_size=3)


@st.composite
def plans(draw: st.DrawFn, largest: int = 6) -> dict[str, Any]:
    """Plain values for ``build``: an array of up to largest x largest and wires of any kind.

    The package's own values are built in the test: the type checker that tests put around them
    draws random numbers, which hypothesis does not allow while it draws.
    """
    word_lines, bit_lines = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    ohm = st.sampled_from([0.0, 0.01, 1.0, 100.0, 1e4])
    ends, idle = st.sampled_from(["one", "both"]), st.sampled_from(["grounded", "floating"])
    return {
        "shape": (word_lines, bit_lines),
        "seed": draw(st.integers(0, 2**32)),
        "word_line_resistance_ohm": draw(ohm),
        "bit_line_resistance_ohm": draw(ohm),
        "driver_resistance_ohm": draw(ohm),
        "sense_resistance_ohm": draw(ohm),
        "word_line_ends": draw(ends),
        "bit_line_ends": draw(ends),
        "undriven": draw(idle),
        "unread": draw(idle),
        "open_word_lines": draw(_breaks(word_lines, 0, bit_lines - 1)),
        "open_bit_lines": draw(_breaks(bit_lines, 1, word_lines)),
    }


def build(plan: dict[str, Any]) -> Case:
    """The array of a plan."""
    rest = dict(plan)
    (word_lines, bit_lines), rng = rest.pop("shape"), np.random.default_rng(rest.pop("seed"))
    for name in ("open_word_lines", "open_bit_lines"):
        rest[name] = tuple(OpenSegment(*place) for place in rest[name])
    driven = rng.random(word_lines) > 0.2
    return Case(
        conductance=devices(rng, word_lines, bit_lines, faulty=0.4),
        wires=Wires(**rest),
        drive=np.where(driven, rng.normal(size=word_lines), 0.0),
        driven=driven,
        read=rng.random(bit_lines) > 0.2,
    )
