"""Another sampling rate: a polyphase filter that takes a recording whole or in blocks, with the same result."""

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64

HALF_ZEROS: Final = 10
"""Zero crossings of the sinc on either side, as in SciPy's ``resample_poly``."""
KAISER_BETA: Final = 5.0


@lru_cache(maxsize=32)  # a live stream meets one pair of rates, a folder of recordings some
def low_pass(up: int, down: int) -> Float64[np.ndarray, " taps"]:
    """Kaiser-windowed sinc that cuts at the lower of both rates' halves, with gain ``up``; read-only.

    Source: A. Oppenheim, R. Schafer, Discrete-Time Signal Processing, chapters 4.6 and 7.5; the length and
    the window are those of SciPy's ``resample_poly``.
    """
    from scipy.signal import firwin

    widest = max(up, down)
    taps: Float64[np.ndarray, " taps"] = up * np.asarray(
        firwin(2 * HALF_ZEROS * widest + 1, 1 / widest, window=("kaiser", KAISER_BETA))
    )
    taps.setflags(write=False)
    return taps


class Resampler:
    """Samples of one rate in, of another out, in blocks of any size and in constant memory.

    y_m = sum_k h_(m down - k up + centre) x_k with h of ``low_pass``: what a whole recording gives
    does not depend on how it is cut into blocks.

    Args:
        from_hertz: Rate of what is pushed.
        to_hertz: Rate of what comes out.

    Example:
        >>> whole = Resampler(8000, 4000)
        >>> len(whole.push(np.zeros(80, np.float32))), len(whole.finish())
        (30, 10)
    """

    def __init__(self, from_hertz: int, to_hertz: int) -> None:
        common = gcd(from_hertz, to_hertz)
        self._up, self._down = to_hertz // common, from_hertz // common
        self._same = from_hertz == to_hertz
        self._centre = HALF_ZEROS * max(self._up, self._down)
        self._kept = np.zeros(0)
        self._first = 0  # number of the first sample kept; a multiple of down
        self._taken = 0
        self._given = 0

    def push(self, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " out"]:
        """What is known once these samples are."""
        self._taken += len(samples)
        if self._same:
            return samples
        self._kept = np.concatenate([self._kept, samples.astype(np.float64)])
        # y_m needs x_k up to k up <= m down + centre
        ready = (self._taken * self._up - 1 - self._centre) // self._down + 1
        return self._out(max(ready, self._given))

    def finish(self) -> Float32[np.ndarray, " out"]:
        """The rest, with zeros behind the last sample."""
        if self._same:
            return np.zeros(0, np.float32)
        return self._out(-(-self._taken * self._up // self._down))

    def _out(self, end: int) -> Float32[np.ndarray, " out"]:
        """Outputs from the first that was not given to before ``end``."""
        if end <= self._given:
            return np.zeros(0, np.float32)
        from scipy.signal import upfirdn

        skip = -self._centre % self._down
        taps = np.concatenate([np.zeros(skip), low_pass(self._up, self._down)])
        lead = (self._centre + skip) // self._down - self._first // self._down * self._up
        tail = np.zeros(2 * self._centre // self._up + self._down + 1)
        filtered = upfirdn(taps, np.concatenate([self._kept, tail]), self._up, self._down)
        found = np.asarray(filtered[self._given + lead : end + lead], np.float32)
        self._given = end
        self._forget()
        return found

    def _forget(self) -> None:
        """Drops what no later output needs, in whole multiples of ``down``."""
        oldest = (self._given * self._down - self._centre) // self._up
        drop = max(0, (oldest - self._first) // self._down * self._down)
        self._kept = self._kept[drop:]
        self._first += drop


def resampled(
    samples: Float32[np.ndarray, " samples"], from_hertz: int, to_hertz: int
) -> Float32[np.ndarray, " out"]:
    """A whole recording at another rate; overshoot beyond full scale is cut off."""
    if from_hertz == to_hertz:
        return samples
    one = Resampler(from_hertz, to_hertz)
    whole = np.concatenate([one.push(samples), one.finish()])
    return np.asarray(np.clip(whole, -1, 1))
