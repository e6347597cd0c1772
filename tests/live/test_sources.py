"""A microphone's blocks wait in bounded memory; the oldest give way, and that is told."""

import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from imssa.live.sources import BLOCK_SECONDS, MOST_WAITING_SECONDS, Waiting, open_source


def block(value: float) -> np.ndarray:
    return np.full(4, value, np.float32)


def test_blocks_come_in_order_and_the_oldest_give_way() -> None:
    waiting, lost = Waiting(3), list[int]()
    for value in range(8):
        waiting.put(block(value))
    found = waiting.blocks(lost.append)
    assert [float(next(found)[0]) for _ in range(3)] == [5, 6, 7]
    assert lost == [5]
    waiting.put(block(8))
    assert float(next(found)[0]) == 8
    assert lost == [5]


def test_who_takes_waits_for_the_next() -> None:
    waiting, taken = Waiting(3), list[float]()
    found = waiting.blocks(lambda _: None)
    thread = threading.Thread(target=lambda: taken.append(float(next(found)[0])))
    thread.start()
    waiting.put(block(2))
    thread.join(timeout=20)
    assert taken == [2]


def test_a_slow_listener_is_told_how_much_a_microphone_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A microphone that gives a minute at once, while nobody takes it."""

    class Device:
        def __init__(self, *, blocksize: int, callback: Any, **_: Any) -> None:
            self.size, self.callback = blocksize, callback

        def __enter__(self) -> None:
            for number in range(round(60 / BLOCK_SECONDS)):
                self.callback(np.full((self.size, 1), number), self.size, None, None)

        def __exit__(self, *_: object) -> None:
            pass

    made = SimpleNamespace(InputStream=Device, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    lost = list[float]()
    with open_source("mic", 8000, lost.append) as audio:
        first = next(audio.blocks)
    assert first[0] == (60 - MOST_WAITING_SECONDS) / BLOCK_SECONDS
    assert lost == [60 - MOST_WAITING_SECONDS]
