"""Recordings as a source of features: decoded one at a time, so that few are in memory."""

import hashlib
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np

from imssa.data.audio import file_rate_hertz
from imssa.data.front_end import FrontEndConfig, extract
from imssa.data.front_ends import FrontEnd
from imssa.data.recordings import Recording, RecordingFile, decode
from imssa.data.sources import Features, Item, Seen, Source, wrong_front_end
from imssa.errors import DataError

CLIPPED_LEVEL: Final = 0.999
CLIPPED_RUN: Final = 4
"""So many neighbouring samples at full scale count as clipped."""
FAINT_LEVEL: Final = 1e-3
"""A peak below -60 dB of full scale counts as silent."""
LOUDNESS: Final = "loudness in dB of full scale"
"""Ten times the logarithm of the mean square."""
PEAK: Final = "peak in dB of full scale"


class RecordingSource(Source):
    """Recordings in their files.

    Args:
        files: In a fixed order.
        class_names: In the order of the class indices.
        rate_hertz: The rate of all recordings; None: that of the first that can be read, and a front end
            that names a rate brings recordings of any rate to it.

    Raises:
        DataError: There is no file, or none can be read.
    """

    def __init__(
        self,
        files: tuple[RecordingFile, ...],
        class_names: tuple[str, ...],
        rate_hertz: int | None,
    ) -> None:
        if not files:
            raise DataError(
                given=f"recordings of {', '.join(class_names)}",
                rule="there is none",
                remedy="Check the folder.",
            )
        self.files = files
        self.items = tuple(Item(f.name, f.label, f.speaker, f.take, f.part) for f in files)
        self.class_names = class_names
        self._any_rate = rate_hertz is None
        self.rate_hertz = rate_hertz or self._first_rate()

    def recordings(self, to_hertz: int | None = None) -> Iterator[Recording]:
        """The decoded recordings, one at a time.

        Args:
            to_hertz: The sampling rate that they are brought to; None: they all have the same.

        Raises:
            DataError: One cannot be used.
        """
        own = to_hertz is not None and self._any_rate
        return (
            decode(file, self._rate_of(file) if own else self.rate_hertz, to_hertz)
            for file in self.files
        )

    def _first_rate(self) -> int:
        """Of the first recording that can be read; others are told where they are used."""
        for file in self.files:
            with suppress(DataError):
                return self._rate_of(file)
        return self._rate_of(self.files[0])

    def _rate_of(self, file: RecordingFile) -> int:
        return file_rate_hertz(file.held, file.name)

    def features(self, front_end: FrontEnd) -> Features:
        """Log-mel features; see ``Source.features``."""
        if not isinstance(front_end, FrontEndConfig):
            raise wrong_front_end(front_end, "log-mel")
        return extract(self.recordings(front_end.rate_hertz), front_end)

    def fingerprints(self) -> Iterator[bytes]:
        """SHA-256 of each file's bytes."""
        return (hashlib.sha256(file.held).digest() for file in self.files)

    def looks(self) -> Iterator[Seen]:
        """Length and rate of each recording, and whether it is damaged, silent or clipped."""
        return (self._look(file) for file in self.files)

    def _look(self, file: RecordingFile) -> Seen:
        try:
            rate_hertz = self._rate_of(file) if self._any_rate else self.rate_hertz
            samples = decode(file, rate_hertz).samples
        except DataError as error:
            found = error.given.removeprefix(file.name).strip()  # for instance "with 2 channels"
            return Seen(0, faults=(f"{found}: {error.rule}" if found else error.rule,))
        peak = float(np.abs(samples).max())
        faults: tuple[str, ...] = ("silent: a peak below -60 dB",) if peak < FAINT_LEVEL else ()
        if _clipped(samples):
            faults += (f"clipped: {CLIPPED_RUN} samples in a row at full scale",)
        power = float(np.mean(samples.astype(np.float64) ** 2))
        measures = {LOUDNESS: 10 * math.log10(power), PEAK: 20 * math.log10(peak)}
        seconds = len(samples) / rate_hertz
        return Seen(len(samples), seconds, rate_hertz, faults, measures)


def _clipped(samples: np.ndarray) -> bool:
    """Whether neighbouring samples stay at the top or the bottom of the scale."""
    for loud in (samples >= CLIPPED_LEVEL, samples <= -CLIPPED_LEVEL):
        if len(loud) >= CLIPPED_RUN:
            runs = np.convolve(loud, np.ones(CLIPPED_RUN, np.int64), mode="valid")
            if runs.max() >= CLIPPED_RUN:
                return True
    return False
