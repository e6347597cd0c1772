"""Spikes kept as events: one step an event, or a few that follow at once, with the true time between.

A network's recurrence has a fixed step, on the chip too. So the time since the step before is not what the
step lasts but a feature that the network reads, on a logarithmic scale, since intervals span four decades.
"""

from typing import Final, Literal

import numpy as np
from jaxtyping import Int64, UInt8
from pydantic import Field

from imssa.data.channel_groups import ChannelGroups

MOST: Final = 255
"""Features are bytes: a larger count or interval is written as this."""
STEPS_AN_OCTAVE: Final = 16


class EventFrontEnd(ChannelGroups):
    """Spikes as events, in the order of their times.

    A step begins with the first spike that no step has, at t_k, and holds the spikes at that time and those
    before t_k + group_seconds. Its features are

    - the number of its spikes in the channels j channels_summed to (j + 1) channels_summed - 1, for each j:
      with 0 or a small group_seconds nearly one-hot;
    - last, the time since the step before on a logarithmic scale,
      round(16 log2(1 + (t_k - t_(k-1)) / unit_seconds)): sixteen steps an octave, 4.4 % each, at 0.1 ms
      up to 6.3 s. The first step counts from time 0.

    All are bytes, 255 at most.

    Attributes:
        group_seconds: How long a step gathers spikes. Published times are float16, 0.5 ms apart from half
            a second on, so several fall on one time anyway.
        unit_seconds: Below it intervals are told apart in proportion, above it in ratio.
        max_frames: Most steps of an item; later spikes are left out.
    """

    kind: Literal["events"] = "events"
    group_seconds: float = Field(default=0.001, ge=0, le=10)
    unit_seconds: float = Field(default=0.0001, gt=0, le=10)
    max_frames: int = Field(default=512, ge=1, le=65536)

    @property
    def padded_length(self) -> int:
        """Steps of the padded features."""
        return self.max_frames

    @property
    def n_features(self) -> int:
        """Groups of channels, and the interval."""
        return self.groups + 1

    def resolved(self, _length: int) -> "EventFrontEnd":
        """The same: nothing is drawn."""
        return self


def as_events(
    times_second: np.ndarray, channels: Int64[np.ndarray, " spikes"], config: EventFrontEnd
) -> UInt8[np.ndarray, "steps features"]:
    """One item's spikes as steps; an item without a spike has one step of zeros.

    Args:
        times_second: Of each spike, not negative, ascending.
        channels: Of each spike, 0 to n_channels - 1.
        config: The front end.

    Example:
        >>> config = EventFrontEnd(n_channels=4, channels_summed=2, unit_seconds=0.5)
        >>> as_events(np.array([0.0, 0.5, 0.5]), np.array([0, 1, 3]), config).tolist()
        [[1, 0, 0], [1, 1, 16]]
    """
    times = times_second.astype(np.float64)
    starts, end = _starts(times, config)
    counts = np.zeros((max(1, len(starts)), config.n_features), np.int64)
    if len(starts):
        steps = np.repeat(np.arange(len(starts)), np.diff(starts, append=end))
        np.add.at(counts, (steps, channels[:end] // config.channels_summed), 1)
        passed = np.diff(times[starts], prepend=0.0)
        octaves = np.log2(1 + passed / config.unit_seconds)
        counts[:, -1] = np.rint(STEPS_AN_OCTAVE * octaves)
    return np.minimum(counts, MOST).astype(np.uint8)


def _starts(times: np.ndarray, config: EventFrontEnd) -> tuple[Int64[np.ndarray, " steps"], int]:
    """Places of the spikes with which steps begin, and that of the first spike behind the last step."""
    within = np.searchsorted(times, times + config.group_seconds)
    following = np.maximum(within, np.searchsorted(times, times, side="right")).tolist()
    starts: list[int] = []
    place = 0
    while place < len(following) and len(starts) < config.max_frames:
        starts.append(place)
        place = following[place]
    return np.array(starts, np.int64), place
