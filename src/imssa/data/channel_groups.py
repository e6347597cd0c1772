"""What both front ends of spikes share: neighbouring channels that become one feature."""

from pydantic import BaseModel, ConfigDict, Field


class ChannelGroups(BaseModel):
    """Channels in groups of neighbours.

    Attributes:
        n_channels: Channels of the data; 700 in the Heidelberg sets.
        channels_summed: Neighbouring channels that become one feature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_channels: int = Field(default=700, ge=1, le=65536)
    channels_summed: int = Field(default=10, ge=1)

    @property
    def groups(self) -> int:
        """How many there are; the last holds fewer channels where they do not divide evenly."""
        return -(-self.n_channels // self.channels_summed)
