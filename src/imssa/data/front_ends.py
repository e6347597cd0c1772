"""The front ends a recipe can name: log-mel bands, values as they are, spikes in bins or as events."""

from typing import Annotated, Any, Final, Literal

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, model_validator

from imssa.data.channel_groups import ChannelGroups
from imssa.data.events import EventFrontEnd
from imssa.data.front_end import FrontEndConfig
from imssa.errors import RecipeError


class PlainFrontEnd(BaseModel):
    """Values as they are: each frame of a sequence is a frame of features.

    Attributes:
        max_frames: Of a longer sequence the first frames are kept; None: all.
        permutation_seed: Puts the frames of sequences of one length in an order drawn with this
            seed, the same for all (as in permuted MNIST); None: the order stays.
        permutation: That order, frame i of the features is frame permutation[i] of the sequence;
            None: drawn. A trained network keeps it, so that it never depends on a generator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none"] = "none"
    max_frames: int | None = Field(default=None, ge=1)
    permutation_seed: int | None = Field(default=None, ge=0)
    permutation: tuple[int, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> "PlainFrontEnd":
        order = self.permutation
        if order is not None and sorted(order) != list(range(len(order))):
            fault = RecipeError(
                given=f"permutation of {len(order)} numbers",
                rule="it holds each number from 0 once",
                remedy="Leave it out and set permutation_seed.",
            )
            raise ValueError(str(fault))
        return self

    @property
    def padded_length(self) -> int | None:
        """Frames of the padded features; None: as many as the longest sequence has."""
        return self.max_frames

    @property
    def n_features(self) -> int | None:
        """Features of a frame; None: the data say."""
        return None

    def order(self, length: int) -> Int64[np.ndarray, " length"] | None:
        """The order of the frames of sequences of a length; None: it stays.

        Raises:
            RecipeError: The kept permutation is of another length.
        """
        if self.permutation is not None and len(self.permutation) != length:
            raise RecipeError(
                given=f"sequences of {length} frames",
                rule=f"the permutation is one of {len(self.permutation)} frames",
                remedy="Use the data that the network was trained on.",
            )
        if self.permutation is not None:
            return np.array(self.permutation, np.int64)
        if self.permutation_seed is None:
            return None
        drawn = np.random.Generator(np.random.Philox(key=self.permutation_seed))
        return drawn.permutation(length).astype(np.int64)

    def resolved(self, length: int) -> "PlainFrontEnd":
        """The same with its permutation written out, for the padded length of the features."""
        order = self.order(length)
        kept = None if order is None else tuple(order.tolist())
        return self.model_copy(update={"permutation": kept})


class SpikeFrontEnd(ChannelGroups):
    """Spikes counted in bins of time, neighbouring channels summed.

    Feature j of frame i counts the spikes with i <= t / bin_seconds < i + 1 in the channels
    j channels_summed to (j + 1) channels_summed - 1.

    Attributes:
        bin_seconds: Length of a frame.
        max_frames: Padded length; later spikes are left out.
    """

    kind: Literal["spikes"] = "spikes"
    bin_seconds: float = Field(default=0.010, gt=0)
    max_frames: int = Field(default=100, ge=1)

    @property
    def padded_length(self) -> int:
        """Frames of the padded features."""
        return self.max_frames

    @property
    def n_features(self) -> int:
        """Features of a frame: one a group of channels."""
        return self.groups

    def resolved(self, _length: int) -> "SpikeFrontEnd":
        """The same: nothing is drawn."""
        return self


def binned(
    times_second: np.ndarray, channels: Int64[np.ndarray, " spikes"], config: SpikeFrontEnd
) -> Float32[np.ndarray, "frames features"]:
    """Counts of one item's spikes; as many frames as its last spike needs, at least one.

    Args:
        times_second: Of each spike, not negative, ascending.
        channels: Of each spike, 0 to n_channels - 1.
        config: The front end.

    Example:
        >>> config = SpikeFrontEnd(n_channels=4, channels_summed=2, bin_seconds=0.5)
        >>> binned(np.array([0.0, 0.1, 0.6]), np.array([0, 1, 3]), config).tolist()
        [[2.0, 0.0], [0.0, 1.0]]
    """
    places = times_second.astype(np.float64) / config.bin_seconds
    kept = places < config.max_frames
    frames = places[kept].astype(np.int64)
    count = 1 + int(frames.max()) if frames.size else 1
    if not kept.all():
        count = config.max_frames
    cells = frames * config.n_features + channels[kept] // config.channels_summed
    counts = np.bincount(cells, minlength=count * config.n_features)
    return counts.reshape(count, config.n_features).astype(np.float32)


def _tag(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("kind", "log-mel"))
    return str(getattr(value, "kind", "log-mel"))


FRONT_ENDS: Final = ("log-mel", "none", "spikes", "events")
FrontEnd = FrontEndConfig | PlainFrontEnd | SpikeFrontEnd | EventFrontEnd
AnyFrontEnd = Annotated[
    Annotated[FrontEndConfig, Tag("log-mel")]
    | Annotated[PlainFrontEnd, Tag("none")]
    | Annotated[SpikeFrontEnd, Tag("spikes")]
    | Annotated[EventFrontEnd, Tag("events")],
    Discriminator(_tag),
]


def front_end_from(kept: Any) -> FrontEnd:
    """The front end that a model or program keeps; one without ``kind`` is log-mel.

    Example:
        >>> front_end_from({"n_mels": 8}).kind
        'log-mel'
    """
    adapter: TypeAdapter[FrontEnd] = TypeAdapter(AnyFrontEnd)
    return adapter.validate_python(kept)
