"""From a folder of recordings to a file of events, several recordings at once."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from imssa.ear.config import DEFAULT_EAR, EarConfig
from imssa.ear.heidelberg import Items, SpikeFile, TimeType, new_spike_file
from imssa.ear.recordings import UNKNOWN, Samples, Source, find_recordings, read_recording
from imssa.ear.stream import Events, hear
from imssa.errors import DataError, ImssaError, RecipeError
from imssa.kernels.parallel import for_ranges
from imssa.places import AnyPath

Progress = Callable[[int, int, str], None]
_BATCH: Final = 64
"""Recordings whose events are held in memory at once."""


@dataclass(frozen=True)
class EncodingConfig:
    """How recordings become events.

    Attributes:
        ear: The inner ear.
        level_decibel: Root mean square that each recording is brought to before the ear, in dB of full scale,
            its mean taken off; None: recordings stay as they are.
        time_type: Of the times in the file.
        skip_unusable: Leave recordings out that cannot be used, instead of refusing the folder.
    """

    ear: EarConfig = DEFAULT_EAR
    level_decibel: float | None = -26.0
    time_type: TimeType = "float16"
    skip_unusable: bool = False

    def __post_init__(self) -> None:
        if self.level_decibel is not None and not -120.0 <= self.level_decibel <= 0.0:
            raise RecipeError(
                given=f"level_decibel = {self.level_decibel:g}",
                rule="it lies from -120 to 0",
                remedy="Choose a value in that range; -26 is usual for speech.",
            )


@dataclass(frozen=True)
class Encoded:
    """What encoding a folder came to.

    Attributes:
        recordings: Number of recordings in the file.
        seconds: Their length in all.
        spikes: Number of events of each.
        classes: Names of the classes.
        speakers: Number of speakers, as far as the names of the files tell; 0: they tell none.
        skipped: Why recordings were left out, a sentence each.
    """

    recordings: int
    seconds: float
    spikes: tuple[int, ...]
    classes: tuple[str, ...]
    speakers: int
    skipped: tuple[str, ...]


def encode_recording(
    samples: Samples, rate_hertz: int, config: EncodingConfig, name: str = "sound"
) -> Events:
    """The events of one recording.

    Args:
        samples: float32, 1 being full scale.
        rate_hertz: Sampling rate.
        config: How to encode it.
        name: What error messages call it.

    Raises:
        DataError: A level is asked for, and it has no sound.
        RecipeError: Its rate has no room for the highest channel.
    """
    config.ear.require_rate(rate_hertz, name)
    return hear(_at_level(samples, config.level_decibel, name), rate_hertz, config.ear)


def _at_level(samples: Samples, level_decibel: float | None, name: str) -> Samples:
    if level_decibel is None:
        return samples
    plain = samples - samples.mean(dtype=np.float64)
    power = float(np.mean(plain**2)) if len(plain) else 0.0
    if not power > 0.0:
        raise DataError(
            given=name,
            rule="it has no sound that could be brought to a level",
            remedy="Leave it out, or encode recordings as they are.",
        )
    return np.asarray(plain * (10.0 ** (level_decibel / 20.0) / np.sqrt(power)), np.float32)


@dataclass(frozen=True)
class Survey:
    """What a folder holds.

    Attributes:
        sources: Its usable recordings.
        seconds: How long each is.
        classes: Names of the classes.
        skipped: Why recordings are left out, a sentence each.
    """

    sources: tuple[Source, ...]
    seconds: tuple[float, ...]
    classes: tuple[str, ...]
    skipped: tuple[str, ...]


def survey(folder: AnyPath, config: EncodingConfig) -> Survey:
    """Reads every recording of a folder before anything is encoded, so that faults show early.

    Raises:
        DataError: The folder or a recording cannot be used.
        RecipeError: A sampling rate has no room for the highest channel.
    """
    sources, classes = find_recordings(Path(folder))
    kept, seconds, refused = list[Source](), list[float](), list[ImssaError]()
    for source in sources:
        try:
            samples, rate_hertz = read_recording(source)
            config.ear.require_rate(rate_hertz, str(source.path))
        except ImssaError as error:
            refused.append(error)
        else:
            kept.append(source)
            seconds.append(len(samples) / rate_hertz)
    if refused and not (kept and config.skip_unusable):
        raise _refusal(refused, len(sources), some=bool(kept))
    return Survey(tuple(kept), tuple(seconds), classes, tuple(map(str, refused)))


def _refusal(refused: list[ImssaError], recordings: int, *, some: bool) -> ImssaError:
    """The first refusal, and how many there are."""
    first, count = refused[0], len(refused)
    more = f" (the first of {count} of {recordings} recordings that cannot be used)"
    out = " Or leave such recordings out: --skip-unusable." if some else ""
    return type(first)(
        given=first.given,
        rule=first.rule + (more if count > 1 else ""),
        remedy=first.remedy + out,
    )


def encode_folder(
    folder: AnyPath, out: AnyPath, config: EncodingConfig, progress: Progress, workers: int = 0
) -> Encoded:
    """Writes the events of all recordings of a folder into a file of the Heidelberg format.

    Args:
        folder: Class sub-folders, or spoken digits; see ``find_recordings``.
        out: The file; there only once all is written.
        config: How to encode them.
        progress: Told recordings done, their number, and a word.
        workers: Threads; 0 takes all cores. The file does not depend on it.

    Raises:
        DataError: The folder or a recording cannot be used.
        RecipeError: A sampling rate has no room for the highest channel.
        OutputError: The file cannot be written.
    """
    found = survey(folder, config)
    items = Items(
        labels=[s.label for s in found.sources],
        speakers=[s.speaker for s in found.sources],
        names=[s.name for s in found.sources],
        seconds=found.seconds,
        classes=found.classes,
    )
    with new_spike_file(Path(out), items, _provenance(config), config.time_type) as file:
        spikes = _fill(file, found.sources, config, progress, workers)
    return Encoded(
        recordings=len(spikes),
        seconds=sum(found.seconds),
        spikes=tuple(spikes),
        classes=found.classes,
        speakers=len(set(items.speakers) - {UNKNOWN}),
        skipped=found.skipped,
    )


def _fill(
    file: SpikeFile,
    sources: tuple[Source, ...],
    config: EncodingConfig,
    progress: Progress,
    workers: int,
) -> list[int]:
    """Encodes and writes in batches; gives the number of events of each recording."""
    spikes: list[int] = []
    for first in range(0, len(sources), _BATCH):
        batch = sources[first : first + _BATCH]
        found = _encode_batch(batch, config, workers)
        for item, events in enumerate(found, first):
            file.add(item, events)
            spikes.append(len(events.units))
        progress(len(spikes), len(sources), f"{sum(spikes):,} spikes")
    return spikes


def _encode_batch(batch: tuple[Source, ...], config: EncodingConfig, workers: int) -> list[Events]:
    found: dict[int, Events] = {}

    def work(first: int, end: int) -> None:
        for i in range(first, end):
            samples, rate_hertz = read_recording(batch[i])
            found[i] = encode_recording(samples, rate_hertz, config, str(batch[i].path))

    for_ranges(len(batch), work, workers, pieces=8)
    return [found[i] for i in range(len(batch))]


def _provenance(config: EncodingConfig) -> dict[str, object]:
    from importlib.metadata import version

    return {"imssa": version("imssa"), "encoding": asdict(config)}
