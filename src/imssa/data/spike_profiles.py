"""Where and when the spikes of a data set lie."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from imssa.data.sources import Profile

BIN_SECONDS: Final = 0.010
MOST_BINS: Final = 1000
"""Ten seconds; later spikes are not drawn."""


def spike_profiles(
    trains: Iterable[tuple[np.ndarray, np.ndarray]], items: int
) -> tuple[Profile, ...]:
    """Spikes of each channel, and in each 10 ms, as means over the items.

    Args:
        trains: Times in seconds, ascending, and channels of each item.
        items: How many there are.
    """
    by_channel, by_time = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for times, channels in trains:
        by_channel = _added(by_channel, channels)
        bins = np.floor(times.astype(np.float64) / BIN_SECONDS).astype(np.int64)
        by_time = _added(by_time, bins[bins < MOST_BINS])
    channels_at = np.arange(len(by_channel), dtype=np.float64)
    seconds = (np.arange(len(by_time)) + 0.5) * BIN_SECONDS
    count = max(1, items)
    return (
        Profile(
            name="Spikes of each channel",
            across="channel",
            up="spikes an item",
            places=channels_at,
            curves={"mean": by_channel / count},
        ),
        Profile(
            name="Spikes over time",
            across="time in s",
            up="spikes a second",
            places=seconds,
            curves={"mean": by_time / (count * BIN_SECONDS)},
        ),
    )


def _added(counts: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Counts with one more at each place; longer where it must be."""
    more = np.bincount(places, minlength=len(counts)).astype(np.int64)
    more[: len(counts)] += counts
    return more
