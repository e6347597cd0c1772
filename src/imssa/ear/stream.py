"""Sound in, events out: a signal as it comes, or a whole one."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float32, Int64, UInt16

from imssa.ear.config import EarConfig
from imssa.ear.filters import centre_frequencies, coefficients
from imssa.errors import ShapeError
from imssa.kernels.ear import BLOCK, LANES, PAST, STATES, run_ear, run_filters

Samples = Float32[np.ndarray, " samples"]
_ROOM: Final = 4
"""Blocks full of events that the first buffer holds."""


@dataclass(frozen=True, eq=False)
class Events:
    """Spikes in the order of time, those of one step in the order of channels.

    Attributes:
        steps: int64 (events,): the sample at which each came, counted from the start.
        units: uint16 (events,): its channel.
        rate_hertz: Sampling rate.
    """

    steps: Int64[np.ndarray, " events"]
    units: UInt16[np.ndarray, " events"]
    rate_hertz: int

    def times_seconds(self) -> np.ndarray:
        """When each came, float64 (events,)."""
        return np.asarray(self.steps / self.rate_hertz)


@lru_cache(maxsize=16)
def _tables(config: EarConfig, rate_hertz: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the filters and constants of the spike generators; not to be changed."""
    config.require_rate(rate_hertz, "sound")
    step = 1.0 / rate_hertz
    constants = (
        -np.expm1(-step / config.hair_cell_seconds),
        -np.expm1(-step / config.membrane_seconds),
        np.exp(-step / config.adaptation_seconds),
        config.adaptation,
        config.drive,
        round(config.refractory_seconds * rate_hertz),
    )
    tables = coefficients(centre_frequencies(config), rate_hertz), np.array(constants, np.float32)
    for table in tables:
        table.flags.writeable = False
    return tables


class EarStream:
    """An inner ear that hears a signal in pieces; their sizes change no event.

    Args:
        config: The ear.
        rate_hertz: Sampling rate of the signal.

    Raises:
        RecipeError: The rate has no room for the highest channel.

    Example:
        >>> tone = np.sin(np.arange(1600, dtype=np.float32) * 0.4)
        >>> ear = EarStream(EarConfig(channels=20), 16_000)
        >>> len(ear.push(tone[:700]).units) + len(ear.push(tone[700:]).units) == len(
        ...     hear(tone, 16_000, EarConfig(channels=20)).units
        ... )
        True
    """

    def __init__(self, config: EarConfig, rate_hertz: int) -> None:
        self.config, self.rate_hertz = config, rate_hertz
        self._coefficients, self._constants = _tables(config, rate_hertz)
        tiles = len(self._coefficients)
        self._states = np.zeros((tiles, STATES, LANES), np.float32)
        self._fired = np.zeros((BLOCK, tiles, LANES), np.uint8)
        self._past = np.zeros(PAST, np.float32)
        self._room = _ROOM * self._fired.size
        self.steps = 0

    def push(self, samples: Samples) -> Events:
        """The events of the next samples.

        Args:
            samples: float32, 1 being full scale; any number of them.

        Raises:
            ShapeError: A sample is no finite number; nothing was heard then.
        """
        if not np.isfinite(samples).all():
            raise ShapeError(
                given=f"sound with sample {np.flatnonzero(~np.isfinite(samples))[0]} not finite",
                rule="samples are finite numbers",
                remedy="Look for NaN and infinite values where it comes from.",
            )
        given = np.concatenate([self._past, samples])
        found: list[tuple[np.ndarray, np.ndarray]] = []
        first = 0
        while first < len(samples):
            steps, units = np.empty(self._room, np.int64), np.empty(self._room, np.uint16)
            work = (self._states, self.steps, given[first:], self._fired, steps, units)
            done, count = run_ear(self._coefficients, self._constants, self.config.roots, *work)
            found.append((steps[:count].copy(), units[:count].copy()))
            first, self.steps = first + done, self.steps + done
        self._past = given[-PAST:]
        return _joined(found, self.rate_hertz)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]], rate_hertz: int) -> Events:
    steps = np.concatenate([np.empty(0, np.int64), *(part[0] for part in parts)])
    units = np.concatenate([np.empty(0, np.uint16), *(part[1] for part in parts)])
    return Events(steps, units, rate_hertz)


def hear(samples: Samples, rate_hertz: int, config: EarConfig) -> Events:
    """The events of a whole signal.

    Args:
        samples: float32, 1 being full scale.
        rate_hertz: Sampling rate.
        config: The ear.

    Raises:
        RecipeError: The rate has no room for the highest channel.
        ShapeError: A sample is no finite number.
    """
    return EarStream(config, rate_hertz).push(samples)


def filtered(
    samples: Samples, rate_hertz: int, config: EarConfig
) -> Float32[np.ndarray, "samples channels"]:
    """What the filters make of a signal, before rectification.

    Args:
        samples: float32.
        rate_hertz: Sampling rate.
        config: The ear.

    Raises:
        RecipeError: The rate has no room for the highest channel.
    """
    table, _ = _tables(config, rate_hertz)
    out = np.empty((len(samples), len(table), LANES), np.float32)
    run_filters(table, np.concatenate([np.zeros(PAST, np.float32), samples]), out)
    return out.reshape(len(samples), -1)[:, : config.channels]
