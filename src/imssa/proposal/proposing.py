"""The whole proposal: every value with its reason, checked as `imssa run` will check it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imssa.data.folder import told_unread
from imssa.experiment.design import require_chip, require_data
from imssa.experiment.recipe import Recipe, recipe_of
from imssa.hardware import load_chip
from imssa.proposal.choices import Choice, counted
from imssa.proposal.facts import Facts, look_at
from imssa.proposal.feeding import Feed, choose_feed
from imssa.proposal.schedule import Schedule, choose_schedule
from imssa.proposal.sizing import LONG_STEPS, Size, choose_size
from imssa.proposal.splitting import Parts, choose_split
from imssa.proposal.writing import recipe_text

UNEVEN: Final = 3.0
"""The largest class over the smallest, from which on it is worth a word."""


@dataclass(frozen=True)
class Wish:
    """What the user asks for.

    Attributes:
        root: Folder or file.
        chip: A preset or a TOML file.
        kind: Format of the data; None: by the names of the files.
        minutes: How long everything may take on two cores.
        name: Of the recipe.
    """

    root: Path
    chip: str = "taox-64"
    kind: str | None = None
    minutes: float = 10.0
    name: str = "mine"


@dataclass(frozen=True)
class Proposal:
    """A recipe that was checked.

    Attributes:
        facts: What was seen.
        choices: Every value that is proposed, in the order of the recipe.
        warnings: What the user should know.
        minutes: What it takes on two cores, within a factor of two.
        text: The recipe with its comments.
        recipe: The same, read.
    """

    facts: Facts
    choices: tuple[Choice, ...]
    warnings: tuple[str, ...]
    minutes: float
    text: str
    recipe: Recipe


def propose(wish: Wish) -> Proposal:
    """Looks at data and proposes a recipe for a chip.

    Raises:
        DataError: Data that cannot be used, or too few of them.
        RecipeError: No such format or chip.
        DesignRuleError: Nothing fits the chip.
    """
    chip = load_chip(wish.chip)
    parts = choose_split(look_at(wish.root, wish.kind))
    facts = parts.facts
    feed = choose_feed(facts)
    size = choose_size(facts, feed, chip)
    plan = choose_schedule(facts, feed, size, parts, wish.minutes)
    choices = _all(wish, (parts, feed, size, plan))
    warnings = tuple(_warnings(wish, (parts, feed, size, plan)))
    minutes = plan.seconds / 60
    text = recipe_text(choices, _head(facts, size, minutes), warnings)
    recipe = recipe_of(text, "that is proposed")
    require_data(recipe)
    require_chip(recipe)
    return Proposal(facts, choices, warnings, minutes, text, recipe)


_Found = tuple[Parts, Feed, Size, Schedule]


def _all(wish: Wish, found: _Found) -> tuple[Choice, ...]:
    parts, feed, size, plan = found
    facts = parts.facts
    data = [
        Choice("data.kind", facts.kind, f"{facts.items:,} items of {facts.n_classes} classes"),
        Choice("data.root", str(facts.config.root), "where they lie"),
    ]
    pattern = facts.config.speaker_pattern
    if pattern is not None:
        heard = f"{facts.speakers} speakers by the names of the files"
        data.append(Choice("data.speaker_pattern", pattern, heard))
    schedule = plan.choices(feed, parts)
    return (
        Choice("name", wish.name),
        Choice("description", f"{facts.n_classes} classes of {wish.root.name} on {wish.chip}"),
        Choice("seed", 0),
        Choice("layout", size.layout, _why_layout(size)),
        *data,
        *parts.choices(),
        *(c for c in schedule if c.section == "data"),
        *feed.choices,
        *size.choices(facts, feed),
        *(c for c in schedule if c.section == "float_training"),
        *_quantization(feed),
        *(c for c in schedule if c.section == "quantized_training"),
        Choice("chip.preset", wish.chip, _why_chip(size)),
        *(c for c in schedule if c.section == "evaluation"),
    )


def _quantization(feed: Feed) -> list[Choice]:
    if feed.median >= LONG_STEPS:
        fine = f"{feed.median} steps need poles near 1: ternary A is too coarse"
        slow = "the register keeps slow poles; the array holds what is added"
        found = [Choice("quantization.realization", "incremental", slow)]
        found += [Choice("quantization.guard_bits", 11, "small increments add up below a code")]
        found += [Choice("quantization.register_bits", 24, "room for them")]
        found += [Choice("quantization.bits.A", 6, fine)]
        found += [Choice(f"quantization.bits.{n}", 4, "beside A of 6 bits") for n in "BCD"]
    else:
        found = [
            Choice("quantization.realization", "leaky", "suffers least from errors of devices")
        ]
        found += [Choice(f"quantization.bits.{n}", 2, "ternary: -1, 0, 1") for n in "ABCD"]
    maps = ("encoder", "mixing", "decoder")
    return found + [Choice(f"quantization.bits.{n}", 4, "a linear map, digital") for n in maps]


def _why_layout(size: Size) -> str:
    arrays = f"{size.d_model * size.n_layers} kernels on {size.arrays} of {size.chip.arrays.count} arrays"
    phases = counted(size.phases, "phase")
    return f"one kernel driven at a time, undisturbed by others' devices: {arrays}, {phases} a step"


def _why_chip(size: Size) -> str:
    arrays = size.chip.arrays
    return (
        f"{arrays.count} arrays of {arrays.word_lines} word lines and {arrays.bit_lines} bit lines"
    )


def _head(facts: Facts, size: Size, minutes: float) -> str:
    spread = facts.counts.values()
    return (
        f"Proposed by `imssa new` for {facts.items:,} items of {facts.n_classes} classes "
        f"({min(spread):,} to {max(spread):,} a class) and the chip {size.chip.name}. "
        f"About {counted(max(1, round(minutes)), 'minute')} on two cores. Beside each value stands why."
    )


def _warnings(wish: Wish, found: _Found) -> list[str]:
    parts, _, size, plan = found
    facts, counts = parts.facts, parts.facts.counts.values()
    told = []
    if max(counts) > UNEVEN * min(counts):
        told.append(
            f"Classes differ in size, {min(counts):,} to {max(counts):,} items: accuracy will favour "
            "the large ones."
        )
    told += parts.warnings
    told += [f"{n:,} items are odd: {fault}." for fault, n in facts.faults.items()]
    unread = facts.source.unread()
    if unread:
        told.append(told_unread(unread))
    if len(facts.rates_hertz) > 1:
        told.append("Recordings have several sampling rates; what is above the lowest is cut off.")
    if facts.odd_names:
        told.append(
            f"{len(facts.odd_names):,} of {facts.items:,} files name no speaker, for instance "
            f"{facts.odd_names[0]!r}; the others do. Rename or move them, and speakers are kept apart: as it "
            "is, the same voice may be trained on and tested."
        )
    elif not facts.speakers and facts.rates_hertz:
        told.append(
            "Nothing tells who is heard: the same voice may be trained on and tested. If the names of the files "
            "tell, set data.speaker_pattern, a regular expression whose first group is the speaker, and data.split."
        )
    if size.reduced:
        kernels, layers = size.wanted
        told.append(
            f"{size.chip.name} is small for these data: {size.d_model} kernels of {size.d_state} states "
            f"in {size.n_layers} layers, where {kernels} of 8 in {layers} would suit."
        )
    if plan.seconds > 75 * wish.minutes:
        told.append(f"It takes longer than the {wish.minutes:g} minutes asked for.")
    return told
