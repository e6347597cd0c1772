"""Files of events: read as the published ones are, whole or not there."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile

from imssa.ear import (
    EarConfig,
    Encoded,
    EncodingConfig,
    encode_folder,
    encode_recording,
    find_recordings,
    hear,
    read_recording,
)
from imssa.ear.heidelberg import Items
from imssa.errors import DataError, OutputError, RecipeError
from tests.data.samples import NO_PUBLISHED, PUBLISHED
from tests.ear.samples import RATE_HERTZ, SMALL, word, write, write_digits, write_words


def encoded(folder: Path, out: Path, config: EncodingConfig = SMALL, workers: int = 1) -> Encoded:
    return encode_folder(folder, out, config, lambda *_: None, workers)


def test_a_file_is_read_as_the_published_ones_are(tmp_path: Path) -> None:
    folder = write_words(tmp_path / "words")
    found = encoded(folder, tmp_path / "spikes.h5")
    sources, _ = find_recordings(folder)
    with h5py.File(tmp_path / "spikes.h5") as file:
        times, units = file["spikes"]["times"], file["spikes"]["units"]
        assert h5py.check_vlen_dtype(times.dtype) == np.float16
        assert h5py.check_vlen_dtype(units.dtype) == np.uint16
        assert file["labels"][:].tolist() == [0, 0, 0, 1, 1]
        assert [key.decode() for key in file["extra"]["keys"]] == ["high", "low"]
        assert file["extra"]["speaker"][:].tolist() == [0, 0, 2, 1, 2]
        meta = file["extra"]["meta_info"]
        assert [name.decode() for name in meta["speaker"]] == ["0a1b2c3d", "4e5f6a7b", "unknown"]
        assert meta["duration"][:] == pytest.approx([0.25, 0.2, 0.3, 0.15, 0.2], abs=1e-3)
        assert [name.decode() for name in meta["recording"]] == [s.name for s in sources]
        for item, recording in enumerate(sources):
            samples, rate_hertz = read_recording(recording)
            events = encode_recording(samples, rate_hertz, SMALL)
            assert units[item].tolist() == events.units.tolist()
            assert np.array_equal(times[item], events.times_seconds().astype(np.float16))
            assert (np.diff(times[item]) >= 0).all()
            assert found.spikes[item] == len(events.units) > 50
        made = json.loads(file.attrs["imssa"])
    assert made["encoding"]["ear"]["channels"] == 40
    assert made["format"] == "imssa.spikes/1"
    assert (found.recordings, found.classes, found.speakers) == (5, ("high", "low"), 2)


def test_words_differ_where_their_pitches_do(tmp_path: Path) -> None:
    encoded(write_words(tmp_path / "words"), tmp_path / "spikes.h5")
    with h5py.File(tmp_path / "spikes.h5") as file:
        middle = [float(np.median(units)) for units in file["spikes/units"]]
    assert min(middle[:3]) > max(middle[3:]) + 5


def test_files_are_equal_whatever_the_number_of_workers(tmp_path: Path) -> None:
    folder = write_digits(tmp_path / "digits")
    files = [tmp_path / f"{n}.h5" for n in (1, 2, 3)]
    for workers, file in zip((1, 2, 5), files, strict=True):
        encoded(folder, file, workers=workers)
    assert files[0].read_bytes() == files[1].read_bytes() == files[2].read_bytes()


def test_times_of_32_bits(tmp_path: Path) -> None:
    folder = write_digits(tmp_path / "digits")
    encoded(folder, tmp_path / "a.h5", replace(SMALL, time_type="float32"))
    samples, _ = read_recording(find_recordings(folder)[0][0])
    with h5py.File(tmp_path / "a.h5") as file:
        found = file["spikes/times"][0]
    assert found.dtype == np.float32
    exact = encode_recording(samples, RATE_HERTZ, SMALL).times_seconds()
    assert found == pytest.approx(exact, abs=1e-7)


def test_level_is_taken_out_and_left_in() -> None:
    sound = word(800.0)
    loud, faint = (
        encode_recording(sound, RATE_HERTZ, SMALL),
        encode_recording((0.25 * sound).astype(np.float32), RATE_HERTZ, SMALL),
    )
    assert loud.steps.tolist() == faint.steps.tolist()  # a quarter is exact in floats
    plain = replace(SMALL, level_decibel=None)
    assert encode_recording(sound, RATE_HERTZ, plain).steps.tolist() == (
        hear(sound, RATE_HERTZ, SMALL.ear).steps.tolist()
    )
    quarter = np.asarray(0.25 * sound, np.float32)
    assert len(encode_recording(quarter, RATE_HERTZ, plain).steps) < 0.9 * len(loud.steps)
    with pytest.raises(DataError, match="take 3: it has no sound that could be brought to a level"):
        encode_recording(np.ones(100, np.float32), RATE_HERTZ, SMALL, "take 3")


def test_an_unusable_recording_is_refused_or_left_out(tmp_path: Path) -> None:
    folder, out = write_words(tmp_path / "words"), tmp_path / "spikes.h5"
    write(folder / "low" / "a.wav", np.zeros(500))
    write(folder / "low" / "slow.wav", word(300.0)[::2], RATE_HERTZ // 2)
    told = r"low/a\.wav: the recording is silent.* \(the first of 2 of 7 .*Or leave such .*: --skip"
    with pytest.raises(DataError, match=told):
        encoded(folder, out)
    assert not out.exists()
    found = encoded(folder, out, replace(SMALL, skip_unusable=True))
    assert found.recordings == 5
    assert [reason.split(": ")[0].split("/")[-1] for reason in found.skipped] == [
        "a.wav",
        "slow.wav at 8000 Hz with channels up to 6000 Hz",
    ]
    for path in sorted(folder.glob("*/*")):
        path.write_bytes(b"no sound")
    with pytest.raises(DataError, match=r"nohash_0.* \(the first of 7 of 7 .*again\.$"):
        encoded(folder, out, replace(SMALL, skip_unusable=True))


def test_recordings_of_several_rates_share_a_file(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a" / "slow.wav", word(300.0))
    t = np.arange(9600) / 48_000
    soundfile.write(tmp_path / "in" / "a" / "fast.wav", 0.3 * np.sin(1885.0 * t), 48_000)
    assert encoded(tmp_path / "in", tmp_path / "a.h5").recordings == 2


def test_a_file_that_fails_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_digits(tmp_path / "digits"), tmp_path / "out" / "a.h5"
    out.parent.mkdir()
    out.write_text("the old one")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("imssa.ear.heidelberg.SpikeFile.add", fail)
        with pytest.raises(OutputError, match=r"a\.h5: it cannot be written \(No space left"):
            encoded(folder, out)
    assert [path.name for path in out.parent.iterdir()] == ["a.h5"]
    assert out.read_text() == "the old one"
    with pytest.raises(OutputError, match="cannot be written"):
        encoded(folder, out / "b.h5")
    with pytest.raises(OutputError, match="out: this is a folder"):
        encoded(folder, out.parent)


def test_what_the_format_has_no_numbers_for_is_refused() -> None:
    long = Items(["a"], ["b"], ["c"], [70_000.0], ("a",))
    long.require_fit("float32")
    with pytest.raises(DataError, match=r"a recording of 70000 s .* float16 holds at most 65000 s"):
        long.require_fit("float16")
    many = tuple(str(n) for n in range(65_537))
    with pytest.raises(DataError, match="65537 classes or speakers"):
        Items(["0"], ["b"], ["c"], [1.0], many).require_fit("float16")
    with pytest.raises(RecipeError, match="level_decibel = 6: it lies from -120 to 0"):
        EncodingConfig(level_decibel=6.0)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=NO_PUBLISHED)
def test_spoken_digits_lie_within_the_published_range() -> None:
    """No item of the Spiking Heidelberg Digits has more than 14,917 spikes (benchmarks/inner_ear.py)."""
    config = EncodingConfig(ear=EarConfig(highest_hertz=3500.0))
    sources, _ = find_recordings(PUBLISHED)
    counts = []
    for recording in sources[::100]:
        samples, rate_hertz = read_recording(recording)
        assert len(samples) / rate_hertz < 1.4
        counts.append(len(encode_recording(samples, rate_hertz, config).units))
    assert max(counts) < 14_917
    assert min(counts) > 1_000
