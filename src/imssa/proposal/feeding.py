"""How items become features, and how training features are varied."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from imssa.data import FrontEndConfig
from imssa.data.front_end import frame_samples, mel_filters
from imssa.data.recording_source import RecordingSource
from imssa.data.spikes import SpikeSource
from imssa.errors import RecipeError
from imssa.proposal.choices import Choice
from imssa.proposal.facts import Facts

MOST_FRAMES: Final = 400
"""Frames of sound or spikes of one item; longer items get longer frames."""
MOST_STEPS: Final = 2000
"""Steps of a sequence of the user's own."""
HOPS_SECOND: Final = ((0.025, 0.010), (0.040, 0.020), (0.064, 0.040))
BINS_SECOND: Final = (0.005, 0.010, 0.020, 0.050, 0.100, 0.200, 0.500)
SPIKE_FEATURES: Final = 70
SPIKE_FRAMES: Final = 120
ONE_LENGTH: Final = 0.05
"""Recordings whose lengths differ by less than this share were cut to one length."""
PLENTY: Final = 2000
"""Items of a class beyond which training features need no variation."""


@dataclass(frozen=True)
class Feed:
    """Features of an item.

    Attributes:
        choices: Front end and augmentation.
        steps: Time steps of the padded features.
        median: Of an item.
        n_features: Of a step.
    """

    choices: list[Choice]
    steps: int
    median: int
    n_features: int


def choose_feed(facts: Facts) -> Feed:
    """The front end that fits the items, and the augmentation that fits the front end."""
    if isinstance(facts.source, RecordingSource):
        feed = _log_mel(facts)
    elif isinstance(facts.source, SpikeSource):
        feed = _binned(facts)
    else:
        feed = _as_they_are(facts)
    return Feed(feed.choices + _augmentation(facts, feed), feed.steps, feed.median, feed.n_features)


def _log_mel(facts: Facts) -> Feed:
    assert facts.seconds is not None  # noqa: S101  # recordings have a clock
    low, middle, high = facts.spread(facts.seconds)
    rate = min(facts.rates_hertz)
    frame, hop = next(
        (pair for pair in HOPS_SECOND if high / pair[1] <= MOST_FRAMES), HOPS_SECOND[-1]
    )
    frames = [1 + max(0, int(np.ceil((s - frame) / hop))) for s in (low, middle, high)]
    one_length = high - low <= ONE_LENGTH * high
    steps = max(1, round(0.8 * frames[2])) if one_length else frames[2]
    steps = min(steps, MOST_FRAMES)
    why = f"95 % of the items have at most {frames[2]} frames ({high:.2f} s)"
    if one_length:
        why = f"all last about {high:.2f} s, {frames[2]} frames: the loudest four fifths are kept"
    n_mels, why_mels = _bands(rate, frame, hop)
    choices = [
        Choice("data.front_end.n_mels", n_mels, why_mels),
        Choice("data.front_end.max_frames", steps, why),
    ]
    if hop != HOPS_SECOND[0][1]:
        long = f"items last up to {high:.1f} s: longer frames keep them below {MOST_FRAMES} steps"
        choices += [
            Choice("data.front_end.frame_seconds", frame, long),
            Choice("data.front_end.hop_seconds", hop, "half a frame or more"),
        ]
    others = ", ".join(f"{n:,} at {r:,} Hz" for r, n in sorted(facts.rates_hertz.items()))
    several = len(facts.rates_hertz) > 1
    why_rate = f"recordings: {others}" + ("; all are brought to the lowest" if several else "")
    choices.append(Choice("data.front_end.rate_hertz", rate, why_rate))
    return Feed(choices, steps, min(frames[1], steps), n_mels)


def _bands(rate: int, frame: float, hop: float) -> tuple[int, str]:
    """As many mel bands as the transform tells apart, 32 at most."""
    for n_mels in (32, 24, 16, 12, 8, 4):
        config = FrontEndConfig(n_mels=n_mels, frame_seconds=frame, hop_seconds=hop)
        try:
            mel_filters(config, rate)
        except RecipeError:
            continue
        points = frame_samples(config, rate)[2]
        return n_mels, f"bands up to {rate / 2:,.0f} Hz, {rate / points:.0f} Hz between bins"
    raise RecipeError(
        given=f"recordings at {rate} Hz",
        rule="too few frequencies for mel bands",
        remedy="Give recordings of 1,000 Hz or more, or features of your own as arrays.",
    )


def _binned(facts: Facts) -> Feed:
    assert facts.seconds is not None  # noqa: S101  # spikes have times
    _, middle, high = facts.spread(facts.seconds)
    channels = facts.n_features or 1
    width = next((b for b in BINS_SECOND if high / b <= SPIKE_FRAMES), BINS_SECOND[-1])
    steps = min(int(high / width) + 1, MOST_FRAMES)
    together = -(-channels // SPIKE_FEATURES)
    features = -(-channels // together)
    choices = [
        Choice("data.front_end.n_channels", channels, "the highest channel in the files, and 0"),
        Choice("data.front_end.channels_summed", together, f"{features} features a step"),
        Choice("data.front_end.bin_seconds", width, f"95 % of the items last at most {high:.2f} s"),
        Choice("data.front_end.max_frames", steps, "as many bins as that takes"),
    ]
    return Feed(choices, steps, min(int(middle / width) + 1, steps), features)


def _as_they_are(facts: Facts) -> Feed:
    low, middle, high = facts.spread(facts.frames)
    longest = int(facts.frames.max())
    steps, choices = (
        min(longest, MOST_STEPS),
        [
            Choice(
                "data.front_end.kind",
                "none",
                f"{facts.n_features} features a step as they are; {low:.0f} to {high:.0f} steps",
            )
        ],
    )
    if longest > MOST_STEPS:
        why = f"the longest item has {longest:,} steps; the first of them are kept"
        choices.append(Choice("data.front_end.max_frames", steps, why))
    return Feed(choices, steps, min(round(middle), steps), facts.n_features or 1)


def _augmentation(facts: Facts, feed: Feed) -> list[Choice]:
    """Shift, masks and noise, where items are few; pixels of images stay where they are."""
    per_class = facts.items / facts.n_classes
    if per_class >= PLENTY or facts.kind in {"mnist", "cifar10"}:
        return []
    few = f"{per_class:,.0f} items a class"
    if feed.choices[0].value == "none":
        return _of_sensors(feed, few)
    tenth = max(1, feed.steps // 10)
    wanted = (
        ("time_shift_frames", tenth, f"a tenth of {feed.steps} frames, since there are {few}"),
        ("time_mask_frames", tenth, "as many"),
        ("channel_mask_channels", feed.n_features // 6, f"a sixth of {feed.n_features} features"),
        ("noise_std", 0.1 if per_class >= PLENTY / 10 else 0.2, "of the normalized features"),
    )
    limits = {"channel_mask_channels": feed.n_features, "noise_std": np.inf}
    return [
        Choice(f"data.augmentation.{key}", value, reason)
        for key, value, reason in wanted
        if 0 < value < limits.get(key, feed.steps)
    ]


def _of_sensors(feed: Feed, few: str) -> list[Choice]:
    noise = Choice("data.augmentation.noise_std", 0.3, f"of the normalized features: {few}")
    if feed.median < 10:
        return [noise]
    return [Choice("data.augmentation.time_shift_frames", 2, few), noise]
