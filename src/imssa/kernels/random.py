"""Counter-based random numbers: Philox4x32-10 with keys that name a purpose.

A draw is a pure function of a key (seed and purpose) and of a counter (what it is for: chip, phase,
step, sample, line). So results depend neither on the order of work nor on how it is divided.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from imssa.kernels.pointer import as_float

if TYPE_CHECKING:
    import torch

GROUP: Final = 32
"""Lines of one group of read-noise counters: eight counters of four words."""

MOST_READS: Final = 1 << 16
"""Reads of a time step that have counters of their own: 16 bits of a word number the read."""

MOST_LINES: Final = GROUP * (1 << 16) // 8
"""Lines of a read that have: the other 16 bits number the eight counters of each group."""

_SEGMENT_BITS = 10
_SEGMENTS = 1 << _SEGMENT_BITS
_HIGH_BITS = 31 - _SEGMENT_BITS
_LOW_BITS = _HIGH_BITS - _SEGMENT_BITS


def _quantile_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normal quantiles of the upper half: value and rise of each segment of probability.

    The first 1,023 segments are 2^-11 of probability wide; the last 2^-11 is cut into 1,023 more and
    an end, from 4.9 sigma on, whose 2,048 words have a quantile each.
    """
    fraction = np.arange(_SEGMENTS + 1) / _SEGMENTS
    coarse = -ndtri((1.0 - fraction[:-1]) / 2)
    fine = -ndtri((1.0 - fraction[:-1]) / _SEGMENTS / 2)
    words = 1 << _LOW_BITS
    last = -ndtri((words - np.arange(words) - 0.5) / words / _SEGMENTS**2 / 2)
    low = np.concatenate([coarse[:-1], fine[:-1], last])
    rise = np.concatenate([np.diff(coarse), np.diff(fine), np.zeros(words)])
    return low.astype(np.float32), rise.astype(np.float32)


_LOW, _RISE = _quantile_tables()


def quantile_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Value and rise of each segment of `to_normal`, for other implementations of it."""
    return _LOW.copy(), _RISE.copy()


_SEGMENT_LINES = _LOW.view(np.uint32) | _RISE.view(np.uint32).astype(np.uint64) << np.uint64(32)
"""Value and rise of a segment side by side: one look-up instead of two."""

_LOW_SCALE, _HIGH_SCALE = np.float32(2.0**-_LOW_BITS), np.float32(2.0**-_HIGH_BITS)
_HALF = np.float32(0.5)


@numba.njit(inline="always")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Four random 32-bit words of a 128-bit counter under a 64-bit key."""
    x0, x1, x2, x3 = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
    key0, key1 = np.uint32(k0), np.uint32(k1)
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * np.uint64(x0)
        product1 = np.uint64(0xCD9E8D57) * np.uint64(x2)
        x0 = np.uint32(product1 >> np.uint64(32)) ^ x1 ^ key0
        x2 = np.uint32(product0 >> np.uint64(32)) ^ x3 ^ key1
        x1, x3 = np.uint32(product1), np.uint32(product0)
        key0 = np.uint32(key0 + np.uint32(0x9E3779B9))
        key1 = np.uint32(key1 + np.uint32(0xBB67AE85))
    return x0, x1, x2, x3


@numba.njit(inline="always")
def to_normal(word: Any) -> Any:
    """Standard normal (float32) of one 32-bit word, by linear interpolation in a quantile table."""
    rest = np.int32(word & np.uint32(0x7FFFFFFF))
    segment = rest >> _HIGH_BITS
    tail = segment == _SEGMENTS - 1
    inner = (rest >> _LOW_BITS) & (_SEGMENTS - 1)
    part = rest & ((1 << _LOW_BITS) - 1) if tail else rest & ((1 << _HIGH_BITS) - 1)
    end = _SEGMENTS - 1 + part if inner == _SEGMENTS - 1 else inner
    place = _SEGMENTS - 1 + end if tail else segment
    share = (np.float32(part) + _HALF) * (_LOW_SCALE if tail else _HIGH_SCALE)
    line = _SEGMENT_LINES[place]
    value = as_float(np.uint32(line)) + as_float(np.uint32(line >> np.uint64(32))) * share
    return -value if word >> np.uint32(31) else value


@numba.njit(cache=True, nogil=True)
def _fill(k0: int, k1: int, streams: NDArray[np.int64], count: int) -> NDArray[np.uint32]:
    words = np.empty((len(streams), (count + 3) // 4, 4), np.uint32)
    for row in range(len(streams)):
        for block in range(words.shape[1]):
            a, b, c, d = philox(block, 0, 0, streams[row], k0, k1)
            words[row, block, 0], words[row, block, 1] = a, b
            words[row, block, 2], words[row, block, 3] = c, d
    return words


@numba.vectorize(cache=True)
def _normal(word: Any) -> Any:
    return np.float64(to_normal(np.uint32(word)))


@dataclass(frozen=True)
class Key:
    """A place in the tree of random keys: a 64-bit number made of a seed and of purposes.

    Example:
        >>> key = Key.root(7).child("programming", 3)
        >>> key == Key.root(7).child("programming", 3), key == Key.root(7).child("programming", 4)
        (True, False)
    """

    value: int

    @classmethod
    def root(cls, seed: int) -> "Key":
        """The key of a seed."""
        return cls(0).child("seed", seed)

    def child(self, *purpose: str | int) -> "Key":
        """The key of a purpose below this one."""
        text = json.dumps([self.value, *purpose])
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        return Key(int.from_bytes(digest, "little"))

    @property
    def words(self) -> tuple[int, int]:
        """The key as two 32-bit words, for compiled loops."""
        return self.value & 0xFFFFFFFF, self.value >> 32

    def uniforms(self, streams: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Uniform numbers in (0, 1), shape (streams, count); row i depends on streams[i] only."""
        words = _fill(*self.words, streams, count).reshape(len(streams), -1)[:, :count]
        return np.asarray((words + 0.5) / 2.0**32, np.float64)

    def normals(self, streams: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Standard normals, shape (streams, count); row i depends on streams[i] only."""
        words = _fill(*self.words, streams, count).reshape(len(streams), -1)[:, :count]
        return np.asarray(_normal(words), np.float64)

    def numpy(self) -> np.random.Generator:
        """A NumPy generator of this key."""
        return np.random.Generator(np.random.Philox(key=self.value))

    def torch(self) -> "torch.Generator":
        """A torch generator (CPU) of this key."""
        import torch

        return torch.Generator().manual_seed(self.value >> 1)


@numba.njit(nogil=True)
def read_words(k0: Any, k1: Any, address: Any, first: Any, groups: Any, out: Any) -> None:
    """Words of the reads of lines ``32 first`` .. ``32 (first + groups)`` of one MVM.

    Line l belongs to group l // 32; there it takes word (l // 8) % 4 of counter l % 8. ``address``
    is (event, step, sample, chip); the event is the number of the read in a time step, below
    ``MOST_READS``, and lines are below ``MOST_LINES``: no two reads share a counter.
    """
    event, step, sample, chip = address
    for group in range(groups):
        place = group * GROUP
        for lane in range(8):
            counter = (event << 16) | ((first + group) * 8 + lane)
            a, b, c, d = philox(counter, step, sample, chip, k0, k1)
            out[place + lane], out[place + 8 + lane] = a, b
            out[place + 16 + lane], out[place + 24 + lane] = c, d


@numba.njit(cache=True, nogil=True)
def _read_normals(
    k0: int, k1: int, chip: int, event: int, step: int, samples: Any, lines: Any
) -> Any:
    out = np.empty((len(samples), len(lines)), np.float32)
    groups = lines.max() // GROUP + 1
    words = np.empty(groups * GROUP, np.uint32)
    for row in range(len(samples)):
        read_words(k0, k1, (event, step, samples[row], chip), 0, groups, words)
        for column in range(len(lines)):
            out[row, column] = to_normal(words[lines[column]])
    return out


def read_normals(
    key: Key,
    chip: int,
    event: int,
    step: int,
    samples: NDArray[np.int64],
    lines: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Standard normals of one MVM, shape (samples, lines): functions of their addresses alone.

    Args:
        key: Random key of the reads.
        chip: Number of the chip instance.
        event: Number of the read within a time step (phase times passes, plus pass), below
            ``MOST_READS``.
        step: Time step.
        samples: Numbers of the sequences.
        lines: Numbers of the pairs (or bit lines) read, below ``MOST_LINES``.
    """
    found: NDArray[np.float32] = _read_normals(*key.words, chip, event, step, samples, lines)
    return found


@numba.njit(cache=True)
def first_words(counter: int, k0: int, k1: int) -> Any:
    """The four words of a counter, for known-answer tests."""
    return philox(counter, 0, 0, 0, k0, k1)
