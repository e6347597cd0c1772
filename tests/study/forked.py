"""A study in a process of its own, which has all libraries from the start and can be killed."""

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.study.results import lines

PATIENCE_SECONDS = 120.0


def forked(work: Callable[[], object]) -> int:
    """Starts some work in a copy of this process; gives its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001  # told, then the copy ends
        traceback.print_exc()
    finally:
        os._exit(1)


def waited(child: int) -> int:
    """Exit code, or the signal that ended it below zero."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_after(child: int, root: Path, more: int, delay: float) -> int:
    """Kills a study once its ledgers have grown by some lines; gives how many they have then."""
    wanted, until = lines(root) + more, time.monotonic() + PATIENCE_SECONDS
    while lines(root) < wanted and time.monotonic() < until:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return lines(root)
