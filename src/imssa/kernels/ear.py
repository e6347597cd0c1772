"""The inner ear's loops: gammatone filters, compression and spike generators of all channels.

Channels stand side by side, ``LANES`` to a tile, so that each operation is one of a vector's; a tile's
numbers stay in the first cache for a block of steps. Everything is float32, and what a channel does
depends on its own past alone: results do not change with the pieces that a signal comes in.

The filters, equations and parameters are those of :mod:`imssa.ear`.
"""

from typing import Any, Final

import numba
import numpy as np

LANES: Final = 64
"""Channels of a tile; rows of coefficients and states are this long."""
BLOCK: Final = 64
"""Steps that a tile is carried on at once."""

COEFFICIENTS: Final = 8
"""Rows of a tile's coefficients: (re, im) of the pole a, then of the gains of x[n-1], x[n-2], x[n-3]."""
STATES: Final = 12
"""Rows of a tile's state: (re, im) of four stages, hair cell, membrane, raised threshold, rest in steps."""
HAIR_CELL, MEMBRANE, DECAY, JUMP, GAIN, REST = range(6)
"""Places in the constants of a spike generator: three factors a step, two amounts, a number of steps."""
PAST: Final = 3
"""Samples before the first one that a filter wants."""

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_QUIET: Final = np.float32(
    1e-25
)  # smaller states become zero, before numbers get so small as to be slow

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
_inlined = numba.njit(
    nogil=True, inline="always", error_model="numpy", fastmath={"contract", "nsz"}
)


@_inlined
def _filter(c: Any, s: Any, x: Any, k: int, out: Any) -> None:
    """One step of a tile's filters: four complex one-pole stages in a row, the real part of the last."""
    x1, x2, x3 = x[k + 2], x[k + 1], x[k]
    for f in range(LANES):
        a, b = c[0, f], c[1, f]
        p0 = a * s[0, f] - b * s[1, f] + (c[2, f] * x1 + c[4, f] * x2 + c[6, f] * x3)
        q0 = a * s[1, f] + b * s[0, f] + (c[3, f] * x1 + c[5, f] * x2 + c[7, f] * x3)
        p1, q1 = a * s[2, f] - b * s[3, f] + p0, a * s[3, f] + b * s[2, f] + q0
        p2, q2 = a * s[4, f] - b * s[5, f] + p1, a * s[5, f] + b * s[4, f] + q1
        p3, q3 = a * s[6, f] - b * s[7, f] + p2, a * s[7, f] + b * s[6, f] + q2
        s[0, f], s[1, f], s[2, f], s[3, f] = p0, q0, p1, q1
        s[4, f], s[5, f], s[6, f], s[7, f] = p2, q2, p3, q3
        out[f] = p3


@_inlined
def _compress(row: Any, roots: int) -> None:
    """Half-wave rectification, then square roots."""
    for f in range(LANES):
        row[f] = max(row[f], _ZERO)
    for _ in range(roots):
        for f in range(LANES):
            row[f] = np.sqrt(row[f])


@_inlined
def _fire(g: Any, s: Any, row: Any, fired: Any) -> None:
    """One step of a tile's hair cells and spike generators; notes which fired."""
    for f in range(LANES):
        hair = s[8, f] + g[HAIR_CELL] * (g[GAIN] * row[f] - s[8, f])
        membrane = s[9, f] + g[MEMBRANE] * (hair - s[9, f])
        raised, rest = s[10, f] * g[DECAY], s[11, f]
        membrane = membrane if rest <= _ZERO else _ZERO
        spike = membrane >= _ONE + raised
        s[8, f] = hair
        s[9, f] = _ZERO if spike else membrane
        s[10, f] = raised + g[JUMP] if spike else raised
        s[11, f] = g[REST] if spike else max(rest - _ONE, _ZERO)
        fired[f] = np.uint8(spike)


@_inlined
def _quieten(states: Any) -> None:
    """Sets states to zero that have died away."""
    for t in range(states.shape[0]):
        for r in range(STATES):
            for f in range(LANES):
                if abs(states[t, r, f]) < _QUIET:
                    states[t, r, f] = _ZERO


@_inlined
def _collect(fired: Any, steps: int, first: int, count: int, times: Any, units: Any) -> int:
    """Adds the events of a block, in the order of time and channel; gives their number so far."""
    words = fired.view(np.uint64)  # eight channels are looked at together: spikes are rare
    for j in range(steps):
        for t in range(words.shape[1]):
            for i in range(words.shape[2]):
                if words[j, t, i] != 0:
                    for f in range(8 * i, 8 * i + 8):
                        if fired[j, t, f] != 0:
                            times[count], units[count] = first + j, t * LANES + f
                            count += 1
    return count


@_compiled
def run_ear(
    c: Any, g: Any, roots: int, states: Any, clock: int, x: Any, fired: Any, times: Any, units: Any
) -> Any:
    """Carries all channels on; gives the number of steps done and of events.

    It stops early where the next block could have more events than there is room for.

    Args:
        c: Coefficients, float32 (tiles, COEFFICIENTS, LANES).
        g: Constants of the spike generators, float32.
        roots: Square roots that compress.
        states: float32 (tiles, STATES, LANES); changed.
        clock: Steps before the first one.
        x: PAST samples and those to run, float32.
        fired: Work space, uint8 (BLOCK, tiles, LANES).
        times: Steps of the events, int64, counted from the stream's start.
        units: Their channels, uint16.
    """
    row = np.empty(LANES, np.float32)
    done = count = 0
    while done < x.size - PAST:
        steps = min(BLOCK - (clock + done) % BLOCK, x.size - PAST - done)
        if count + steps * fired[0].size > times.size:
            break
        if (clock + done) % BLOCK == 0:
            _quieten(states)
        for t in range(states.shape[0]):
            for j in range(steps):
                _filter(c[t], states[t], x, done + j, row)
                _compress(row, roots)
                _fire(g, states[t], row, fired[j, t])
        count = _collect(fired, steps, clock + done, count, times, units)
        done += steps
    return done, count


@_compiled
def run_filters(c: Any, x: Any, out: Any) -> None:
    """The filters alone, from rest.

    Args:
        c: Coefficients, float32 (tiles, COEFFICIENTS, LANES).
        x: PAST zeros and the samples, float32.
        out: Their output, float32 (steps, tiles, LANES).
    """
    states = np.zeros((STATES, LANES), np.float32)
    for t in range(c.shape[0]):
        states[:] = _ZERO
        for k in range(out.shape[0]):
            _filter(c[t], states, x, k, out[k, t])
