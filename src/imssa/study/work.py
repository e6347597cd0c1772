"""Jobs: what a process is given to do, and what it gives back. They run anywhere the folder is seen."""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imssa.errors import ImssaError, OutputError
from imssa.study.costing import cost
from imssa.study.ledger import Outcome
from imssa.study.measuring import measured
from imssa.study.stages import MODEL, NETWORK, Stages, Subject, stages_in
from imssa.study.store import FailedStageError, Store, in_words
from imssa.study.trials import Group

DEFINITION: Final = "study.json"
"""The file in a study's folder that says what it asks."""


@dataclass(frozen=True)
class Training:
    """One network to be trained.

    Attributes:
        subject: Whose.
        quantized: The integer network, else the float one.
    """

    subject: Subject
    quantized: bool

    def finished(self, root: Path) -> bool:
        """Whether its network is in a store."""
        kind, file = ("quantized", NETWORK) if self.quantized else ("float", MODEL)
        return (Store(root).place(kind, self.subject.ids[kind]) / file).exists()


@dataclass(frozen=True)
class Job:
    """What one process does in one go.

    Attributes:
        root: Folder of the stages.
        training: A network to be trained; None: none.
        groups: Trials, group by group.
    """

    root: Path
    training: Training | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Done:
    """What came of a job.

    Attributes:
        job: The job.
        outcomes: Of its trials, measured or failed.
        stopped: Why nothing can go on, as the members of an error; None: it can.
    """

    job: Job
    outcomes: tuple[Outcome, ...] = ()
    stopped: tuple[str, str, str] | None = None


def done(job: Job) -> Done:
    """Does a job. A trial that fails is an outcome; a disk that is full stops the study."""
    if not (job.root.parent / DEFINITION).exists():
        return Done(job, stopped=_not_seen(job.root.parent))
    try:
        stages = stages_in(job.root)
        if job.training is not None:
            _train(stages, job.training)
        outcomes = tuple(o for group in job.groups for o in _outcomes(stages, group))
    except ImssaError as error:
        return Done(job, stopped=(error.given, error.rule, error.remedy))
    except OSError as error:
        return Done(job, stopped=_no_room(job.root, error))
    return Done(job, outcomes)


def _not_seen(root: Path) -> tuple[str, str, str]:
    return (
        str(root),
        f"the process on {platform.node()} does not see this study's folder",
        "Put it where all workers of the cluster see it, under the same path.",
    )


def _no_room(root: Path, error: OSError) -> tuple[str, str, str]:
    return (
        str(root),
        f"it cannot be read or written ({error.strerror or error})",
        "Make room, and name a folder that every process sees.",
    )


def _train(stages: Stages, training: Training) -> None:
    """Trains a network; a failure is kept in the store and shows in the trials that need it."""
    try:
        if training.quantized:
            stages.network(training.subject)
        else:
            stages.float_network(training.subject)
    except OutputError:
        raise
    except (FailedStageError, ImssaError):
        return


def _outcomes(stages: Stages, group: Group) -> Iterator[Outcome]:
    """Outcomes of a group's trials, in the order of its chips.

    Where one fails, each is tried alone, so that the others are not lost.
    """
    try:
        yield from _measured(stages, group)
    except (OutputError, OSError):
        raise
    except Exception as error:  # noqa: BLE001  # whatever fails is a result
        if len(group.trials) > 1 and not isinstance(error, FailedStageError):
            for chip, trial in group.trials.items():
                alone = Group(group.subject, group.measure, group.settings, {chip: trial})
                yield from _outcomes(stages, alone)
            return
        for trial in group.trials.values():
            yield Outcome(trial, 0.0, error=in_words(error))


def _measured(stages: Stages, group: Group) -> list[Outcome]:
    what, start = group.measure, time.perf_counter()
    match what:
        case "energy" | "step_seconds":
            price = cost(what, stages, group.subject)
            seconds = time.perf_counter() - start
            return [Outcome.priced(trial, seconds, price) for trial in group.trials.values()]
        case _:
            answers = measured(what, stages, group.subject, tuple(group.trials), group.settings)
    found = list(answers)
    seconds = (time.perf_counter() - start) / max(len(found), 1)
    pairs = zip(group.trials.values(), found, strict=True)
    return [Outcome.answered(trial, seconds, right) for trial, right in pairs]
