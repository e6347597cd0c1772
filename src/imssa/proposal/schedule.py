"""How long to train, so that it takes the minutes that were asked for on two cores."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from imssa.experiment.recipe import RECALIBRATED
from imssa.experiment.tailoring import PER_CLASS
from imssa.proposal.choices import Choice
from imssa.proposal.facts import Facts
from imssa.proposal.feeding import Feed
from imssa.proposal.sizing import LONG_STEPS, Size
from imssa.proposal.splitting import Parts

BATCH: Final = 32
MOST_EPOCHS: Final = 60
FEWEST_EPOCHS: Final = 10
MOST_CHIPS: Final = 50
FEWEST_CHIPS: Final = 2
SHARE_FLOAT: Final = 0.15
SHARE_CHIPS: Final = 0.25
"""Shares of the time for the float network and for the simulated chips; the rest is in codes."""

# Measured on two cores with the recipes zero-one and spoken-digits (64 frames padded, 9 and 63 kernels of
# 4 modes, batches of 32): seconds a batch, and seconds more for each sequence, frame, kernel and layer.
FLOAT_SECONDS: Final = (6e-3, 2e-8)
CODES_SECONDS: Final = (14e-3, 1.5e-7)
CHIP_SECONDS: Final = 1.8e-7
"""A time step of one kernel on one simulated chip."""
KINDS_OF_CHIPS: Final = 4
"""Those of the waterfall: writing errors, read noise, stuck devices, all. Chips with defects are a fifth:
each is scanned, compiled for, written and run by itself."""
TAILOR_SECONDS: Final = 1.1e-5
"""Of scanning, compiling for and writing one crossing of lines: of the 50 chips of the recipes yes-no and
ten-words, 0.083 s of processor time on two arrays of 64x64, 0.28 s on six."""
RECALIBRATION_SECONDS: Final = 6e-6
"""Of a time step of one kernel in the recordings on which a chip is recalibrated: 0.8 s of processor time a
chip of yes-no (64 recordings), 18 s of ten-words (320)."""
TRIM_SECONDS: Final = 2.4e-5
"""Of trimming one crossing of lines: 0.6 s of processor time a chip of ten-words, on six arrays."""
OVERHEAD_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Schedule:
    """Epochs, items and chips.

    Attributes:
        float_epochs: Of the float network.
        code_epochs: Of the network in codes.
        train_items: Items to train on; None: all.
        chips: Simulated chip instances.
        seconds: What all stages take.
    """

    float_epochs: int
    code_epochs: int
    train_items: int | None
    chips: int
    seconds: float

    def choices(self, feed: Feed, parts: Parts) -> list[Choice]:
        """The keys with their reasons."""
        long = feed.median >= LONG_STEPS
        found = []
        if self.train_items is not None:
            why = f"of {parts.counts['train']:,}, so that {FEWEST_EPOCHS} epochs fit the time"
            found.append(Choice("data.train_items", self.train_items, why))
        for stage, epochs, rates in (
            ("float_training", self.float_epochs, (1e-2, 2e-3 if long else 5e-3)),
            ("quantized_training", self.code_epochs, (2e-3, 5e-4) if long else (1e-2, 5e-3)),
        ):
            found += [
                Choice(f"{stage}.epochs", epochs, _why(epochs)),
                Choice(f"{stage}.batch_size", BATCH),
                Choice(f"{stage}.learning_rate", rates[0], "as the shipped recipes"),
                Choice(f"{stage}.state_space_learning_rate", rates[1], "of A, B and dt"),
            ]
        why = f"chips that are simulated with each error; {parts.counts['test']:,} test items"
        why += "; the time allows no more" if self.chips < MOST_CHIPS else ""
        return [*found, Choice("evaluation.chip_instances", self.chips, why)]


def choose_schedule(facts: Facts, feed: Feed, size: Size, parts: Parts, minutes: float) -> Schedule:
    """As many epochs as fit the time, 10 to 60; then fewer items; then fewer chips."""
    budget = max(60 * minutes - OVERHEAD_SECONDS, 1.0)
    work = feed.steps * size.d_model * size.n_layers * size.d_state / 8
    items = parts.counts["train"]
    code_share = 1 - SHARE_FLOAT - SHARE_CHIPS
    train = _affordable(items, work, budget * code_share, 20 * facts.n_classes)
    floats = _epoch(FLOAT_SECONDS, train, work)
    codes = _epoch(CODES_SECONDS, train, work)
    float_epochs = _within(budget * SHARE_FLOAT / floats, FEWEST_EPOCHS, MOST_EPOCHS)
    code_epochs = _within(budget * code_share / codes, FEWEST_EPOCHS, MOST_EPOCHS)
    a_chip = _seconds_a_chip(size, parts.counts["test"] * work)
    nearer = RECALIBRATED * _seconds_nearer(
        size, facts.n_classes * work, parts.counts["test"] * work
    )
    left = max(budget - floats * float_epochs - codes * code_epochs, budget * SHARE_CHIPS)
    chips = _within((left - nearer) / a_chip, FEWEST_CHIPS, MOST_CHIPS)
    seconds = OVERHEAD_SECONDS + nearer * min(chips, RECALIBRATED) / RECALIBRATED
    seconds += floats * float_epochs + codes * code_epochs + a_chip * chips
    return Schedule(float_epochs, code_epochs, None if train == items else train, chips, seconds)


def _seconds_a_chip(size: Size, work: float) -> float:
    """Of all that is simulated of one chip instance."""
    chip = size.chip
    faulty = (chip.stuck, chip.dead_lines, chip.defect_map)
    if all(fault is None for fault in faulty):
        return KINDS_OF_CHIPS * CHIP_SECONDS * work
    return (KINDS_OF_CHIPS + 1) * CHIP_SECONDS * work + TAILOR_SECONDS * _crossings(size)


def _seconds_nearer(size: Size, a_class: float, work: float) -> float:
    """Of trimming a chip and recalibrating it, and of what it is asked after that."""
    recalibration = RECALIBRATION_SECONDS * PER_CLASS * a_class
    return TRIM_SECONDS * _crossings(size) + recalibration + 2 * CHIP_SECONDS * work


def _crossings(size: Size) -> int:
    arrays = size.chip.arrays
    return size.arrays * arrays.word_lines * arrays.bit_lines


def _epoch(law: tuple[float, float], items: int, work: float) -> float:
    """Seconds of a pass over so many items."""
    return ceil(items / BATCH) * law[0] + items * work * law[1]


def _affordable(items: int, work: float, seconds: float, least: int) -> int:
    """As many items as the fewest epochs allow, in hundreds; never less than some of each class."""
    an_item = CODES_SECONDS[0] / BATCH + work * CODES_SECONDS[1]
    most = int(seconds / (FEWEST_EPOCHS * an_item)) // 100 * 100
    return min(items, max(most, least))


def _within(value: float, least: int, most: int) -> int:
    return max(least, min(most, int(value)))


def _why(epochs: int) -> str:
    if epochs == MOST_EPOCHS:
        return "more gains little"
    return "what the time allows" if epochs > FEWEST_EPOCHS else "fewer would not learn"
