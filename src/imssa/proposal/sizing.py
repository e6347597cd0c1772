"""How large a network the data ask for, and how it finds room on the chip."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription
from imssa.mapping.layout import Layout, kernels_per_array
from imssa.mapping.packing import pack
from imssa.mapping.rules import too_small
from imssa.proposal.choices import Choice, counted
from imssa.proposal.facts import Facts
from imssa.proposal.feeding import Feed

STATES: Final = (8, 6, 4, 2)
SHARES: Final = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)
LAYOUT: Final[Layout] = "phased"
LONG_STEPS: Final = 400
"""Steps from which on a second layer and finer poles pay."""
FEW_ITEMS: Final = 500


@dataclass(frozen=True)
class Size:
    """A network and its place on the chip.

    Attributes:
        d_model: Kernels a layer.
        d_state: States of a kernel.
        n_layers: Layers.
        layout: How kernels share arrays.
        arrays: Of the chip that they take.
        phases: Of a time step.
        wanted: Kernels a layer that the data ask for.
        chip: The chip.
    """

    d_model: int
    d_state: int
    n_layers: int
    layout: Layout
    arrays: int
    phases: int
    wanted: tuple[int, int]
    chip: ChipDescription

    @property
    def reduced(self) -> bool:
        """Whether the chip forced a smaller network than the data ask for."""
        kernels, layers = self.wanted
        return self.d_model * self.n_layers < 0.75 * kernels * layers or self.d_state < STATES[0]

    def choices(self, facts: Facts, feed: Feed) -> list[Choice]:
        """The keys with their reasons."""
        kernels, layers = self.wanted
        why = (
            f"{counted(facts.n_classes, 'class', 'classes')}, {facts.items:,} items ask for about "
        )
        room = kernels_per_array(self.d_state + 1, self.chip)
        of = f"{self.arrays} of {self.chip.arrays.count} arrays"
        fits = f"{self.d_state + 1} lines a kernel: {room} to an array without shared lines"
        dt_min, dt_max = dt_range(feed)
        return [
            Choice(
                "model.d_model", self.d_model, f"{why}{kernels} kernels a layer; these take {of}"
            ),
            Choice("model.d_state", self.d_state, fits),
            Choice("model.n_layers", self.n_layers, _why_layers(self.n_layers, layers, feed)),
            Choice(
                "model.dropout", 0.2 if facts.items < FEW_ITEMS else 0.1, f"{facts.items:,} items"
            ),
            Choice("model.dt_min", dt_min, f"the longest memory, 1/dt: {1 / dt_min:.0f} steps"),
            Choice(
                "model.dt_max", dt_max, f"the shortest: {1 / dt_max:.0f}; items have {feed.median}"
            ),
            Choice("model.activation", "gelu", "a table on the chip's digital side"),
            Choice("model.output", "delayed", "one matrix product a step and kernel"),
        ]


def choose_size(facts: Facts, feed: Feed, chip: ChipDescription) -> Size:
    """The largest network of at most the size the data ask for that fits the chip.

    One kernel is driven at a time: it fills arrays best, and no device of another disturbs it.

    Raises:
        DesignRuleError: Not even a twentieth of the kernels that the data ask for fits, in one layer and
            with two states each.
    """
    wanted = _wanted(facts, feed)
    for d_model, d_state, n_layers in _candidates(wanted, chip):
        layers = [(d_model, d_state + 1)] * n_layers
        if too_small(layers, chip, LAYOUT) is None:
            packed = pack(layers, chip, LAYOUT)
            place = LAYOUT, packed.arrays, packed.phases_per_step
            return Size(d_model, d_state, n_layers, *place, wanted, chip)
    lines, least = STATES[-1] + 1, int(wanted[0] * SHARES[-1])
    arrays = chip.arrays
    raise DesignRuleError(
        given=f"chip {chip.name}: {arrays.count} arrays of {arrays.word_lines} word lines and "
        f"{arrays.bit_lines} bit lines",
        rule=f"nothing fits: the smallest network that is tried has {least} kernels of {lines} word "
        f"lines and {2 * lines} bit lines each",
        remedy="Name a larger chip; `imssa chip list` shows some.",
    )


def dt_range(feed: Feed) -> tuple[float, float]:
    """Smallest and largest initial step of the kernels, for sequences of a length.

    A pole forgets in about 1/dt steps (Re A = -1/2 makes it 2/dt): the slowest remembers an item.

    Example:
        >>> dt_range(Feed([], 64, 50, 32)), dt_range(Feed([], 784, 784, 1))
        ((0.02, 0.5), (0.0013, 0.1))
    """
    smallest = float(f"{1 / max(feed.median, 4):.2g}")
    return smallest, 0.5 if feed.median < LONG_STEPS else 0.1


def _wanted(facts: Facts, feed: Feed) -> tuple[int, int]:
    """Kernels a layer and layers, as the shipped recipes have them for their data."""
    small = facts.n_classes <= 3 or facts.items < FEW_ITEMS
    many = facts.n_classes > 12 or (facts.n_classes >= 8 and facts.speakers > 50)
    return (42 if small else 63), (2 if many or feed.median >= LONG_STEPS else 1)


def _candidates(wanted: tuple[int, int], chip: ChipDescription) -> Iterator[tuple[int, int, int]]:
    """d_model, d_state, n_layers: the best first. Arrays are filled where that adds little."""
    kernels, layers = wanted
    for d_state in STATES:
        room = kernels_per_array(d_state + 1, chip)
        if room < 1:
            continue
        for n_layers in range(layers, 0, -1):
            full = -(-kernels // room) * room
            if full <= 1.25 * kernels:
                yield full, d_state, n_layers
            yield from ((int(kernels * share), d_state, n_layers) for share in SHARES)


def _why_layers(n_layers: int, wanted: int, feed: Feed) -> str:
    if n_layers < wanted:
        return f"{wanted} would suit the data; the chip has no room"
    if n_layers == 1:
        return f"enough for items of {feed.median} steps and so many classes"
    return f"many classes and speakers, or long items: these have {feed.median} steps"
