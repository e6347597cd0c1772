"""Chip descriptions: what a program is compiled for and what the simulator draws from."""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from imssa.errors import RecipeError
from imssa.hardware.devices import (
    Law,
    LogNormalOffState,
    Programming,
    ReadNoise,
    StuckDevices,
)
from imssa.kernels.codes import code_max

EFFECTS = ("programming", "read_noise", "off_state", "stuck")


class Arrays(Law):
    """How many crossbars there are and how large: word lines are input rows, bit lines columns."""

    count: int = Field(ge=1, le=4096)
    word_lines: int = Field(ge=2, le=1024)
    bit_lines: int = Field(ge=2, le=1024)

    @property
    def pairs(self) -> int:
        """Differential pairs of neighbouring bit lines."""
        return self.bit_lines // 2


class Converters(Law):
    """DAC and ADC widths and the full scales that the ADC offers.

    Attributes:
        dac_bits: Width of the input codes, symmetric.
        adc_bits: Width of the output codes, symmetric.
        full_scale_devices: Full-scale currents on offer, as multiples of the current of one device
            at the window's top under the largest input voltage; QAT picks one a bit-line pair.
    """

    dac_bits: int = Field(ge=2, le=12)
    adc_bits: int = Field(ge=2, le=14)
    full_scale_devices: tuple[float, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _full_scales_are_positive(self) -> "Converters":
        if min(self.full_scale_devices) <= 0:
            msg = "full_scale_devices must be positive; remove the entries at or below zero"
            raise ValueError(msg)
        return self


class ChipDescription(Law):
    """One chip: arrays, converters, device window and the errors of its devices (None: off)."""

    name: str
    source: str
    arrays: Arrays
    converters: Converters
    g_max_siemens: float = Field(gt=0)
    read_voltage_volt: float = Field(gt=0)
    programming: Programming | None = None
    read_noise: ReadNoise | None = None
    off_state: LogNormalOffState | None = None
    stuck: StuckDevices | None = None

    def only(self, *effects: str) -> "ChipDescription":
        """The same chip with every effect off but those named; none named: the ideal chip."""
        return self.model_copy(update={e: None for e in EFFECTS if e not in effects})

    def adc_scale(self, full_scale_devices: float, weight_max: int) -> tuple[int, int]:
        """L and h of the conversion round(acc 2^h / L) (DESIGN section 5).

        Args:
            full_scale_devices: A full scale on offer.
            weight_max: Largest integer weight on the pair, held at the window's top.

        Returns:
            L and the smallest h up to 16 for which L is exact, else L rounded at h = 16.
        """
        exact = (
            full_scale_devices
            * weight_max
            * code_max(self.converters.dac_bits)
            / code_max(self.converters.adc_bits)
        )
        for h in range(17):
            if (exact * 2**h).is_integer():
                return int(exact * 2**h), h
        return round(exact * 2**16), 16


@cache
def preset_names() -> tuple[str, ...]:
    """Names of the shipped chip descriptions."""
    folder = resources.files("imssa.hardware") / "presets"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir()))


def load_chip(name_or_path: str) -> ChipDescription:
    """A chip description by the name of a preset or by the path of a TOML file.

    Raises:
        RecipeError: No such preset or file, or a description that breaks its rules.

    Example:
        >>> load_chip("taox-64").arrays
        Arrays(count=3, word_lines=64, bit_lines=64)
    """
    if name_or_path in preset_names():
        source = resources.files("imssa.hardware") / "presets" / f"{name_or_path}.toml"
        return _parse(source.read_text(), name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise RecipeError(
            given=f"chip {name_or_path!r}",
            rule=f"it is neither a file nor a preset ({', '.join(preset_names())})",
            remedy="Name a preset or the path of a chip description in TOML.",
        )
    return _parse(path.read_text(), str(path))


def _parse(text: str, origin: str) -> ChipDescription:
    try:
        return ChipDescription.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        faults = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise RecipeError(
            given=f"chip description {origin}", rule=faults, remedy="Mend these keys."
        ) from error
