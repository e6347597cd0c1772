"""A float network as a stream: one time step after the other, for deployment and live signals."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import nn

from imssa.errors import ImssaError, ShapeError
from imssa.kernels.float_stream import (
    ACTIVATIONS,
    DONE,
    IN_WINDOW,
    STEPS,
    Network,
    end_stream,
    restart_stream,
    run_stream,
    words_of,
    work_size,
)
from imssa.models.classifier import S4DBlock, S4DClassifier

Vector = Float64[np.ndarray, " numbers"]


class ModelStream:
    """A float network that takes its input one time step at a time, in constant memory.

    The logits are those of the network in evaluation mode (no dropout, batch norm by its stored
    statistics) on all steps so far, computed in float64. All arrays are made here; a step makes none.
    The parameters are copied: later training changes nothing.

    The mean is over all steps since the restart or, with a `window`, since the window's start: when
    that many steps are full, the next one begins the sum anew. The kernels' states live on
    or, without `keeps_states`, begin anew with it: each window is a sequence of its own.

    A stream belongs to one thread at a time, and is neither copied nor pickled.

    Args:
        model: The network.
        window: Steps after which the mean begins anew; None: never.
        keeps_states: Whether a new window clears the sum only.

    Raises:
        ShapeError: A window below one step.

    Example:
        >>> from imssa.models import ModelConfig
        >>> config = ModelConfig(n_features=3, n_classes=2, d_model=4)
        >>> stream = ModelStream(S4DClassifier(config, torch.Generator().manual_seed(1)))
        >>> stream.push(np.ones((5, 3)))
        >>> stream.step(np.ones(3))
        >>> stream.steps, stream.logits().shape
        (6, (2,))
    """

    def __init__(
        self, model: S4DClassifier, *, window: int | None = None, keeps_states: bool = True
    ) -> None:
        if window is not None and window < 1:
            raise ShapeError(
                given=f"window = {window}",
                rule="a mean is over at least one step",
                remedy="Give the number of steps of a window, or None.",
            )
        config = model.config
        sizes = (config.d_model, config.d_state // 2, config.n_layers, config.n_classes)
        self._numbers = _parameters(model)
        self._work = np.zeros(work_size(*sizes))
        network = Network(
            self._numbers,
            self._work,
            config.n_features,
            *sizes,
            activation=ACTIVATIONS.index(config.activation),
            delay=config.output == "delayed",
            window=window or 0,
            forgets=not keeps_states,
        )
        self._words = words_of(network)
        self._clock = np.zeros(2, np.int64)
        self._given = np.zeros(config.n_features)
        self._given_at = self._given.ctypes.data
        self._logits = self._work[4 * config.d_model :][: config.n_classes]
        self._logits.setflags(write=False)
        self._sum = self._work[3 * config.d_model :][: config.d_model]
        self._run(self._given_at, 0, 0)  # compiled now, so that the first step takes no longer
        self._clock[IN_WINDOW] = 1
        end_stream(self._words, self._clock)
        self.restart()

    @property
    def steps(self) -> int:
        """Steps since the last restart."""
        return int(self._clock[STEPS])

    def restart(self) -> None:
        """Begins a new sequence: states and sum are zero."""
        restart_stream(self._words, self._clock)

    def begin(self) -> None:
        """Begins a new window here: the sum begins anew, the states live on."""
        self._sum[:] = 0
        self._clock[IN_WINDOW] = 0

    def step(self, features: Float[np.ndarray, " features"]) -> None:
        """Runs one time step.

        Args:
            features: Features as the network was trained on.

        Raises:
            ShapeError: Another number of features, or one that is no finite number; the stream stays
                as it was.
        """
        if features.shape != self._given.shape:
            raise self._misshapen(features)
        np.copyto(self._given, features)
        self._run(self._given_at, 1, 0)

    def push(
        self,
        features: Float[np.ndarray, "steps features"],
        out: Float64[np.ndarray, "steps classes"] | None = None,
    ) -> None:
        """Runs many time steps in one compiled call.

        Args:
            features: Features; float64 in C order are not copied.
            out: Where the logits after each step are written; in C order.

        Raises:
            ShapeError: Another number of features, one that is no finite number, or another shape of
                `out`; the stream stays as it was.
        """
        if features.shape[1:] != self._given.shape:
            raise self._misshapen(features)
        given = np.require(features, np.float64, ["C", "A"])
        if out is not None:
            _require_out(out, (len(given), len(self._logits)))
        record = 0 if out is None or not out.size else out.ctypes.data
        self._run(given.ctypes.data, len(given), record)

    def logits(self) -> Float64[np.ndarray, " classes"]:
        """The logits of the steps so far, those of the window where there are windows.

        The array is overwritten when asked again.

        Raises:
            ShapeError: No step was run yet.
        """
        if not self._clock[IN_WINDOW]:
            raise ShapeError(
                given="a stream without a step",
                rule="logits are those of the mean over at least one step",
                remedy="Push a step before asking.",
            )
        end_stream(self._words, self._clock)
        return self._logits

    def answer(self) -> int:
        """The class with the largest logit; ties go to the lowest.

        Raises:
            ShapeError: No step was run yet.
        """
        return int(self.logits().argmax())

    def _run(self, inputs: int, steps: int, record: int) -> None:
        found = run_stream(self._words, self._clock, inputs, steps, record)
        if found != DONE:
            raise ShapeError(
                given=f"features at step {found} of the {steps} given",
                rule="features are finite numbers",
                remedy="Look at the recording, and at the scaling of its features.",
            )

    def _misshapen(self, features: np.ndarray) -> ShapeError:
        count = len(self._given)
        return ShapeError(
            given=f"features of shape {features.shape}",
            rule=f"a step takes ({count},), a block (steps, {count})",
            remedy="Use the front end that the network was trained with.",
        )

    def __reduce__(self) -> Any:
        raise ImssaError(
            given="a copy of a stream",
            rule="its states stand at a fixed place in the memory of one process",
            remedy="Make another stream of the same network.",
        )


def _parameters(model: S4DClassifier) -> Vector:
    """All parameters in the order of :mod:`imssa.kernels.float_stream`."""
    parts = [*_linear(model.encoder)]
    for block in model.blocks:
        parts += _block(block)
    parts += _linear(model.decoder)
    return np.concatenate([part.detach().double().cpu().numpy().ravel() for part in parts])


def _linear(layer: nn.Linear) -> list[torch.Tensor]:
    return [layer.weight.mT, layer.bias]


@torch.no_grad()
def _block(block: S4DBlock) -> list[torch.Tensor]:
    """Modes, direct terms and mixing map, the batch norm folded into it."""
    system = block.s4d.discrete(torch.float64)
    c = 2 * system.C * system.B_bar
    modes = torch.stack((system.A_bar.real, system.A_bar.imag, c.real, c.imag))
    weights, bias = block.mixing.weight.double(), block.mixing.bias.double()
    if block.norm is not None:
        stored = {name: value.double() for name, value in block.norm.state_dict().items()}
        gain = stored["weight"] / torch.sqrt(stored["running_var"] + block.norm.eps)
        bias = gain * (bias - stored["running_mean"]) + stored["bias"]
        weights = gain[:, None] * weights
    return [modes.permute(2, 0, 1), system.D, weights.mT, bias]


def _require_out(out: np.ndarray, shape: tuple[int, int]) -> None:
    if out.shape != shape or out.dtype != np.float64 or not out.flags.carray:
        raise ShapeError(
            given=f"out of shape {out.shape} and type {out.dtype}",
            rule=f"the logits take {shape} float64 numbers in C order, writeable",
            remedy="Make it once by np.empty, of that shape, and use it for every block.",
        )
