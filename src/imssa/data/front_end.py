"""The float front end: logarithmic mel-band powers of short frames.

Everything here is float and comes before the first integer code (DESIGN section 5, *Input*).
"""

import functools
from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64
from pydantic import BaseModel, ConfigDict, Field, model_validator

from imssa.data.recordings import Recording
from imssa.errors import RecipeError

MEL_PER_DECADE: Final = 2595.0
CORNER_HERTZ: Final = 700.0


class FrontEndConfig(BaseModel):
    """How recordings become features.

    Attributes:
        kind: The name of this front end.
        rate_hertz: Sampling rate that recordings are brought to; None: they all have the same.
        n_mels: Mel bands, the features of a frame.
        frame_seconds: Length of a frame.
        hop_seconds: Time from one frame to the next, at most a frame.
        min_hertz: Lower edge of the lowest band.
        max_hertz: Upper edge of the highest band; None: half the sampling rate.
        max_frames: Padded length; of a longer recording the loudest stretch is kept.
        floor_power: Added to the band powers before the logarithm; full scale is 1.
        peak_floor: With it the level of a recording does not matter: band powers (with ``floor_power``,
            which then should be far below those of quiet recordings) are divided by the largest one of
            the frames that are kept, and this is added before the logarithm. That one is known when the
            recording has ended. None: levels count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["log-mel"] = "log-mel"
    rate_hertz: int | None = Field(default=None, ge=1000, le=768000)
    n_mels: int = Field(default=16, ge=1)
    frame_seconds: float = Field(default=0.025, gt=0)
    hop_seconds: float = Field(default=0.010, gt=0)
    min_hertz: float = Field(default=50.0, ge=0)
    max_hertz: float | None = Field(default=None, gt=0)
    max_frames: int = Field(default=64, ge=1)
    floor_power: float = Field(default=1e-8, gt=0)
    peak_floor: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> "FrontEndConfig":
        faults: list[RecipeError] = []
        if self.hop_seconds > self.frame_seconds:
            faults.append(
                RecipeError(
                    given=f"hop_seconds = {self.hop_seconds:g}",
                    rule="a hop longer than a frame skips samples",
                    remedy=f"Set hop_seconds to at most frame_seconds = {self.frame_seconds:g}.",
                )
            )
        if self.max_hertz is not None and self.max_hertz <= self.min_hertz:
            faults.append(
                RecipeError(
                    given=f"max_hertz = {self.max_hertz:g}",
                    rule="the upper edge lies above the lower",
                    remedy=f"Set max_hertz above min_hertz = {self.min_hertz:g}.",
                )
            )
        if faults:
            raise ValueError(" ".join(map(str, faults)))
        return self

    @property
    def padded_length(self) -> int:
        """Frames of the padded features."""
        return self.max_frames

    @property
    def n_features(self) -> int:
        """Features of a frame."""
        return self.n_mels

    def resolved(self, _length: int) -> "FrontEndConfig":
        """The same: nothing is drawn."""
        return self


def mel_from_hertz(hertz: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
    """Mel scale: m = 2595 log10(1 + f / 700).

    Source: O'Shaughnessy, Speech Communication: Human and Machine, 1987; used by HTK.

    Example:
        >>> mel_from_hertz(np.array([0.0, 1000.0])).round(1).tolist()
        [0.0, 1000.0]
    """
    return MEL_PER_DECADE * np.log10(1 + hertz / CORNER_HERTZ)


def hertz_from_mel(mel: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
    """Inverse of ``mel_from_hertz``: f = 700 (10^(m / 2595) - 1)."""
    return CORNER_HERTZ * (10 ** (mel / MEL_PER_DECADE) - 1)


def band_edges_hertz(config: FrontEndConfig, rate_hertz: int) -> Float64[np.ndarray, " edges"]:
    """Edges of the triangular bands, equally spaced in mel, shape (n_mels + 2,).

    Band i rises from edge i to its centre, edge i + 1, and falls to edge i + 2.

    Raises:
        RecipeError: The bands reach above half the sampling rate.
    """
    half = rate_hertz / 2
    top = half if config.max_hertz is None else config.max_hertz
    if top > half or config.min_hertz >= half:
        raise RecipeError(
            given=f"front end from {config.min_hertz:g} to {top:g} Hz",
            rule=f"a recording at {rate_hertz} Hz holds frequencies up to {half:g} Hz",
            remedy="Lower max_hertz (or leave it out) and min_hertz.",
        )
    low, high = mel_from_hertz(np.array([config.min_hertz, top]))
    return hertz_from_mel(np.linspace(low, high, config.n_mels + 2))


def frame_samples(config: FrontEndConfig, rate_hertz: int) -> tuple[int, int, int]:
    """Samples of a frame, of a hop, and points of its transform (the next power of two)."""
    frame = max(1, round(config.frame_seconds * rate_hertz))
    hop = max(1, round(config.hop_seconds * rate_hertz))
    return frame, hop, max(2, 1 << (frame - 1).bit_length())


@functools.cache
def mel_filters(config: FrontEndConfig, rate_hertz: int) -> Float64[np.ndarray, "mels bins"]:
    """Triangular filter bank, linear in mel, peak 1, shape (n_mels, bins); read-only.

    Source: S. Young et al., The HTK Book, section "Filterbank Analysis".

    Raises:
        RecipeError: A band is so narrow that no bin of the transform lies in it, or the bands
            reach above half the sampling rate.
    """
    points = frame_samples(config, rate_hertz)[2]
    bins = mel_from_hertz(np.arange(points // 2 + 1) * (rate_hertz / points))
    edges = mel_from_hertz(band_edges_hertz(config, rate_hertz))
    step = edges[1] - edges[0]
    filters: np.ndarray = np.maximum(0.0, 1 - np.abs(bins - edges[1:-1, None]) / step)
    empty = np.flatnonzero(filters.sum(axis=1) < 0.1)
    if empty.size:
        raise RecipeError(
            given=f"n_mels = {config.n_mels} with frames of {config.frame_seconds:g} s",
            rule=f"band {empty[0]} is narrower than the {rate_hertz / points:g} Hz between bins",
            remedy="Lower n_mels, raise min_hertz, or lengthen frame_seconds.",
        )
    filters.setflags(write=False)
    return filters


def power_spectra(
    samples: Float32[np.ndarray, " samples"], config: FrontEndConfig, rate_hertz: int
) -> Float64[np.ndarray, "frames bins"]:
    """One-sided power spectra of the frames of a recording.

    P_k = c_k |sum_n w_n x_n exp(-2 pi i k n / N)|^2 / (N sum_n w_n^2), with the Hann
    window w_n = sin^2(pi (n + 1/2) / frame) and c_k = 1 at zero and half the sampling rate, else
    2. The sum over k is the mean square of the frame under the window (Parseval), so white noise
    of variance v sums to v.

    Args:
        samples: (samples,), full scale 1.
        config: The front end.
        rate_hertz: Sampling rate.

    Returns:
        Powers, shape (frames, bins). The last frame is filled up with zeros.
    """
    frame, hop, points = frame_samples(config, rate_hertz)
    count = 1 + max(0, -(-(len(samples) - frame) // hop))
    padded = np.zeros((count - 1) * hop + frame)
    padded[: len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    window = np.sin(np.pi * (np.arange(frame) + 0.5) / frame) ** 2
    spectra = np.fft.rfft(frames * window, points)
    sides = np.full(points // 2 + 1, 2.0)
    sides[[0, -1]] = 1.0
    power: Float64[np.ndarray, "frames bins"] = (
        sides * np.abs(spectra) ** 2 / (points * (window**2).sum())
    )
    return power


def log_mel(recording: Recording, config: FrontEndConfig) -> Float32[np.ndarray, "frames mels"]:
    """Natural logarithm of the mel-band powers: log(F P + floor).

    Args:
        recording: The recording.
        config: The front end.

    Returns:
        Features, shape (frames, n_mels), for all frames of the recording.

    Raises:
        RecipeError: The front end does not fit the sampling rate.

    Source: S. Davis, P. Mermelstein, IEEE Trans. ASSP 28(4), 1980, without the cosine transform.
    """
    filters = mel_filters(config, recording.rate_hertz)
    power = power_spectra(recording.samples, config, recording.rate_hertz)
    features: np.ndarray = np.log(power @ filters.T + config.floor_power).astype(np.float32)
    return features


def loudest_stretch(
    features: Float32[np.ndarray, "frames mels"], max_frames: int
) -> Float32[np.ndarray, "kept mels"]:
    """The run of at most ``max_frames`` frames with the largest sum of log powers.

    Logarithms, so that soft consonants count and only silence is cut; the earliest of equals.

    Example:
        >>> loudest_stretch(np.array([[0], [2], [3], [1]], np.float32), 2).ravel().tolist()
        [2.0, 3.0]
    """
    if len(features) <= max_frames:
        return features
    total = np.cumsum(np.concatenate([[0.0], features.sum(axis=1, dtype=np.float64)]))
    start = int(np.argmax(total[max_frames:] - total[:-max_frames]))
    return features[start : start + max_frames]


def levelled(
    features: Float32[np.ndarray, "frames mels"], config: FrontEndConfig
) -> Float32[np.ndarray, "frames mels"]:
    """Log powers as the front end wants their level: log(P / max P + peak_floor), or as they are.

    Args:
        features: Frames of ``log_mel`` that are kept of a recording, at least one.
        config: The front end.

    Example:
        >>> config = FrontEndConfig(peak_floor=1e-3)
        >>> levelled(np.log(np.array([[5.0, 2.5]], np.float32)), config).round(2).tolist()
        [[0.0, -0.6899999976158142]]
    """
    if config.peak_floor is None:
        return features
    shares = np.exp((features - features.max()).astype(np.float64))
    found: np.ndarray = np.log(shares + config.peak_floor).astype(np.float32)
    return found


def prepared(
    frames: Float32[np.ndarray, "frames mels"], config: FrontEndConfig
) -> Float32[np.ndarray, "kept mels"]:
    """What a network hears of the frames of a recording: the loudest stretch, at its level."""
    return levelled(loudest_stretch(frames, config.max_frames), config)


def extract(
    recordings: Iterable[Recording], config: FrontEndConfig
) -> tuple[Float32[np.ndarray, "items length mels"], Int64[np.ndarray, " items"]]:
    """Features of many recordings, padded with zeros to ``max_frames``.

    Args:
        recordings: The recordings.
        config: The front end.

    Returns:
        Features (items, max_frames, n_mels) and lengths (items,).

    Raises:
        RecipeError: The front end does not fit the sampling rate.
    """
    kept = [prepared(log_mel(one, config), config) for one in recordings]
    features = np.zeros((len(kept), config.max_frames, config.n_mels), np.float32)
    for padded, frames in zip(features, kept, strict=True):
        padded[: len(frames)] = frames
    return features, np.array([len(frames) for frames in kept], np.int64)
