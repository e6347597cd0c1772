"""The order of work: trainings first, then trials, each job about as long as pays off."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from imssa.study.config import Measured
from imssa.study.shards import Shard
from imssa.study.trials import Group
from imssa.study.work import Done, Job, Training

JOB_SECONDS: Final = 0.5
"""How long a job of trials should take: long beside its dispatch, short beside what a kill may cost."""

FIRST_GUESS_SECONDS: Final = 0.1
MOST_TRIALS: Final = 512


class Pace:
    """How long trials take, learnt while they are done."""

    def __init__(self) -> None:
        self._seconds: dict[Measured, float] = {}

    def learn(self, finished: Done) -> None:
        """Takes up the times of a job's trials; the last ones count half."""
        found = {o.trial: o.seconds for o in finished.outcomes if o.error is None}
        for group in finished.job.groups:
            seconds = [found[t] for t in group.trials.values() if t in found]
            if seconds:
                mean = sum(seconds) / len(seconds)
                before = self._seconds.get(group.measure, mean)
                self._seconds[group.measure] = (before + mean) / 2

    def of(self, measure: Measured) -> float:
        """Seconds that a trial is thought to take."""
        return max(self._seconds.get(measure, FIRST_GUESS_SECONDS), 1e-5)


def in_shard(groups: Iterable[Group], shard: Shard) -> list[Group]:
    """The groups of a shard: those of one training stay together; a trial is in one shard only."""
    numbers: dict[str, int] = {}
    seen: set[str] = set()
    found = []
    for group in groups:
        number = numbers.setdefault(group.training, len(numbers))
        new = {chip: trial for chip, trial in group.trials.items() if trial not in seen}
        seen |= set(new.values())
        if new and number % shard.of == shard.number - 1:
            found.append(replace(group, trials=new))
    return found


def without(groups: Iterable[Group], finished: set[str]) -> list[Group]:
    """What is left of groups when some trials are done."""
    left = []
    for group in groups:
        trials = {chip: trial for chip, trial in group.trials.items() if trial not in finished}
        if trials:
            left.append(replace(group, trials=trials))
    return left


def trainings(groups: Iterable[Group]) -> list[Training]:
    """What has to be trained, the float networks first."""
    floats: dict[str, Training] = {}
    quantized: dict[str, Training] = {}
    for group in groups:
        ids = group.subject.ids
        floats.setdefault(ids["float"], Training(group.subject, quantized=False))
        if group.measure != "float":
            quantized.setdefault(ids["quantized"], Training(group.subject, quantized=True))
    return [*floats.values(), *quantized.values()]


def job_stream(root: Path, groups: list[Group], pace: Pace) -> Iterator[Job]:
    """Jobs in order, cut when they are asked for, by what is known of the pace by then."""
    for training in trainings(groups):
        if not training.finished(root):
            yield Job(root, training)
    order: dict[str, int] = {}
    for group in groups:
        order.setdefault(group.training, len(order))
    parts: list[Group] = []
    seconds, count = 0.0, 0
    for group in sorted(groups, key=lambda g: order[g.training]):
        trials = list(group.trials.items())
        while trials:
            each = pace.of(group.measure)
            room = max(1, min(int((JOB_SECONDS - seconds) / each), MOST_TRIALS - count))
            parts.append(replace(group, trials=dict(trials[:room])))
            seconds, count = seconds + each * len(trials[:room]), count + len(trials[:room])
            trials = trials[room:]
            if seconds >= JOB_SECONDS * 0.9 or count >= MOST_TRIALS:
                yield Job(root, groups=tuple(parts))
                parts, seconds, count = [], 0.0, 0
    if parts:
        yield Job(root, groups=tuple(parts))
