import importlib.resources
import io
import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile

from imssa.data import bundled, fsdd
from imssa.errors import DataError
from tests.data.samples import NO_PUBLISHED, PUBLISHED

BUNDLED = importlib.resources.files("imssa.data") / "bundled"
SCRIPT = Path(__file__).parents[2] / "scripts" / "bundle_recordings.py"


def test_archive_is_complete_and_in_order() -> None:
    files = bundled.read(None, bundled.WORDS)
    assert len(files) == 600
    assert [file.name for file in (files[0], files[299], files[300])] == [
        "0_george_0",
        "0_yweweler_49",
        "1_george_0",
    ]


def test_licence_stands_beside_it() -> None:
    text = (BUNDLED / "LICENSE-fsdd.txt").read_text(encoding="utf-8")
    for part in ("CC BY-SA 4.0", "Zohar Jackson", "Jakobovski/free-spoken-digit-dataset", "FLAC"):
        assert part in text


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=NO_PUBLISHED)
def test_archive_equals_the_published_recordings() -> None:
    packed = bundled.read(None, bundled.WORDS)
    published = fsdd.read(PUBLISHED, bundled.WORDS)
    for ours, theirs in zip(packed, published, strict=True):
        assert (ours.name, ours.label, ours.speaker, ours.take) == (
            theirs.name,
            theirs.label,
            theirs.speaker,
            theirs.take,
        )
        our_samples, our_rate = soundfile.read(io.BytesIO(ours.held), dtype="int16")
        their_samples, their_rate = soundfile.read(io.BytesIO(theirs.held), dtype="int16")
        assert our_rate == their_rate
        assert np.array_equal(our_samples, their_samples)


def test_script_packs_the_same_archive_twice(digits: Path, tmp_path: Path) -> None:
    bundle = runpy.run_path(str(SCRIPT))["bundle"]
    for name in ("a.zip", "b.zip"):
        assert bundle(digits, tmp_path / name) == 600
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert len(bundled.read_archive(tmp_path / "a.zip", ("one",))) == 300


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the bundled recordings lie in the package. Leave root"):
        bundled.read(tmp_path, ("zero",))


def test_damaged_or_missing_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray((BUNDLED / bundled.ARCHIVE).read_bytes())
    archive = tmp_path / "x.zip"
    with pytest.raises(DataError, match=r"x.zip: .* missing or damaged .*Install imssa again"):
        bundled.read_archive(archive, ("zero",))
    archive.write_bytes(content[:100_000])
    with pytest.raises(DataError, match="missing or damaged"):
        bundled.read_archive(archive, ("zero",))
    content[5000] ^= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match="missing or damaged"):
        bundled.read_archive(archive, ("zero",))
