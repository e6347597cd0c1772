"""`imssa listen`: files, raw samples, errors."""

import io
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from imssa.crossbar import ProgrammedChips, Stream
from imssa.errors import ShapeError
from imssa.kernels.random import Key
from imssa.models import load_model
from imssa.models.stream import ModelStream
from imssa.program import load_program, save_program
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
        found = words_in(done("listen", network, "--input", file, "--margin", 0, "--json").out)
        assert [round(one["start"], 1) for one in found] == [0.5, 1.3]
        assert {one["label"] for one in found} <= {"zero", "one"}
    shown = done("listen", finished, "--input", file, "--margin", 0, "--figures").out
    assert "2 words in 1.6 s of audio, on the ideal chip" in shown or "2 words in 2.1 s" in shown
    assert "times faster than real time" in shown


def test_what_is_too_long_for_a_word_is_marked(finished: Path, file: Path) -> None:
    asked = ("listen", finished, "--input", file, "--margin", 0, "--longest")
    found = words_in(done(*asked, 0.2, "--json").out)
    assert [one["cut"] for one in found] == [True] * 4  # two words of 0.3 s, in two pieces each
    outcome = call(*asked, 0.2)
    assert all(line.endswith(" cut") for line in outcome.out.splitlines())
    assert "4 words are pieces of sound that went on for longer than a word may" in outcome.err
    for long in (0.35, 2.0):
        usual = call(*asked, long)
        assert len(usual.out.splitlines()) == 2
        assert "cut" not in usual.out + usual.err
    assert "the longest word is longer" in refusal(*asked, 0.1, "--shortest", 0.2)


def test_raw_samples_give_the_same_as_their_file(
    finished: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = done("listen", finished, "--input", file, "--margin", 0, "--json").out
    raw = (np.round(SOUND * 32767).astype("<i2")).tobytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    found = words_in(
        done("listen", finished, "--input", "-", "--rate", 8000, "--margin", 0, "--json").out
    )
    assert [(w["label"], w["start"]) for w in found] == [
        (w["label"], w["start"]) for w in words_in(expected)
    ]


def test_a_chip_with_errors_and_states_that_live_on(finished: Path, file: Path) -> None:
    outcome = done("listen", finished, "--input", file, "--chip", "own", "--figures", "--json")
    assert words_in(outcome.out)[-1]["figures"]["runs_on"].startswith("chip taox-64 with its")
    assert (
        len(
            words_in(
                done(
                    "listen", finished, "--input", file, "--clear", "never", "--margin", 0, "--json"
                ).out
            )
        )
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
    outcome = call("listen", finished, "--input", file, "--margin", 0, "--json")
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
    assert "--hysteresis 4" in refusal(
        "listen", finished, "--input", stereo, "--threshold", 3, "--hysteresis", 4
    )


def test_a_file_that_was_cut_short_is_refused(finished: Path, file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.wav"
    cut.write_bytes(file.read_bytes()[:-100])
    assert "the file is truncated" in refusal("listen", finished, "--input", cut)
    soundfile.write(tmp_path / "whole.aiff", np.zeros(800, np.float32), 8000)
    other = refusal("listen", finished, "--input", tmp_path / "whole.aiff")
    assert "in the format AIFF" in other


def test_a_stream_written_to_a_file_and_a_pipe_are_heard(
    finished: Path, file: Path, tmp_path: Path
) -> None:
    """Whoever wrote the one did not know its length; the other cannot be looked at beforehand."""
    content, piped = file.read_bytes(), tmp_path / "piped.wav"
    place = content.index(b"data") + 4
    (tmp_path / "stream.wav").write_bytes(content[:place] + b"\xff" * 4 + content[place + 4 :])
    os.mkfifo(piped)
    writer = threading.Thread(target=piped.write_bytes, args=(content,))
    writer.start()
    expected = done("listen", finished, "--input", file, "--json").out
    for given in (tmp_path / "stream.wav", piped):
        assert done("listen", finished, "--input", given, "--json").out == expected
    writer.join()


def test_a_word_with_no_silence_before_it_is_heard(finished: Path, tmp_path: Path) -> None:
    """Most recordings of single words begin with the word."""
    path = tmp_path / "word.wav"
    loud = word(300, 0.3)
    path.write_bytes(audio_bytes(np.concatenate([loud, 0.02 * loud[: len(loud) // 2]])))
    assert (
        len(words_in(done("listen", finished, "--input", path, "--json", "--margin", 0).out)) == 1
    )


def test_a_file_on_standard_input_is_refused(
    finished: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(file.read_bytes())))
    monkeypatch.setattr(sys, "stdin", given)
    assert "begins with 'RIFF'" in refusal("listen", finished, "--input", "-")


def test_sound_of_a_lower_rate_is_heard_with_a_warning(finished: Path, tmp_path: Path) -> None:
    low = tmp_path / "low.wav"
    low.write_bytes(audio_bytes(np.zeros(4000, np.float32), 4000))
    assert "has nothing above 2000 Hz" in call("listen", finished, "--input", low).err


def test_a_chip_for_a_float_network_is_refused(finished: Path, file: Path) -> None:
    model = finished / "model.safetensors"
    for chip in ("own", "ideal", "taox-64"):
        words = ("listen", model, "--input", file, "--chip", chip)
        assert "only a program runs on a chip" in refusal(*words)


def test_doubtful_words_are_counted_and_not_shown(finished: Path, file: Path) -> None:
    """Without an option those below 0.75."""
    shown = words_in(done("listen", finished, "--input", file, "--margin", 0, "--json").out)
    margins = sorted(one["margin"] for one in shown)
    assert len(margins) == 2
    assert 0 <= margins[0] < margins[1] <= 1
    between = f"{(margins[0] + margins[1]) / 2:.6f}"
    for given, least in ((("--margin", between), float(between)), ((), 0.75)):
        *words, last = words_in(
            done("listen", finished, "--input", file, *given, "--json", "--figures").out
        )
        assert [w["margin"] for w in words] == [w["margin"] for w in shown if w["margin"] >= least]
        assert last["figures"]["words_below_margin"] == 2 - len(words)


def test_a_program_of_before_says_no_margin(finished: Path, file: Path, tmp_path: Path) -> None:
    program = load_program(finished / "program.safetensors")
    kept = {k: v for k, v in program.preparation.items() if k != "logit_step"}
    assert len(kept) < len(program.preparation)
    old = tmp_path / "old.safetensors"
    save_program(replace(program, preparation=kept), old)
    found = words_in(done("listen", old, "--input", file, "--json").out)
    assert [one["margin"] for one in found] == [None, None]
    message = refusal("listen", old, "--input", file, "--margin", 0.5)
    assert "before programs kept the unit of their scores" in message


def test_the_shortest_word_is_an_option(finished: Path, file: Path) -> None:
    words = ("listen", finished, "--input", file, "--margin", 0, "--shortest", 0.5)
    outcome = done(*words)
    assert not outcome.out
    assert "Lower --threshold or --shortest" in outcome.err


def test_silence_is_told(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    still = tmp_path / "still.wav"
    still.write_bytes(audio_bytes(np.full(16000, 3e-5, np.float32)))
    outcome = done("listen", finished, "--input", still)
    assert not outcome.out
    assert "No word was heard: all 2.0 s were silent, the loudest frame at -" in outcome.err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    nothing = done("listen", finished, "--input", "-", "--rate", 8000, "--json")
    assert "the input held no sound" in nothing.err


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
