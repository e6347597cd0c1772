"""Running a study: the same numbers whatever happened on the way."""

import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imssa.crossbar import simulate
from imssa.errors import OutputError, StudyError
from imssa.experiment.places import locked
from imssa.experiment.stages import load_features
from imssa.kernels.random import Key
from imssa.program import load_program
from imssa.quantization.convert import load_network
from imssa.study.engine import Options, run_study
from imssa.study.folder import StudyFolder, open_study
from imssa.study.ledger import unpacked
from imssa.study.merging import merge
from imssa.study.shards import Shard
from tests.study.forked import forked, killed_after, waited
from tests.study.results import lines, numbers, reopened
from tests.study.test_ledger import room_for
from tests.study.tiny import SIGMA, study

ONE = Options(jobs=1)


def test_a_study_answers_as_its_stages_do_alone(finished: StudyFolder) -> None:
    point = finished.study.points[3]
    subject = finished.study.subject(point)
    store = finished.store
    network = load_network(
        store.place("quantized", subject.ids["quantized"]) / "quantized.safetensors"
    )
    program = load_program(store.place("program", subject.ids["program"]) / "program.safetensors")
    test = load_features(subject.recipe).split.test
    inputs = network.input_codes(test.features)
    chip = subject.recipe.chip.only("programming", "stuck")
    law = chip.programming.model_copy(update={"sigma_siemens": 1e-5})  # type: ignore[union-attr]
    chip = chip.model_copy(update={"programming": law})
    key = Key.root(0).child("chip")
    answers = simulate(program, chip, key, np.arange(4), inputs, test.lengths).answers
    rows = [r for r in numbers(finished.root) if r["measure"] == "blind" and r[SIGMA] == 1e-5]
    rows = [r for r in rows if r["quantization.bits.A"] == 4]
    assert [r["chip"] for r in rows] == [0, 1, 2, 3]
    for row, told in zip(rows, answers, strict=True):
        np.testing.assert_array_equal(unpacked(row["right"], row["items"]), told == test.labels)


def test_the_table_has_a_row_for_each_point_measure_and_chip(finished: StudyFolder) -> None:
    frame = pd.read_parquet(finished.root / "results.parquet")
    assert len(frame) == 4 * (3 + 4 + 4)
    assert list(frame.columns[:5]) == ["quantization.bits.A", SIGMA, "measure", "chip", "value"]
    assert frame["error"].isna().all()
    deterministic = frame[frame.measure == "quantized"]
    assert deterministic.trial.nunique() == 2  # one for each training
    assert len(list(finished.stages.glob("quantized-*"))) == 2
    assert len(list(finished.stages.glob("float-*"))) == 1
    exact = frame[(frame[SIGMA] == 0) & (frame.measure == "ideal")]
    assert exact.value.between(0, 1).all()


def test_running_again_does_nothing(finished: StudyFolder) -> None:
    before, results = lines(finished.root), (finished.root / "results.parquet").read_bytes()
    standing = run_study(finished, ONE)
    assert lines(finished.root) == before
    assert (finished.root / "results.parquet").read_bytes() == results
    assert (standing.done, standing.failed, standing.trainings) == (standing.trials, {}, 0)


def test_a_study_that_grows_keeps_what_it_has(finished: StudyFolder, trained: Path) -> None:
    small = study(
        measure={"accuracies": ["blind"], "chips": 2, "effects": ["programming", "stuck"]}
    )
    run_study(open_study(trained, small), ONE)
    assert lines(trained) == 4 * 2
    run_study(open_study(trained, finished.study), ONE)
    assert numbers(trained) == numbers(finished.root)
    assert lines(trained) == lines(finished.root)


def test_another_study_is_refused(finished: StudyFolder) -> None:
    with pytest.raises(StudyError, match="it holds the results of study tiny"):
        open_study(finished.root, study(name="other"))
    with pytest.raises(StudyError, match="it holds no study"):
        open_study(finished.root / "nothing", None)


def test_damaged_definition_is_refused(trained: Path) -> None:
    open_study(trained, study())
    (trained / "study.json").write_text('{"study": ')
    with pytest.raises(StudyError, match="damaged, or was not written by imssa"):
        reopened(trained)


def test_killed_anywhere_then_the_same_numbers(finished: StudyFolder, trained: Path) -> None:
    folder, rng = open_study(trained, finished.study), random.Random(3)  # noqa: S311
    seen = []
    for _ in range(2):
        child = forked(lambda: run_study(folder, ONE))
        seen.append(killed_after(child, trained, rng.randint(1, 12), rng.uniform(0.0, 0.02)))
    assert 0 < seen[0] < seen[1]
    run_study(folder, ONE)
    assert numbers(trained) == numbers(finished.root)
    assert lines(trained) == lines(finished.root)  # no trial twice
    assert not [p for p in trained.rglob(".*") if p.is_file()]


def test_shards_in_their_own_folders_merge_to_the_same(
    finished: StudyFolder, trained: Path, tmp_path: Path
) -> None:
    parts = [trained, tmp_path / "second"]
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "stages").symlink_to(trained / "stages")
    for number, root in enumerate(parts):
        run_study(open_study(root, finished.study), Options(jobs=1, shard=Shard(number + 1, 2)))
    assert 0 < lines(parts[0]) < lines(finished.root)
    standing = merge(parts, tmp_path / "whole")
    assert standing.done == standing.trials
    assert numbers(tmp_path / "whole") == numbers(finished.root)
    assert run_study(reopened(tmp_path / "whole"), ONE).done == standing.trials
    assert lines(tmp_path / "whole") == lines(finished.root)


def test_merging_other_studies_is_refused(trained: Path, tmp_path: Path) -> None:
    open_study(trained, study())
    open_study(tmp_path / "b", study(axes={"seed": [0, 1]}))
    with pytest.raises(StudyError, match="different studies, or different versions"):
        merge([trained, tmp_path / "b"], trained)


def test_two_processes_on_one_folder(finished: StudyFolder, trained: Path) -> None:
    folder = open_study(trained, finished.study)
    with (
        locked(trained / "work-1-of-1"),
        pytest.raises(OutputError, match="another imssa is at work in this folder"),
    ):
        run_study(folder, ONE)
    run_study(folder, ONE)
    assert numbers(trained) == numbers(finished.root)


def test_two_shards_at_once_in_one_folder(finished: StudyFolder, trained: Path) -> None:
    folder = open_study(trained, finished.study)
    child = forked(lambda: run_study(folder, Options(jobs=1, shard=Shard(1, 2))))
    run_study(folder, Options(jobs=1, shard=Shard(2, 2)))
    assert waited(child) == 0
    merge([trained], trained)
    assert numbers(trained) == numbers(finished.root)


def test_failed_trials_are_recorded_and_the_rest_is_done(trained: Path) -> None:
    axes = {"measured.chip.converters.adc_bits": [8, 6]}
    found = study(axes=axes, measure={"accuracies": ["float", "blind"], "chips": 3, "effects": []})
    folder = open_study(trained, found)
    standing = run_study(folder, ONE)
    assert (standing.done, len(standing.failed)) == (1 + 3, 3)
    rows = [r for r in numbers(trained) if r["error"] is not None]
    assert len(rows) == 3
    assert all("adc" in r["error"].lower() or "converter" in r["error"] for r in rows)
    before = lines(trained)
    run_study(folder, ONE)
    assert lines(trained) == before
    run_study(folder, Options(jobs=1, retry_failed=True))
    assert lines(trained) == before + 3


def test_full_disk_stops_clearly_and_loses_nothing(finished: StudyFolder, trained: Path) -> None:
    folder = open_study(trained, finished.study)
    with room_for(1200), pytest.raises(OutputError, match="Make room"):
        run_study(folder, ONE)
    assert lines(trained) > 0
    run_study(folder, ONE)
    assert numbers(trained) == numbers(finished.root)


def test_disk_that_is_full_while_training_is_no_failed_trial(tmp_path: Path) -> None:
    folder = open_study(
        tmp_path / "run", study(measure={"accuracies": ["float"]}, axes={"seed": [0, 1]})
    )
    with room_for(1000), pytest.raises(OutputError):
        run_study(folder, ONE)
    assert not folder.outcomes()
    assert not list(folder.stages.glob("*/failed.txt"))


def test_progress_counts_trials(finished: StudyFolder, trained: Path) -> None:
    told: list[tuple[int, int, str]] = []
    options = Options(jobs=1, progress=lambda *words: told.append(words))
    run_study(open_study(trained, finished.study), options)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][0] == told[-1][1] == lines(trained)
    assert any("left" in text for _, _, text in told)


def test_the_folder_says_what_it_holds(finished: StudyFolder) -> None:
    held = json.loads((finished.root / "study.json").read_text())
    assert held["study"]["question"] == "Does everything work?"
    assert reopened(finished.root).study.points == finished.study.points


@pytest.mark.slow
def test_two_processes_give_the_same_numbers(finished: StudyFolder, trained: Path) -> None:
    run_study(open_study(trained, finished.study), Options(jobs=2))
    assert numbers(trained) == numbers(finished.root)
