"""The order of work: every trial once, whatever the pace, the shard, and what is done already."""

from pathlib import Path

import pytest

from imssa.errors import StudyError
from imssa.study.ledger import Outcome
from imssa.study.plan import Plan
from imssa.study.schedule import MOST_TRIALS, Pace, in_shard, job_stream, without
from imssa.study.shards import Shard
from imssa.study.trials import Group
from imssa.study.work import Done
from tests.study.tiny import SIGMA, study


@pytest.fixture(scope="module")
def plan() -> Plan:
    axes = {"quantization.bits.A": [2, 3, 4], SIGMA: [0.0, 1e-6, 1e-5]}
    accuracies = ["float", "quantized", "blind"]
    found = study(axes=axes, measure={"accuracies": accuracies, "chips": 30})
    return Plan.of(found, found.points)


def trials(groups: list[Group]) -> list[str]:
    return [trial for group in groups for trial in group.trials.values()]


def test_rows_share_trials_that_are_determined_by_the_same(plan: Plan) -> None:
    assert len(plan.rows) == 9 * (1 + 1 + 30)
    assert len({row.trial for row in plan.rows}) == 1 + 3 + 9 * 30


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_shards_divide_the_trials_by_training(plan: Plan, of: int) -> None:
    parts = [in_shard(plan.groups, Shard(number + 1, of)) for number in range(of)]
    found = [trial for part in parts for trial in trials(part)]
    assert sorted(found) == sorted({row.trial for row in plan.rows})
    trained = [{group.training for group in part} for part in parts]
    assert sum(map(len, trained)) == len(set().union(*trained))


@pytest.mark.parametrize("seconds", [1e-6, 0.004, 0.03, 10.0])
def test_jobs_hold_each_trial_once(plan: Plan, seconds: float, tmp_path: Path) -> None:
    groups, pace = in_shard(plan.groups, Shard()), Pace()
    jobs = []
    for job in job_stream(tmp_path, groups, pace):
        jobs.append(job)
        outcomes = [Outcome(t, seconds, 0.5) for g in job.groups for t in g.trials.values()]
        pace.learn(Done(job, tuple(outcomes)))
    found = [trial for job in jobs for trial in trials(list(job.groups))]
    assert sorted(found) == sorted(trials(groups))
    assert [job.training is not None for job in jobs[:5]] == [True] * 4 + [False]
    sizes = [len(trials(list(job.groups))) for job in jobs if job.groups]
    assert max(sizes) <= MOST_TRIALS
    if seconds == 10.0:
        assert set(sizes[6:]) == {1}
    if seconds == 0.004:
        assert max(sizes[2:]) * seconds < 1.0


def test_what_is_done_is_left_out(plan: Plan) -> None:
    done = {row.trial for row in plan.rows[::2]}
    left = without(in_shard(plan.groups, Shard()), done)
    assert set(trials(left)) == {row.trial for row in plan.rows} - done


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", ""])
def test_refused_shards(text: str) -> None:
    with pytest.raises(StudyError, match="a shard is i/n, with i from 1 to n"):
        Shard.parsed(text)
