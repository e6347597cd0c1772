"""Mutations of small files of every layout."""

import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imssa.data import DataConfig, load_dataset
from imssa.errors import ImssaError
from tests.data import files
from tests.data.samples import audio_bytes, tone

HOSTILE = [(2**60).to_bytes(8, "little"), (2**60).to_bytes(8), b"\xff" * 8, b"\0" * 8, b"\x7f" * 4]


@dataclass(frozen=True)
class Layout:
    """A folder of good files of a format.

    Attributes:
        kind: The format.
        write: Fills a folder.
        mutated: Name pattern of the files that are mutated.
    """

    kind: str
    write: Callable[[Path], object]
    mutated: str


def _arrays(form: str) -> Callable[[Path], object]:
    from tests.data.test_user_arrays import LENGTHS, X, Y, written

    return lambda folder: written(folder, form, {"x": X, "y": Y, "lengths": LENGTHS})


def _words(ending: str, subtype: str) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        for place, word in enumerate(("no", "yes")):
            (folder / word).mkdir()
            content = audio_bytes(tone(440 + place, 0.03), 8000, ending.upper(), subtype)
            (folder / word / f"a.{ending}").write_bytes(content)

    return write


LAYOUTS = (
    Layout("ts", files.write_ts, "*_TRAIN.ts"),
    Layout("mnist", files.write_mnist_npz, "*.npz"),
    Layout("mnist", files.write_mnist_idx, "train-*"),
    Layout("mnist", lambda folder: files.write_mnist_idx(folder, packed=True), "train-*.gz"),
    Layout("cifar10", files.write_cifar10, "test_batch.bin"),
    Layout("spikes", files.write_spike_parts, "*_test.h5"),
    Layout("arrays", _arrays("npz"), "*.npz"),
    Layout("arrays", _arrays("npy"), "*.npy"),
    Layout("arrays", _arrays("h5"), "*.h5"),
    Layout("folder", _words("wav", "PCM_16"), "no/*.wav"),
    Layout("folder", _words("flac", "PCM_16"), "no/*.flac"),
    Layout("folder", _words("ogg", "VORBIS"), "no/*.ogg"),
)
"""Arrays lie in a file or a folder: a single file is the root then."""


def mutated(content: bytes, drawn: np.random.Generator) -> bytes:
    """Cut, lengthened, with bits turned, bytes set, pieces moved, or hostile numbers in it."""
    changed = bytearray(content)
    for _ in range(int(drawn.integers(1, 4))):
        # headers are short: half of all changes fall into the first 600 bytes
        reach = min(600, len(changed)) if drawn.random() < 0.5 else len(changed)
        place = int(drawn.integers(reach)) if reach else 0
        match int(drawn.integers(6)):
            case 0:
                changed = changed[:place]
            case 1:
                changed[place:place] = drawn.bytes(int(drawn.integers(1, 20)))
            case 2 if changed:
                changed[place] ^= 1 << int(drawn.integers(8))
            case 3 if changed:
                changed[place] = int(drawn.integers(256))
            case 4:
                hostile = HOSTILE[int(drawn.integers(len(HOSTILE)))]
                changed[place : place + len(hostile)] = hostile
            case _:
                origin = int(drawn.integers(len(changed) + 1))
                changed[place : place + 9] = changed[origin : origin + 9]
    return bytes(changed)


def outcome(config: DataConfig) -> str:
    """Whether data were read or refused; anything else is raised."""
    try:
        load_dataset(config)
    except ImssaError as error:
        return "refused" if len(str(error)) < 1500 else "refused at length"
    return "read"


@dataclass
class Outcomes:
    """What became of mutated files.

    Attributes:
        read: How many were read: the change did not matter, or cannot be seen.
        refused: How many were refused with a clear error.
        slowest_seconds: Longest time that one took.
        peak_bytes: Most memory of the process, its libraries included.
    """

    read: int = 0
    refused: int = 0
    slowest_seconds: float = 0.0
    peak_bytes: int = 0


def outcomes(layout: Layout, folder: Path, seed: int, count: int) -> Outcomes:
    """What becomes of so many mutated files; anything but reading and refusing is raised."""
    folder.mkdir()
    layout.write(folder)
    targets = sorted(folder.glob(layout.mutated))
    good = [target.read_bytes() for target in targets]
    drawn = np.random.default_rng([seed, *layout.kind.encode(), len(targets)])
    single = layout.kind == "arrays" and not layout.mutated.endswith("npy")
    config = DataConfig.model_validate(
        {"kind": layout.kind, "root": targets[0] if single else folder}
    )
    found = Outcomes()
    for _ in range(count):
        which = int(drawn.integers(len(targets)))
        targets[which].write_bytes(mutated(good[which], drawn))
        start = time.monotonic()
        end = outcome(config)
        found.slowest_seconds = max(found.slowest_seconds, time.monotonic() - start)
        if end == "read":
            found.read += 1
        else:
            assert end == "refused", end
            found.refused += 1
        targets[which].write_bytes(good[which])
    load_dataset(config)
    shutil.rmtree(folder)
    found.peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found
