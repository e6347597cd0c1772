"""Spikes in the HDF5 layout of the Heidelberg data sets, read as a stream.

One file a part, ``NAME_train.h5``, ``NAME_test.h5`` and perhaps ``NAME_valid.h5``, each with

- ``spikes/times``: a list of times an item, in seconds, ascending;
- ``spikes/units``: a list of channels an item, 0 to 699;
- ``labels``: the class of an item, an index into
- ``extra/keys``: the names of the classes;
- ``extra/speaker``: the number of who spoke (not in all files; one for all tells as much as none), and
- ``extra/meta_info/speaker``: the names of these numbers, in files that ``imssa data encode`` wrote.

Source: B. Cramer et al., The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking
Neural Networks, IEEE TNNLS 33(7), 2022 (arXiv 1910.07407); https://zenkelab.org/resources.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Int64

from imssa.data.events import EventFrontEnd, as_events
from imssa.data.front_ends import FrontEnd, SpikeFrontEnd, binned
from imssa.data.hdf5 import Hdf5File, opened
from imssa.data.sources import (
    DataFormat,
    Features,
    Item,
    Profile,
    Request,
    Seen,
    Source,
    chosen_classes,
    padded_counts,
    require_root,
    wrong_front_end,
)
from imssa.data.spike_profiles import spike_profiles
from imssa.errors import DataError

WHERE: Final = "https://zenkelab.org/datasets"
GET_IT: Final = f"Name the folder that holds NAME_train.h5 and NAME_test.h5; get them from {WHERE}."
ENDINGS: Final = {"train": ("_train",), "validation": ("_valid", "_validation"), "test": ("_test",)}
SPLITS: Final = ("official", "hash", "speaker")
BLOCK: Final = 256
"""Items read at a time."""
LONGEST_SECONDS: Final = 3600.0
MOST_CHANNELS: Final = 65536


@dataclass(frozen=True)
class SpikeFile:
    """What one file says about its items.

    Args:
        path: The file.
        part: Of the official split.
        labels: (items,), index into the names of the classes.
        class_names: In the order of the labels.
        speakers: One an item.
    """

    path: Path
    part: str
    labels: Int64[np.ndarray, " items"]
    class_names: tuple[str, ...]
    speakers: tuple[str, ...]


def read_head(path: Path, part: str) -> SpikeFile:
    """Labels, classes and speakers of a file, checked; spikes are not read.

    Raises:
        DataError: Missing, damaged, or not of this layout.
    """
    with opened(path) as held:
        labels = held.need("labels", 1, "iu")[()].astype(np.int64)
        keys = held.words("extra/keys")
        for name in ("spikes/times", "spikes/units"):
            if held.need(name, 1, "O").shape != labels.shape:
                held.refuse(f"it is not as long as labels, which are {len(labels)}")
        held.at("labels")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(keys):
            rule = f"labels are {labels.min()} to {labels.max()}, extra/keys names {len(keys)}"
            held.refuse(rule)
        held.at("extra/keys")
        if len(set(keys)) < len(keys):
            held.refuse("a class is named twice")
        speakers = _speakers(held, len(labels))
    return SpikeFile(path, part, labels, keys, speakers)


def _speakers(held: Hdf5File, items: int) -> tuple[str, ...]:
    if held.dataset("extra/speaker") is None:
        return ("",) * items
    found = held.need("extra/speaker", 1, "iu")
    if found.shape != (items,):
        held.refuse(f"it is not as long as labels, which are {items}")
    numbers = found[()].astype(np.int64)
    if held.dataset("extra/meta_info/speaker") is None:
        return tuple(map(str, numbers.tolist()))
    names = held.words("extra/meta_info/speaker")
    if items and not 0 <= numbers.min() <= numbers.max() < len(names):
        held.refuse(f"it names {len(names)} speakers, extra/speaker has {numbers.max()}")
    return tuple(names[number] for number in numbers.tolist())


def trains(path: Path, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Times and channels of the wanted items of a file, in ascending order, a block at a time.

    Args:
        path: The file.
        wanted: Ascending numbers of items.

    Raises:
        DataError: Times and channels of an item differ in number, or break their rules.
    """
    with opened(path) as held:
        times, units = held.need("spikes/times", 1, "O"), held.need("spikes/units", 1, "O")
        for start in range(0, times.shape[0], BLOCK):
            block = wanted[(wanted >= start) & (wanted < start + BLOCK)]
            if not block.size:
                continue
            first, last = int(block[0]), int(block[-1]) + 1
            held.at(f"items {first} to {last - 1}")
            read = times[first:last], units[first:last]
            for number in block:
                held.at(f"item {number}")
                yield _checked(held, read[0][number - first], read[1][number - first])


def _checked(held: Hdf5File, times: object, units: object) -> tuple[np.ndarray, np.ndarray]:
    """One item's spikes."""
    t, u = np.asarray(times), np.asarray(units)
    rule = None
    if t.ndim != 1 or t.dtype.kind != "f" or u.ndim != 1 or u.dtype.kind not in "iu":
        rule = f"times are {t.dtype} and channels {u.dtype}: they are floats and integers"
    elif len(t) != len(u):
        rule = f"{len(t)} times and {len(u)} channels"
    elif not np.isfinite(t).all() or (t < 0).any() or (t > LONGEST_SECONDS).any():
        rule = f"a time is negative, above {LONGEST_SECONDS:g} s or not a number"
    elif (np.diff(t) < 0).any():
        rule = f"times are not in order, from spike {int(np.argmax(np.diff(t) < 0)) + 1} on"
    elif len(u) and not 0 <= u.min() <= u.max() < MOST_CHANNELS:
        rule = f"channels are {u.min()} to {u.max()}: they lie in 0 to {MOST_CHANNELS - 1}"
    if rule is not None:
        held.refuse(rule)
    return t, u.astype(np.int64)


class SpikeSource(Source):
    """Spikes of several files, read anew for each use.

    Args:
        files: One a part.
        class_names: The classes wanted, in the order of the labels.

    Raises:
        DataError: There is no item of these classes.
    """

    def __init__(self, files: tuple[SpikeFile, ...], class_names: tuple[str, ...]) -> None:
        self.class_names = class_names
        wanted = [name in class_names for name in files[0].class_names]
        self._files = [(file, np.flatnonzero(np.array(wanted)[file.labels])) for file in files]
        self.items = tuple(_items(self._files))
        if not self.items:
            raise DataError(
                given=f"spikes of {', '.join(class_names)}", rule="there is none", remedy=GET_IT
            )

    def _trains(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for file, wanted in self._files:
            yield from trains(file.path, wanted)

    def features(self, front_end: FrontEnd) -> Features:
        """Spikes counted in bins, or as events; bytes as far as they hold the counts.

        See ``Source.features``.
        """
        if not isinstance(front_end, SpikeFrontEnd | EventFrontEnd):
            raise wrong_front_end(front_end, "spikes")
        shape = front_end.max_frames, len(self.items), front_end.n_features
        return padded_counts(self._counts(front_end), *shape)

    def _counts(self, config: SpikeFrontEnd | EventFrontEnd) -> Iterator[np.ndarray]:
        for item, (times, channels) in zip(self.items, self._trains(), strict=True):
            if channels.size and channels.max() >= config.n_channels:
                raise DataError(
                    given=f"item {item.name} with channel {channels.max()}",
                    rule=f"the front end knows the channels 0 to {config.n_channels - 1}",
                    remedy="Raise front_end.n_channels, or mend the file.",
                )
            if isinstance(config, EventFrontEnd):
                yield as_events(times, channels, config)
            else:
                yield binned(times, channels, config)

    def fingerprints(self) -> Iterator[bytes]:
        """SHA-256 of each item's times and channels."""
        for times, channels in self._trains():
            found = hashlib.sha256(times.astype(np.float64).tobytes())
            found.update(channels.tobytes())
            yield found.digest()

    def looks(self) -> Iterator[Seen]:
        """Spikes and duration of each item, to its last spike."""
        for times, _ in self._trains():
            seconds = float(times[-1]) if len(times) else 0.0
            faults = () if len(times) else ("silent: no spike",)
            rate = {"spikes a second": len(times) / seconds} if seconds else {}
            yield Seen(len(times), seconds, faults=faults, measures=rate)

    def profiles(self) -> tuple[Profile, ...]:
        """Spikes of each channel, and over time."""
        return spike_profiles(self._trains(), len(self.items))


def _items(files: list[tuple[SpikeFile, np.ndarray]]) -> Iterator[Item]:
    takes: Counter[tuple[str, str]] = Counter()
    told = len({who for file, _ in files for who in file.speakers}) > 1
    for file, wanted in files:
        for number in wanted.tolist():
            label, who = (
                file.class_names[file.labels[number]],
                file.speakers[number] if told else "",
            )
            take = takes[label, who]
            takes[label, who] += 1
            yield Item(f"{file.part}-{number}", label, who, take, file.part)


def _files(root: Path, prefix: str | None) -> dict[str, Path]:
    """The file of each part; a single file is training data without a split."""
    if root.is_file():
        return {"": root}
    found = [f for f in sorted(root.iterdir()) if f.suffix in {".h5", ".hdf5"} and f.is_file()]
    if prefix is None and len(found) == 1:
        return {"": found[0]}
    parts: dict[str, list[Path]] = {part: [] for part in ENDINGS}
    for file in found:
        for part, endings in ENDINGS.items():
            if file.stem.endswith(endings) and file.stem.startswith(prefix or ""):
                parts[part].append(file)
    if len(parts["train"]) != 1 or len(parts["test"]) != 1 or len(parts["validation"]) > 1:
        counts = ", ".join(f"{len(files)} {part}" for part, files in parts.items())
        rule = f"it holds {counts} files; one train and one test file are needed"
        raise DataError(given=f"data root {root}", rule=rule, remedy=GET_IT)
    return {part: files[0] for part, files in parts.items() if files}


def open_spikes(prefix: str | None, n_classes: int | None, request: Request) -> SpikeSource:
    """The items of the files of a data set.

    Args:
        prefix: What the files' names begin with; None: anything.
        n_classes: Classes that it must have; None: any number.
        request: What is asked for.

    Raises:
        DataError: Files are missing, damaged or do not fit each other.
    """
    root = require_root(request.root, GET_IT)
    files = tuple(read_head(path, part) for part, path in _files(root, prefix).items())
    names = files[0].class_names
    other = next((file for file in files if file.class_names != names), None)
    if other is not None or (n_classes is not None and len(names) != n_classes):
        wanted = "" if n_classes is None else f", {n_classes} of them"
        raise DataError(
            given=f"{(other or files[0]).path}, extra/keys",
            rule=f"the files of a data set name the same classes{wanted}",
            remedy=GET_IT,
        )
    return SpikeSource(files, chosen_classes(names, request.words, str(root)))


def _format(kind: str, corpus: str, prefix: str | None, n_classes: int | None) -> DataFormat:
    return DataFormat(
        kind=kind,
        corpus=corpus,
        words=None,
        needs_root=True,
        front_ends=("spikes", "events"),
        splits=SPLITS if prefix else (*SPLITS, "fold"),  # takes of own files keep their order
        open=partial(open_spikes, prefix, n_classes),
        licence="CC BY 4.0" if prefix else "that of the data",
        where=WHERE if prefix else "made by `imssa data encode`, or any files of this layout",
    )


SPIKES: Final = _format("spikes", "spikes", None, None)
SHD: Final = _format("shd", "Spiking Heidelberg Digits", "shd", 20)
SSC: Final = _format("ssc", "Spiking Speech Commands", "ssc", 35)
