"""ngspice as the outside judge of Y: runs the program on a netlist and compares currents."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from imssa.circuit.arrays import Floats
from imssa.circuit.netlist import netlist
from imssa.circuit.rawfile import read_raw
from imssa.circuit.segments import checked_values
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Wires
from imssa.errors import CheckFailedError, FileFormatError, MissingToolError

PROGRAM: Final = "ngspice"
TIMEOUT_SECONDS: Final = 900.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Bit-line currents by Y and by ngspice.

    Attributes:
        ours_ampere: ``drive @ Y``, (bit_lines,).
        ngspice_ampere: The same by ngspice, (bit_lines,).
    """

    ours_ampere: Floats
    ngspice_ampere: Floats

    @property
    def largest_relative_error(self) -> float:
        """Largest difference, relative to the largest current of the array by ngspice.

        An array without any current has 0 if both agree on that, and infinity if not.
        """
        difference = float(np.abs(self.ours_ampere - self.ngspice_ampere).max())
        largest = float(np.abs(self.ngspice_ampere).max())
        if largest == 0.0:
            return 0.0 if difference == 0.0 else float("inf")
        return difference / largest


def find_ngspice() -> Path:
    """Where ngspice is.

    Raises:
        MissingToolError: It is not on the search path.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise MissingToolError(
            given="ngspice, which is not on the search path",
            rule="the comparison with a circuit simulator runs the program ngspice",
            remedy="Install it, on Debian or Ubuntu: apt install ngspice",
        )
    return Path(found)


def solve_netlist(
    text: str,
    bit_lines: int,
    *,
    program: Path | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Floats:
    """Bit-line currents of a netlist by ngspice.

    Args:
        text: A netlist of ``imssa.circuit.netlist``.
        bit_lines: How many currents i(vs0), i(vs1), ... to read.
        program: The ngspice program; the one on the search path if None.
        timeout_seconds: When to give up.

    Returns:
        Currents in ampere, (bit_lines,).

    Raises:
        MissingToolError: ngspice is not installed.
        CheckFailedError: ngspice failed, with its own message, or took too long.
        FileFormatError: It wrote a file that cannot be read or lacks a current.
    """
    executable = find_ngspice() if program is None else program
    with tempfile.TemporaryDirectory(prefix="imssa-ngspice-") as folder:
        circuit, raw = Path(folder, "array.cir"), Path(folder, "array.raw")
        circuit.write_text(text, encoding="ascii")
        messages = _run(executable, circuit, raw, timeout_seconds)
        if not raw.is_file():
            raise _failed(how="without a result", messages=messages)
        vectors = read_raw(raw.read_bytes(), "ngspice's raw file")
    names = [f"i(vs{j})" for j in range(bit_lines)]
    missing = [name for name in names if name not in vectors]
    if missing and _faults(messages):
        raise _failed(how=f"without {missing[0]}", messages=messages)
    if missing:
        raise FileFormatError(
            given=f"ngspice's raw file without {missing[0]}",
            rule="the netlist asks for the current of each bit line",
            remedy="Compare a netlist that imssa wrote, with its number of bit lines",
        )
    return np.array([vectors[name][-1] for name in names])


def compare(
    conductance_siemens: NDArray[Any],
    wires: Wires,
    drive_volt: NDArray[Any],
    *,
    driven: NDArray[Any] | None = None,
    read: NDArray[Any] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Comparison:
    """Bit-line currents of one array and drive, by Y and by ngspice.

    Args:
        conductance_siemens: Devices, (word_lines, bit_lines).
        wires: The wires.
        drive_volt: Word-line voltages, (word_lines,).
        driven: Word lines that this phase drives, as in ``transfer_matrix``.
        read: Bit lines that this phase reads, as in ``transfer_matrix``.
        timeout_seconds: When to give up on ngspice.

    Raises:
        ImssaError: What ``netlist`` and ``solve_netlist`` raise.
    """
    text = netlist(conductance_siemens, wires, drive_volt, driven=driven, read=read)
    matrix = transfer_matrix(conductance_siemens, wires, driven=driven, read=read)
    drive = checked_values("drive", drive_volt, matrix.shape[:1])
    theirs = solve_netlist(text, matrix.shape[1], timeout_seconds=timeout_seconds)
    return Comparison(drive @ matrix, theirs)


def _run(executable: Path, circuit: Path, raw: Path, timeout_seconds: float) -> str:
    """Run in batch mode, without the user's start-up files; what it said."""
    command = [str(executable), "-n", "-b", "-r", raw.name, circuit.name]
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command,
            cwd=circuit.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(how=f"after {timeout_seconds:g} s, unfinished", messages="") from None
    except OSError as error:
        raise MissingToolError(
            given=f"ngspice at {executable} ({error.strerror})",
            rule="the program must be there and be allowed to run",
            remedy="Install it, on Debian or Ubuntu: apt install ngspice",
        ) from error
    messages = f"{done.stdout}\n{done.stderr}"
    if done.returncode != 0:
        raise _failed(how=f"with exit status {done.returncode}", messages=messages)
    return messages


def _failed(*, how: str, messages: str) -> CheckFailedError:
    said = [line.strip() for line in messages.splitlines() if line.strip()]
    told = " | ".join((_faults(messages) or said)[:3])
    return CheckFailedError(
        given=f"ngspice ended {how}" + (f", saying {told!r}" if told else ""),
        rule="it must solve the netlist of the array",
        remedy="Write the netlist (imssa netlist) and run ngspice -b on it to see all messages",
    )


def _faults(messages: str) -> list[str]:
    """Lines in which ngspice says that something failed."""
    said = (line.strip() for line in messages.splitlines())
    return [line for line in said if "error" in line.lower() or "singular" in line.lower()]
