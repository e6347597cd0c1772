"""What a study adds to the trials in it: seconds a trial beside the bare simulation of the same chips.

    python benchmarks/study_overhead.py [--trials 1000] [--jobs 1] [--json FILE] [--tiny]

One small network (the demo's recipe, trained for an epoch) is asked on as many chip instances at four
points, programming error and stuck devices on. ``study``: the whole command, from the definition to the
results on disk; the training is not counted, it was done before. ``bare``: the same chips by one call of
the simulator a point. ``joblib``: as many empty calls through joblib, one by one, on as many processes.
Overhead is the difference a trial, in wall-clock and in processor seconds of this process; on a machine
that is busy with other things only the latter says something. With several processes only the first does.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imssa.crossbar import simulate
from imssa.experiment.provenance import provenance
from imssa.experiment.recipe import recipe_content
from imssa.study.definition import Study, study_of
from imssa.study.engine import Options, run_study
from imssa.study.folder import StudyFolder, open_study
from imssa.study.measuring import key_of
from imssa.study.stages import Stages

SIGMAS = [0.0, 2e-6, 5e-6, 1e-5]
SETTINGS = {
    "float_training.epochs": 1,
    "quantized_training.epochs": 1,
    "data.train_items": 64,
}


def the_study(chips: int) -> Study:
    """Four points, so many chips at each."""
    content = {
        "name": "overhead",
        "question": "What does a study add to its trials?",
        "recipe": "zero-one",
        "set": SETTINGS,
        "axes": {"measured.chip.programming.sigma_siemens": SIGMAS},
        "measure": {"accuracies": ["blind"], "chips": chips, "effects": ["programming", "stuck"]},
    }
    return study_of(content, recipe_content("zero-one"), "overhead")


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Wall-clock and processor seconds of some work."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def bare(folder: StudyFolder, chips: int) -> None:
    """The trials without the study around them."""
    stages = Stages(folder.stages)
    for point in folder.study.points:
        subject = folder.study.subject(point)
        test, program = stages.part(subject, "test"), stages.program(subject)
        inputs = stages.network(subject).input_codes(test.features)
        key, numbers = key_of(subject), np.arange(chips)
        simulate(program, subject.chip, key, numbers, inputs, test.lengths)


def empty(number: int) -> int:
    """Does nothing."""
    return number


def through_joblib(trials: int, jobs: int) -> None:
    """As many empty calls."""
    from joblib import Parallel, delayed

    list(Parallel(n_jobs=jobs, batch_size=1)(delayed(empty)(n) for n in range(trials)))


def main() -> None:
    """Measures, prints a line and writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tiny", action="store_true", help="forty trials")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chips = 10 if chosen.tiny else chosen.trials // len(SIGMAS)
    trials = chips * len(SIGMAS)
    with tempfile.TemporaryDirectory() as place:
        folder = open_study(Path(place) / "study", the_study(1))
        run_study(folder, Options(jobs=1))  # trains, and compiles all code
        for ledger in folder.root.glob("ledger/*"):
            ledger.unlink()
        seconds = {
            "bare": timed(lambda: bare(folder, chips)),
            "study": timed(
                lambda: run_study(
                    open_study(folder.root, the_study(chips)), Options(jobs=chosen.jobs)
                )
            ),
            "joblib": timed(lambda: through_joblib(trials, chosen.jobs)),
        }
    overhead = {
        kind: 1000 * (seconds["study"][kind] - seconds["bare"][kind]) / trials
        for kind in ("wall", "processor")
    }
    found: dict[str, Any] = {
        "benchmark": "study_overhead",
        "trials": trials,
        "jobs": chosen.jobs,
        "seconds": seconds,
        "overhead_milliseconds_per_trial": overhead,
        "joblib_milliseconds_per_call": 1000 * seconds["joblib"]["wall"] / trials,
        "machine": platform.processor() or platform.machine(),
        "provenance": provenance(0),
    }
    print(
        f"{trials} trials: {overhead['wall']:.2f} ms a trial added ({overhead['processor']:.2f} ms of "
        f"processor time), bare {1000 * seconds['bare']['wall'] / trials:.2f} ms, joblib alone "
        f"{found['joblib_milliseconds_per_call']:.2f} ms"
    )
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
