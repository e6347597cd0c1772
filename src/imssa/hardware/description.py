"""Chip descriptions: what a program is compiled for and what the simulator draws from."""

from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from imssa.hardware.converters import Converters
from imssa.hardware.defects import DeadLines, StuckDevices
from imssa.hardware.drift import Drift
from imssa.hardware.law import Law
from imssa.hardware.off_state import OffState
from imssa.hardware.programming import Programming
from imssa.hardware.read_noise import ReadNoise
from imssa.hardware.readout import Readout
from imssa.hardware.rules import violations
from imssa.hardware.wires import WireSettings

EFFECTS: Final = (
    "programming",
    "read_noise",
    "off_state",
    "drift",
    "stuck",
    "dead_lines",
    "defect_map",
    "wires",
    "readout",
)
"""Fields of a description that take a chip away from the ideal one."""


class Arrays(Law):
    """How many crossbars there are and how large: word lines are input rows, bit lines columns."""

    count: int = Field(ge=1, le=4096)
    word_lines: int = Field(ge=2, le=1024)
    bit_lines: int = Field(ge=2, le=1024)

    @property
    def pairs(self) -> int:
        """Differential pairs of neighbouring bit lines."""
        return self.bit_lines // 2


class ChipDescription(Law):
    """One chip: arrays, converters, device window and the errors of its devices (None: off).

    Attributes:
        name: Short name.
        source: Where its numbers come from.
        arrays: Crossbars.
        converters: DAC and ADC.
        g_min_siemens: Bottom of the window; a weight of zero has both devices there.
        g_max_siemens: Top of the window.
        read_voltage_volt: Largest input voltage.
        word_line_current_max_ampere: Largest current of a word line's driver; None: not known.
        phase_seconds: Time of one phase, all its passes, from drive to codes; None: not known.
        programming: How cells are written.
        read_noise: New at each read.
        off_state: Cells never written.
        drift: What time does.
        age_seconds: When the chip is read, counted from writing; without ``drift`` without effect.
        stuck: Rates of devices that ignore programming.
        dead_lines: Lines that carry no current.
        defect_map: File with the defects of one measured chip, the same on every instance.
        wires: Resistance of lines, drivers and amplifiers.
        readout: Saturation, gains, offsets and noise of amplifiers and ADCs.
    """

    name: str
    source: str
    arrays: Arrays
    converters: Converters
    g_min_siemens: float = Field(default=0.0, ge=0)
    g_max_siemens: float = Field(gt=0)
    read_voltage_volt: float = Field(gt=0)
    word_line_current_max_ampere: float | None = Field(default=None, gt=0)
    phase_seconds: float | None = Field(default=None, gt=0)
    programming: Programming | None = None
    read_noise: ReadNoise | None = None
    off_state: OffState | None = None
    drift: Drift | None = None
    age_seconds: float = Field(default=0.0, ge=0)
    stuck: StuckDevices | None = None
    dead_lines: DeadLines | None = None
    defect_map: str | None = Field(default=None, min_length=1)
    wires: WireSettings | None = None
    readout: Readout | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults(
        cls, data: Any, handler: ModelWrapValidatorHandler["ChipDescription"]
    ) -> "ChipDescription":
        """Rules between fields are asked even where other fields are at fault."""
        details: list[InitErrorDetails] = []
        try:
            chip = handler(data)
            valid = frozenset(cls.model_fields)
        except ValidationError as error:
            if not isinstance(data, dict):
                raise
            details = [_kept(detail) for detail in error.errors(include_url=False)]
            chip, valid = cls._partly(data, {str(d["loc"][0]) for d in details if d["loc"]})
        for key, rule in violations(chip, valid):
            broken = PydanticCustomError("rule", "{rule}", {"rule": rule})
            details.append(InitErrorDetails(type=broken, loc=key, input={}))
        if details:
            raise ValidationError.from_exception_data(cls.__name__, details)
        return chip

    @classmethod
    def _partly(
        cls, data: dict[str, Any], faulty: set[str]
    ) -> tuple["ChipDescription", frozenset[str]]:
        """A description of the valid fields alone, and their names."""
        valid: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if name in faulty:
                continue
            value = data.get(name, field.default)
            parsed: TypeAdapter[Any] = TypeAdapter(field.annotation or object)
            valid[name] = parsed.validate_python(value)
        return cls.model_construct(**valid), frozenset(valid)

    @property
    def window_siemens(self) -> float:
        """Width of the device window: what the largest weight of a pair is worth."""
        return self.g_max_siemens - self.g_min_siemens

    def only(self, *effects: str) -> "ChipDescription":
        """The same chip with every effect off but those named; none named: the ideal chip."""
        return self.model_copy(update={e: None for e in EFFECTS if e not in effects})

    def adc_steps(self, weight_max: int) -> Float64[np.ndarray, " full_scales"]:
        """ADC steps L / 2^h of the full scales on offer, in sums of codes.

        Args:
            weight_max: Largest integer weight on the pair, held at the window's top.
        """
        converters = self.converters
        scales = [converters.scale(d, weight_max) for d in converters.full_scale_devices]
        return np.array([L / 2**h for L, h in scales])


def _kept(detail: Any) -> InitErrorDetails:
    """A fault that pydantic found, for a new list of faults."""
    kept = InitErrorDetails(type=detail["type"], loc=detail["loc"], input=detail["input"])
    if "ctx" in detail:
        kept["ctx"] = detail["ctx"]
    return kept
