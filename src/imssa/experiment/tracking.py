"""Runs told to an experiment tracker: off unless the environment asks for it, and no part of a recipe.

``IMSSA_TRACKER=tensorboard:DIR`` writes each run below DIR/NAME, NAME being that of its folder:
training curves epoch by epoch while they are trained, and the final measures. No number of a run
depends on it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from imssa.errors import MissingToolError, RecipeError
from imssa.evaluation import Report
from imssa.training import Progress
from imssa.training.log import Record, read_log

VARIABLE: Final = "IMSSA_TRACKER"
KIND: Final = "tensorboard"
CURVES: Final = ("train_loss", "validation_loss", "validation_accuracy", "gradient_norm")


class Tracker:
    """Writes scalars of one run as TensorBoard reads them.

    Args:
        folder: Of this run's event files, made when missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def _writer(self) -> Iterator[Any]:
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(str(self.folder))
        try:
            yield writer
        finally:
            writer.close()

    def epochs(self, name: str, records: list[Record]) -> None:
        """Adds epochs of a training.

        Args:
            name: A realization, or "float".
            records: Lines of its log.
        """
        with self._writer() as writer:
            for record in records:
                for key in CURVES:
                    if record.get(key) is not None:
                        writer.add_scalar(f"{name}/{key}", record[key], record["epoch"])

    def finals(self, report: Report) -> None:
        """Adds the final measures of a run, its recipe and its command."""
        with self._writer() as writer:
            for name, part in report.realizations.items():
                accuracy, uses = part.accuracy, part.resources
                measures = {
                    "accuracy_float": accuracy.software,
                    "accuracy_quantized": accuracy.quantized,
                    "accuracy_ideal_chip": accuracy.ideal_chip,
                    "accuracy_chip": accuracy.chip.mean,
                    "accuracy_worst_chip": accuracy.chip.min,
                    "arrays": uses.arrays,
                    "mvms_per_step": uses.mvms_per_step,
                }
                for key, value in measures.items():
                    writer.add_scalar(f"{name}/final/{key}", value, 0)
            writer.add_text("command", report.provenance.command, 0)
            writer.add_text("recipe", _indented(report.recipe), 0)

    def following(self, name: str, log: Path, progress: Progress) -> Progress:
        """The same progress of a training, which also adds each epoch once its line is in the log."""
        return _Following(self, name, log, progress)


class _Following:
    """A progress that hands on new lines of a log."""

    def __init__(self, tracker: Tracker, name: str, log: Path, progress: Progress) -> None:
        self._tracker, self._name, self._log, self._progress = tracker, name, log, progress
        self._seen = len(read_log(log)) if log.exists() else 0  # a training that goes on

    def __call__(self, done: int, total: int, text: str) -> None:
        self._progress(done, total, text)
        records = read_log(self._log) if self._log.exists() else []
        if len(records) > self._seen:
            self._tracker.epochs(self._name, records[self._seen :])
            self._seen = len(records)


def tracker_of(root: Path) -> Tracker | None:
    """The tracker that the environment asks for; None: it asks for none.

    Args:
        root: Folder of the run.

    Raises:
        RecipeError: ``IMSSA_TRACKER`` is not understood.
        MissingToolError: The tracker is not installed.
    """
    asked = os.environ.get(VARIABLE, "")
    if not asked:
        return None
    kind, _, place = asked.partition(":")
    if kind != KIND or not place:
        raise RecipeError(
            given=f"{VARIABLE}={asked}",
            rule=f"it names a tracker and where to write: {KIND}:DIR",
            remedy=f"Set {VARIABLE}={KIND}:runs, or unset it.",
        )
    if find_spec("tensorboard") is None:
        raise MissingToolError(
            given=f"{VARIABLE}={asked}",
            rule="TensorBoard is not installed",
            remedy="pip install 'imssa[track]', or unset the variable.",
        )
    return Tracker(Path(place) / root.resolve().name)


def _indented(recipe: dict[str, Any]) -> str:
    """The recipe as a block of code."""
    import json

    text = json.dumps(recipe, indent=2, ensure_ascii=False)
    return "\n".join(f"    {line}" for line in text.splitlines())
