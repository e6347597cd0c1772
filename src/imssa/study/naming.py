"""Axes and their values in words: keys of a recipe are long, and their numbers are in SI units."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from imssa.evaluation.words import MICROSIEMENS, NARROW
from imssa.study.axes import MEASURED_PREFIX
from imssa.study.config import Label

UNITS: Final[dict[str, tuple[float, str]]] = {
    "siemens": (1e6, MICROSIEMENS),
    "ohm": (1.0, "\N{GREEK CAPITAL LETTER OMEGA}"),
    "seconds": (1.0, "s"),
    "hertz": (1.0, "Hz"),
    "volts": (1.0, "V"),
    "volt": (1.0, "V"),
}
"""By the last word of a key: what its numbers are multiplied by, and the unit then."""

PREFIXES: Final = (
    *((0, ""), (-3, "m"), (-6, "\N{MICRO SIGN}"), (-9, "n"), (-12, "p"), (-15, "f")),
)
VAGUE: Final = ("sigma", "rate", "count", "kind", "bits", "scale")
"""Last words of keys that say too little alone."""

MEASURES: Final[dict[str, str]] = {
    "float": "The float network, in software.",
    "quantized": "The integer network, in software.",
    "ideal": "Its program on a simulated chip without any error.",
    "blind": "Chips whose defects are not known.",
    "compiled": "Chips scanned for their defects, each with a program compiled for it.",
    "trimmed": "The same, and cells written again that harm what their kernels answer.",
    "recalibrated": "The same, and recalibrated on training recordings.",
}


def short_names(columns: Sequence[str]) -> dict[str, str]:
    """A short name for each column, with as many words of its key as tell it from the others.

    Example:
        >>> list(short_names(["quantization.bits.A", "chip.stuck.high_rate"]).values())
        ['bits A', 'high rate']
    """
    names = {column: _last_words(column, 1) for column in columns}
    for words in (2, 3, 9):
        twice = [c for c in columns if list(names.values()).count(names[c]) > 1]
        names |= {column: _last_words(column, words) for column in twice}
    return names


def _last_words(column: str, count: int) -> str:
    parts = column.removeprefix(MEASURED_PREFIX).split(".")
    name = "_".join(w for w in parts[-1].split("_") if w not in UNITS)
    count += count == 1 and (len(name) == 1 or name in VAGUE)
    if count > len(parts) and column.startswith(MEASURED_PREFIX):
        parts = ["measured", *parts]
    words = ".".join(parts[-count:])
    last = words.rsplit("_", 1)
    if len(last) > 1 and last[1] in UNITS:
        words = last[0]
    return words.replace("_", " ").replace(".", " ")


def value_in_words(column: str, value: Label) -> str:
    """A value of an axis with its unit.

    Example:
        >>> value_in_words("chip.programming.sigma_siemens", 5e-6).replace(NARROW, " ")[:1]
        '5'
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    scale, unit = UNITS.get(column.rsplit("_", 1)[-1], (1.0, ""))
    return f"{scale * value:.4g}{NARROW}{unit}" if unit else f"{value:.6g}"


def place_in_words(place: Mapping[str, Label], names: Mapping[str, str]) -> str:
    """Values of several columns in one phrase; of "measure" the value alone.

    Args:
        place: Values by column.
        names: Of `short_names`.
    """
    told = [
        str(v) if column == "measure" else f"{names[column]} {value_in_words(column, v)}"
        for column, v in place.items()
    ]
    return ", ".join(told)


def prefixed(values: Iterable[float], unit: str) -> tuple[float, str]:
    """What numbers are multiplied by so that the largest is from 1 to 1000, and the unit then.

    Example:
        >>> prefixed([2e-12, 5e-11], "J")
        (1000000000000.0, 'pJ')
    """
    largest = max((abs(value) for value in values), default=0.0)
    for exponent, prefix in PREFIXES:
        if unit and largest >= 10.0**exponent:
            return 10.0**-exponent, f"{prefix}{unit}"
    return 1.0, unit


def is_number(value: Label) -> bool:
    """Whether a value stands on a scale."""
    return isinstance(value, int | float) and not isinstance(value, bool)
