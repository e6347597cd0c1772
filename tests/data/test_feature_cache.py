from pathlib import Path

import numpy as np
import pytest

from imssa.data import FrontEndConfig, Recording
from imssa.data.cache import cache_key, cached_features
from imssa.data.front_end import extract
from imssa.errors import OutputError
from tests.data.samples import recording, tone

CONFIG = FrontEndConfig(max_frames=20)
RECORDINGS = [recording(tone(440)), recording(tone(880, 0.1))]
EXPECTED = extract(RECORDINGS, CONFIG)


def cached(
    folder: Path, recordings: list[Recording] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Features from the cache; without recordings there is nothing to make them from."""
    return cached_features(lambda: extract(recordings or [], CONFIG), "abc", CONFIG, folder)


def assert_expected(found: tuple[np.ndarray, np.ndarray]) -> None:
    for ours, theirs in zip(found, EXPECTED, strict=True):
        assert np.array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_second_time_nothing_is_computed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    assert_expected(cached(folder, RECORDINGS))
    assert_expected(cached(folder))
    assert [file.name for file in folder.iterdir()] == [f"features-{cache_key('abc', CONFIG)}.npz"]


def test_without_a_folder_nothing_is_kept() -> None:
    assert_expected(cached_features(lambda: EXPECTED, "abc", CONFIG, None))


def test_key_depends_on_recordings_and_front_end() -> None:
    keys = {
        cache_key("abc", CONFIG),
        cache_key("abd", CONFIG),
        cache_key("abc", FrontEndConfig(max_frames=21)),
        cache_key("abc", FrontEndConfig(max_frames=20, floor_power=1e-9)),
    }
    assert len(keys) == 4
    assert cache_key("abc", FrontEndConfig(max_frames=20)) in keys


def test_damaged_file_is_made_anew_wherever_it_is_damaged(tmp_path: Path) -> None:
    cached(tmp_path, RECORDINGS)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    generator = np.random.default_rng(3)
    for place in (*range(200), *generator.integers(len(good), size=150).tolist()):
        bad = bytearray(good)
        bad[place] ^= 1 << int(generator.integers(8))
        file.write_bytes(bad)
        assert_expected(cached(tmp_path, RECORDINGS))
        assert_expected(cached(tmp_path))


@pytest.mark.parametrize("size", [0, 10, 500, -1])
def test_cut_file_is_made_anew(tmp_path: Path, size: int) -> None:
    cached(tmp_path, RECORDINGS)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:size])
    assert_expected(cached(tmp_path, RECORDINGS))


def test_exchanged_values_are_noticed(tmp_path: Path) -> None:
    cached(tmp_path, RECORDINGS)
    (file,) = tmp_path.iterdir()
    with np.load(file) as held:
        arrays = dict(held)
    arrays["features"] = arrays["features"] + np.float32(1)
    np.savez(file, **arrays)
    assert_expected(cached(tmp_path, RECORDINGS))


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    cached(tmp_path, RECORDINGS)
    (file,) = tmp_path.iterdir()
    held = np.array([None], object)
    np.savez(file, features=held, lengths=held, checksum=held)
    assert_expected(cached(tmp_path, RECORDINGS))


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"the folder cannot be written .* Name another cache"):
        cached(tmp_path / "file" / "cache", RECORDINGS)
