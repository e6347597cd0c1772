"""Small files of each published layout, made for the tests."""

import gzip
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.data.samples import audio_bytes, tone

TS_HEADER = """#Comment: with colons, and commas
@problemName Made
@timeStamps false
@missing false
@univariate false
@dimensions 2
@equalLength false
@classLabel true up down
@data
"""
TRAIN_LINES = ("1,2,3:4,5,6:up", "-1.5,2e-3:0,0.25:down", "7:8:up", "3,3:2,2:down")
TEST_LINES = ("9,8:7,6:down", "1,2,3,4:5,6,7,8:up")
KEYS = ("zero", "one")


def write_ts(folder: Path, header: str = TS_HEADER, lines: tuple[str, ...] = TRAIN_LINES) -> Path:
    """A training file of the given lines, and a good test file."""
    folder.mkdir(exist_ok=True)
    (folder / "Made_TRAIN.ts").write_text(header + "\n".join(lines) + "\n")
    (folder / "Made_TEST.ts").write_text(TS_HEADER + "\n".join(TEST_LINES))
    return folder


def images(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images of 28x28 bytes, and their digits."""
    drawn = np.random.default_rng(seed)
    digits = np.arange(count) % 10
    return drawn.integers(0, 256, (count, 28, 28), np.uint8), digits.astype(np.uint8)


def write_mnist_npz(folder: Path) -> Path:
    (x_train, y_train), (x_test, y_test) = images(0, 20), images(1, 10)
    np.savez(folder / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return folder


def idx_bytes(array: np.ndarray) -> bytes:
    axes = b"".join(size.to_bytes(4) for size in array.shape)
    return bytes((0, 0, 8, array.ndim)) + axes + array.tobytes()


def write_mnist_idx(folder: Path, *, packed: bool = False) -> Path:
    for name, (pictures, digits) in {"train": images(0, 20), "t10k": images(1, 10)}.items():
        for what, array, axes in (("images", pictures, 3), ("labels", digits, 1)):
            content = idx_bytes(array)
            file = folder / f"{name}-{what}-idx{axes}-ubyte"
            if packed:
                file.with_name(file.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
            else:
                file.write_bytes(content)
    return folder


def write_cifar10(folder: Path) -> Path:
    drawn = np.random.default_rng(5)
    for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
        records = drawn.integers(0, 256, (10, 3073), np.uint8)
        records[:, 0] = np.arange(10)
        (folder / name).write_bytes(records.tobytes())
    return folder


def write_words(folder: Path, ending: str = "wav", **sound: Any) -> Path:
    """Two classes by four speakers, two recordings each."""
    for number, word in enumerate(("no", "yes")):
        (folder / word).mkdir(parents=True)
        for speaker in range(4):
            for take in range(2):
                samples = tone(400 + 300 * number + 20 * speaker + 7 * take, rate_hertz=16000)
                name = f"{speaker:08x}_nohash_{take}.{ending}"
                (folder / word / name).write_bytes(audio_bytes(samples, 16000, **sound))
    return folder


def spike_arrays(seed: int, items: int) -> dict[str, Any]:
    """Times, channels, labels and speakers of a part."""
    drawn = np.random.default_rng(seed)
    counts = drawn.integers(1, 30, items)
    return {
        "times": [np.sort(drawn.uniform(0, 0.9, n)).astype(np.float16) for n in counts],
        "units": [drawn.integers(0, 700, n).astype(np.uint16) for n in counts],
        "labels": np.arange(items) % 2,
        "speaker": np.arange(items) // 2 % 3,
    }


def write_spikes(file: Path, made: dict[str, Any], keys: tuple[str, ...] = KEYS) -> Path:
    """A file of the Heidelberg layout, as published: float16 times, uint16 channels."""
    with h5py.File(file, "w") as held:
        for name in ("times", "units"):
            kind = h5py.vlen_dtype(made[name][0].dtype)
            dataset = held.create_dataset(f"spikes/{name}", (len(made[name]),), kind)
            for place, values in enumerate(made[name]):
                dataset[place] = values
        held["labels"] = made["labels"].astype(np.uint16)
        held["extra/keys"] = np.array(keys, "S")
        held["extra/speaker"] = made["speaker"].astype(np.uint16)
    return file


def write_spike_parts(folder: Path, name: str = "made") -> Path:
    for seed, (part, items) in enumerate({"train": 12, "valid": 4, "test": 6}.items()):
        write_spikes(folder / f"{name}_{part}.h5", spike_arrays(seed, items))
    return folder
