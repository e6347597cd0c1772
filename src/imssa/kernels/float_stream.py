"""A float network's time steps one at a time, compiled: encoder, S4D blocks, running mean, decoder.

Parameters stand in one vector of float64, working numbers in another, in the order of ``places``:

- parameters: encoder; of each block its modes, direct terms D, and mixing map; decoder. A linear map is
  its weights (inputs, outputs), then its bias. A mode has the rows Re A, Im A, Re c, Im c of
  :mod:`imssa.kernels.recurrence`, whose recurrence and conventions are these:
  s_k = A s_{k-1} + u_k and y_k = Re(c s_{k-d}) + D u_k, d being 0 or 1.
- working numbers: three vectors of features, their sum over time, the logits, then of each block and
  mode Re s and Im s.
"""

import math
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from imssa.kernels.addresses import located, packed
from imssa.kernels.pointer import moved

ACTIVATIONS: Final = ("gelu", "relu", "identity")
"""Names of the activations; a network has the number of one."""

IN_WINDOW, STEPS = range(2)
"""Places in a clock: steps of the window so far, and since the restart."""

DONE: Final = -1
"""What ``run_stream`` gives instead of the step whose features it refused."""

_GELU, _RELU = range(2)
_HALF_ROOT: Final = math.sqrt(0.5)
_QUIET: Final = 1e-200  # a state below it becomes zero, before numbers get small enough to be slow
_QUIET_EVERY: Final = 64
_U1, _U2, _U3, _U4 = (np.uint64(n) for n in range(1, 5))


class Network(NamedTuple):
    """Sizes of a network, and its two vectors.

    Attributes:
        parameters: The parameters.
        work: The working numbers.
        features: Inputs of a step.
        width: Kernels a block.
        modes: Modes a kernel.
        blocks: Number of blocks.
        classes: Number of classes.
        activation: Number of the activation.
        delay: 1: outputs are read before the states' update; 0: after it.
        window: Steps after which the sum begins anew; 0: never.
        forgets: Whether the states begin anew with it.
    """

    parameters: Any
    work: Any
    features: Any
    width: Any
    modes: Any
    blocks: Any
    classes: Any
    activation: Any
    delay: Any
    window: Any
    forgets: Any


def words_of(network: Network) -> Any:
    """A network as one vector, for the compiled functions of this file."""
    return packed((network,), dict.fromkeys(("parameters", "work"), np.float64))


def work_size(width: int, modes: int, blocks: int, classes: int) -> int:
    """Number of working numbers."""
    return 4 * width + classes + blocks * modes * 2 * width


@numba.njit(nogil=True, forceinline=True)
def _network(words: Any) -> Any:
    number = np.float64(0)
    return Network(
        located(words[0], number),
        located(words[1], number),
        np.uint64(words[2]),
        np.uint64(words[3]),
        np.uint64(words[4]),
        np.uint64(words[5]),
        np.uint64(words[6]),
        words[7],
        words[8],
        words[9],
        words[10] != 0,
    )


@numba.njit(nogil=True, forceinline=True, fastmath={"contract"})
def _linear(weights: Any, inputs: Any, outputs: Any, x: Any, y: Any) -> Any:
    """Y = W x + b; gives what follows the map's parameters."""
    bias = moved(weights, inputs * outputs)
    for j in range(outputs):
        y[j] = bias[j]
    for i in range(inputs):
        row, value = moved(weights, i * outputs), x[i]
        for j in range(outputs):
            y[j] += row[j] * value
    return moved(bias, outputs)


@numba.njit(nogil=True, forceinline=True, fastmath={"contract"})
def _kernels(net: Any, given: Any, states: Any, u: Any, y: Any) -> Any:
    """All kernels of a block; gives what follows their parameters."""
    width = net.width
    D = moved(given, net.modes * _U4 * width)
    for f in range(width):
        y[f] = D[f] * u[f]
    for n in range(net.modes):
        a = moved(given, n * _U4 * width)
        b, c, d = moved(a, width), moved(a, _U2 * width), moved(a, _U3 * width)
        p = moved(states, n * _U2 * width)
        q = moved(p, width)
        if net.delay:
            for f in range(width):
                y[f] += c[f] * p[f] - d[f] * q[f]
        for f in range(width):
            before, other = p[f], q[f]
            p[f] = a[f] * before - b[f] * other + u[f]
            q[f] = a[f] * other + b[f] * before
        if not net.delay:
            for f in range(width):
                y[f] += c[f] * p[f] - d[f] * q[f]
    return moved(D, width)


@numba.njit(nogil=True, forceinline=True)
def _activate(kind: Any, count: Any, y: Any) -> None:
    if kind == _GELU:
        for f in range(count):
            y[f] = 0.5 * y[f] * (1.0 + math.erf(_HALF_ROOT * y[f]))
    elif kind == _RELU:
        for f in range(count):
            y[f] = max(y[f], 0.0)


@numba.njit(nogil=True, forceinline=True)
def _renew(net: Any, forgets: Any) -> None:
    """Sets the sum back, and the states where they are to be forgotten."""
    total = moved(net.work, _U3 * net.width)
    for f in range(net.width):
        total[f] = 0.0
    if forgets:
        states = moved(total, net.width + net.classes)
        for i in range(net.blocks * net.modes * _U2 * net.width):
            states[i] = 0.0


@numba.njit(nogil=True, forceinline=True)
def _quieten(net: Any) -> None:
    """Sets states to zero that have died away: the smallest numbers are slow."""
    states = moved(net.work, _U4 * net.width + net.classes)
    for i in range(net.blocks * net.modes * _U2 * net.width):
        if abs(states[i]) < _QUIET:
            states[i] = 0.0


@numba.njit(nogil=True, forceinline=True)
def _step(net: Any, given: Any) -> None:
    """Encoder, blocks, sum."""
    width = net.width
    x = net.work
    y, z, total = moved(x, width), moved(x, _U2 * width), moved(x, _U3 * width)
    states = moved(total, width + net.classes)
    rest = _linear(net.parameters, net.features, width, given, x)
    for _ in range(net.blocks):
        rest = _kernels(net, rest, states, x, y)
        _activate(net.activation, width, y)
        rest = _linear(rest, width, width, y, z)
        for f in range(width):
            x[f] += z[f]
        states = moved(states, net.modes * _U2 * width)
    for f in range(width):
        total[f] += x[f]


@numba.njit(nogil=True, forceinline=True)
def _decode(net: Any, count: Any, out: Any) -> None:
    """Logits of the mean over ``count`` steps."""
    width = net.width
    block = net.modes * _U4 * width + width + width * width + width
    at = net.features * width + width + net.blocks * block
    mean, total = moved(net.work, width), moved(net.work, _U3 * width)
    for f in range(width):
        mean[f] = total[f] / count
    _linear(moved(net.parameters, at), width, net.classes, mean, out)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run_stream(words: Any, clock: Any, inputs: int, steps: int, record: int) -> Any:
    """Runs time steps; gives ``DONE``, or the first step with a feature that is no finite number.

    Features are looked at before anything runs, so that a refused block changes nothing.

    Args:
        words: Members of ``Network``.
        clock: Where the stream stands.
        inputs: Address of the features, float64 (steps, features).
        steps: Number of time steps.
        record: Address of the logits after each step, float64 (steps, classes); 0: none.
    """
    net = _network(words)
    given, kept = located(inputs, np.float64(0)), located(record, np.float64(0))
    for i in range(np.uint64(steps) * net.features):
        if not math.isfinite(given[i]):
            return np.int64(i // net.features)
    for k in range(np.uint64(steps)):
        if clock[IN_WINDOW] == net.window and net.window > 0:
            clock[IN_WINDOW] = 0
            _renew(net, net.forgets)
        if clock[STEPS] % _QUIET_EVERY == 0:
            _quieten(net)
        _step(net, moved(given, k * net.features))
        clock[IN_WINDOW] += 1
        clock[STEPS] += 1
        if record != 0:
            _decode(net, clock[IN_WINDOW], moved(kept, k * net.classes))
    return DONE


@numba.njit(cache=True, nogil=True, error_model="numpy")
def end_stream(words: Any, clock: Any) -> None:
    """Writes the logits of the steps of the window so far."""
    net = _network(words)
    _decode(net, clock[IN_WINDOW], moved(net.work, _U4 * net.width))


@numba.njit(cache=True, nogil=True)
def restart_stream(words: Any, clock: Any) -> None:
    """Sets sum, states and clock to zero."""
    _renew(_network(words), True)
    clock[IN_WINDOW] = clock[STEPS] = 0
