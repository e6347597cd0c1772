"""Writing as the loop that it is on a chip: read, compare, pulse, until it is close enough."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from imssa.hardware.law import Bools, Draws, Floats, Surroundings
from imssa.hardware.pulses import Pulse
from imssa.hardware.read_noise import ReadNoise
from imssa.hardware.writing_law import Cells, Outcome, ProgrammingLaw

T = TypeVar("T", bound=np.generic)


class WriteVerifyProgramming(ProgrammingLaw):
    """Reads and pulses each device until the read lies within a tolerance of what is wanted.

    All devices go through the loop side by side; pulse number n of a device is the same whatever
    its neighbours do. A device ends where its *read* is close enough, so noise of the verify read
    stays in what it holds.

    ``verify = "device"`` wants each device at its own target. ``verify = "pair"`` wants the
    difference: the device with the smaller target is written by itself, then the other one is
    pulsed until the difference fits, then (where that failed, as with a stuck device) the first
    one again. So the weight carries one tolerance, not two, and a sound device takes up what a
    stuck partner does wrong, as far as the window reaches.

    Attributes:
        tolerance_siemens: Largest accepted distance of the read from what is wanted.
        verify: What is compared: the single device, or the difference of the pair.
        max_pulses: Pulses for a device (in each turn of a pair) before it is given up as failed.
        start_siemens: Where devices stand before; None: at the bottom of the window.
        pulse: What a pulse does.
        verify_noise: Noise of the verify read; None: it reads exactly.
    """

    law: Literal["write-verify"] = "write-verify"
    tolerance_siemens: float = Field(gt=0)
    verify: Literal["device", "pair"] = "device"
    max_pulses: int = Field(default=100, ge=1, le=10_000)
    start_siemens: float | None = Field(default=None, ge=0)
    pulse: Pulse
    verify_noise: ReadNoise | None = None

    @property
    def spread_siemens(self) -> float:
        """As if errors were uniform within the tolerance; ``imssa chip show`` measures them."""
        share = 6.0 if self.verify == "pair" else 3.0
        return float(self.tolerance_siemens / np.sqrt(share))

    def write(self, cells: Cells, draws: Draws) -> Outcome:
        """Runs the loop over all devices of all chips."""
        if self.verify == "pair":
            return self._write_pairs(cells, draws)
        wanted = ~np.isnan(cells.targets)
        end = self._approach(self._fresh(cells, cells.targets, wanted), draws)
        return Outcome(end.conductance, end.pulses, end.open)

    def misfits(self, chip: Surroundings) -> Iterator[tuple[str, str]]:
        """Tolerance and start must lie inside the window."""
        if self.tolerance_siemens > chip.window_siemens:
            yield "tolerance_siemens", f"must be at most the window's {chip.window_siemens:g} S"
        if self.start_siemens is not None and self.start_siemens > chip.top_siemens:
            yield "start_siemens", f"must be at most g_max_siemens = {chip.top_siemens:g} S"

    def _write_pairs(self, cells: Cells, draws: Draws) -> Outcome:
        even, odd = cells.pairs()
        swap = even.targets > odd.targets  # the larger target is written last
        first, last = _sorted(even, odd, swap), _sorted(odd, even, swap)
        wanted = ~(np.isnan(first.targets) | np.isnan(last.targets))
        weight = last.targets - first.targets
        draws = draws.over(*weight.shape[1:])
        one = self._approach(self._fresh(first, first.targets, wanted), draws.child("first"))
        fresh = self._fresh(last, weight, wanted, one.conductance)
        two = self._approach(fresh, draws.child("last"))
        again = _Turn(
            one.conductance, -weight, two.conductance, first.held, two.open, *_window(cells)
        )
        three = self._approach(again, draws.child("again"))
        return Outcome(
            _joined(three.conductance, two.conductance, swap),
            _joined(one.pulses + three.pulses, two.pulses, swap),
            _joined(three.open, three.open, swap),
        )

    def _fresh(
        self, cells: Cells, wanted: Floats, cared: Bools, partner: Floats | None = None
    ) -> "_Turn":
        start = cells.bottom_siemens if self.start_siemens is None else self.start_siemens
        conductance = np.where(np.isnan(cells.held), start, cells.held)
        return _Turn(conductance, wanted, partner, cells.held, cared, *_window(cells))

    def _approach(self, turn: "_Turn", draws: Draws) -> "_End":
        conductance, still = turn.conductance, turn.cared
        pulses = np.zeros(conductance.shape, np.int32)
        run, direction = np.zeros_like(pulses), np.zeros(conductance.shape)
        mobile = np.isnan(turn.held)
        for number in range(self.max_pulses + 1):
            read = self._read(conductance, draws.child("verify", number))
            wanted = turn.wanted
            if turn.partner is not None:
                wanted = wanted + self._read(turn.partner, draws.child("partner", number))
            still = still & (np.abs(wanted - read) > self.tolerance_siemens)
            if number == self.max_pulses or not still.any():
                break
            aim = np.clip(wanted, turn.bottom_siemens, turn.top_siemens) - read
            run = np.where(np.sign(aim) == direction, run + 1, 0).astype(np.int32)
            direction = np.sign(aim)
            step = self.pulse.step(aim, run, draws.child("pulse", number).normals())
            moved = np.maximum(conductance + step, 0.0)
            conductance = np.where(still & mobile, moved, conductance)
            pulses += still
        return _End(conductance, pulses, still)

    def _read(self, conductance: Floats, draws: Draws) -> Floats:
        if self.verify_noise is None:
            return conductance
        return np.asarray(conductance + self.verify_noise.sigma(conductance) * draws.normals())


@dataclass(frozen=True)
class _Turn:
    """One turn of the loop: devices, and what is wanted of them (besides their partners' reads)."""

    conductance: Floats
    wanted: Floats
    partner: Floats | None
    held: Floats
    cared: Bools
    bottom_siemens: float
    top_siemens: float


@dataclass(frozen=True)
class _End:
    """Where a turn left the devices; open: not within the tolerance."""

    conductance: Floats
    pulses: NDArray[np.int32]
    open: Bools


def _window(cells: Cells) -> tuple[float, float]:
    return cells.bottom_siemens, cells.top_siemens


def _sorted(even: Cells, odd: Cells, swap: Bools) -> Cells:
    """The cells of ``even``, of ``odd`` where swapped."""
    return Cells(
        np.where(swap, odd.targets, even.targets),
        np.where(swap, odd.held, even.held),
        *_window(even),
    )


def _joined(first: NDArray[T], last: NDArray[T], swap: Bools) -> NDArray[T]:
    """Both devices of each pair on neighbouring bit lines again."""
    pairs = np.stack([np.where(swap, last, first), np.where(swap, first, last)], axis=-1)
    return pairs.reshape(*first.shape[:-1], 2 * first.shape[-1])
