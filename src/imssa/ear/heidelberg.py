"""Events in the file format of the Spiking Heidelberg Digits.

As published (Cramer, Stradmann, Schemmel and Zenke, IEEE TNNLS 33, 2744, 2022; https://compneuro.net)::

    spikes/times    one array of seconds an item, float16
    spikes/units    one array of channel numbers an item, uint16
    labels          number of each item's class
    extra/speaker   number of each item's speaker
    extra/keys      names of the classes, in the order of their numbers
    extra/meta_info what is known of the speakers

Here ``extra/meta_info`` has ``speaker`` (names, in the order of their numbers), ``recording`` (name of each
item's file) and ``duration`` (seconds of each item). The attribute ``imssa`` of the file tells in JSON how it
was made. Such a file has the published data set's form, not its content.

A float16 has a resolution of 0.5 ms from half a second on and of 1 ms beyond a second; float32 files can be
read in the same way.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from imssa.ear.stream import Events
from imssa.errors import DataError, OutputError

FORMAT: Final = "imssa.spikes/1"
_MOST: Final = 65_536
TimeType = Literal["float16", "float32"]
_LONGEST_SECONDS: Final = {"float16": 65_000.0, "float32": 1e30}


@dataclass(frozen=True)
class Items:
    """What a file tells of its items beside their events.

    Attributes:
        labels: The class of each.
        speakers: Who spoke each.
        names: The recording of each.
        seconds: How long each is.
        classes: All classes, in the order of their numbers.
    """

    labels: Sequence[str]
    speakers: Sequence[str]
    names: Sequence[str]
    seconds: Sequence[float]
    classes: tuple[str, ...]

    def require_fit(self, time_type: TimeType) -> None:
        """Refuses what the format has no numbers for.

        Raises:
            DataError: Saying what.
        """
        known = max(len(self.classes), len(set(self.speakers)))
        longest = max(self.seconds, default=0.0)
        if known > _MOST:
            raise DataError(
                given=f"{known} classes or speakers",
                rule=f"the format numbers them in 16 bits, at most {_MOST}",
                remedy="Split the recordings into several files.",
            )
        if longest > _LONGEST_SECONDS[time_type]:
            raise DataError(
                given=f"a recording of {longest:g} s with times of {time_type}",
                rule=f"{time_type} holds at most {_LONGEST_SECONDS[time_type]:g} s",
                remedy="Choose float32.",
            )

    def write(self, opened: Any, provenance: dict[str, Any]) -> None:
        """Into an HDF5 file."""
        voices = sorted(set(self.speakers))
        numbers = {name: n for n, name in enumerate(voices)}
        opened["labels"] = np.array([self.classes.index(name) for name in self.labels], np.uint16)
        opened["extra/speaker"] = np.array([numbers[name] for name in self.speakers], np.uint16)
        opened["extra/keys"] = _text(self.classes)
        opened["extra/meta_info/speaker"] = _text(voices)
        opened["extra/meta_info/recording"] = _text(self.names)
        opened["extra/meta_info/duration"] = np.array(self.seconds, np.float32)
        opened.attrs["imssa"] = json.dumps(provenance, sort_keys=True)


def _text(words: Sequence[str]) -> np.ndarray:
    """Words as bytes of equal length, which every reader of HDF5 knows."""
    return np.array([word.encode() for word in words], dtype=np.bytes_)


class SpikeFile:
    """A file being written, item by item; see ``new_spike_file``."""

    def __init__(self, opened: Any, items: int, time_type: TimeType) -> None:
        import h5py

        self._type = np.dtype(time_type)
        self._times = opened.create_dataset("spikes/times", items, h5py.vlen_dtype(self._type))
        self._units = opened.create_dataset("spikes/units", items, h5py.vlen_dtype(np.uint16))

    def add(self, item: int, events: Events) -> None:
        """Writes the events of an item."""
        self._times[item] = events.times_seconds().astype(self._type)
        self._units[item] = events.units


@contextmanager
def new_spike_file(
    path: Path, items: Items, provenance: dict[str, Any], time_type: TimeType
) -> Iterator[SpikeFile]:
    """A new file, there only once all is written: a temporary one beside it, then a rename.

    Args:
        path: The file.
        items: What is known of each item beside its events.
        provenance: How it is made, as JSON can hold it.
        time_type: Of the times.

    Raises:
        OutputError: It cannot be written.
        DataError: More classes or speakers than numbers, or an item too long for its times.
    """
    import h5py

    items.require_fit(time_type)
    if path.is_dir():
        raise OutputError(
            given=str(path), rule="this is a folder", remedy="Name a file, for instance spikes.h5."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            with h5py.File(temporary, "w", libver="earliest") as opened:
                items.write(opened, {"format": FORMAT, **provenance})
                yield SpikeFile(opened, len(items.labels), time_type)
            temporary.chmod(0o644)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            given=str(path),
            rule=f"it cannot be written ({error.strerror or error})",
            remedy="Name a file in a folder that you may write to, on a disk with room.",
        ) from error
