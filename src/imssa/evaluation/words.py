"""Names, sentences and number formats that figures, page and terminal share."""

from typing import Final

from imssa.evaluation.metrics import Stage

NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
MICROSIEMENS: Final = "\N{MICRO SIGN}S"
MICROAMPERE: Final = "\N{MICRO SIGN}A"
PLUS_MINUS: Final = "\N{PLUS-MINUS SIGN}"

STAGE_NAMES: Final[dict[Stage, str]] = {
    "software": "software",
    "quantized": "quantized",
    "ideal_chip": "ideal chip",
    "programming_error": "programming error",
    "read_noise": "read noise",
    "stuck_devices": "stuck devices",
    "all": "all together",
    "compiled_for_map": "compiled for its map",
    "trimmed": "trimmed",
    "recalibrated": "recalibrated",
}

STAGE_MEANINGS: Final[dict[Stage, str]] = {
    "software": "The float network, run as a convolution.",
    "quantized": "The integer network: weights, states and converters hold small integers.",
    "ideal_chip": "Its program on a simulated chip without any error; the same codes.",
    "programming_error": "Only this error: devices are not written exactly as asked for.",
    "read_noise": "Only this error: each read of a device differs a little.",
    "stuck_devices": "Only this error: some devices ignore writing and stay high or low.",
    "all": "The chip with all errors of its description at once.",
    "compiled_for_map": "The same chips, each with a program compiled for its own defect map and its wires.",
    "trimmed": "Chips so compiled for, then cells written again that harm what their kernels answer.",
    "recalibrated": "Chips so trimmed, then digital operations fitted to training recordings on each.",
}

KIND_NAMES: Final[dict[str, str]] = {
    "multiplications": "multiplications",
    "multiply_accumulates": "integer multiply-accumulates",
    "additions": "additions",
    "shifts": "shifts",
    "divisions": "divisions",
    "look_ups": "table look-ups",
    "comparisons": "comparisons",
    "activations": "activation functions",
    "dac_conversions": "DAC conversions",
    "adc_conversions": "ADC conversions",
    "analog_mvms": "analog matrix-vector multiplies",
    "analog_multiply_accumulates": "multiply-accumulates inside the arrays",
}


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent.

    Example:
        >>> percent(0.9833).replace(NARROW, " ")
        '98.3 %'
    """
    return f"{100 * share:.{digits}f}{NARROW}%"


def points(share: float, digits: int = 1) -> str:
    """A difference of shares in percentage points, with its sign.

    Example:
        >>> points(-0.012), points(0.0001)
        ('\u22121.2', '0.0')
    """
    text = f"{100 * share:+.{digits}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "\N{MINUS SIGN}")


def microsiemens(siemens: float, digits: int = 2) -> str:
    """A conductance in microsiemens.

    Example:
        >>> microsiemens(-1.5e-6).replace(NARROW, " ") == f"\N{MINUS SIGN}1.50 {MICROSIEMENS}"
        True
    """
    text = f"{1e6 * siemens:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return f"{text}{NARROW}{MICROSIEMENS}"


def grouped(count: int) -> str:
    """A count with its thousands set apart.

    Example:
        >>> grouped(1234567).replace(NARROW, " ")
        '1 234 567'
    """
    return f"{count:,}".replace(",", NARROW)


def capital(text: str) -> str:
    """A text as the beginning of a sentence.

    Example:
        >>> capital("kernel 3 of layer 0")
        'Kernel 3 of layer 0'
    """
    return text[:1].upper() + text[1:]
