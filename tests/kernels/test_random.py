import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from imssa.kernels.random import Key, philox, read_normals, to_normal

DRAWS = 200_000

# Known answers of philox4x32-10 in the Random123 distribution (kat_vectors): counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_words(
    counter: tuple[int, ...], key: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert tuple(int(word) for word in philox(*counter, *key)) == expected


def test_a_stream_is_philox_of_its_number() -> None:
    """Element 4 b + w of stream s is word w of the block with counter (b, 0, 0, s)."""
    key = Key(0x299F31D0A4093822)
    assert key.words == (0xA4093822, 0x299F31D0)
    words = [int(w) for b in range(3) for w in philox(b, 0, 0, 77, *key.words)]
    expected = [(w + 0.5) / 2**32 for w in words]
    assert key.uniforms(np.array([77]), 11)[0].tolist() == expected[:11]


def exact_normal(word: int) -> float:
    """Quantile of the middle of the word's cell; the first bit is the sign."""
    upper = ((word & 0x7FFFFFFF) + 0.5) / 2**31
    value = float(-stats.norm.ppf((1 - upper) / 2))
    return -value if word >> 31 else value


def test_normals_are_the_quantiles_of_their_words() -> None:
    """Within 0.02 up to 4.9 sigma, and far better for all but one in a hundred."""
    rng = np.random.default_rng(1)
    words = [*rng.integers(0, 2**32, 4000).tolist(), *(2**31 - 2**k for k in range(11, 31)), 0]
    errors = [abs(to_normal(w) - exact_normal(w)) for w in words]
    assert max(errors) < 0.02
    assert np.quantile(errors, 0.99) < 5e-4


def test_normals_are_odd_and_finite_at_the_ends() -> None:
    for word in (0, 1, 12345, 2**31 - 1, 2**31 - 2, 2**30):
        z = to_normal(word)
        assert np.isfinite(z)
        assert z >= 0
        assert to_normal(word | 2**31) == -z
    assert 6.0 < to_normal(2**31 - 1) < 7.0


def stream_normals() -> Any:
    return Key.root(11).normals(np.arange(20), DRAWS // 20).ravel()


def one_long_stream() -> Any:
    return Key.root(12).normals(np.array([5]), DRAWS).ravel()


def reads() -> Any:
    rows, columns = np.arange(DRAWS // 32), np.arange(32)
    return read_normals(Key.root(13), 3, 1, 40, rows, columns).ravel()


def reads_over_steps() -> Any:
    key, one, columns = Key.root(14), np.array([0]), np.arange(32)
    steps = [read_normals(key, 0, 0, step, one, columns) for step in range(DRAWS // 32)]
    return np.concatenate(steps).ravel()


@pytest.mark.parametrize("source", [stream_normals, one_long_stream, reads, reads_over_steps])
def test_normals_are_normal(source: Callable[[], Any]) -> None:
    """Kolmogorov-Smirnov; moments within four standard errors of 0, 1, 0, 3; no serial correlation."""
    z = source()
    assert z.size == DRAWS
    assert stats.kstest(z, "norm").pvalue > 1e-3
    n = z.size
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)
    for lag in (1, 2, 3, 4, 32):
        assert abs((z[:-lag] * z[lag:]).mean()) < 4 / np.sqrt(n - lag)


def test_tails_have_their_share() -> None:
    """Beyond 3 and 4 sigma within four standard errors of a Poisson count."""
    z = np.abs(Key.root(15).normals(np.arange(100), 40_000))
    for threshold in (3.0, 4.0):
        expected = z.size * 2 * stats.norm.sf(threshold)
        assert abs(np.count_nonzero(z > threshold) - expected) < 4 * np.sqrt(expected)


def test_uniforms_are_uniform_and_open() -> None:
    x = Key.root(16).uniforms(np.arange(50), DRAWS // 50).ravel()
    assert x.min() > 0
    assert x.max() < 1
    assert stats.kstest(x, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("draw", ["uniforms", "normals"])
def test_a_row_depends_on_its_stream_only(draw: str) -> None:
    key = Key.root(2)
    streams = np.array([9, 3, 2**31 - 1, 0])
    whole = getattr(key, draw)(streams, 7)
    order = [2, 0, 3, 1]
    assert np.array_equal(getattr(key, draw)(streams[order], 7), whole[order])
    for row, stream in enumerate(streams):
        assert np.array_equal(getattr(key, draw)(np.array([stream]), 7)[0], whole[row])
    assert np.array_equal(getattr(key, draw)(streams, 3), whole[:, :3])  # more draws change none
    assert len(np.unique(whole)) == whole.size


def test_a_read_depends_on_its_address_only() -> None:
    key, samples, pairs = Key.root(3), np.array([4, 0, 900]), np.array([31, 2, 3, 8])
    whole = read_normals(key, 5, 2, 77, samples, pairs)
    turned = read_normals(key, 5, 2, 77, samples[::-1].copy(), pairs[::-1].copy())
    assert np.array_equal(turned, whole[::-1, ::-1])
    for i, sample in enumerate(samples):
        for j, pair in enumerate(pairs):
            single = read_normals(key, 5, 2, 77, np.array([sample]), np.array([pair]))
            assert single[0, 0] == whole[i, j]


def test_every_part_of_a_read_address_counts() -> None:
    samples, pairs = np.arange(8), np.arange(32)
    addresses = [(4, 0, 0, 0), (5, 0, 0, 0), (4, 1, 0, 0), (4, 0, 1, 0), (4, 0, 0, 1)]
    draws = [
        read_normals(Key.root(seed), chip, event, step, samples, pairs)
        for seed, chip, event, step in addresses
    ]
    assert np.unique(np.stack(draws)).size == len(addresses) * 8 * 32


def test_keys_form_a_tree() -> None:
    key = Key.root(1)
    keys = [
        key,
        Key.root(2),
        Key.root(-1),
        key.child("a"),
        key.child("b"),
        key.child("a").child("b"),
        key.child("a", "b"),
        key.child("ab"),
        key.child(1),
        key.child("1"),
        key.child("a", 1),
        key.child("a", 11),
        key.child("a", 1, 1),
    ]
    assert len({k.value for k in keys}) == len(keys)
    assert key.child("a", 3) == Key.root(1).child("a", 3)
    assert all(0 <= k.value < 2**64 for k in keys)
    for k in keys:
        assert struct.pack("<II", *k.words) == k.value.to_bytes(8, "little")


def test_siblings_are_uncorrelated() -> None:
    """Correlation of neighbouring keys' streams within four standard errors of none."""
    n, streams = 50_000, np.array([0])
    rows = [Key.root(4).child("purpose", i).normals(streams, n)[0] for i in range(6)]
    matrix = np.corrcoef(rows) - np.eye(6)
    assert np.abs(matrix).max() < 4 / np.sqrt(n)


def test_derived_generators_repeat() -> None:
    import torch

    key, other = Key.root(8).child("shuffle"), Key.root(9).child("shuffle")
    assert np.array_equal(key.numpy().random(5), key.numpy().random(5))
    assert not np.array_equal(key.numpy().random(5), other.numpy().random(5))
    first, again = (torch.rand(5, generator=key.torch()) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, torch.rand(5, generator=other.torch()))
