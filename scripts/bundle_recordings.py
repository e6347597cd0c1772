"""Packs the recordings of "zero" and "one" into the archive that comes with the package.

Usage: python scripts/bundle_recordings.py FOLDER_OF_FSDD_RECORDINGS [ARCHIVE]

The archive is the same at every run with one version of libsndfile: sorted names, fixed time
stamps, stored. Every recording is decoded again and compared, sample by sample.
"""

import argparse
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import soundfile

from imssa.data import bundled, fsdd
from imssa.data.recordings import RecordingFile
from imssa.errors import CheckFailedError

TARGET = Path(__file__).parents[1] / "src" / "imssa" / "data" / "bundled" / bundled.ARCHIVE


def flac(file: RecordingFile) -> bytes:
    """The recording as FLAC, equal sample by sample.

    Raises:
        CheckFailedError: A decoded sample differs.
    """
    samples, rate_hertz = soundfile.read(io.BytesIO(file.held), dtype="int16")
    encoded = io.BytesIO()
    soundfile.write(
        encoded, samples, rate_hertz, format="FLAC", subtype="PCM_16", compression_level=1.0
    )
    decoded, _ = soundfile.read(io.BytesIO(encoded.getvalue()), dtype="int16")
    if not np.array_equal(samples, decoded):
        raise CheckFailedError(
            given=file.name, rule="FLAC loses nothing", remedy="Try another libsndfile."
        )
    return encoded.getvalue()


def bundle(folder: Path, archive: Path) -> int:
    """Writes the archive and returns its number of recordings."""
    files = sorted(fsdd.read(folder, bundled.WORDS), key=lambda file: file.name)
    temporary = archive.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as opened:
        for file in files:
            entry = zipfile.ZipInfo(f"{file.name}.flac", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            opened.writestr(entry, flac(file))
    temporary.replace(archive)
    return len(files)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder 'recordings' of the data set")
    parser.add_argument("archive", type=Path, nargs="?", default=TARGET)
    given = parser.parse_args()
    count = bundle(given.folder, given.archive)
    size = given.archive.stat().st_size
    sys.stdout.write(f"{given.archive}: {count} recordings, {size} bytes\n")


if __name__ == "__main__":
    main()
