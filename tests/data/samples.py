"""Small recordings and data sets made for the tests."""

import io
from pathlib import Path

import numpy as np
import soundfile

from imssa.data import Recording, SequenceDataset
from imssa.data.fsdd import SPEAKERS, TAKES

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
PUBLISHED = SHARED / "fsdd" / "recordings"
NO_PUBLISHED = "the Free Spoken Digit Dataset is not at ../shared/data/fsdd/recordings"


def tone(hertz: float, seconds: float = 0.2, rate_hertz: int = 8000) -> np.ndarray:
    """A sine of amplitude 0.5, float32."""
    time = np.arange(round(seconds * rate_hertz)) / rate_hertz
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def recording(samples: np.ndarray, rate_hertz: int = 8000) -> Recording:
    return Recording(samples, rate_hertz, "0_eve_0", "zero", "eve", 0)


def audio_bytes(
    samples: np.ndarray,
    rate_hertz: int = 8000,
    container: str = "WAV",
    subtype: str | None = "PCM_16",
) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate_hertz, format=container, subtype=subtype)
    return stream.getvalue()


def write_digits(folder: Path, digits: str = "01") -> None:
    """A folder of the published form: tones of different length and pitch, no two alike."""
    folder.mkdir(parents=True, exist_ok=True)
    for digit in digits:
        for number, speaker in enumerate(SPEAKERS):
            for take in range(TAKES):
                hertz = 300 + 200 * int(digit) + 37 * number + 0.5 * take
                content = audio_bytes(tone(hertz, 0.05 + 0.01 * number))
                (folder / f"{digit}_{speaker}_{take}.wav").write_bytes(content)


def made_dataset(takes: int = 50, speakers: tuple[str, ...] = SPEAKERS) -> SequenceDataset:
    """Two words by some speakers; one frame of two features an item."""
    items = [(word, who, take) for word in (0, 1) for who in speakers for take in range(takes)]
    return SequenceDataset(
        features=np.arange(2 * len(items), dtype=np.float32).reshape(len(items), 1, 2),
        lengths=np.ones(len(items), np.int64),
        labels=np.array([word for word, _, _ in items], np.int64),
        names=tuple(f"{word}_{who}_{take}" for word, who, take in items),
        groups=tuple(who for _, who, _ in items),
        takes=np.array([take for _, _, take in items], np.int64),
        class_names=("zero", "one"),
        parts=tuple("test" if take < 5 else "train" for _, _, take in items),
    )
