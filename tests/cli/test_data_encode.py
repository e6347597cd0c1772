"""imssa data encode: from a folder to a file, and its refusals."""

from pathlib import Path

import h5py
import numpy as np

from tests.cli.calls import done, refusal
from tests.ear.samples import write, write_digits, write_words

EAR = ("--channels", 30, "--highest", 6000)


def test_help_of_the_group_and_the_command() -> None:
    assert "encode" in done("data", "--help").out
    outcome = done("data", "encode", "-h")
    assert "Spiking Heidelberg" in " ".join(outcome.out.split())
    assert "--json" in outcome.out


def test_from_a_folder_to_a_file(tmp_path: Path) -> None:
    folder, out = write_words(tmp_path / "words"), tmp_path / "made" / "spikes.h5"
    plan = done("data", "encode", folder, "--out", out, *EAR, "--dry-run", "--json").value
    assert plan["recordings"] == 5
    assert plan["classes"] == ["high", "low"]
    assert not out.exists()
    found = done("data", "encode", folder, "--out", out, *EAR, "--json").value
    assert found["file"] == str(out)
    assert found["recordings"] == len(found["spikes"]) == 5
    with h5py.File(out) as file:
        assert [len(units) for units in file["spikes/units"]] == found["spikes"]
        assert max(int(units.max()) for units in file["spikes/units"]) < 30


def test_words_say_what_was_done(tmp_path: Path) -> None:
    folder, out = write_digits(tmp_path / "digits"), tmp_path / "spikes.h5"
    write(folder / "1_theo_0.wav", np.zeros(100))
    options = (*EAR, "--skip-unusable", "--float32", "--as-recorded")
    outcome = done("data", "encode", folder, "--out", out, *options)
    assert f"{out}: 4 recordings of 0.8 s, 10 classes, 2 speakers" in outcome.out
    assert "left out: " in outcome.out
    assert "encode 4/4" in outcome.err
    kept = out.read_bytes()
    assert "there is such a file already" in refusal("data", "encode", folder, "--out", out, *EAR)
    assert out.read_bytes() == kept
    again = done("data", "encode", folder, "--out", out, *options, "--force", "--dry-run")
    assert "would encode 4 recordings" in again.out


def test_refusals(tmp_path: Path) -> None:
    folder, out = write_words(tmp_path / "words"), tmp_path / "spikes.h5"
    assert "not a folder" in refusal("data", "encode", tmp_path / "no", "--out", out)
    assert "channels = 0" in refusal("data", "encode", folder, "--out", out, "--channels", 0)
    message = refusal("data", "encode", folder, "--out", out, "--highest", 9000)
    assert "at 16000 Hz with channels up to 9000 Hz" in message
    assert "it lies from -120 to 0" in refusal("data", "encode", folder, "--out", out, "--level", 3)
    blocked = folder / "README.md" / "spikes.h5"
    assert "cannot be written" in refusal("data", "encode", folder, "--out", blocked, *EAR)
    assert not out.exists()
