"""The recurrence of diagonal systems over whole sequences, forward and backward, compiled.

A feature is a sum of complex modes, s_k = A s_{k-1} + u_{k-d}, y_k = Re(sum_n c_n s_k) + D u_k: the
input weight B is multiplied into c, and d is 0 or 1 as the output is read after or before the update.
Features stand side by side in the lanes of a vector, so that a step needs no sum across lanes.

The arithmetic is float64 whatever the sequences are: in float32 the rounding of a pole alone, 3e-8 a
step, would cost more than 1e-5 of a state that lasts some hundred steps.

Nothing but the input is kept for the backward pass. y is linear in u, so the gradient of u is the
same filter run over the gradient g of y, backwards. With z_k = ds_k/dA = A z_{k-1} + s_{k-1} the
gradients of c and A are sum_k g_k s_k and c sum_k g_k z_k: running sums of one more pass forwards.
"""

from typing import Any, Final, NamedTuple

import numba
import numpy as np
from jaxtyping import Float, Float64

from imssa.kernels.parallel import for_ranges

# Features side by side; a constant, so that the compiler sees which loads and stores cannot clash.
LANES: Final = 32
STEPS: Final = 4  # time steps that a mode is carried through at once, as the loops spell them out
_QUIET: Final = 1e-200  # a state below it becomes zero, before numbers get small enough to be slow
_QUIET_EVERY: Final = 64
_FILTER_ROWS: Final = 6  # a mode in a filter's work space: A, c, s as (re, im)
_SUM_ROWS: Final = 10  # a mode in the work space of sums: A, s, z, sum of g s, sum of g z

# A product and a sum may become one instruction; no sum is reordered.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
_inlined = numba.njit(
    nogil=True, inline="always", error_model="numpy", fastmath={"contract", "nsz"}
)


class Filter(NamedTuple):
    """The systems of all features; ``modes`` holds the rows Re A, Im A, Re c, Im c."""

    modes: Float64[np.ndarray, "4 modes features"]
    D: Float64[np.ndarray, " features"]
    delay: int


class Sums(NamedTuple):
    """Sums over time, a sequence each: rows Re, Im of g s, then of g z; and g u."""

    modes: Float64[np.ndarray, "batch 4 modes features"]
    u: Float64[np.ndarray, "batch features"]


@_inlined
def _load(source: Any, b: int, h: int, at: int, way: int, tile: Any) -> None:
    """The features from h on at the steps at, at + way, ... of a sequence; zero outside of it."""
    last = at + way * (STEPS - 1)
    if min(at, last) >= 0 and max(at, last) < source.shape[1] and source.shape[2] - h >= LANES:
        s0, s1 = source[b, at, h : h + LANES], source[b, at + way, h : h + LANES]
        s2, s3 = source[b, at + 2 * way, h : h + LANES], source[b, last, h : h + LANES]
        for f in range(LANES):
            tile[0, f], tile[1, f], tile[2, f], tile[3, f] = s0[f], s1[f], s2[f], s3[f]
        return
    count = min(LANES, source.shape[2] - h)
    for j in range(STEPS):
        k = at + way * j
        for f in range(count):
            tile[j, f] = source[b, k, h + f] if 0 <= k < source.shape[1] else 0.0


@_inlined
def _store(tile: Any, b: int, h: int, at: int, way: int, target: Any) -> None:
    last = at + way * (STEPS - 1)
    if min(at, last) >= 0 and max(at, last) < target.shape[1] and target.shape[2] - h >= LANES:
        t0, t1 = target[b, at, h : h + LANES], target[b, at + way, h : h + LANES]
        t2, t3 = target[b, at + 2 * way, h : h + LANES], target[b, last, h : h + LANES]
        for f in range(LANES):
            t0[f], t1[f], t2[f], t3[f] = tile[0, f], tile[1, f], tile[2, f], tile[3, f]
        return
    count = min(LANES, target.shape[2] - h)
    for j in range(STEPS):
        k = at + way * j
        if 0 <= k < target.shape[1]:
            for f in range(count):
                target[b, k, h + f] = tile[j, f]


@_inlined
def _fill(table: Any, given: int, h: int, rows: int, work: Any) -> None:
    """The first rows of `table` at features h on; all other rows and lanes are zero."""
    work[:] = 0.0
    for n in range(table.shape[1]):
        for r in range(given):
            for f in range(min(LANES, table.shape[2] - h)):
                work[(n * rows + r) * LANES + f] = table[r, n, h + f]


@_inlined
def _quieten(work: Any, modes: int, rows: int, first: int, end: int) -> None:
    """Sets states (rows `first` to `end` - 1 of each mode) to zero that have died away."""
    for n in range(modes):
        for i in range((n * rows + first) * LANES, (n * rows + end) * LANES):
            if abs(work[i]) < _QUIET:
                work[i] = 0.0


@_inlined
def _filter_steps(x: Any, modes: int, work: Any, out: Any) -> None:
    """Carries all modes through the inputs x; adds Re(c s) after each to out."""
    for n in range(modes):
        o = n * (_FILTER_ROWS * LANES)
        for f in range(LANES):
            a, b = work[o + f], work[o + LANES + f]
            c, d = work[o + 2 * LANES + f], work[o + 3 * LANES + f]
            p0, q0 = work[o + 4 * LANES + f], work[o + 5 * LANES + f]
            p1, q1 = a * p0 - b * q0 + x[0, f], a * q0 + b * p0
            out[0, f] += c * p1 - d * q1
            p2, q2 = a * p1 - b * q1 + x[1, f], a * q1 + b * p1
            out[1, f] += c * p2 - d * q2
            p3, q3 = a * p2 - b * q2 + x[2, f], a * q2 + b * p2
            out[2, f] += c * p3 - d * q3
            p4, q4 = a * p3 - b * q3 + x[3, f], a * q3 + b * p3
            out[3, f] += c * p4 - d * q4
            work[o + 4 * LANES + f], work[o + 5 * LANES + f] = p4, q4


@_compiled
def _filter(first: int, end: int, u: Any, system: Filter, backwards: bool, y: Any) -> None:
    length, features = u.shape[1:]
    modes = system.modes.shape[1]
    blocks = -(-features // LANES)
    work = np.empty(modes * _FILTER_ROWS * LANES)
    x, out, D = np.zeros((STEPS, LANES)), np.zeros((STEPS, LANES)), np.zeros(LANES)
    start, way = (length - 1, -1) if backwards else (0, 1)
    for item in range(first, end):
        b, h = item // blocks, item % blocks * LANES
        _fill(system.modes, 4, h, _FILTER_ROWS, work)
        for f in range(min(LANES, features - h)):
            D[f] = system.D[h + f]
        for k in range(0, length, STEPS):
            if k % _QUIET_EVERY == 0:
                _quieten(work, modes, _FILTER_ROWS, 4, 6)
            at = start + way * k
            _load(u, b, h, at, way, x)
            for f in range(LANES):
                for j in range(STEPS):
                    out[j, f] = D[f] * x[j, f]
            if system.delay != 0:
                _load(u, b, h, at - way, way, x)
            _filter_steps(x, modes, work, out)
            _store(out, b, h, at, way, y)


@_inlined
def _sum_steps(x: Any, g: Any, modes: int, work: Any) -> None:
    """Carries s and z of all modes through the inputs x; adds g s and g z after each step."""
    for n in range(modes):
        o = n * (_SUM_ROWS * LANES)
        for f in range(LANES):
            a, b = work[o + f], work[o + LANES + f]
            p, q = work[o + 2 * LANES + f], work[o + 3 * LANES + f]
            v, w = work[o + 4 * LANES + f], work[o + 5 * LANES + f]
            v, w = a * v - b * w + p, a * w + b * v + q
            p, q = a * p - b * q + x[0, f], a * q + b * p
            gp, gq, gv, gw = g[0, f] * p, g[0, f] * q, g[0, f] * v, g[0, f] * w
            v, w = a * v - b * w + p, a * w + b * v + q
            p, q = a * p - b * q + x[1, f], a * q + b * p
            gp, gq, gv, gw = gp + g[1, f] * p, gq + g[1, f] * q, gv + g[1, f] * v, gw + g[1, f] * w
            v, w = a * v - b * w + p, a * w + b * v + q
            p, q = a * p - b * q + x[2, f], a * q + b * p
            gp, gq, gv, gw = gp + g[2, f] * p, gq + g[2, f] * q, gv + g[2, f] * v, gw + g[2, f] * w
            v, w = a * v - b * w + p, a * w + b * v + q
            p, q = a * p - b * q + x[3, f], a * q + b * p
            gp, gq, gv, gw = gp + g[3, f] * p, gq + g[3, f] * q, gv + g[3, f] * v, gw + g[3, f] * w
            work[o + 2 * LANES + f], work[o + 3 * LANES + f] = p, q
            work[o + 4 * LANES + f], work[o + 5 * LANES + f] = v, w
            work[o + 6 * LANES + f] += gp
            work[o + 7 * LANES + f] += gq
            work[o + 8 * LANES + f] += gv
            work[o + 9 * LANES + f] += gw


@_compiled
def _sum(first: int, end: int, g_y: Any, u: Any, system: Filter, sums: Sums) -> None:
    length, features = u.shape[1:]
    modes = system.modes.shape[1]
    blocks = -(-features // LANES)
    work = np.empty(modes * _SUM_ROWS * LANES)
    x, g, D = np.zeros((STEPS, LANES)), np.zeros((STEPS, LANES)), np.zeros(LANES)
    for item in range(first, end):
        b, h = item // blocks, item % blocks * LANES
        count = min(LANES, features - h)
        _fill(system.modes, 2, h, _SUM_ROWS, work)
        D[:] = 0.0
        for k in range(0, length, STEPS):
            if k % _QUIET_EVERY == 0:
                _quieten(work, modes, _SUM_ROWS, 2, 6)
            _load(u, b, h, k, 1, x)
            _load(g_y, b, h, k, 1, g)
            for f in range(LANES):
                for j in range(STEPS):
                    D[f] += g[j, f] * x[j, f]
            if system.delay != 0:
                _load(u, b, h, k - 1, 1, x)
            _sum_steps(x, g, modes, work)
        for n in range(modes):
            for r in range(4):
                row = (n * _SUM_ROWS + 6 + r) * LANES
                for f in range(count):
                    sums.modes[b, r, n, h + f] = work[row + f]
        for f in range(count):
            sums.u[b, h + f] = D[f]


def _items(u: Float[np.ndarray, "batch length features"]) -> int:
    batch, _, features = u.shape
    blocks = -(-int(features) // LANES)
    return int(batch) * blocks


def run_filter(
    u: Float[np.ndarray, "batch length features"], system: Filter, *, backwards: bool = False
) -> Float[np.ndarray, "batch length features"]:
    """The output from a zero state, in the precision of ``u``; or with time running backwards."""
    y = np.empty_like(u)
    for_ranges(_items(u), lambda first, end: _filter(first, end, u, system, backwards, y))
    return y


def run_sums(
    g_y: Float[np.ndarray, "batch length features"],
    u: Float[np.ndarray, "batch length features"],
    system: Filter,
) -> Sums:
    """What the gradients of A, c and D are made of, for the gradient ``g_y`` of the output."""
    batch, _, features = u.shape
    sums = Sums(
        np.empty((batch, *system.modes.shape)),
        np.zeros((batch, features)),
    )
    for_ranges(_items(u), lambda first, end: _sum(first, end, g_y, u, system, sums))
    return sums
