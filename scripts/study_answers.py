"""One sentence of answer for each shipped study, computed from its kept means."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

Label = int | float | str
LOST: Final = 0.02
"""An accuracy counts as kept while at most this much of it is lost."""


@dataclass(frozen=True)
class Answer:
    """What a study found.

    Attributes:
        sentence: In words.
        claim: What was published; None: nothing to compare with.
        reproduced: Whether this study finds it too, in words.
    """

    sentence: str
    claim: str | None = None
    reproduced: str | None = None


class Means:
    """The kept means of a study.

    Args:
        rows: Of its file: labels, measure, mean and standard error.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def at(self, measure: str, **labels: Label) -> float:
        """The mean of a measure at some labels; over all points that have them."""
        found = [row["mean"] for row in self._having(labels) if row["measure"] == measure]
        return float(sum(found) / len(found))

    def places(self, *names: str) -> list[tuple[Any, ...]]:
        """Values of several axes that go together, in the order of the study."""
        return list(dict.fromkeys(tuple(row[n] for n in names) for row in self._rows))

    def values(self, name: str, **labels: Label) -> list[Any]:
        """Values of an axis in the order of the study, at some labels."""
        return list(dict.fromkeys(row[name] for row in self._having(labels)))

    def _having(self, labels: dict[str, Label]) -> Iterable[dict[str, Any]]:
        return (row for row in self._rows if all(row[k] == v for k, v in labels.items()))


def endured(curve: list[tuple[float, float]], lost: float = LOST) -> float:
    """How far a falling curve stays within some loss of its first value, between points linearly.

    Example:
        >>> endured([(0.0, 1.0), (10.0, 0.99), (20.0, 0.97)])
        15.0
    """
    floor = curve[0][1] - lost
    for (x, y), (further, lower) in pairwise(curve):
        if lower < floor:
            return float(x + (further - x) * (y - floor) / (y - lower))
    return float(curve[-1][0])


def fewest(curve: list[tuple[int, float]], goal: float, lost: float = LOST) -> str:
    """The fewest bits from which on a curve stays within some loss of a goal, in words."""
    enough: int | None = None
    for bits, accuracy in sorted(curve, reverse=True):
        if accuracy < goal - lost:
            break
        enough = bits
    return f"more than {max(b for b, _ in curve)} bits" if enough is None else f"{enough} bits"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


TRAINING: Final = {"PTQ": "quantized after training", "QAT": "trained in codes"}
SIGMA: Final = "measured.chip.programming.sigma_siemens"


def _endured_by_bits(means: Means, training: str) -> dict[int, float]:
    """Programming error in uS that each number of bits endures."""
    found = {}
    for bits in means.values("bits", training=training):
        at = {"bits": bits, "training": training}
        curve = [(1e6 * s, means.at("blind", **at, **{SIGMA: s})) for s in means.values(SIGMA)]
        found[int(bits)] = endured(curve)
    return found


def programming_error(means: Means) -> Answer:
    """Bits against programming error."""
    noisy, plain = (_endured_by_bits(means, f"{how} noise") for how in ("with", "without"))
    told = [
        ", ".join(f"{bits} bits {sigma:.0f} uS" for bits, sigma in found.items())
        for found in (noisy, plain)
    ]
    coarse = plain[2] > plain[5]
    near = plain[2] >= 15 and 3 <= plain[5] <= 8
    return Answer(
        f"Trained with the preset's noise, kernels lose {100 * LOST:.0f} points at {told[0]}; trained without "
        f"noise at {told[1]} (linear between points; the largest error measured is 30 uS).",
        "Ternary endures more than 15 uS, 5 bits about 5 uS (IMSSA, arXiv 2412.20215).",
        f"Trained without noise, ternary {'endures more' if coarse else 'does not endure more'} than 5 bits; "
        f"the two figures are {'met' if near else 'not met'} ({plain[2]:.0f} and {plain[5]:.0f} uS).",
    )


def stuck(means: Means) -> Answer:
    """Stuck devices."""
    layouts = means.values("layout")

    def told(measure: str, kind: str, rate: float) -> str:
        shares = (means.at(measure, layout=name, stuck=kind, rate=rate) for name in layouts)
        return " and ".join(_share(share) for share in shares)

    sound = means.at("blind", rate=0.0)
    high, low = (sound - means.at("blind", rate=0.02, stuck=kind) for kind in ("high", "low"))
    left = sound - means.at("compiled", rate=0.02)
    held = high > low and left <= 0.01
    return Answer(
        f"Of {_share(sound)}, with 2 % of the devices stuck high, a mapping that does not know them keeps "
        f"{told('blind', 'high', 0.02)} ({' and '.join(layouts)}), stuck low {told('blind', 'low', 0.02)}; "
        f"one compiled for them keeps {told('compiled', 'high', 0.1)} even at 10 % high, "
        f"{told('compiled', 'low', 0.1)} at 10 % low.",
        "Devices stuck high explain most of the drop, and compensating them recovers nearly all "
        "(IMSSA, arXiv 2412.20215).",
        f"{'Yes' if held else 'No'}: over both layouts 2 % high cost {100 * high:.1f} points, 2 % low "
        f"{100 * low:.1f}, and compiling leaves a loss of {100 * left:.1f}.",
    )


def _by_bits(means: Means, name: str, training: str, measure: str) -> list[tuple[int, float]]:
    return [(int(b), means.at(measure, training=training, **{name: b})) for b in means.values(name)]


def qat_ptq(means: Means) -> Answer:
    """Training in codes against quantization after training."""
    goal = means.at("float")
    after, aware = (_by_bits(means, "bits", t, "quantized") for t in ("PTQ", "QAT"))
    return Answer(
        f"Quantized after training, kernels need {fewest(after, goal)} to stay within {100 * LOST:.0f} points "
        f"of software ({_share(goal)}); trained in codes, {fewest(aware, goal)}. Ternary: "
        f"{_share(after[0][1])} after training, {_share(aware[0][1])} in codes.",
        "Training in codes keeps accuracy at low widths where quantization after training fails "
        "(QS4D, arXiv 2507.06079).",
        "Yes." if aware[0][1] - after[0][1] > LOST else "No: they differ by less here.",
    )


def sensitivity(means: Means) -> Answer:
    """One group at a time."""
    full = means.at("quantized", bits=8)
    need = {
        g: fewest(
            [
                (int(b), means.at("quantized", group=g, bits=b))
                for b in means.values("bits", group=g)
            ],
            full,
        )
        for g in means.values("group")
    }
    by_need: dict[str, list[str]] = {}
    for group, bits in need.items():
        by_need.setdefault(bits, []).append(group)
    order = sorted(by_need.items(), key=lambda item: (item[0].startswith("more"), item[0]))
    told = "; ".join(f"{', '.join(groups)}: {bits}" for bits, groups in reversed(order))
    lowest = min(
        (means.at("quantized", group=g, bits=means.values("bits", group=g)[0]), g) for g in need
    )
    return Answer(
        f"Without training in codes and with all others at 8 bits ({_share(full)}), to lose at most "
        f"{100 * LOST:.0f} points the groups need: {told}. The most sensitive at its fewest bits is "
        f"{lowest[1]} ({_share(lowest[0])})."
    )


def ir_drop(means: Means) -> Answer:
    """Wires."""

    def lost(layout: str, lines: int, ohm: float) -> str:
        at = {"layout": layout, "lines": lines}
        free = means.at("blind", resistance=0.0, **at)
        return f"{100 * (free - means.at('blind', resistance=ohm, **at)):.1f}"

    small, large = 64, max(means.values("lines"))
    told = [
        f"{layout} {lost(layout, small, 1.0)} and {lost(layout, small, 5.0)} points on {small} lines, "
        f"{lost(layout, large, 1.0)} and {lost(layout, large, 5.0)} on {large}"
        for layout in means.values("layout")
    ]
    free = {
        lines: " and ".join(
            _share(means.at("blind", layout=layout, lines=lines, resistance=0.0))
            for layout in means.values("layout")
        )
        for lines in (min(means.values("lines")), large)
    }
    alone = ", ".join(f"{shares} on {lines} lines" for lines, shares in free.items())
    return Answer(
        f"Wires of 1 and of 5 ohm a segment cost {'; '.join(told)}. Programming error alone, without "
        f"resistance, leaves {alone} ({' and '.join(means.values('layout'))})."
    )


def realizations(means: Means) -> Answer:
    """The recurrence's three realizations."""
    key = "quantization.realization"
    told = []
    for bits in means.values("bits"):
        each = [
            f"{r} {_share(means.at('blind', bits=bits, **{key: r, SIGMA: 0.0}))} to "
            f"{_share(means.at('blind', bits=bits, **{key: r, SIGMA: 15e-6}))}"
            for r in means.values(key)
        ]
        told.append(f"at {bits} bits {', '.join(each)}")
    return Answer(f"From no programming error to 15 uS, accuracy goes {'; '.join(told)}.")


def adc_bits(means: Means) -> Answer:
    """ADCs."""
    name = "chip.converters.adc_bits"
    parts = []
    for training in ("PTQ", "QAT"):
        curve = _by_bits(means, name, training, "quantized")
        (least, worst), (most, full) = curve[0], curve[-1]
        parts.append(
            f"{TRAINING[training]} {fewest(curve, full)} ({_share(worst)} at {least}, {_share(full)} at {most})"
        )
    return Answer(
        f"With ternary kernels, to stay within {100 * LOST:.0f} points of its own accuracy at the most bits, a "
        f"network needs ADCs of: {', '.join(parts)}; in software {_share(means.at('float'))}."
    )


def pruning(means: Means) -> Answer:
    """Modes and kernels."""
    whole = means.at("quantized", kept=1.0)
    told = [
        f"{name}: "
        + ", ".join(
            f"{_share(means.at('quantized', pruned=name, kept=k))} with {100 * k:.0f} %"
            for k in means.values("kept", pruned=name)
            if k < 1
        )
        for name in means.values("pruned")
    ]
    return Answer(
        f"Of {_share(whole)} with all, training in codes keeps, by what is left: {'; '.join(told)}."
    )


def pareto(means: Means) -> Answer:
    """Accuracy against energy."""
    names = ("pruning.d_state", "bits", "layout")
    points = []
    for place in means.places(*names):
        at = dict(zip(names, place, strict=True))
        points.append((means.at("energy", **at), means.at("compiled", **at), place))
    best = max(points, key=lambda p: p[1])
    near = min((p for p in points if p[1] >= best[1] - LOST), key=lambda p: p[0])
    dearest = max(points, key=lambda p: p[0])

    def told(point: tuple[float, float, tuple[Any, ...]]) -> str:
        energy, accuracy, (states, bits, layout) = point
        return f"{_share(accuracy)} at {1e9 * energy:.3f} nJ a step ({states} states, {bits} bits, {layout})"

    return Answer(
        f"The best program, compiled for its chips and all errors on, has {told(best)}; within {100 * LOST:.0f} points of it the cheapest has "
        f"{told(near)}, and the dearest takes {1e9 * dearest[0]:.3f} nJ."
    )


ANSWERS: Final[dict[str, Callable[[Means], Answer]]] = {
    "programming-error": programming_error,
    "qat-ptq": qat_ptq,
    "sensitivity": sensitivity,
    "stuck": stuck,
    "realizations": realizations,
    "adc-bits": adc_bits,
    "ir-drop": ir_drop,
    "pruning": pruning,
    "pareto": pareto,
}
"""In the order of the page."""
