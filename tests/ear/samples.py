"""Folders of recordings made for the tests."""

from pathlib import Path

import numpy as np
import soundfile

from imssa.ear import EarConfig, EncodingConfig

RATE_HERTZ = 16_000
SMALL = EncodingConfig(ear=EarConfig(channels=40, lowest_hertz=100.0, highest_hertz=6000.0))


def word(pitch_hertz: float, seconds: float = 0.2, seed: int = 0) -> np.ndarray:
    """A swelling tone in noise, float32."""
    t = np.arange(round(seconds * RATE_HERTZ)) / RATE_HERTZ
    swell = np.sin(np.pi * t / seconds) ** 2
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return np.asarray(0.3 * swell * (np.sin(2 * np.pi * pitch_hertz * t) + 0.1 * noise), np.float32)


def write(path: Path, samples: np.ndarray, rate_hertz: int = RATE_HERTZ) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    subtype = "VORBIS" if path.suffix == ".ogg" else None
    soundfile.write(path, samples, rate_hertz, subtype=subtype)
    return path


def write_words(folder: Path) -> Path:
    """Two classes, three formats, three speakers."""
    write(folder / "high" / "0a1b2c3d_nohash_0.wav", word(3000.0, 0.25))
    write(folder / "high" / "0a1b2c3d_nohash_1.flac", word(3100.0, 0.2))
    write(folder / "high" / "b.ogg", word(2900.0, 0.3))
    write(folder / "low" / "4e5f6a7b_nohash_0.wav", word(300.0, 0.15))
    write(folder / "low" / "c.WAV", word(320.0, 0.2))
    (folder / "_background_noise_").mkdir()
    (folder / "README.md").write_text("What these are.")
    return folder


def write_digits(folder: Path) -> Path:
    """Three digits by two speakers."""
    for number, name in enumerate(("7_theo_0", "0_theo_11", "0_theo_2", "0_george_0")):
        write(folder / f"{name}.wav", word(400.0 + 100.0 * number))
    return folder
