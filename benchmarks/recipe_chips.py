"""One integer network on many chips: blind, compiled for, trimmed, recalibrated; kept chip by chip."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from recipe_parts import digest

from imssa.crossbar import simulate
from imssa.data import SequenceDataset
from imssa.data.splits import fewer
from imssa.deployment import Calibration
from imssa.deployment.trim import CELL_ERROR, LENIENT, ROUNDS, SLOWER
from imssa.evaluation import crossed_estimate
from imssa.experiment.recipe import Recipe
from imssa.experiment.tailoring import CALIBRATION_FRAMES, PER_CLASS, TailoredChips
from imssa.hardware import ChipDescription
from imssa.hardware.defects import StuckDevices
from imssa.kernels.random import Key
from imssa.mapping import compile_network
from imssa.quantization.network import QuantizedNetwork

STEPS: Final = (
    "whole",
    "stuck_blind",
    "stuck_compiled",
    "blind",
    "compiled",
    "trimmed",
    "recalibrated",
)
"""``whole``: all errors but no defect. ``stuck_``: defects and no other error; the others: all errors."""


def network_digest(network: QuantizedNetwork) -> str:
    """Name of an integer network: of all its codes."""
    found = hashlib.sha256(repr((network.widths, network.input_step)).encode())
    held = [network.encoder, network.decoder, *network.layers]
    for part in [*held, *(layer.mixing for layer in network.layers)]:
        for name, value in sorted(vars(part).items()):
            if isinstance(value, np.ndarray):
                found.update(name.encode() + value.tobytes())
    return found.hexdigest()[:12]


def with_stuck(chip: ChipDescription, share: float) -> ChipDescription:
    """The chip with a share of its devices stuck, half high and half low."""
    stuck = StuckDevices(high_rate=share / 2, low_rate=share / 2) if share else None
    return chip.model_copy(update={"stuck": stuck})


@dataclass(frozen=True)
class Asked:
    """What chips are asked.

    Attributes:
        chips: Instances.
        stuck: Share of stuck devices.
        items: Most test items that a chip is asked, of each class about as many; None: all.
        recalibrated: How many of the chips are recalibrated too.
    """

    chips: int
    stuck: float
    items: int | None
    recalibrated: int

    def of(self, data: SequenceDataset) -> SequenceDataset:
        """The items; the same for all networks."""
        return data if self.items is None else fewer(data, self.items, Key.root(0).numpy())


class ChipStudy:
    """A network on chip instances, blind and compiled for each one's defects; kept chip by chip.

    Args:
        network: The integer network.
        recipe: Its chip, layout and seed; chip n of a seed is the same for all networks.
        parts: Training and test part.
        asked: Chips and items.
        folder: Where answers are kept.
    """

    def __init__(
        self,
        network: QuantizedNetwork,
        recipe: Recipe,
        parts: tuple[SequenceDataset, SequenceDataset],
        asked: Asked,
        folder: Path,
    ) -> None:
        self.network, self.asked = network, asked
        self.chip, self.key = with_stuck(recipe.chip, asked.stuck), Key.root(recipe.seed)
        self.key = self.key.child("chip")
        self.training, self.data = parts[0], asked.of(parts[1])
        self.inputs = network.input_codes(self.data.features)
        self.blind = compile_network(network, self.chip, {}, recipe.layout)
        self.tailored, self.only_stuck = (
            TailoredChips(network, chip, recipe.layout, self.key)
            for chip in (self.chip, self.chip.only("stuck"))
        )
        self.made_with = digest(
            network_digest(network),
            self.chip.model_dump(mode="json"),
            recipe.layout,
            recipe.data.model_dump(mode="json"),
            (PER_CLASS, CALIBRATION_FRAMES, CELL_ERROR, ROUNDS, LENIENT, SLOWER),
            asked.items,
            recipe.seed,
        )
        self.folder = folder / self.made_with

    @cached_property
    def calibration(self) -> Calibration:
        """What chips are recalibrated on."""
        return self.tailored.calibration(self.training)

    def told(self, progress: Callable[[int], None]) -> dict[str, Any]:
        """Numbers of all chips.

        Args:
            progress: Told how many chips are done.
        """
        kept = []
        for number in range(self.asked.chips):
            kept.append(self._kept(number))
            progress(number + 1)
        steps = {}
        for step in STEPS:
            told = [one[step] for one in kept if step in one]
            if told:
                steps[step] = self._row(np.array(told))
        lost, worst = (np.array([one[name] for one in kept]) for name in ("lost", "worst"))
        return {
            "accuracies": {f"chip_{step}": row["mean"] for step, row in steps.items()},
            "steps": steps,
            "chips": self.asked.chips,
            "recalibrated_chips": self.asked.recalibrated,
            "stuck": self.asked.stuck,
            "chip_items": len(self.data),
            "lost_weights": float(lost.mean()),
            "worst_predicted_error": float(worst.max()),
        }

    def _row(self, told: np.ndarray) -> dict[str, Any]:
        right = (told == self.data.labels).astype(float)
        estimate, chips = crossed_estimate(right), right.mean(axis=1)
        return {
            "mean": estimate.mean,
            "standard_error": estimate.standard_error,
            "min": float(chips.min()),
            "per_instance": chips.tolist(),
        }

    def _kept(self, number: int) -> dict[str, np.ndarray]:
        """Answers of a chip at each step, from its file where there is one."""
        recalibrated = number < self.asked.recalibrated
        path = self.folder / f"{number}{'' if recalibrated else '-plain'}.npz"
        if not path.exists():
            found = self._instance(number, recalibrated=recalibrated)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial.npz")
            np.savez(partial, **found)
            partial.replace(path)
        with np.load(path) as held:
            return dict(held)

    def _instance(self, number: int, *, recalibrated: bool) -> dict[str, np.ndarray]:
        """Answers of one chip at each step."""
        one, lengths = np.array([number]), self.data.lengths

        def on(chip: ChipDescription, program: Any) -> np.ndarray:
            return simulate(program, chip, self.key, one, self.inputs, lengths).answers[0]

        stuck = self.chip.only("stuck")
        found = {
            "whole": on(self.chip.model_copy(update={"stuck": None}), self.blind),
            "stuck_blind": on(stuck, self.blind),
            "blind": on(self.chip, self.blind),
        }
        compiled = self.tailored.compiled(number)
        found["stuck_compiled"] = self.only_stuck.compiled(number).answers(self.inputs, lengths)
        found["compiled"] = compiled.answers(self.inputs, lengths)
        trimmed = self.tailored.trimmed(compiled)
        found["trimmed"] = trimmed.answers(self.inputs, lengths)
        if recalibrated:
            fitted = self.tailored.recalibrated(trimmed, self.calibration)
            found["recalibrated"] = fitted.answers(self.inputs, lengths)
        losses = compiled.tailored.losses
        return found | {"lost": np.array(losses.lost_weights), "worst": np.array(losses.worst)}
