"""`imssa listen`: files, raw samples, errors."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imssa.crossbar import ProgrammedChips, Stream
from imssa.errors import ShapeError
from imssa.kernels.random import Key
from imssa.models import load_model
from imssa.models.stream import ModelStream
from imssa.program import load_program
from tests.cli.calls import call, done, refusal
from tests.data.samples import audio_bytes
from tests.live.listening import speech, word

SOUND = speech([word(300, 0.3), word(1200, 0.3)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    path.write_bytes(audio_bytes(SOUND))
    return path


def words_in(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_file_gives_one_line_a_word(finished: Path, file: Path) -> None:
    for network in (finished, finished / "program.safetensors", finished / "model.safetensors"):
        found = words_in(done("listen", network, "--input", file, "--json").out)
        assert [round(one["start"], 1) for one in found] == [0.5, 1.3]
        assert {one["label"] for one in found} <= {"zero", "one"}
    shown = done("listen", finished, "--input", file, "--figures").out
    assert "2 words in 1.6 s of audio, on the ideal chip" in shown or "2 words in 2.1 s" in shown
    assert "times faster than real time" in shown


def test_raw_samples_give_the_same_as_their_file(
    finished: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = done("listen", finished, "--input", file, "--json").out
    raw = (np.round(SOUND * 32767).astype("<i2")).tobytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    found = words_in(done("listen", finished, "--input", "-", "--rate", 8000, "--json").out)
    assert [(w["label"], w["start"]) for w in found] == [
        (w["label"], w["start"]) for w in words_in(expected)
    ]


def test_a_chip_with_errors_and_states_that_live_on(finished: Path, file: Path) -> None:
    outcome = done("listen", finished, "--input", file, "--chip", "own", "--figures", "--json")
    assert words_in(outcome.out)[-1]["figures"]["runs_on"].startswith("chip taox-64 with its")
    assert (
        len(words_in(done("listen", finished, "--input", file, "--clear", "never", "--json").out))
        == 2
    )


def test_interrupt_ends_cleanly(
    finished: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imssa.live import Listener

    real, calls = Listener.feed, [0]

    def feed(self: Listener, samples: np.ndarray) -> Any:
        calls[0] += 1
        if calls[0] > 20:
            raise KeyboardInterrupt
        return real(self, samples)

    monkeypatch.setattr(Listener, "feed", feed)
    outcome = call("listen", finished, "--input", file, "--json")
    assert outcome.code == 0
    assert len(words_in(outcome.out)) == 1


def test_wrong_input_is_refused(finished: Path, tmp_path: Path) -> None:
    text = tmp_path / "x.wav"
    text.write_text("no sound")
    stereo = tmp_path / "s.wav"
    stereo.write_bytes(audio_bytes(np.zeros((100, 2), np.float32)))
    assert "no audio file" in refusal("listen", finished, "--input", text)
    assert "no such file" in refusal("listen", finished, "--input", tmp_path / "none.wav")
    assert "with 2 channels" in refusal("listen", finished, "--input", stereo)
    assert "neither a program nor a model" in refusal(
        "listen", finished / "quantized.safetensors", "--input", stereo
    )
    assert "closes at 0 dB" in refusal(
        "listen", finished, "--input", stereo, "--threshold", 3, "--hysteresis", 4
    )


def test_a_microphone_needs_its_library(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert "imssa[live]" in refusal("listen", finished, "--input", "mic")


def test_a_new_window_clears_the_sums_and_keeps_the_states(finished: Path) -> None:
    """`begin` after so many steps is a window of so many steps."""
    program = load_program(finished / "program.safetensors")
    chips = ProgrammedChips(program, program.chip.only(), Key.root(0), np.zeros(1, np.int64))
    codes = np.random.default_rng(0).integers(-90, 90, (14, program.register("input").size))
    windowed, begun = Stream(chips, window=8), Stream(chips, window=program.max_length)
    windowed.push(codes)
    begun.push(codes[:8])
    begun.begin()
    with pytest.raises(ShapeError, match="without a step"):
        begun.answer()
    begun.push(codes[8:])
    assert (begun.scores() == windowed.scores()).all()

    model, _ = load_model(finished / "model.safetensors")
    features = np.random.default_rng(1).standard_normal((14, model.config.n_features))
    one, other = ModelStream(model, window=8), ModelStream(model)
    one.push(features)
    other.push(features[:8])
    other.begin()
    other.push(features[8:])
    assert np.abs(one.logits() - other.logits()).max() < 1e-12
