"""Counter-based random numbers: Philox4x32-10 with keys that name a purpose.

A draw is a pure function of a key (seed and purpose) and of a counter (what it is for: chip, phase,
step, sample, line). So results depend neither on the order of work nor on how it is divided.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

if TYPE_CHECKING:
    import torch

_SEGMENT_BITS = 10
_SEGMENTS = 1 << _SEGMENT_BITS
_HIGH_BITS = 31 - _SEGMENT_BITS
_LOW_BITS = _HIGH_BITS - _SEGMENT_BITS


def _quantile_tables() -> NDArray[np.float64]:
    """Normal quantiles of the upper half at equal steps of probability; row 1 refines the tail."""
    fraction = np.arange(_SEGMENTS + 1) / _SEGMENTS
    tail_start = 1.0 - 1.0 / _SEGMENTS
    upper_share = np.stack([1.0 - fraction, (1.0 - tail_start) * (1.0 - fraction)])
    upper_share[0, -1] = upper_share[1, 0] / 2  # never used: row 1 takes over
    upper_share[1, -1] = 2.0**-33
    return np.asarray(-ndtri(upper_share / 2), dtype=np.float64)


_QUANTILES = _quantile_tables()


@numba.njit(inline="always")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Four random 32-bit words (as uint64) of a 128-bit counter under a 64-bit key."""
    mask = np.uint64(0xFFFFFFFF)
    x0, x1 = np.uint64(c0) & mask, np.uint64(c1) & mask
    x2, x3 = np.uint64(c2) & mask, np.uint64(c3) & mask
    key0, key1 = np.uint64(k0), np.uint64(k1)
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * x0
        product1 = np.uint64(0xCD9E8D57) * x2
        x0 = (product1 >> np.uint64(32)) ^ x1 ^ key0
        x1 = product1 & mask
        x2 = (product0 >> np.uint64(32)) ^ x3 ^ key1
        x3 = product0 & mask
        key0 = (key0 + np.uint64(0x9E3779B9)) & mask
        key1 = (key1 + np.uint64(0xBB67AE85)) & mask
    return x0, x1, x2, x3


@numba.njit(inline="always")
def to_normal(word: Any) -> Any:
    """Standard normal of one 32-bit word, by linear interpolation in a quantile table."""
    rest = np.int64(word) & np.int64(0x7FFFFFFF)
    segment = rest >> _HIGH_BITS
    row, width = 0, _HIGH_BITS
    if segment == _SEGMENTS - 1:
        row, width = 1, _LOW_BITS
        segment = (rest >> _LOW_BITS) & (_SEGMENTS - 1)
    share = ((rest & ((1 << width) - 1)) + 0.5) / (1 << width)
    low = _QUANTILES[row, segment]
    value = low + (_QUANTILES[row, segment + 1] - low) * share
    return -value if np.int64(word) >> 31 else value


@numba.njit(cache=True, nogil=True)
def _fill(k0: int, k1: int, streams: NDArray[np.int64], count: int) -> NDArray[np.uint32]:
    words = np.empty((len(streams), (count + 3) // 4, 4), np.uint32)
    for row in range(len(streams)):
        for block in range(words.shape[1]):
            a, b, c, d = philox(block, 0, 0, streams[row], k0, k1)
            words[row, block] = np.array((a, b, c, d), np.uint32)
    return words


@numba.vectorize(cache=True)
def _normal(word: Any) -> Any:
    return to_normal(np.uint64(word))


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
        text = "/".join([f"{self.value:016x}", *(f"{type(p).__name__}:{p}" for p in purpose)])
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
        return np.asarray(_normal(words))

    def numpy(self) -> np.random.Generator:
        """A NumPy generator of this key."""
        return np.random.Generator(np.random.Philox(key=self.value))

    def torch(self) -> "torch.Generator":
        """A torch generator (CPU) of this key."""
        import torch

        return torch.Generator().manual_seed(self.value >> 1)


@numba.njit(inline="always")
def read_normal(k0: Any, k1: Any, chip: Any, event: Any, step: Any, sample: Any, pair: Any) -> Any:
    """The standard normal of one read: a function of its address alone.

    Four neighbouring pairs share a counter block.
    """
    words = philox((event << 16) | (pair >> 2), step, sample, chip, k0, k1)
    return to_normal(words[pair & 3])


@numba.njit(cache=True, nogil=True)
def _read_normals(
    k0: int, k1: int, chip: int, event: int, step: int, samples: Any, pairs: Any
) -> NDArray[np.float64]:
    out = np.empty((len(samples), len(pairs)))
    for row in range(len(samples)):
        for column in range(len(pairs)):
            out[row, column] = read_normal(k0, k1, chip, event, step, samples[row], pairs[column])
    return out


def read_normals(
    key: Key,
    chip: int,
    event: int,
    step: int,
    samples: NDArray[np.int64],
    pairs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Standard normals of one MVM, shape (samples, pairs)."""
    found: NDArray[np.float64] = _read_normals(*key.words, chip, event, step, samples, pairs)
    return found


@numba.njit(cache=True)
def first_words(counter: int, k0: int, k1: int) -> Any:
    """The four words of a counter, for known-answer tests."""
    return philox(counter, 0, 0, 0, k0, k1)
