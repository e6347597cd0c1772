"""The rules of integer codes in exact arithmetic: Python integers and fractions, nothing shared."""

from fractions import Fraction


def largest_code(bits: int) -> int:
    """Top of the symmetric range of `bits` bits."""
    return (1 << (bits - 1)) - 1


def nearest(value: Fraction) -> int:
    """The nearest integer; a tie goes away from zero."""
    magnitude = abs(value)
    whole = magnitude.numerator // magnitude.denominator
    if magnitude - whole >= Fraction(1, 2):
        whole += 1
    return whole if value >= 0 else -whole


def clip(value: int, largest: int) -> int:
    """The value, or the end of the range that it is beyond."""
    if value > largest:
        return largest
    if value < -largest:
        return -largest
    return value


def scaled(value: int, multiplier: int, shift: int, largest: int) -> int:
    """clip(round(value m 2^-t))."""
    return clip(nearest(value * multiplier * Fraction(2) ** -shift), largest)


def decayed(register: int, k: int) -> int:
    """s - sign(s) ((|s| + 2^(k-1)) div 2^k)."""
    loss = (abs(register) + (1 << (k - 1))) // (1 << k)
    return register - loss if register >= 0 else register + loss


def driven(register: int, fraction_bits: int, largest: int) -> int:
    """DAC code clip(round(register 2^-f))."""
    return clip(nearest(Fraction(register, 2**fraction_bits)), largest)


def digit(code: int, bit: int, sign: int) -> int:
    """What of a DAC code a pass feeds: all of it (bit < 0) or a binary digit; of one sign, or both."""
    if sign * code < 0:
        return 0
    fed = abs(code) if bit < 0 else abs(code) // 2**bit % 2
    return -fed if code < 0 and sign == 0 else fed


def converted(accumulated: Fraction, step: Fraction, largest: int) -> int:
    """ADC code clip(round(acc / step)), step = L / 2^h."""
    return clip(nearest(accumulated / step), largest)
