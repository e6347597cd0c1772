"""Guided search: an optimizer asks for points and is told what came of them, also after a kill."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any, Final

from imssa.errors import MissingToolError
from imssa.kernels.random import Key
from imssa.study.axes import Axis, Level
from imssa.study.config import Answering
from imssa.study.contents import by_content
from imssa.study.definition import Study
from imssa.study.determined import identity
from imssa.study.ledger import cut_torn_line
from imssa.study.points import Point

SEEDS: Final = 2**32


class Guide:
    """A search by optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011).

    Points are asked for in rounds of a fixed number, and the estimator is seeded anew for each point by
    its number, so that the search is the same whenever it was interrupted and whoever does the work.
    All is kept in a journal.

    Args:
        study: The study.
        journal: The journal's file.

    Raises:
        MissingToolError: optuna is not installed.
    """

    def __init__(self, study: Study, journal: Path) -> None:
        self.study, self.search = study, study.config.search
        self._width = len(study.axes)
        self._open: list[int] = []
        self._optuna = _optuna()
        journal.parent.mkdir(parents=True, exist_ok=True)
        cut_torn_line(journal)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backend = self._optuna.storages.journal.JournalFileBackend(str(journal))
            self._search = self._optuna.create_study(
                storage=self._optuna.storages.JournalStorage(backend),
                study_name=f"{study.config.name}-{_identity(study)}",
                direction="maximize",
                load_if_exists=True,
            )

    @property
    def goal(self) -> Answering:
        """What is raised."""
        goal = self.search.goal
        assert goal is not None  # noqa: S101  # a guided search has one
        return goal

    def asked(self) -> list[Point]:
        """All points asked for so far."""
        return [self._point(t.params) for t in self._trials() if len(t.params) == self._width]

    def ask(self) -> list[Point]:
        """The points of the next round; those of a round that was interrupted first; none: the end."""
        trials, together = self._trials(), self.search.together
        waiting = [t.number for t in trials if not t.state.is_finished()]
        full = waiting and len(trials) % together == 0
        end = len(trials) if full else (len(trials) // together + 1) * together
        for number in waiting:
            self._suggest_all(
                self._optuna.trial.Trial(self._search, trials[number]._trial_id), number
            )
        for number in range(len(trials), min(end, self.search.number or 0)):
            self._suggest_all(self._search.ask(), number)
        trials = self._trials()
        self._open = [t.number for t in trials if not t.state.is_finished()]
        return [self._point(trials[number].params) for number in self._open]

    def tell(self, values: list[float | None]) -> None:
        """What came of the points of a round, in their order; None: failed."""
        failed = self._optuna.trial.TrialState.FAIL
        for number, value in zip(self._open, values, strict=True):
            if value is None:
                self._search.tell(number, state=failed)
            else:
                self._search.tell(number, value)

    def _trials(self) -> list[Any]:
        found: list[Any] = self._search.get_trials(deepcopy=False)
        return found

    def _suggest_all(self, trial: Any, number: int) -> None:
        """A value of each axis, each with a seed of its own: one that is kept already is found again."""
        key = Key.root(self.search.seed).child("guided", number)
        for place, axis in enumerate(self.study.axes):
            seed = key.child("axis", place).value % SEEDS
            self._search.sampler = self._optuna.samplers.TPESampler(seed=seed)
            self._suggest(trial, axis)

    def _suggest(self, trial: Any, axis: Axis) -> None:
        span = axis.span
        if span is None:
            trial.suggest_int(axis.name, 0, len(axis.levels) - 1)
        elif span.whole:
            trial.suggest_int(axis.name, int(span.low), int(span.high), log=span.log)
        else:
            trial.suggest_float(axis.name, span.low, span.high, log=span.log)

    def _point(self, params: dict[str, Any]) -> Point:
        levels = tuple(_level(axis, params[axis.name]) for axis in self.study.axes)
        return Point.of(levels)


def _level(axis: Axis, value: Any) -> Level:
    return axis.levels[value] if axis.span is None else axis.at(value)


def _identity(study: Study) -> str:
    """Changes with all that the search chooses by, but not with how many points it may take."""
    content = by_content(study.to_json(), study.contents.known)
    content.pop("data", None)
    content["study"]["search"].pop("number", None)
    for words in ("question", "figure"):
        content["study"].pop(words, None)
    return identity("search", json.loads(json.dumps(content, default=str)))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingToolError(
            given="search.kind = 'guided'",
            rule="it needs optuna, which is not installed",
            remedy="Install it: pip install 'imssa[search]'.",
        ) from error
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna
