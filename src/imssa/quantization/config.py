"""What quantization-aware training is asked for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imssa.kernels.codes import MULTIPLIER_BITS

Realization = Literal["direct", "incremental", "leaky"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WeightBits(_Frozen):
    """Bits of each weight group, symmetric; 2 is ternary. A, B share bit lines, so do C, D."""

    A: int = Field(default=2, ge=2, le=8)
    B: int = Field(default=2, ge=2, le=8)
    C: int = Field(default=2, ge=2, le=8)
    D: int = Field(default=2, ge=2, le=8)
    encoder: int = Field(default=2, ge=2, le=8)
    mixing: int = Field(default=2, ge=2, le=8)
    decoder: int = Field(default=2, ge=2, le=8)


class Parts(_Frozen):
    """Which linear maps stand on arrays (``analog``); the kernels always do.

    Attributes:
        encoder: From features to the stream.
        mixing: Between the features of a layer.
        decoder: From the stream to classes; on arrays at each step, the mean is taken after it.
    """

    encoder: Literal["digital", "analog"] = "digital"
    mixing: Literal["digital", "analog"] = "digital"
    decoder: Literal["digital", "analog"] = "digital"


class TrainingNoise(_Frozen):
    """Analog errors in the training forward, drawn from the chip description's own laws.

    Attributes:
        programming: Draw the chip's programming error.
        read_noise: Draw the chip's read noise at each step.
        stuck_high_rate: Share of devices stuck at the window's top, new in each draw.
        stuck_low_rate: Share of devices stuck at its bottom.
        draws: Chip instances a batch; sequence b sees instance b modulo draws.
    """

    programming: bool = True
    read_noise: bool = True
    stuck_high_rate: float = Field(default=0.0, ge=0, le=0.5)
    stuck_low_rate: float = Field(default=0.0, ge=0, le=0.5)
    draws: int = Field(default=4, ge=1, le=64)

    @property
    def any(self) -> bool:
        """Whether training is disturbed at all."""
        return (
            self.programming
            or self.read_noise
            or self.stuck_high_rate > 0
            or self.stuck_low_rate > 0
        )


class QuantizationConfig(_Frozen):
    """The integer form of a network: realization, bits, registers, training noise.

    Attributes:
        realization: How hardware runs the recurrence (DESIGN section 4).
        bits: Bits of each weight group.
        parts: Which linear maps stand on arrays besides the kernels.
        guard_bits: Fractional bits f of a state register below the DAC's step.
        register_bits: Width of a state register.
        activation_bits: Width of the codes before and after the activation table.
        gain_bits: Width of update multipliers m; 1 leaves powers of two, which cost a shift.
        max_decay_shift: Largest k of ``leaky``; f must exceed it.
        noise: Analog errors in the training forward.
    """

    realization: Realization = "leaky"
    bits: WeightBits = WeightBits()
    parts: Parts = Parts()
    guard_bits: int = Field(default=8, ge=1, le=16)
    register_bits: int = Field(default=20, ge=9, le=32)
    activation_bits: int = Field(default=8, ge=4, le=12)
    gain_bits: int = Field(default=8, ge=1, le=MULTIPLIER_BITS)
    max_decay_shift: int = Field(default=7, ge=1, le=15)
    noise: TrainingNoise = TrainingNoise()

    @model_validator(mode="after")
    def _guard_bits_cover_the_decay(self) -> "QuantizationConfig":
        if self.realization == "leaky" and self.guard_bits < self.max_decay_shift + 1:
            msg = (
                f"guard_bits = {self.guard_bits} leaves a dead zone: leaky needs at least "
                f"max_decay_shift + 1 = {self.max_decay_shift + 1}; raise guard_bits"
            )
            raise ValueError(msg)
        return self
