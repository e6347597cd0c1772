"""All laws of the devices by kind: of these a chip description is made.

Noise-aware training and the simulator both draw from them. The README of this folder says how to
add one.
"""

from typing import Any, Final, get_args

from imssa.hardware.defects import DeadLines, StuckDevices
from imssa.hardware.drift import Drift, PolynomialDrift, PowerDrift, RelaxationDrift
from imssa.hardware.law import MICRO, DeviceLaw, Floats, Law
from imssa.hardware.off_state import LogNormalOffState, OffState
from imssa.hardware.programming import Programming
from imssa.hardware.pulses import IncrementPulse, ProportionalPulse, Pulse
from imssa.hardware.read_noise import (
    PowerReadNoise,
    PowerSpreadReadNoise,
    ReadNoise,
    RelativeReadNoise,
)
from imssa.hardware.statistical import (
    GaussianProgramming,
    PolynomialProgramming,
    UniformProgramming,
)
from imssa.hardware.write_verify import WriteVerifyProgramming


def members(union: Any) -> tuple[type[Law], ...]:
    """The laws of a kind."""
    return get_args(get_args(union)[0])


def tag(law: type[Law]) -> str:
    """The name of a law, as a chip description writes it."""
    return str(law.model_fields["law"].default)


LAW_NAMES: Final = frozenset(
    tag(law) for kind in (Programming, ReadNoise, Drift, Pulse) for law in members(kind)
)
"""Names of the laws that a description chooses among; they are no keys."""

__all__ = [
    "LAW_NAMES",
    "MICRO",
    "DeadLines",
    "DeviceLaw",
    "Drift",
    "Floats",
    "GaussianProgramming",
    "IncrementPulse",
    "Law",
    "LogNormalOffState",
    "OffState",
    "PolynomialDrift",
    "PolynomialProgramming",
    "PowerDrift",
    "PowerReadNoise",
    "PowerSpreadReadNoise",
    "Programming",
    "ProportionalPulse",
    "Pulse",
    "ReadNoise",
    "RelativeReadNoise",
    "RelaxationDrift",
    "StuckDevices",
    "UniformProgramming",
    "WriteVerifyProgramming",
    "members",
    "tag",
]
