"""The line to the controller: one JSON object a line each way, over TCP."""

import json
import socket
from typing import Any

import numpy as np

TIMEOUT_SECONDS = 60.0

Record = dict[str, Any]


class ControllerError(Exception):
    """A controller that cannot be reached, refuses, or breaks off.

    Args:
        given: Which controller, and what it was asked.
        rule: What went wrong.
        remedy: What to do.
    """

    def __init__(self, given: str, rule: str, remedy: str) -> None:
        self.given, self.rule, self.remedy = given, rule, remedy
        super().__init__(f"{given}: {rule}. {remedy}")


class Link:
    """A connection to a controller.

    Args:
        address: ``HOST:PORT``.
    """

    def __init__(self, address: str) -> None:
        self.address, self.asked = address, 0
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host, int(port)), TIMEOUT_SECONDS)
        except (OSError, ValueError, OverflowError) as error:
            given, rule = f"controller at {address!r}", f"it cannot be reached ({error})"
            remedy = "Start it, and name its HOST:PORT."
            raise ControllerError(given, rule, remedy) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")

    def close(self) -> None:
        """Hangs up."""
        self._lines.close()
        self._socket.close()

    def write(self, array: int, contents: Record) -> None:
        """Writes one array; with ``cells`` only these, again."""
        fields = {name: np.asarray(values).tolist() for name, values in contents.items()}
        self._ask({"do": "write", "array": array, **fields})

    def read(self, array: int) -> np.ndarray:
        """Conductances of an array in siemens, (word lines, bit lines)."""
        return np.array(self._ask({"do": "read", "array": array})["siemens"], np.float64)

    def mvm(self, phase: Record, drive: np.ndarray, place: tuple[int, int, int]) -> np.ndarray:
        """ADC codes of a phase's pairs for DAC codes on its word lines."""
        event, step, sequence = place
        lines = {
            name: np.asarray(phase[name]).tolist()
            for name in ("word_lines", "pairs", "full_scale", "full_scale_shift")
        }
        question = {"do": "mvm", "array": phase["array"], "drive": drive.tolist(), **lines}
        where = {"event": event, "step": step, "sequence": sequence}
        codes, pairs = self._ask(question | where)["codes"], len(phase["pairs"])
        if len(codes) != pairs:
            what = f"mvm on array {phase['array']}"
            raise self._error(what, f"it gave {len(codes)} codes for {pairs} pairs")
        return np.array(codes, np.int64)

    def _ask(self, question: Record) -> Record:
        self.asked += 1
        what = f"{question['do']} on array {question['array']}"
        try:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            line = self._lines.readline()
        except TimeoutError as error:
            raise self._error(what, f"no answer within {TIMEOUT_SECONDS:g} seconds") from error
        except OSError as error:
            raise self._error(what, f"the connection broke off ({error})") from error
        if not line.endswith(b"\n"):
            raise self._error(what, "it closed the connection instead of answering")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._error(what, "its answer is no JSON") from error
        if "error" in answer:
            raise self._error(what, f"it refuses: {answer['error']}")
        return dict(answer)

    def _error(self, what: str, rule: str) -> ControllerError:
        return ControllerError(
            f"controller at {self.address}, request {self.asked} ({what})",
            rule,
            "Start the controller again, write the program, and repeat the sequence.",
        )
