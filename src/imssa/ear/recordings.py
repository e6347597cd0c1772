"""Folders of recordings as people have them: class sub-folders, or the Free Spoken Digit Dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float32

from imssa.data.audio import decode_any_rate, read_content
from imssa.data.folder import ENDINGS, audio_files, sub_folders
from imssa.data.fsdd import WORDS, parse_name
from imssa.data.speaker_names import COMMAND, speaker, speaker_pattern
from imssa.errors import DataError

UNKNOWN: Final = "unknown"
"""The speaker where a file's name does not tell."""
_CLIPPED: Final = 0.01
_RUN: Final = 3

Samples = Float32[np.ndarray, " samples"]


@dataclass(frozen=True)
class Source:
    """A recording in a folder, not yet read.

    Attributes:
        path: The file.
        name: Its path below the folder.
        label: The class.
        speaker: Who spoke, or ``UNKNOWN``.
    """

    path: Path
    name: str
    label: str
    speaker: str


def find_recordings(folder: Path) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """The recordings of a folder and its classes.

    The folder has one sub-folder a class, whose names are sorted (names that begin with a point or an
    underscore are left out, as Speech Commands' ``_background_noise_``), or it is that of the Free Spoken
    Digit Dataset, ``digit_speaker_index.wav``, whose classes are the ten digits' words. In sub-folders the
    names of the files tell the speaker, where all of them do (`imssa.data.speaker_names`) or they are of the
    Speech Commands' form, ``hash_nohash_number.wav``.

    Args:
        folder: The folder.

    Returns:
        Recordings sorted by class and name, and the classes in the order of their numbers.

    Raises:
        DataError: No folder, no recording in it, a class without one, or a misnamed digit.
    """
    if not folder.is_dir():
        raise DataError(
            given=str(folder), rule="this is not a folder", remedy="Name a folder of recordings."
        )
    flat = audio_files(folder)
    classes = tuple(sub_folders(folder))
    if flat and classes and any(audio_files(p) for p in classes):
        raise DataError(
            given=f"{folder} with recordings beside folders of recordings ({flat[0].name})",
            rule="recordings lie in one folder a class, or all in one folder as digits",
            remedy="Move them where they belong.",
        )
    return _digits(flat) if flat else _classes(folder, classes)


def _digits(files: list[Path]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    found = []
    for path in files:
        try:
            label, speaker, take = parse_name(path.stem)
        except DataError as error:
            raise DataError(
                given=str(path),
                rule=error.rule,
                remedy="Rename it, or put recordings into one folder a class.",
            ) from error
        found.append(((WORDS.index(label), speaker, take), path, label))
    sources = (Source(path, path.name, label, key[1]) for key, path, label in sorted(found))
    return tuple(sources), WORDS


def _classes(folder: Path, classes: tuple[Path, ...]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    found: list[tuple[str, Path]] = []
    for inner in classes:
        files = audio_files(inner)
        if not files:
            raise DataError(
                given=str(inner),
                rule=f"the folder of a class holds recordings ({', '.join(ENDINGS)})",
                remedy="Put recordings into it, or remove it.",
            )
        found += [(inner.name, path) for path in files]
    if not found:
        raise DataError(
            given=str(folder),
            rule=f"the folder holds no recordings ({', '.join(ENDINGS)})",
            remedy="Name a folder with one sub-folder a class, or that of spoken digits.",
        )
    pattern = speaker_pattern((word, path.name) for word, path in found) or COMMAND
    sources = (
        Source(path, f"{word}/{path.name}", word, speaker(pattern, path.name) or UNKNOWN)
        for word, path in found
    )
    return tuple(sources), tuple(inner.name for inner in classes)


def read_recording(source: Source) -> tuple[Samples, int]:
    """Samples and sampling rate of a recording.

    Raises:
        DataError: It is empty, truncated, no audio, not mono, silent, one constant, clipped, or holds
            values that are not finite or lie outside -1..1.
    """
    name = str(source.path)
    samples, rate_hertz = decode_any_rate(read_content(source.path), name)
    _require_sound(samples, name)
    return samples, rate_hertz


def _require_sound(samples: Samples, name: str) -> None:
    """Refuses a constant, and what was cut off at the top."""
    if samples.min() == samples.max():
        raise DataError(
            given=name,
            rule=f"every sample is {samples[0]:g}",
            remedy="Record it again, or leave it out.",
        )
    share = clipped_share(samples)
    if share > _CLIPPED:
        raise DataError(
            given=name,
            rule=f"it is clipped: {share:.1%} of its samples stand still at its largest value",
            remedy="Record it more quietly, or leave it out.",
        )


def clipped_share(samples: Samples) -> float:
    """Share of the samples in runs of at least three at the largest absolute value.

    Example:
        >>> round(clipped_share(np.array([0, 1, 1, 1, 0, 1, 1, -1, 0, 0], np.float32)), 3)
        0.3
    """
    top = np.abs(samples).max()
    total = 0
    for value in (-top, top):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], samples == value, [0]])))
        lengths = edges[1::2] - edges[::2]
        total += int(lengths[lengths >= _RUN].sum())
    return total / len(samples)
