"""Several processes train what one trains; they share each batch, and one of them writes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from imssa.kernels.random import Key
from imssa.training import distributed, read_log
from tests.cli.calls import done, tiny
from tests.training.samples import CONFIG, PARTS, trained

CHANGES = (
    "float_training.epochs=3",
    "float_training.batch_size=35",
    "quantized_training.epochs=1",
    "quantized_training.batch_size=35",
    "data.augmentation.noise_std=0.1",
    "data.validation_share=0.15",
    "evaluation.compare=[]",
    "quantization.noise.programming=false",
    "quantization.noise.read_noise=false",
)
"""456 sequences: the last batch has one, so that one of two processes has none."""


def torchrun(*words: str) -> "subprocess.CompletedProcess[str]":
    """The command line in two processes."""
    launcher = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "imssa", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    done("train", *tiny(one, *CHANGES), "--quiet")
    outcome = torchrun("train", *tiny(two, *CHANGES))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == [str(two / "model.safetensors")]
    assert outcome.stderr.count("train 3/3: loss") == 1
    theirs, ours = load_file(two / "model.safetensors"), load_file(one / "model.safetensors")
    for name, expected in ours.items():
        np.testing.assert_allclose(theirs[name], expected, rtol=1e-4, atol=1e-5, err_msg=name)
    assert any(not np.array_equal(theirs[name], ours[name]) for name in ours), "one worked alone"
    assert_same_course(one / "training.jsonl", two / "training.jsonl", 1e-4)


@pytest.mark.proof
@pytest.mark.slow
def test_two_processes_train_in_codes_what_one_does(tmp_path: Path) -> None:
    """From the same float network; the recurrence's own backward pass under data parallel."""
    one, two = tmp_path / "one", tmp_path / "two"
    done("train", *tiny(one, *CHANGES), "--quiet")
    shutil.copytree(one, two)
    done("quantize", "--out", one, "--quiet")
    outcome = torchrun("quantize", "--out", str(two), "--quiet")
    assert outcome.returncode == 0, outcome.stderr
    name = "quantized-training.jsonl"
    assert_same_course(one / name, two / name, 1e-3)


def assert_same_course(expected: Path, found: Path, tolerance: float) -> None:
    """Equal losses and gradients at each epoch, to float tolerance."""
    for theirs, ours in zip(read_log(expected), read_log(found), strict=True):
        for key in ("train_loss", "validation_loss", "gradient_norm"):
            assert ours[key] == pytest.approx(theirs[key], rel=tolerance)


@pytest.mark.parametrize("items", [1, 2, 3, 31, 32])
@pytest.mark.parametrize("processes", [2, 3, 4])
def test_shares_make_up_the_batch(
    items: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean of weight times mean over a share is the mean over the batch."""
    values = np.random.default_rng(items).normal(size=items)
    means, places = [], []
    monkeypatch.setattr(distributed, "joined", lambda: True)
    monkeypatch.setattr(distributed, "count", lambda: processes)
    for number in range(processes):
        monkeypatch.setattr(distributed, "rank", lambda n=number: n)
        mine, weight = distributed.share(items)
        means.append(weight * values[mine].mean())
        places += [int(place) for place in mine] if weight else []
    assert np.mean(means) == pytest.approx(values.mean())
    assert sorted(places) == list(range(items))


def test_statistics_are_agreed_on_without_validation_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each process would keep those of its own last share."""
    agreed: list[object] = []
    monkeypatch.setattr("imssa.training.loop.agree_on_buffers", agreed.append)
    trained(parts=(PARTS[0], PARTS[1].subset([])))
    assert len(agreed) == CONFIG.epochs


def test_one_process_has_all() -> None:
    mine, weight = distributed.share(5)
    assert (mine.tolist(), weight) == ([0, 1, 2, 3, 4], 1.0)
    assert distributed.total(0.1, 2.0) == [0.1, 2.0]
    assert distributed.own_key(Key.root(1)) == Key.root(1)
    assert distributed.leads()


@pytest.mark.parametrize(
    ("variables", "launched"),
    [
        ({}, False),
        ({"RANK": "1", "WORLD_SIZE": "2"}, False),
        ({"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, False),
        ({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"}, True),
    ],
)
def test_a_launcher_is_recognized(
    variables: dict[str, Any], launched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in distributed.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert distributed.launched() == launched
    assert distributed.leads() == (not launched)
