"""The parameters of the inner ear, with their sources."""

import math
from dataclasses import dataclass
from typing import Final

from imssa.errors import RecipeError

MOST_CHANNELS: Final = 65_536
"""Channels are numbered in 16 bits."""
_RANGES: Final = {
    "channels": (1.0, float(MOST_CHANNELS)),
    "lowest_hertz": (1.0, 1e6),
    "highest_hertz": (1.0, 1e6),
    "roots": (0.0, 4.0),
    "drive": (1e-6, 1e6),
    "hair_cell_seconds": (1e-6, 10.0),
    "membrane_seconds": (1e-6, 10.0),
    "adaptation": (0.0, 1e6),
    "adaptation_seconds": (1e-6, 10.0),
    "refractory_seconds": (0.0, 10.0),
}


@dataclass(frozen=True)
class EarConfig:
    """An inner ear: filter bank, hair cells, spike generators.

    A channel filters sound, rectifies and compresses it, smooths it as a hair cell's membrane does, and
    drives a leaky integrate-and-fire cell whose threshold rises with each spike::

        y = gammatone(x)                                 unit gain at the centre frequency
        h' = (drive * max(y, 0)^(2^-roots) - h) / hair_cell_seconds
        v' = (h - v) / membrane_seconds
        w' = -w / adaptation_seconds
        where v >= 1 + w: a spike; v = 0 and held there for refractory_seconds; w = w + adaptation

    Attributes:
        channels: Number of channels; 700 as in the Spiking Heidelberg Digits (Cramer, Stradmann, Schemmel
            and Zenke, IEEE TNNLS 33, 2744, 2022). Channel 0 has the lowest frequency.
        lowest_hertz: Centre frequency of the first channel.
        highest_hertz: Centre frequency of the last; those between lie evenly on the scale of equivalent
            rectangular bandwidths (Glasberg and Moore, Hearing Research 47, 103, 1990).
        roots: Square roots that compress: the exponent is 2^-roots. Two give 0.25, among the 0.2 to 0.5 dB a
            dB of the basilar membrane at medium levels (Robles and Ruggero, Physiological Reviews 81, 1305,
            2001). Square roots are rounded in the same way on every machine, and fast.
        drive: Of a spike generator at full scale, as a multiple of its threshold. The default puts the
            threshold of a tone some 65 dB below full scale.
        hair_cell_seconds: Of the first-order low-pass that takes the fine structure away: 1 kHz, as in Dau,
            Püschel and Kohlrausch (JASA 99, 3615, 1996).
        membrane_seconds: Of the integrate-and-fire cell.
        adaptation: By how much a spike raises the threshold, as a multiple of it.
        adaptation_seconds: How long that lasts: the short-term adaptation of the auditory nerve takes about 60
            ms (Westerman and Smith, Hearing Research 15, 249, 1984).
        refractory_seconds: Absolute refractory period, 0.75 ms (Carney, JASA 93, 401, 1993).

    Raises:
        RecipeError: A value out of its range.

    Example:
        >>> EarConfig(channels=70).exponent
        0.25
    """

    channels: int = 700
    lowest_hertz: float = 60.0
    highest_hertz: float = 7000.0
    roots: int = 2
    drive: float = 15.0
    hair_cell_seconds: float = 1.0 / (2.0 * math.pi * 1000.0)
    membrane_seconds: float = 0.002
    adaptation: float = 1.0
    adaptation_seconds: float = 0.06
    refractory_seconds: float = 0.00075

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            _require_range(name, float(getattr(self, name)), least, most)
        if self.lowest_hertz > self.highest_hertz:
            raise RecipeError(
                given=f"channels from {self.lowest_hertz:g} to {self.highest_hertz:g} Hz",
                rule="the lowest frequency stands first",
                remedy="Exchange the two.",
            )

    @property
    def exponent(self) -> float:
        """By which amplitudes are compressed."""
        return float(2.0**-self.roots)

    def require_rate(self, rate_hertz: int, name: str) -> None:
        """Refuses a sampling rate that has no room for the highest channel.

        Args:
            rate_hertz: The sampling rate.
            name: What error messages call the recording.

        Raises:
            RecipeError: It is not above twice the highest centre frequency.
        """
        if rate_hertz <= 2.0 * self.highest_hertz:
            raise RecipeError(
                given=f"{name} at {rate_hertz} Hz with channels up to {self.highest_hertz:g} Hz",
                rule="a sampling rate is more than twice the highest channel's frequency",
                remedy=f"Lower the highest channel, for instance to {0.4375 * rate_hertz:g} Hz.",
            )


def _require_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise RecipeError(
            given=f"{name} = {value:g}",
            rule=f"it lies from {least:g} to {most:g}",
            remedy="Choose a value in that range.",
        )


DEFAULT_EAR: Final = EarConfig()
"""Seven hundred channels from 60 Hz to 7 kHz, for sound of 16 kHz."""
