"""Where samples come from, block by block: raw PCM, an audio file, a microphone."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
from jaxtyping import Float32

from imssa.data.audio import COMPLETE_FORMATS, require_complete
from imssa.errors import DataError, MissingToolError

if TYPE_CHECKING:
    from io import BufferedReader

STANDARD_INPUT: Final = "-"
MICROPHONE: Final = "mic"
BLOCK_SECONDS: Final = 0.05
FULL_SCALE: Final = 32768.0

AHEAD_SECONDS: Final = 3.0
"""Of a file, looked at before it is heard."""

MOST_WAITING_SECONDS: Final = 10.0
"""Of a microphone's sound that was not taken yet; the oldest of more is dropped."""

Block = Float32[np.ndarray, " samples"]
Lost = Callable[[float], None]
"""Is told of how many seconds of sound were dropped."""


class Audio(NamedTuple):
    """A stream of samples.

    Attributes:
        rate_hertz: Its sampling rate.
        blocks: Samples in -1..1, block by block.
        ahead: The first of them, where they are known beforehand.
    """

    rate_hertz: int
    blocks: Iterator[Block]
    ahead: Block | None = None


@contextmanager
def open_source(name: str, rate_hertz: int, lost: Lost = lambda _: None) -> Iterator[Audio]:
    """Audio by name.

    Args:
        name: "-" for raw 16-bit little-endian mono samples on standard input, "mic", or a file.
        rate_hertz: Sampling rate of standard input and microphone; a file says its own.
        lost: Told of sound that a microphone gave faster than it was taken: times after it are too early
            by as much.

    Raises:
        DataError: No such file, no WAV, FLAC or Ogg file, one that was cut short, several channels, or no
            microphone.
        MissingToolError: A microphone without the library for it.
    """
    if name == STANDARD_INPUT:
        stream = cast("BufferedReader", sys.stdin.buffer)
        _require_raw(stream)
        yield Audio(rate_hertz, pcm_blocks(stream.read1, rate_hertz))
    elif name == MICROPHONE:
        with _microphone(rate_hertz, lost) as blocks:
            yield Audio(rate_hertz, blocks)
    else:
        with _file(Path(name)) as audio:
            yield audio


def pcm_blocks(read: Callable[[int], bytes], rate_hertz: int) -> Iterator[Block]:
    """Samples of a raw stream as they arrive; half a sample at its end is left out.

    Args:
        read: Gives at most so many bytes, as soon as there are any; none at the end.
        rate_hertz: Sampling rate.

    Example:
        >>> import io
        >>> [block.tolist() for block in pcm_blocks(io.BytesIO(bytes([0, 64, 0, 192, 1])).read1, 8000)]
        [[0.5, -0.5]]
    """
    size = 2 * max(1, round(BLOCK_SECONDS * rate_hertz))
    rest = b""
    while content := read(size):
        content = rest + content
        whole = len(content) - len(content) % 2
        rest = content[whole:]
        if whole:
            yield (np.frombuffer(content[:whole], "<i2") / FULL_SCALE).astype(np.float32)


@contextmanager
def _file(path: Path) -> Iterator[Audio]:
    import soundfile

    try:
        if path.is_file() and path.stat().st_size:  # a pipe shows no end before it is there
            with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                require_complete(content, f"--input {path}")
        sound = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        there = path.is_file()
        raise DataError(
            given=f"--input {path}",
            rule="it is no audio file" if there else "there is no such file",
            remedy="Name a WAV, FLAC or OGG file, '-' for raw samples, or 'mic'.",
        ) from error
    with sound:
        if sound.format not in COMPLETE_FORMATS:
            raise DataError(
                given=f"--input {path} in the format {sound.format}",
                rule="WAV, FLAC and Ogg files are listened to, in which a cut is noticed",
                remedy="Convert it.",
            )
        if sound.channels != 1:
            raise DataError(
                given=f"--input {path} with {sound.channels} channels",
                rule="one channel is listened to",
                remedy="Mix it down to mono.",
            )
        size = max(1, round(BLOCK_SECONDS * sound.samplerate))
        yield Audio(sound.samplerate, _blocks_of(sound, size, path), _ahead(sound, path))


def _require_raw(stream: "BufferedReader") -> None:
    """Refuses a stream that begins like a file: its header would be heard, and its rate be another."""
    begin = stream.peek(4)[:4] if hasattr(stream, "peek") else b""
    if begin in {b"RIFF", b"fLaC", b"OggS"}:
        raise DataError(
            given=f"--input - with a stream that begins with {begin.decode()!r}",
            rule="standard input is raw samples without a header",
            remedy="Name /dev/stdin, which is read like a file, or record with `arecord -t raw`.",
        )


def _ahead(sound: Any, path: Path) -> Block | None:
    """The beginning of a file that can be read twice."""
    if not sound.seekable():
        return None
    first = next(_blocks_of(sound, round(AHEAD_SECONDS * sound.samplerate), path), None)
    sound.seek(0)
    return first


def _blocks_of(sound: Any, size: int, path: Path) -> Iterator[Block]:
    import soundfile

    try:
        while len(block := sound.read(size, dtype="float32")):
            yield np.nan_to_num(np.clip(block, -1, 1))
    except soundfile.LibsndfileError as error:
        raise DataError(
            given=f"--input {path}",
            rule="it is damaged",
            remedy="Fetch or record the file again.",
        ) from error


class Waiting:
    """Blocks between a microphone, which does not wait, and who takes them; the oldest give way.

    Args:
        most: Blocks that are kept.

    Example:
        >>> waiting = Waiting(2)
        >>> for value in range(4):
        ...     waiting.put(np.full(1, value, np.float32))
        >>> found = waiting.blocks(lambda lost: print(f"{lost} lost"))
        >>> float(next(found)[0])
        2 lost
        2.0
    """

    def __init__(self, most: int) -> None:
        self._blocks = deque[Block](maxlen=most)
        self._lost = 0
        self._there = threading.Condition()

    def put(self, block: Block) -> None:
        """Adds a block; never waits for room."""
        with self._there:
            self._lost += len(self._blocks) == self._blocks.maxlen
            self._blocks.append(block)
            self._there.notify()

    def blocks(self, lost: Callable[[int], None]) -> Iterator[Block]:
        """Blocks as they come, without end.

        Args:
            lost: Told how many gave way since it was told last.
        """
        while True:
            with self._there:
                while not self._blocks:
                    self._there.wait()
                block, gone, self._lost = self._blocks.popleft(), self._lost, 0
            if gone:
                lost(gone)
            yield block


@contextmanager
def _microphone(rate_hertz: int, told: Lost) -> Iterator[Iterator[Block]]:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise MissingToolError(
            given="--input mic",
            rule="a microphone is read by the library sounddevice, which is not installed",
            remedy="Run `pip install 'imssa[live]'`, or pipe raw samples in: `arecord -t raw -f S16_LE "
            f"-r {rate_hertz} | imssa listen FILE --input - --rate {rate_hertz}`.",
        ) from error
    except OSError as error:  # the library is there, PortAudio is not
        raise _no_microphone(str(error)) from error
    waiting = Waiting(round(MOST_WAITING_SECONDS / BLOCK_SECONDS))

    def arrived(samples: Any, _frames: int, _time: Any, _status: Any) -> None:
        waiting.put(np.array(samples[:, 0], np.float32))

    try:
        device = sounddevice.InputStream(
            samplerate=rate_hertz,
            channels=1,
            dtype="float32",
            blocksize=round(BLOCK_SECONDS * rate_hertz),
            callback=arrived,
        )
    except sounddevice.PortAudioError as error:
        raise _no_microphone(str(error)) from error
    with device:
        yield waiting.blocks(lambda blocks: told(blocks * BLOCK_SECONDS))


def _no_microphone(reason: str) -> DataError:
    return DataError(
        given="--input mic",
        rule=f"no microphone can be opened ({reason})",
        remedy="Name a file, or '-' for raw samples on standard input.",
    )
