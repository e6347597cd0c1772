"""Words out of a stream: the answers of the network on the same frames cut out offline."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from imssa.data import FrontEndConfig, log_mel
from imssa.data.front_end import prepared
from imssa.errors import RecipeError
from imssa.live import GateConfig, Listener, Word
from tests.data.samples import recording
from tests.live.listening import FRONT_END, RATE, hearing, model, speech, word

WORDS = [word(300, 0.2), word(900, 0.3), word(2500, 0.35), word(700, 0.7), word(1500, 0.1)]


def heard(listener: Listener, samples: np.ndarray, block: int = 400) -> list[Word]:
    found = []
    for at in range(0, len(samples), block):
        found += listener.feed(samples[at : at + block])
    return found + listener.finish()


def offline(
    samples: np.ndarray, begin: int, frames: int, front_end: FrontEndConfig = FRONT_END
) -> str:
    """The network on frames of the whole stream, as a batch of one clip."""
    features = log_mel(recording(samples), front_end)[begin : begin + frames]
    kept = prepared(features, front_end)
    given = torch.from_numpy((kept + 10) / 4)[None]
    with torch.no_grad():
        answer = int(model()(given, torch.tensor([len(kept)])).argmax())
    return ("low", "middle", "high")[answer]


@pytest.mark.parametrize("block", [1, 80, 400, 10**6])
def test_words_are_found_where_they_are(block: int) -> None:
    samples = speech(WORDS if block > 1 else WORDS[:1])
    found = heard(Listener(hearing(), RATE), samples, block)
    at, expected = 0.5, []
    for one in WORDS if block > 1 else WORDS[:1]:
        seconds = len(one) / RATE
        expected.append((at, at + seconds))
        at += seconds + 0.5
    assert len(found) == len(expected)
    for heard_word, (start, end) in zip(found, expected, strict=True):
        assert abs(heard_word.start - start) <= 0.025
        assert abs(heard_word.end - end) <= 0.025


def test_a_word_is_answered_as_the_same_frames_in_a_clip() -> None:
    samples = speech(WORDS)
    for one in heard(Listener(hearing(), RATE), samples):
        first, last = round(one.start / 0.01) - 5, round((one.end - 0.025) / 0.01) + 6
        assert one.frames == min(last - first, 40)
        assert one.label == offline(samples, first, last - first)
        assert one.margin is not None
        assert 0 <= one.margin <= 1


def test_with_a_peak_floor_a_word_is_answered_at_its_end_whatever_its_level() -> None:
    front_end = FRONT_END.model_copy(update={"floor_power": 1e-14, "peak_floor": 1e-2})
    samples = speech(WORDS)
    loud = heard(Listener(hearing(front_end=front_end), RATE), samples)
    soft = heard(Listener(hearing(front_end=front_end), RATE), samples / 8)
    assert [_times(one) for one in soft] == [_times(one) for one in loud]
    for one, other in zip(loud, soft, strict=True):
        first, last = round(one.start / 0.01) - 5, round((one.end - 0.025) / 0.01) + 6
        assert one.label == other.label == offline(samples, first, last - first, front_end)
        assert one.margin is not None
        assert one.margin == pytest.approx(other.margin, abs=1e-4)
    usual, quiet = (heard(Listener(hearing(), RATE), by * samples)[0].margin for by in (1, 0.125))
    assert usual != pytest.approx(quiet, abs=1e-4)


def test_a_peak_floor_does_not_go_with_steps_as_they_come() -> None:
    front_end = FRONT_END.model_copy(update={"peak_floor": 1e-5})
    with pytest.raises(RecipeError, match=r"--clear never .* known at the word's end"):
        Listener(hearing(front_end=front_end), RATE, clear="never")


def test_states_are_cleared_between_words_unless_asked_otherwise() -> None:
    """The same word after others: the same answer, to the last bit of the margin."""
    samples = speech([WORDS[0], WORDS[2], WORDS[1], WORDS[0]])
    period = 400
    cleared = heard(Listener(hearing(), RATE), samples, period)
    kept = heard(Listener(hearing(), RATE, clear="never"), samples, period)
    assert [w[:2] for w in map(_times, cleared)] == [w[:2] for w in map(_times, kept)]
    assert cleared[0].margin != kept[0].margin
    assert next(one.label for one in cleared) == cleared[3].label


def _times(one: Word) -> tuple[float, float]:
    return one.start, one.end


def test_words_known_with_their_surroundings_are_filled_up() -> None:
    samples = speech(WORDS[:3])
    full = heard(Listener(hearing(trained=(40, 40, 40)), RATE), samples)
    bare = heard(Listener(hearing(trained=(10, 20, 40)), RATE), samples)
    assert [one.frames for one in full] == [40, 40, 40]
    assert bare[0].frames < 35


def test_another_rate_is_brought_to_the_networks_own() -> None:
    samples = speech(WORDS[:3])
    doubled = np.repeat(samples, 2)
    plain = heard(Listener(hearing(), RATE), samples)
    found = heard(Listener(hearing(), 2 * RATE), doubled)
    assert len(found) == len(plain)
    assert max(abs(a.start - b.start) for a, b in zip(found, plain, strict=True)) <= 0.02


def test_memory_and_figures() -> None:
    listener = Listener(hearing(), RATE)
    held = listener._ring.nbytes
    heard(listener, speech(WORDS[:2]))
    assert listener._ring.nbytes == held
    figures = listener.figures
    assert figures.words == 2
    assert figures.frames == pytest.approx(figures.seconds_heard * 100, abs=3)
    assert figures.real_time_factor > 0
    assert figures.loudest_decibel is not None
    # a sine of amplitude 0.3 has a power of 0.045; bands overlap to less than 1
    assert abs(figures.loudest_decibel - 10 * np.log10(0.045)) < 3


def test_the_margin_is_that_of_the_probabilities() -> None:
    """(p - q) / (p + q) of the two likeliest classes, by SciPy's softmax of the logits."""
    listener = Listener(hearing(), RATE)
    for one in heard(listener, speech(WORDS[:1])):
        logits = listener.hearing.network.scores()
        q, p = np.sort(softmax(logits))[-2:]
        assert one.margin == pytest.approx((p - q) / (p + q), rel=1e-9)


def test_the_shortest_word_can_be_set() -> None:
    gate = GateConfig(shortest_seconds=0.25)
    found = heard(Listener(hearing(), RATE, gate), speech(WORDS))
    assert len(found) == 3  # of 0.2, 0.3, 0.35, 0.7 and 0.1 s
    assert all(one.end - one.start >= 0.25 for one in found)


def test_silence_and_nothing_give_no_word() -> None:
    assert heard(Listener(hearing(), RATE), np.zeros(4000, np.float32)) == []
    assert Listener(hearing(), RATE).finish() == []
