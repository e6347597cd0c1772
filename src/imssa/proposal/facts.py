"""What a folder or file of data holds, as far as it decides a recipe."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from imssa.data import DataConfig, Source, open_source
from imssa.data.folder import ENDINGS
from imssa.data.guessing import class_and_file, guessed_kind, with_speakers
from imssa.data.hdf5 import opened
from imssa.data.recording_source import RecordingSource
from imssa.data.sequence_source import SequenceSource
from imssa.data.sources import Seen
from imssa.data.speaker_names import odd_names
from imssa.data.spikes import BLOCK, SpikeSource
from imssa.errors import DataError
from imssa.experiment.recipe import data_section

SHOWN: Final = 3
FEWEST_ITEMS: Final = 3
"""Of each class: one for training, one for validation, one for the test."""


@dataclass(frozen=True, eq=False)
class Facts:
    """What was measured.

    Attributes:
        config: Format, folder, and how speakers are found.
        source: The items.
        counts: Items of each class.
        speakers: How many the names tell; 0: none.
        frames: Samples, frames or spikes of each item.
        seconds: Duration of each item; None: items have no clock.
        rates_hertz: Recordings of each sampling rate.
        n_features: Features of a frame, or channels of spikes; None: made by the front end.
        faults: Items of each oddity.
        odd_names: Of recordings, the few whose names tell no speaker where all others do.
    """

    config: DataConfig
    source: Source
    counts: dict[str, int]
    speakers: int
    frames: Float64[np.ndarray, " items"]
    seconds: Float64[np.ndarray, " items"] | None
    rates_hertz: dict[int, int]
    n_features: int | None
    faults: dict[str, int]
    odd_names: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The format."""
        return self.config.kind

    @property
    def items(self) -> int:
        """How many there are."""
        return len(self.frames)

    @property
    def n_classes(self) -> int:
        """How many there are."""
        return len(self.counts)

    @property
    def fewest(self) -> int:
        """Items of the smallest class."""
        return min(self.counts.values())

    def spread(self, values: Float64[np.ndarray, " items"]) -> tuple[float, float, float]:
        """The values that 5, 50 and 95 % of the items do not exceed."""
        low, middle, high = np.percentile(values, (5, 50, 95))
        return float(low), float(middle), float(high)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "items": self.items,
            "counts": self.counts,
            "speakers": self.speakers,
            "frames": self.spread(self.frames),
            "seconds": None if self.seconds is None else self.spread(self.seconds),
            "rates_hertz": self.rates_hertz,
            "features": self.n_features,
            "faults": self.faults,
        }


def look_at(root: Path, kind: str | None = None) -> Facts:
    """Looks at every item of a folder or file.

    Args:
        root: Folder or file.
        kind: Its format; None: by the names of its files.

    Raises:
        DataError: Nothing there, an unknown format, one class, an item that cannot be read, or a class
            of fewer than three items.
        RecipeError: No such format.
    """
    _require_content(root)
    root = _published(root)
    config = with_speakers(data_section(kind or guessed_kind(root), root.resolve()))
    source = open_source(config)
    looks = list(source.looks())
    _require_readable(root, source, looks)
    seconds = [look.seconds for look in looks if look.seconds is not None]
    counts = Counter(item.label for item in source.items)
    facts = Facts(
        config=config,
        source=source,
        counts={name: counts[name] for name in source.class_names},
        speakers=len({item.group for item in source.items} - {""}),
        frames=np.array([look.frames for look in looks], float),
        seconds=np.array(seconds) if len(seconds) == len(looks) else None,
        rates_hertz=dict(Counter(look.rate_hertz for look in looks if look.rate_hertz)),
        n_features=_features_of(source, root),
        faults=dict(Counter(fault.partition(":")[0] for look in looks for fault in look.faults)),
        odd_names=tuple(_odd_names(config, source)),
    )
    _require_enough(root, facts)
    return facts


def _published(root: Path) -> Path:
    """The recordings within a copy of the Free Spoken Digit Dataset's repository; else the path itself."""
    inner = root / "recordings"
    lone = inner.is_dir() and not any(f.is_dir() for f in inner.iterdir())
    return inner if lone else root


def _require_content(root: Path) -> None:
    if root.is_dir() and not any(root.iterdir()):
        raise DataError(
            given=f"--data {root}",
            rule="the folder is empty",
            remedy="Name a folder with a sub-folder of recordings for each class, or an array file.",
        )
    loose = [f for f in root.iterdir() if f.suffix.lower() in ENDINGS] if root.is_dir() else []
    if loose and all(f.is_file() for f in root.iterdir()) and not loose[0].stem[:1].isdigit():
        raise DataError(
            given=f"--data {root}",
            rule=f"{len(loose)} recordings lie in it side by side: nothing says of which class each is",
            remedy="Put them into a sub-folder for each class.",
        )


def _odd_names(config: DataConfig, source: Source) -> list[str]:
    """Of a folder of recordings whose names tell no speakers, the few that keep them from it."""
    known = config.kind != "folder" or config.speaker_pattern is not None
    return [] if known else odd_names(class_and_file(source))


def _require_readable(root: Path, source: Source, looks: list[Seen]) -> None:
    if not isinstance(source, RecordingSource):
        return
    pairs = zip(source.items, looks, strict=True)
    bad = [f"{item.name}: {look.faults[0]}" for item, look in pairs if not look.frames]
    if bad:
        more = f" (and {len(bad) - SHOWN} more)" if len(bad) > SHOWN else ""
        raise DataError(
            given=f"--data {root}",
            rule=f"{len(bad)} of {len(looks)} recordings cannot be used: {'; '.join(bad[:SHOWN])}{more}",
            remedy="Mend them or move them out; `imssa data check` lists all.",
        )


def _features_of(source: Source, root: Path) -> int | None:
    if isinstance(source, SequenceSource):
        return source.n_features
    if isinstance(source, SpikeSource):
        files = [root] if root.is_file() else sorted((*root.glob("*.h5"), *root.glob("*.hdf5")))
        return 1 + max(_top_channel(file) for file in files)
    return None


def _top_channel(file: Path) -> int:
    top = 0
    with opened(file) as held:
        units = held.need("spikes/units", 1, "O")
        for start in range(0, units.shape[0], BLOCK):
            block = units[start : start + BLOCK]
            top = max(top, *(int(one.max()) for one in block if len(one)), 0)
    return top


def _require_enough(root: Path, facts: Facts) -> None:
    few = [f"{name!r} {n}" for name, n in facts.counts.items() if n < FEWEST_ITEMS]
    if few:
        raise DataError(
            given=f"--data {root} with {', '.join(few[:SHOWN])} items",
            rule=f"each class needs {FEWEST_ITEMS} items or more: for training, validation and test",
            remedy="Record more, or leave these classes out.",
        )
