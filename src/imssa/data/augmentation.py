"""Seeded changes of training features: speed, pitch, shifts, masks and noise.

Masks as in D. Park et al., SpecAugment, Interspeech 2019, without time warping. Channels are warped after
the idea of N. Jaitly, G. Hinton, Vocal Tract Length Perturbation, ICML workshop on speech 2013; they warp
hertz before the filter bank, here the axis of the normalized features is stretched.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from pydantic import BaseModel, ConfigDict, Field

from imssa.data.dataset import true_frames
from imssa.errors import RecipeError


class AugmentationConfig(BaseModel):
    """What changes each time a training sequence is used; None leaves a change out.

    Attributes:
        speed_percent: Largest change of speed; drawn uniformly, so that a sequence becomes up to so much
            faster (shorter) or slower (longer). Frames are interpolated.
        channel_warp_percent: Largest stretch of the axis of channels, which stands for the size of a
            speaker; drawn uniformly, so that channel c has the features of channel c (1 + w / 100).
            Features between two channels are interpolated; beyond the last one it is repeated.
        time_shift_frames: Largest shift to either side; drawn uniformly.
        time_mask_frames: Largest number of neighbouring frames set to zero; drawn uniformly from 0.
        channel_mask_channels: Largest number of neighbouring features set to zero; likewise.
        noise_std: Deviation of Gaussian noise, in units of the normalized features.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    speed_percent: float | None = Field(default=None, gt=0, le=50)
    channel_warp_percent: float | None = Field(default=None, gt=0, le=50)
    time_shift_frames: int | None = Field(default=None, ge=1)
    time_mask_frames: int | None = Field(default=None, ge=1)
    channel_mask_channels: int | None = Field(default=None, ge=1)
    noise_std: float | None = Field(default=None, gt=0)

    def faults(self, length: int | None, n_features: int | None) -> list[RecipeError]:
        """What does not fit sequences of a padded length and a number of features, where known."""
        limits = (
            ("time_shift_frames", self.time_shift_frames, "padded length", length),
            ("time_mask_frames", self.time_mask_frames, "padded length", length),
            ("channel_mask_channels", self.channel_mask_channels, "number of features", n_features),
        )
        warped = self.channel_warp_percent is not None and n_features == 1
        none_to_warp = RecipeError(
            given=f"channel_warp_percent = {self.channel_warp_percent}",
            rule="a frame has one feature, so that there is no axis to stretch",
            remedy="Leave it out.",
        )
        return [none_to_warp] * warped + [
            RecipeError(
                given=f"{key} = {value}",
                rule=f"it must lie below the {what} {limit}",
                remedy=f"Set {key} below {limit}, or leave it out.",
            )
            for key, value, what, limit in limits
            if value is not None and limit is not None and value >= limit
        ]


def augment(
    features: Float32[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    generator: np.random.Generator,
    config: AugmentationConfig,
) -> tuple[Float32[np.ndarray, "batch length features"], Int64[np.ndarray, " batch"]]:
    """A changed copy of a batch of normalized sequences.

    Applied in this order: speed, warp, shift, time mask, channel mask, noise. A shift to the right puts
    zero frames (the mean, after normalization) in front and lengthens the sequence up to the padded
    length; one to the left drops the first frames. At least one true frame is left by each.

    Args:
        features: (batch, length, features), zero where padded.
        lengths: (batch,).
        generator: Draws everything; equal generators give equal results.
        config: What to change.

    Returns:
        New features, zero where padded, and new lengths.

    Raises:
        RecipeError: A shift or mask is as large as the sequences.
    """
    faults = config.faults(features.shape[1], features.shape[2])
    if faults:
        raise faults[0]
    features, lengths = features.copy(), lengths.copy()
    if config.speed_percent is not None:
        features, lengths = _at_speed(features, lengths, generator, config.speed_percent / 100)
    if config.channel_warp_percent is not None:
        features = _warped(features, generator, config.channel_warp_percent / 100)
    if config.time_shift_frames is not None:
        features, lengths = _shift(features, lengths, generator, config.time_shift_frames)
    if config.time_mask_frames is not None:
        masked = _runs(lengths, features.shape[1], generator, config.time_mask_frames)
        features[masked] = 0
    if config.channel_mask_channels is not None:
        widths = np.full(len(features), features.shape[2])
        masked = _runs(widths, features.shape[2], generator, config.channel_mask_channels)
        features = np.where(masked[:, None, :], np.float32(0), features)
    if config.noise_std is not None:
        noise = generator.standard_normal(features.shape, np.float32) * np.float32(config.noise_std)
        features += noise * true_frames(lengths, features.shape[1])[:, :, None]
    return features, lengths


def _at_speed(
    features: Float32[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    generator: np.random.Generator,
    largest: float,
) -> tuple[Float32[np.ndarray, "batch length features"], Int64[np.ndarray, " batch"]]:
    """Frame t of the result is frame t v of the input at speed v, between two frames interpolated.

    A sequence of n frames gets 1 + floor((n - 1) / v) of them, at most the padded length: the first frame
    stays, and nothing lies behind the last.
    """
    length = features.shape[1]
    speeds = 1 + generator.uniform(-largest, largest, len(lengths))
    longest = np.floor((lengths - 1) / speeds + 1e-9).astype(np.int64) + 1
    frames = np.minimum(longest, length)
    moved = _stretched(features, speeds[:, None, None], (lengths - 1)[:, None, None], axis=1)
    return np.where(true_frames(frames, length)[:, :, None], moved, np.float32(0)), frames


def _warped(
    features: Float32[np.ndarray, "batch length features"],
    generator: np.random.Generator,
    largest: float,
) -> Float32[np.ndarray, "batch length features"]:
    """Channel c of the result is channel c v of the input, between two channels interpolated."""
    factors = 1 + generator.uniform(-largest, largest, len(features))
    last = np.array(features.shape[2] - 1)
    return _stretched(features, factors[:, None, None], last, axis=2)


def _stretched(
    features: Float32[np.ndarray, "batch length features"],
    factors: Float64[np.ndarray, "batch 1 1"],
    last: Int64[np.ndarray, "*any"],
    axis: int,
) -> Float32[np.ndarray, "batch length features"]:
    """What lies at place n v of an axis, or at the last one, comes to n; between two places interpolated."""
    numbers = np.arange(features.shape[axis]).reshape((1, -1, 1) if axis == 1 else (1, 1, -1))
    places = np.minimum(numbers * factors, last)
    before = np.floor(places).astype(np.int64)
    share = (places - before).astype(np.float32)
    left, right = (
        np.take_along_axis(features, at, axis) for at in (before, np.minimum(before + 1, last))
    )
    moved: np.ndarray = left + share * (right - left)
    return moved


def _shift(
    features: Float32[np.ndarray, "batch length features"],
    lengths: Int64[np.ndarray, " batch"],
    generator: np.random.Generator,
    largest: int,
) -> tuple[Float32[np.ndarray, "batch length features"], Int64[np.ndarray, " batch"]]:
    """Frame t of the result is frame t - shift of the input where there is one, else zero."""
    length = features.shape[1]
    drawn = generator.integers(-largest, largest, size=len(lengths), endpoint=True)
    shifts = np.maximum(drawn, 1 - lengths)
    origin = np.arange(length) - shifts[:, None]
    inside = (origin >= 0) & (origin < lengths[:, None])
    moved = np.take_along_axis(features, np.clip(origin, 0, length - 1)[:, :, None], axis=1)
    return np.where(inside[:, :, None], moved, np.float32(0)), np.minimum(lengths + shifts, length)


def _runs(
    lengths: Int64[np.ndarray, " rows"], length: int, generator: np.random.Generator, widest: int
) -> Bool[np.ndarray, "rows places"]:
    """One run of True per row, 0 to ``widest`` long, within its first entries but not all of them."""
    drawn = generator.integers(0, widest, size=len(lengths), endpoint=True)
    widths = np.minimum(drawn, lengths - 1)
    starts = generator.integers(0, lengths - widths, endpoint=True)
    places = np.arange(length)
    behind = places >= starts[:, None]
    before = places < (starts + widths)[:, None]
    run: np.ndarray = behind & before
    return run
