"""Energies, times and areas of a chip's parts, each with its range, its source and a grade."""

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from imssa.cost.ranges import Range
from imssa.errors import RecipeError

UNITS: Final = {
    "pJ": 1e-12,
    "fJ": 1e-15,
    "fF": 1e-15,
    "ns": 1e-9,
    "uW": 1e-6,
    "pW": 1e-12,
    "W": 1.0,
    "V": 1.0,
    "um2": 1e-12,
    "F2": 1.0,
    "1": 1.0,
}
"""What a unit is worth in SI; F2 are squares of the feature size."""

Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Constant(BaseModel):
    """One number with its range.

    Attributes:
        what: What is meant.
        low: Least value, in ``unit``.
        typical: Value of a design as most are.
        high: Largest value.
        unit: One of ``UNITS``.
        grade: P read in the paper, C read in code, D derived, U unverified, A assumed.
        source: Where it stands and what was read there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    low: Number
    typical: Number
    high: Number
    unit: Literal["pJ", "fJ", "fF", "ns", "uW", "pW", "W", "V", "um2", "F2", "1"]
    grade: Literal["P", "C", "D", "U", "A"]
    source: Annotated[str, Field(min_length=10)]

    @model_validator(mode="after")
    def _in_order(self) -> "Constant":
        if not self.low <= self.typical <= self.high:
            msg = f"low {self.low:g}, typical {self.typical:g} and high {self.high:g} must rise"
            raise ValueError(msg)
        return self

    @property
    def range(self) -> Range:
        """In SI units."""
        worth = UNITS[self.unit]
        return Range(self.low * worth, self.typical * worth, self.high * worth)


class Constants(BaseModel):
    """All constants of the model; ``constants.toml`` beside this module says what each means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adc_conversion: Constant
    adc_growth: Constant
    adc_time: Constant
    adc_leakage: Constant
    read_time: Constant
    supply_headroom: Constant
    driver_pulse: Constant
    dac_step: Constant
    line_capacitance: Constant
    line_swing: Constant
    amplifier: Constant
    add_8: Constant
    add_16: Constant
    add_32: Constant
    multiply_8: Constant
    multiply_16: Constant
    multiply_32: Constant
    shift_8: Constant
    shift_16: Constant
    shift_32: Constant
    register_byte: Constant
    memory_byte: Constant
    memory_leakage: Constant
    logic_leakage: Constant
    control: Constant
    lane_time: Constant
    cell_area: Constant
    adc_area: Constant
    driver_area: Constant
    amplifier_area: Constant
    lane_area: Constant
    memory_area: Constant
    processor_core: Constant

    def named(self) -> dict[str, Constant]:
        """By name, in the order of the file."""
        return {name: getattr(self, name) for name in type(self).model_fields}


def load_constants(path: Path | None = None) -> Constants:
    """The shipped constants, or those of a file of the same form.

    Raises:
        RecipeError: A file that cannot be read, or that breaks a rule.
    """
    return _shipped() if path is None else _parsed(path, _text(path))


@cache
def _shipped() -> Constants:
    place = files("imssa.cost") / "constants.toml"
    return Constants.model_validate(tomllib.loads(place.read_text(encoding="utf-8")))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            given=str(path), rule=f"it cannot be read ({error})", remedy="Name a TOML file."
        ) from error


def _parsed(path: Path, text: str) -> Constants:
    try:
        found: dict[str, Any] = tomllib.loads(text)
        return Constants.model_validate(found)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(
            given=str(path), rule=f"it is no TOML ({error})", remedy="Mend that line."
        ) from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise RecipeError(
            given=str(path),
            rule="; ".join(faults[:5]),
            remedy="Copy src/imssa/cost/constants.toml and change its numbers alone.",
        ) from error
