"""Where something is said: a gate on the level of each frame, relative to a noise floor that it tracks."""

import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from imssa.errors import RecipeError


@dataclass(frozen=True)
class GateConfig:
    """When the gate opens and closes. All times are rounded to frames.

    Attributes:
        open_decibel: Above the noise floor; at least two frames in a row open the gate.
        close_decibel: Above the noise floor; below it for ``hang_seconds`` closes the gate.
        quiet_decibel: Least noise floor, in dB of full scale: digital silence is no yardstick.
        floor_seconds: The noise floor is the lowest level, smoothed, of so long a time.
        hang_seconds: Stops within a word are shorter than this.
        shortest_seconds: What is loud for less is no word.
        longest_seconds: What is loud for longer is cut there.

    Raises:
        RecipeError: The gate would close where it opens, or a time is not positive.
    """

    open_decibel: float = 10.0
    close_decibel: float = 6.0
    quiet_decibel: float = -65.0
    floor_seconds: float = 3.0
    hang_seconds: float = 0.20
    shortest_seconds: float = 0.06
    longest_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.close_decibel <= self.open_decibel:
            raise RecipeError(
                given=f"a gate that opens at {self.open_decibel:g} dB and closes at "
                f"{self.close_decibel:g} dB above the noise",
                rule="it closes at a positive level, at most the one at which it opens",
                remedy="Set for instance 10 and 6.",
            )
        times = (self.floor_seconds, self.hang_seconds, self.shortest_seconds, self.longest_seconds)
        finite = all(map(math.isfinite, times))
        if not finite or min(times) <= 0 or self.longest_seconds <= self.shortest_seconds:
            raise RecipeError(
                given=f"gate times of {', '.join(f'{t:g}' for t in times)} s",
                rule="times are positive and finite, and the longest word is longer than the shortest",
                remedy="Leave them out, or lengthen them.",
            )


class Stretch(NamedTuple):
    """Frames in which something was said.

    Attributes:
        begin: First loud frame.
        end: One behind the last loud frame.
        cut: Whether it is a piece of what was loud for longer than a word may be.
    """

    begin: int
    end: int
    cut: bool = False


class NoiseFloor:
    """The lowest level of the last frames, each the mean power of some: minimum statistics.

    Source: R. Martin, IEEE Trans. Speech and Audio Processing 9(5), 2001, without its bias correction;
    the gate's thresholds stand well above the 2 to 3 dB by which the minimum lies too low.

    Args:
        frames: How many are looked back at.
        smoothed: How many make one level.
        before: The level of all frames before the first, where it is known; None: there were none.

    Example:
        >>> floor = NoiseFloor(frames=3, smoothed=1)
        >>> [round(floor.push(level)) for level in (-50.0, -40.0, -30.0, -20.0)]
        [-50, -50, -50, -40]
    """

    def __init__(self, frames: int, smoothed: int = 8, before: float | None = None) -> None:
        self._frames = frames
        self._before = np.inf if before is None else before
        self._powers = deque[float](maxlen=smoothed)
        self._rising = deque[tuple[int, float]]()  # numbers and levels, both ascending
        self._number = 0

    def push(self, level_decibel: float) -> float:
        """The floor in dB, this frame included."""
        self._powers.append(10 ** (level_decibel / 10))
        level = 10 * float(np.log10(sum(self._powers) / len(self._powers)))
        while self._rising and self._rising[-1][1] >= level:
            self._rising.pop()
        self._rising.append((self._number, level))
        if self._rising[0][0] <= self._number - self._frames:
            self._rising.popleft()
        self._number += 1
        return min(self._rising[0][1], self._before if self._number < self._frames else np.inf)


class Gate:
    """Levels in, stretches out.

    Args:
        config: Its thresholds.
        hop_seconds: Time from one frame to the next.
        before: Level of the noise before the first frame, where it is known.

    Attributes:
        begin: First loud frame of the open stretch; None: the gate is closed.
        last: Last loud frame of the open stretch.
        frames: How many were pushed.
        floor_decibel: The noise floor after the last frame.
    """

    def __init__(self, config: GateConfig, hop_seconds: float, before: float | None = None) -> None:
        self.config = config
        self.hang, self.shortest, self.longest = (
            max(1, round(seconds / hop_seconds))
            for seconds in (config.hang_seconds, config.shortest_seconds, config.longest_seconds)
        )
        self._floor = NoiseFloor(max(1, round(config.floor_seconds / hop_seconds)), before=before)
        self.begin: int | None = None
        self.last = 0
        self.frames = 0
        self.floor_decibel = config.quiet_decibel
        self._loud = 0
        self._cut_at: int | None = None

    def push(self, level_decibel: float) -> Stretch | None:
        """Takes the level of one frame; gives the stretch that ends with it.

        A stretch that was too short is forgotten.
        """
        number, self.frames = self.frames, self.frames + 1
        self.floor_decibel = max(self._floor.push(level_decibel), self.config.quiet_decibel)
        above = level_decibel - self.floor_decibel
        if self.begin is None:
            self._loud = self._loud + 1 if above > self.config.open_decibel else 0
            if self._loud >= 2:
                self.begin, self.last = number - 1, number
            return None
        if above > self.config.close_decibel:
            self.last = number
        if self.last + 1 - self.begin >= self.longest:
            self._cut_at = self.last + 1
            return self.close()
        return self.close() if number - self.last >= self.hang else None

    def close(self) -> Stretch | None:
        """Closes the gate, as at the end of the stream; gives the stretch, if it is one."""
        begin, self.begin, self._loud = self.begin, None, 0
        if begin is None or self.last + 1 - begin < self.shortest:
            return None
        end = self.last + 1
        return Stretch(begin, end, self._cut_at in {begin, end})
