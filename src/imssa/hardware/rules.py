"""What the parts of a chip description demand of each other; all violations at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imssa.hardware.law import DeviceLaw, Surroundings

if TYPE_CHECKING:
    from imssa.hardware.description import ChipDescription

Fault = tuple[tuple[str, ...], str]
"""A key, as its parts, and the rule that it breaks."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        needs: Fields that must be valid by themselves before the rule can be asked.
        broken: Its violations.
    """

    needs: tuple[str, ...]
    broken: "Callable[[ChipDescription], Iterator[Fault]]"


def window_is_open(chip: "ChipDescription") -> Iterator[Fault]:
    """The window has a width."""
    if chip.g_min_siemens >= chip.g_max_siemens:
        yield ("g_min_siemens",), f"must be below g_max_siemens = {chip.g_max_siemens:g}"


def law_fits(name: str) -> Rule:
    """What one law demands of window and age."""

    def broken(chip: "ChipDescription") -> Iterator[Fault]:
        law = getattr(chip, name)
        if isinstance(law, DeviceLaw) and chip.g_min_siemens < chip.g_max_siemens:
            window = (chip.g_min_siemens, chip.g_max_siemens)
            for key, rule in law.misfits(Surroundings(*window, chip.age_seconds)):
                yield (name, key), rule

    return Rule((name, "g_min_siemens", "g_max_siemens", "age_seconds"), broken)


def dead_lines_exist(chip: "ChipDescription") -> Iterator[Fault]:
    """Lines that are named dead are on the chip."""
    if chip.dead_lines is not None:
        size = chip.arrays
        for key, rule in chip.dead_lines.outside(size.count, size.word_lines, size.bit_lines):
            yield ("dead_lines", key), rule


def one_source_of_defects(chip: "ChipDescription") -> Iterator[Fault]:
    """A measured map says what is stuck; rates would add to it."""
    drawn = 0.0 if chip.stuck is None else chip.stuck.high_rate + chip.stuck.low_rate
    if chip.defect_map is not None and drawn > 0:
        rule = (
            "names the stuck devices, and [stuck] draws others besides; leave out one of them "
            '(in a recipe: stuck = "off")'
        )
        yield ("defect_map",), rule


RULES: tuple[Rule, ...] = (
    Rule(("g_min_siemens", "g_max_siemens"), window_is_open),
    *(law_fits(name) for name in ("programming", "read_noise", "off_state", "drift")),
    Rule(("arrays", "dead_lines"), dead_lines_exist),
    Rule(("stuck", "defect_map"), one_source_of_defects),
)


def violations(chip: "ChipDescription", valid: frozenset[str]) -> Iterator[Fault]:
    """Every violation of rules that can be asked, given the fields that are valid themselves."""
    for rule in RULES:
        if valid.issuperset(rule.needs):
            yield from rule.broken(chip)
