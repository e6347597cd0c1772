"""The value that holds all costs of a program."""

from dataclasses import dataclass, field
from typing import Any

from imssa.cost.processor import ProcessorCost
from imssa.cost.ranges import Number, Parts, Range, added, times, total


@dataclass(frozen=True)
class Design:
    """A way to run the network in hardware.

    Attributes:
        name: What tables call it.
        step_joule: Energy of a time step by part.
        once_joule: Energy of what runs once a sequence, by part.
        step_seconds: Time of a time step by part.
        area: In square metres by part.
        idle_watt: Power while waiting, taken to be drawn all the time.
    """

    name: str
    step_joule: Parts
    once_joule: Parts
    step_seconds: Parts
    area: Parts
    idle_watt: Range

    def sequence_joule(self, steps: int) -> Parts:
        """Energy of a sequence by part, without idle power."""
        return added(times(self.step_joule, steps), self.once_joule)

    def watt(self, rate_hertz: Number) -> Range:
        """Power at a rate of time steps: their energy, and idle power all the time."""
        return total(self.step_joule) * rate_hertz + self.idle_watt

    def times_real_time(self, rate_hertz: Number) -> Range:
        """How many times faster than real time it can run."""
        return Range.of(1.0 / rate_hertz) / total(self.step_seconds)

    def to_dict(self, steps: int, rate_hertz: Number) -> dict[str, Any]:
        """For JSON; every sum stands beside its parts."""
        return {
            "name": self.name,
            "step_joule": _with_total(self.step_joule),
            "sequence_joule": _with_total(self.sequence_joule(steps)),
            "step_seconds": _with_total(self.step_seconds),
            "area_square_metre": _with_total(self.area),
            "idle_watt": self.idle_watt.to_dict(),
            "watt": self.watt(rate_hertz).to_dict(),
            "times_real_time": self.times_real_time(rate_hertz).to_dict(),
        }


@dataclass(frozen=True)
class BreakEven:
    """Where analog arrays begin to pay, by the typical values and by the bounds.

    Attributes:
        kernels_ratio: Energy of this program's kernel phases over the same in int8.
        packed_ratio: The same over a digital chip with weights of ``weight_bits``.
        weight_bits: Width of the weights on the arrays.
        macs_per_conversion: Multiply-accumulates that a digital chip needs for each conversion.
        macs_needed: Multiply-accumulates for each conversion at which both cost the same.
        by_modes: Ratio of a kernel of 1, 2, 4, ... modes alone on its lines.
        map_size: Smallest square map for which arrays take less: at best, typically and at worst;
            None: none up to 1024.
    """

    kernels_ratio: Range | None
    packed_ratio: Range | None
    weight_bits: int
    macs_per_conversion: float
    macs_needed: Range
    by_modes: dict[int, Range]
    map_size: tuple[int | None, int | None, int | None]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kernels_ratio": _plain(self.kernels_ratio),
            "packed_ratio": _plain(self.packed_ratio),
            "weight_bits": self.weight_bits,
            "macs_per_conversion": self.macs_per_conversion,
            "macs_needed": self.macs_needed.to_dict(),
            "by_modes": {str(modes): ratio.to_dict() for modes, ratio in self.by_modes.items()},
            "map_size": dict(zip(("at_best", "typical", "at_worst"), self.map_size, strict=True)),
        }


@dataclass(frozen=True)
class CostReport:
    """Costs of a program on its chip, beside a digital chip and this processor.

    Attributes:
        chip: The program on its chip.
        digital: The same network on a digital chip in int8.
        packed: The same with weights as wide as the program's own.
        processor: The float network on this machine; None: not measured.
        break_even: Where analog pays.
        rate_hertz: Time steps a second.
        steps: Time steps of a sequence.
        assumptions: In words, by what they are about.
        verdict: Sentences, computed from the numbers.
        settings: Of the periphery, as plain values.
    """

    chip: Design
    digital: Design
    packed: Design
    processor: ProcessorCost | None
    break_even: BreakEven
    rate_hertz: Number
    steps: int
    assumptions: dict[str, str] = field(default_factory=dict)
    verdict: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; energies in joules, times in seconds, areas in square metres."""
        return {
            "chip": self.chip.to_dict(self.steps, self.rate_hertz),
            "digital": self.digital.to_dict(self.steps, self.rate_hertz),
            "packed": self.packed.to_dict(self.steps, self.rate_hertz),
            "processor": None if self.processor is None else self.processor.to_dict(),
            "break_even": self.break_even.to_dict(),
            "rate_hertz": self.rate_hertz,
            "steps": self.steps,
            "assumptions": dict(self.assumptions),
            "verdict": list(self.verdict),
            "settings": dict(self.settings),
        }


def _plain(value: Range | None) -> dict[str, Number] | None:
    return None if value is None else value.to_dict()


def _with_total(parts: Parts) -> dict[str, Any]:
    by_part = {name: value.to_dict() for name, value in parts.items()}
    return {"parts": by_part, "total": total(parts).to_dict()}
