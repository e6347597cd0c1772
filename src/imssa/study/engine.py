"""Runs a study: what is not done yet, by whoever does jobs, into the ledger and the results."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from imssa.errors import OutputError, StudyError
from imssa.experiment.stages import silent
from imssa.study.folder import StudyFolder
from imssa.study.guided import Guide
from imssa.study.ledger import Ledger, Outcome
from imssa.study.plan import Plan, Standing, plan_of
from imssa.study.points import Point
from imssa.study.schedule import Pace, in_shard, job_stream, trainings, without
from imssa.study.shards import WHOLE, Shard
from imssa.study.table import write_results
from imssa.study.trials import Group
from imssa.study.workers import Doer, doer

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Options:
    """How a study is run; nothing here changes a number.

    Attributes:
        jobs: Processes of this machine; None: one a core.
        shard: The part that is run.
        cluster: Address of a Dask scheduler, or local:N; None: this machine.
        retry_failed: Whether trials that failed are tried again.
        progress: Told after each job.
    """

    jobs: int | None = None
    shard: Shard = WHOLE
    cluster: str | None = None
    retry_failed: bool = False
    progress: Progress = silent


def run_study(folder: StudyFolder, options: Options) -> Standing:
    """Runs what is not done yet, and writes the results.

    Raises:
        OutputError: The folder cannot be written, or another process is at work on it.
        StudyError: Options that do not fit the study.
    """
    guided = folder.study.config.search.kind == "guided"
    if guided and options.shard.of > 1:
        raise StudyError(
            given=f"--shard {options.shard.number}/{options.shard.of}",
            rule="a guided search chooses its points by those before, and cannot be divided",
            remedy="Leave --shard out; --jobs and --cluster share its work.",
        )
    with folder.held(options.shard), Ledger(folder.ledger(options.shard)) as ledger:
        if options.retry_failed:
            folder.store.forget_failures()
        with doer(options.jobs, options.cluster) as does:
            run = _Run(folder, options, ledger, does)
            if guided:
                plan = _guided(run, Guide(folder.study, folder.journal))
            else:
                plan = Plan.of(folder.study, folder.study.points)
                run.groups(in_shard(plan.groups, options.shard))
        outcomes = folder.outcomes()
        write_results(folder.root, folder.study.columns, plan.rows, outcomes)
    return plan.standing(outcomes)


def known_plan(folder: StudyFolder) -> Plan:
    """The points that are known without running anything: of a guided search, those asked so far."""
    return plan_of(folder.study, folder.journal)


@dataclass
class _Run:
    """One run of a study."""

    folder: StudyFolder
    options: Options
    ledger: Ledger
    does: Doer

    def __post_init__(self) -> None:
        self.outcomes = self.folder.outcomes()
        self.pace = Pace()

    def groups(self, groups: list[Group]) -> None:
        """Does trials that are not done yet."""
        known = {
            t for t, o in self.outcomes.items() if o.error is None or not self.options.retry_failed
        }
        left = without(groups, known)
        total = sum(len(group.trials) for group in groups)
        done = total - sum(len(group.trials) for group in left)
        start, trained = time.monotonic(), 0
        to_train = sum(not t.finished(self.folder.stages) for t in trainings(left))
        self.options.progress(done, total, f"{to_train} trainings to do" if to_train else "")
        before = done
        for finished in self.does(job_stream(self.folder.stages.absolute(), left, self.pace)):
            if finished.stopped is not None:
                given, rule, remedy = finished.stopped
                raise OutputError(given=given, rule=rule, remedy=remedy)
            self.ledger.add(finished.outcomes)
            self.outcomes |= {o.trial: o for o in finished.outcomes}
            self.pace.learn(finished)
            trained += finished.job.training is not None
            done += len(finished.outcomes)
            spent = time.monotonic() - start
            told = _left(trained, to_train, (done - before, total - before), spent)
            self.options.progress(done, total, told)


def _left(trained: int, to_train: int, trials: tuple[int, int], spent: float) -> str:
    """What is still to do, in words: trainings by their own pace, then trials by theirs."""
    if trained < to_train:
        seconds = spent / max(trained, 1) * (to_train - trained)
        return f"{trained} of {to_train} trainings, about {_span(seconds)} left for these"
    done, total = trials
    return f"about {_span(spent / done * (total - done))} left" if 0 < done < total else ""


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _guided(run: _Run, guide: Guide) -> Plan:
    """Asks, measures and tells, round by round, until the search has its number of points."""
    while points := guide.ask():
        plan = Plan.of(run.folder.study, points)
        run.groups(plan.groups)
        guide.tell([_goal(guide, plan, point, run.outcomes) for point in points])
    return Plan.of(run.folder.study, guide.asked())


def _goal(guide: Guide, plan: Plan, point: Point, outcomes: dict[str, Outcome]) -> float | None:
    """Mean of what a guided search raises; None where a trial failed."""
    rows = [row for row in plan.rows if row.point is point and row.measure == guide.goal]
    values = [outcomes[row.trial].value for row in rows]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
