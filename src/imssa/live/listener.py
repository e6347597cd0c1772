"""Words out of continuous audio, as they are said."""

import time
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from jaxtyping import Float32, Float64

from imssa.data.front_end import prepared
from imssa.data.resampling import Resampler
from imssa.errors import RecipeError
from imssa.live.frames import Frames, FrameStream
from imssa.live.gate import Gate, GateConfig, Stretch
from imssa.live.hearing import Hearing

Clear = Literal["silence", "never"]
AROUND_SECONDS: Final = 0.05
"""Before the first and behind the last loud frame that belong to a word all the same."""
LEAST_MARGIN: Final = 0.75
"""Of a word that is announced, unless the user asks for another: a gap of two logits.

Measured on Speech Commands. Three networks of yes and no, 83 test words each: 96 % of these are kept; of
2285 recordings of the eight other words, 14 % are turned down. A network of ten words, 393 test words:
93 % are kept, and of those turned down three quarters would have been wrong. So the margin removes
doubtful answers; most unknown words it does not know: that takes a class of other words in the training.
"""
CONFIRMING: Final = 2
"""Loud frames after which the gate opens."""


@dataclass(frozen=True)
class Word:
    """What was heard, and when.

    Attributes:
        start: Of the first loud frame, in seconds from the start of the stream.
        end: Of the last loud frame.
        label: The class.
        margin: (p - q) / (p + q) of the probabilities p of the class and q of the next one, which is
            tanh((a - b) / 2) of their logits a and b: 0 to 1; None: the network's file is of before the
            unit of its scores was kept.
        frames: How many the answer is of.
        cut: Whether it is a piece of what went on for longer than a word may: words said without a pause are
            heard as one.
    """

    start: float
    end: float
    label: str
    margin: float | None
    frames: int
    cut: bool = False


@dataclass
class Figures:
    """How fast it was.

    Attributes:
        seconds_heard: Of audio.
        seconds_used: Of computing, from samples to words.
        frames: Frames of the front end.
        words: How many were heard.
        words_cut: How many of them are pieces of what went on for longer than a word may.
        slowest_block_seconds: The longest that one block of samples took.
        loudest_decibel: Of all frames, in dB of full scale; None: there was none.
    """

    seconds_heard: float = 0.0
    seconds_used: float = 0.0
    frames: int = 0
    words: int = 0
    words_cut: int = 0
    slowest_block_seconds: float = 0.0
    loudest_decibel: float | None = None

    @property
    def real_time_factor(self) -> float:
        """Seconds of audio for each second of computing."""
        return self.seconds_heard / self.seconds_used if self.seconds_used else float("inf")

    @property
    def frame_seconds(self) -> float:
        """Mean time that a frame took."""
        return self.seconds_used / self.frames if self.frames else 0.0


@dataclass
class Listener:
    """Samples in, words out; memory does not grow.

    The gate tells words from silence. With ``clear`` "silence" a word is a sequence of its own: states
    and sums begin at zero with its first frame, and what it goes through is the path of a training
    item: the loudest ``max_frames`` frames if it is longer, the mean over its true length. Where
    training items were cut from longer recordings, it is filled up with what was heard around it
    (``Hearing.usual_frames``). A front end with a ``peak_floor`` hears it when it has ended. With
    "never" every frame of the stream is a step: states leak from word to word and only the sums begin
    anew; no frame is cut out or filled in.

    Args:
        hearing: The network.
        rate_hertz: Sampling rate of what is fed; it is brought to the network's own.
        gate: Thresholds.
        clear: When states are cleared.
        ahead: The first samples, where they are known beforehand: their quietest frame is the noise floor as
            the stream begins, so that a word with no silence before it is heard.

    Attributes:
        figures: How fast it was so far.
    """

    hearing: Hearing
    rate_hertz: int
    gate: GateConfig = field(default_factory=GateConfig)
    clear: Clear = "silence"
    ahead: Float32[np.ndarray, " samples"] | None = None
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        hearing = self.hearing
        self._resampler = Resampler(self.rate_hertz, hearing.rate_hertz)
        self._stream = FrameStream(hearing.front_end, hearing.rate_hertz)
        self._hop = self._stream.hop / hearing.rate_hertz
        self._gate = Gate(self.gate, self._hop, self._quietest())
        self._around = max(1, round(AROUND_SECONDS / self._hop))
        self._streams = hearing.front_end.peak_floor is None
        if self.clear == "never":
            self._require_steps()
        most = hearing.front_end.max_frames
        held = self._gate.longest + self._gate.hang + most + 2 * self._around + 8
        self._ring = np.zeros((held, len(hearing.normalization.mean)), np.float32)
        self._frames = 0
        self._first, self._pushed, self._free = 0, 0, 0
        hearing.network.restart()

    def _quietest(self) -> float | None:
        """Level of the quietest of the first frames; None: they are not known, or there is none."""
        if self.ahead is None:
            return None
        hearing = self.hearing
        samples = Resampler(self.rate_hertz, hearing.rate_hertz).push(self.ahead)
        levels = FrameStream(hearing.front_end, hearing.rate_hertz).push(samples)[1]
        return float(levels.min()) if len(levels) else None

    def _require_steps(self) -> None:
        """Sees to it that each frame can be a step when it is heard, in words that are short enough."""
        if not self._streams:
            raise RecipeError(
                given="--clear never with a network whose front end has a peak_floor",
                rule="it hears a word against its loudest frame, which is known at the word's end",
                remedy="Use --clear silence.",
            )
        limit = self.hearing.network.max_frames
        if limit is not None:
            self._gate.longest = min(self._gate.longest, limit - 2 * self._around)
            if self._gate.longest < self._gate.shortest:
                raise RecipeError(
                    given=f"--clear never with a network for at most {limit} steps",
                    rule="no word with what stands around it is that short",
                    remedy="Use --clear silence.",
                )

    def feed(self, samples: Float32[np.ndarray, " samples"]) -> list[Word]:
        """Takes the next samples; gives the words that end with them."""
        begin = time.perf_counter()
        words = self._frames_in(self._stream.push(self._resampler.push(samples)))
        self._count(len(samples), words, time.perf_counter() - begin)
        return words

    def finish(self) -> list[Word]:
        """Ends the stream; gives the word that was open."""
        begin = time.perf_counter()
        words = self._frames_in(self._stream.push(self._resampler.finish()))
        words += self._frames_in(self._stream.finish())
        stretch = self._gate.close()
        words += [] if stretch is None else [self._word(stretch)]
        self._count(0, words, time.perf_counter() - begin)
        return words

    def _count(self, samples: int, words: list[Word], seconds: float) -> None:
        figures = self.figures
        figures.seconds_heard += samples / self.rate_hertz
        figures.seconds_used += seconds
        figures.frames = self._frames
        figures.words += len(words)
        figures.words_cut += sum(word.cut for word in words)
        figures.slowest_block_seconds = max(figures.slowest_block_seconds, seconds)

    def _frames_in(self, found: Frames) -> list[Word]:
        words = list[Word]()
        if len(found[1]):
            loudest, before = float(found[1].max()), self.figures.loudest_decibel
            self.figures.loudest_decibel = loudest if before is None else max(loudest, before)
        for frame, level in zip(*found, strict=True):
            self._ring[self._frames % len(self._ring)] = frame
            self._frames += 1
            closed = self._gate.begin is None
            stretch = self._gate.push(float(level))
            if closed and self._gate.begin is not None:
                self._open(self._gate.begin)
            if stretch is not None:
                words.append(self._word(stretch))
            self._advance()
        return words

    def _open(self, begin: int) -> None:
        """A word begins: with the frames just before, as far as they belong to no other word."""
        self._first = max(begin - self._around, self._free, 0)
        if self.clear == "silence":
            self.hearing.network.restart()
            self._pushed = self._first
        else:
            self._push_to(self._first)
            self.hearing.network.begin()

    def _advance(self) -> None:
        """Runs the steps that are sure to belong where they are."""
        limit = self.hearing.network.max_frames
        if self._gate.begin is not None and self._streams:
            end = min(self._gate.last + 1 + self._around, self._frames)
            if self.clear == "silence" and limit is not None:
                end = min(end, self._first + limit)
            self._push_to(end)
        elif self.clear == "never":
            self._push_to(self._frames - self._around - CONFIRMING)

    def _push_to(self, end: int) -> None:
        if end > self._pushed:
            self._run(self._between(self._pushed, end))
            self._pushed = end

    def _run(self, frames: Float32[np.ndarray, "frames features"]) -> None:
        norm = self.hearing.normalization
        self.hearing.network.push((frames - norm.mean) / norm.std)

    def _between(self, begin: int, end: int) -> Float32[np.ndarray, "frames features"]:
        """Kept frames, by number."""
        return np.asarray(self._ring[np.arange(begin, end) % len(self._ring)])

    def _word(self, stretch: Stretch) -> Word:
        """The answer of the stretch that has just ended."""
        end = min(stretch.end + self._around, self._frames)
        frames = end - self._first
        if self.clear == "never":
            self._push_to(end)
        else:
            frames = self._clip(end)
        self._free = stretch.end
        scores = self.hearing.network.scores()
        label = self.hearing.class_names[int(scores.argmax())]
        last = (stretch.end - 1) * self._hop + self._stream.frame / self.hearing.rate_hertz
        margin = self._margin(scores)
        return Word(stretch.begin * self._hop, last, label, margin, frames, stretch.cut)

    def _margin(self, scores: Float64[np.ndarray, " classes"]) -> float | None:
        unit, (second, first) = self.hearing.network.logit_step, np.sort(scores)[-2:]
        return None if unit is None else float(np.tanh(unit * (first - second) / 2))

    def _clip(self, end: int) -> int:
        """Sees to it that the network has run exactly the clip; gives its frames."""
        begin, end = self._filled(self._first, end)
        most = self.hearing.front_end.max_frames
        if (begin, end) == (self._first, self._pushed) and end - begin <= most:
            return end - begin
        chosen = prepared(self._between(begin, end), self.hearing.front_end)
        self.hearing.network.restart()
        self._run(chosen)
        return len(chosen)

    def _filled(self, begin: int, end: int) -> tuple[int, int]:
        """A stretch with as much around it as its training had, as far as that was heard."""
        missing = self.hearing.usual_frames - (end - begin)
        if missing <= 0:
            return begin, end
        end = min(end + (missing + 1) // 2, self._frames)
        oldest = max(self._free, self._frames - len(self._ring), 0)
        return min(begin, max(end - self.hearing.usual_frames, oldest)), end
