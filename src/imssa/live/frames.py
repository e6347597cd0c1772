"""The front end on a stream of samples: the frames of ``imssa.data.log_mel``, as soon as each is complete."""

import numpy as np
from jaxtyping import Float32, Float64

from imssa.data import FrontEndConfig
from imssa.data.front_end import frame_samples, mel_filters, power_spectra

Frames = tuple[Float32[np.ndarray, "frames mels"], Float64[np.ndarray, " frames"]]


class FrameStream:
    """Samples in, log-mel frames and their levels out, in blocks of any size.

    Frame i begins at sample i hop, as in ``log_mel`` of the whole stream, and has the same numbers.

    Args:
        config: The front end.
        rate_hertz: Sampling rate of what is pushed.

    Raises:
        RecipeError: The front end does not fit the sampling rate.

    Example:
        >>> stream = FrameStream(FrontEndConfig(), 8000)
        >>> [len(stream.push(np.ones(100, np.float32))[0]) for _ in range(3)], len(stream.finish()[0])
        ([0, 1, 1], 1)
    """

    def __init__(self, config: FrontEndConfig, rate_hertz: int) -> None:
        self.config, self.rate_hertz = config, rate_hertz
        self.frame, self.hop, _ = frame_samples(config, rate_hertz)
        self._filters = mel_filters(config, rate_hertz)
        self._kept = np.zeros(0, np.float32)
        self._begun = False

    def push(self, samples: Float32[np.ndarray, " samples"]) -> Frames:
        """Frames that are complete with these samples."""
        self._kept = np.concatenate([self._kept, samples])
        count = max(0, (len(self._kept) - self.frame) // self.hop + 1)
        found = self._frames(self._kept[: (count - 1) * self.hop + self.frame], count)
        self._kept = self._kept[count * self.hop :]
        return found

    def finish(self) -> Frames:
        """The last frame, filled up with zeros, if samples are left that no frame holds."""
        held = self.frame - self.hop if self._begun else 0
        rest, self._kept = self._kept, self._kept[:0]
        return self._frames(rest, 1 if len(rest) > held else 0)

    def _frames(self, samples: Float32[np.ndarray, " samples"], count: int) -> Frames:
        """Features of so many frames, and the power within all bands in dB of full scale."""
        if not count:
            return np.zeros((0, self.config.n_mels), np.float32), np.zeros(0)
        self._begun = True
        bands = power_spectra(samples, self.config, self.rate_hertz) @ self._filters.T
        features = np.log(bands + self.config.floor_power).astype(np.float32)
        return features, 10 * np.log10(bands.sum(axis=1) + self.config.floor_power)
