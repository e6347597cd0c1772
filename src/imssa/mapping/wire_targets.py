"""Targets under which an array with wires holds the weights: its transfer matrix, not its devices.

Lines with resistance take current away, more from cells far off (DESIGN section 7). Bit-line currents
are I = Y V with a transfer matrix Y of all conductances together, so the targets G are corrected until
Y(G) holds what the codes ask for::

    G <- G + (s W - W(Y(G))),   W(Y)_ij = Y_i,2j - Y_i,2j+1

on the device that the sign of the weight chooses. A weight at the top of the window cannot be raised:
each pair j holds its weights times the largest share s_j <= 1 at which all its devices stay inside,
and the update (or output) multipliers that follow its ADC are divided by s_j. The share is the same
for all cells of a pair, so what is left is a gain, which is digital; without that division the pair's
codes are smaller by s_j, for `imssa.deployment.recalibrate` to find.

Writing with the circuit in the loop: Hu et al., DAC 2016 (dot-product engine), there for one array and
a single set of inputs; here with shares, stuck devices and one Y a phase where idle lines float.
"""

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int8

from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.wires import Wires
from imssa.errors import DesignRuleError
from imssa.hardware.defect_map import DefectMap
from imssa.hardware.defects import OPEN, SOUND, STUCK_HIGH
from imssa.hardware.description import ChipDescription
from imssa.hardware.pairs import pair_targets
from imssa.kernels.codes import MULTIPLIER_BITS, snap_gain
from imssa.program.operations import Add, MatMul, Operation, Phase, Requantize
from imssa.program.program import ArrayContents, Program

ROUNDS: Final = 12
LEAST_SHARE: Final = 0.25
"""No pair gives up more of its range than down to this share; farther cells keep an error."""

ENOUGH: Final = 1e-4
"""Rounds end when no weight of sound devices is off by more than this share of the window."""

Devices = Float64[np.ndarray, "word_lines bit_lines"]
Pairs = Float64[np.ndarray, "word_lines pairs"]
Shares = Float64[np.ndarray, " pairs"]
Factors = dict[str, Float64[np.ndarray, " _"]]
"""By register."""
Mask = Bool[np.ndarray, "word_lines pairs"]


@dataclass(frozen=True, eq=False)
class WiredArray:
    """One array whose targets were made for its wires.

    Attributes:
        shares: Share of its weights that each pair holds.
        before: Relative error (2-norm) of the weights that the array would hold by its codes.
        gained: The same if the best gain of each pair were made up for: what digital gains alone reach.
        after: The same by the new targets, against the weights times their shares.
    """

    shares: Shares
    before: float
    gained: float
    after: float


@dataclass(frozen=True, eq=False)
class Wired:
    """A program whose targets were made for wires.

    Attributes:
        program: The program.
        arrays: What was reached on each array.
    """

    program: Program
    arrays: tuple[WiredArray, ...]


def for_wires(
    program: Program, defects: DefectMap | None = None, *, compensated: bool = True
) -> Wired:
    """Makes the targets of a program for the wires of its chip.

    Args:
        program: Compiled for a chip with wires, in any layout.
        defects: Of the chip instance: what its stuck devices hold is taken into account.
        compensated: Whether the multipliers behind the ADCs make up for the shares. On ideal wires
            the program is code for code the network only without that.

    Raises:
        DesignRuleError: The chip has no wires.
    """
    wires = program.chip.wires
    if wires is None:
        raise DesignRuleError(
            given=f"a program for {program.chip.name}",
            rule="targets are made for lines with resistance, its description has no wires",
            remedy="Run the program as it is, or add [wires] to the chip description.",
        )
    contents, arrays = [], []
    for number, held in enumerate(program.arrays):
        stuck = None if defects is None else defects.arrays[number]
        array = _Array(program, number, held, stuck, Wires(**wires.model_dump()))
        targets, found = array.solved()
        contents.append(replace(held, targets_siemens=targets))
        arrays.append(found)
    wired = replace(program, arrays=tuple(contents))
    if compensated:
        wired = with_shares(wired, [array.shares for array in arrays])
    return Wired(wired, tuple(arrays))


def with_shares(program: Program, shares: list[Shares]) -> Program:
    """The program with the multipliers behind the ADCs divided by what share of a weight pairs hold.

    Raises:
        DesignRuleError: ADC codes go somewhere else than to a multiplier first.
    """
    factors = {r.name: np.ones(r.size) for r in program.registers}
    for phase in program.phases:
        for number, name in enumerate(phase.read):
            mine = phase.read_register == number
            factors[name][phase.read_index[mine]] = 1 / shares[phase.array][phase.pairs[mine]]
    scaled = {o.source for o in program.step if isinstance(o, Requantize | MatMul)}
    for name in {name for phase in program.phases for name in phase.read} - scaled:
        if np.any(factors[name] != 1):
            raise DesignRuleError(
                given=f"ADC codes in the register {name}",
                rule="shares are made up for by the multiplier that follows, there is none",
                remedy="Make targets without compensation, and recalibrate the chip.",
            )
    added = {o.other: factors[o.source] for o in program.step if isinstance(o, Add)}
    return replace(program, step=tuple(_compensated(o, factors, added) for o in program.step))


def _compensated(operation: Operation, factors: Factors, added: Factors) -> Operation:
    """The operation behind an ADC, times the factors of its codes.

    Codes that are added to those of an ADC, as of a digital correction, are first divided by them.
    """
    if isinstance(operation, MatMul):
        scaled = np.rint(operation.weights * factors[operation.source]).astype(np.int64)
        return replace(operation, weights=scaled)
    if isinstance(operation, Requantize):
        before = added.get(operation.target, np.ones(1))
        return _divided(operation, factors[operation.source] / before)
    return operation


def _divided(operation: Requantize, factors: Float64[np.ndarray, " _"]) -> Requantize:
    gains = np.ldexp(operation.multiplier.astype(float), -operation.shift) * factors
    multiplier, shift = snap_gain(gains, MULTIPLIER_BITS)
    same = factors == 1.0
    return replace(
        operation,
        multiplier=np.where(same, operation.multiplier, multiplier),
        shift=np.where(same, operation.shift, shift),
    )


class _Use(NamedTuple):
    """Lines of phases that share one transfer matrix, and the cells they read; None: all lines."""

    driven: Bool[np.ndarray, " word_lines"] | None
    read: Bool[np.ndarray, " bit_lines"] | None
    cells: Mask


class _Array:
    """One array while its targets are sought."""

    def __init__(
        self,
        program: Program,
        number: int,
        contents: ArrayContents,
        defects: Int8[np.ndarray, "word_lines bit_lines"] | None,
        wires: Wires,
    ) -> None:
        chip = self.chip = program.chip
        self.wires, self.step = wires, contents.siemens_per_step
        self.weights = contents.codes * self.step
        self.common = np.zeros_like(self.weights)
        if contents.common_mode is not None:
            self.common = contents.common_mode * self.step
        start = pair_targets(contents.codes, self.step, chip.g_min_siemens, contents.common_mode)
        self.held = _held(contents, chip, defects)
        self.start = start
        phases = [phase for phase in program.phases if phase.array == number]
        self.uses = _uses(phases, chip, contents.written)
        self.read = np.logical_or.reduce(
            [np.zeros_like(contents.written), *(u.cells for u in self.uses)]
        )

    def solved(self) -> tuple[Devices, WiredArray]:
        """Targets, and what they reach."""
        targets, shares = self.start, np.ones(len(self.step))
        free = np.isnan(self.held)
        plus, minus = free[:, 0::2], free[:, 1::2]
        first = self._weights(targets)
        now, best = first, (np.inf, targets, shares, first)
        for _ in range(ROUNDS):
            error = np.where(self.read, self.weights * shares - now, 0.0)
            worst = np.abs(error[plus & minus]).max(initial=0.0) / self.chip.window_siemens
            if worst < best[0]:
                best = (worst, targets, shares, now)
            if worst < ENOUGH:
                break
            targets, shares = self._corrected(targets, error, shares, (plus, minus))
            now = self._weights(targets)
        _, targets, shares, now = best
        return targets, self._told(first, now, shares)

    def _weights(self, targets: Devices) -> Pairs:
        """Weights of the transfer matrix; zero where no phase reads."""
        conductance = np.where(np.isnan(self.held), targets, self.held)
        return _through(self.wires, conductance, self.uses)

    def _corrected(
        self, targets: Devices, error: Pairs, shares: Shares, free: tuple[Mask, Mask]
    ) -> tuple[Devices, Shares]:
        """Targets one round on, and shares at which they stay inside the window."""
        bottom, window = self.chip.g_min_siemens, self.chip.window_siemens
        both = free[0] & free[1]
        change = targets[:, 0::2] - targets[:, 1::2] + error
        lower = shares / self._over(np.where(both, change, 0.0), targets, error, free)
        lower = np.maximum(lower, LEAST_SHARE)
        change *= lower / shares
        sides = []
        for side, sign in enumerate((1.0, -1.0)):
            joint = bottom + self.common + np.maximum(sign * change, 0.0)
            alone = targets[:, side::2] + sign * error
            sides.append(np.where(both, joint, alone))
        found = np.stack(sides, axis=-1).reshape(targets.shape)
        return np.clip(found, bottom, bottom + window), lower

    def _over(
        self, change: Pairs, targets: Devices, error: Pairs, free: tuple[Mask, Mask]
    ) -> Shares:
        """By what factor the farthest device of each pair would leave the window; at least one.

        A sound device beside one that carries nothing counts as a whole pair does; beside one that
        is stuck high a lower share may ask for more of it, so that it has no say.
        """
        bottom, window = self.chip.g_min_siemens, self.chip.window_siemens
        over = (np.abs(change) / np.maximum(window - self.common, 1e-3 * window)).max(axis=0)
        for side, sign in enumerate((1.0, -1.0)):
            quiet = np.nan_to_num(self.held[:, 1 - side :: 2], nan=np.inf) <= bottom
            asked = targets[:, side::2] + sign * error - bottom
            over = np.maximum(over, np.where(free[side] & quiet, asked / window, 0.0).max(axis=0))
        return np.asarray(np.maximum(over, 1.0))

    def _told(self, first: Pairs, now: Pairs, shares: Shares) -> WiredArray:
        W = np.where(self.read, self.weights, 0.0)
        square = (first**2).sum(axis=0)
        gain = (first * W).sum(axis=0) / np.where(square > 0, square, 1.0)
        return WiredArray(
            shares,
            _distance(first, W),
            _distance(first * gain, W),
            _distance(now, W * shares),
        )


def held_weights(program: Program, number: int, conductance: Devices) -> Pairs:
    """What the conductances of an array are worth to a program, through the wires of its chip.

    Args:
        program: The program.
        number: Of the array.
        conductance: As read back, in siemens.

    Returns:
        Differences in siemens; with wires zero where no phase reads.
    """
    wires, written = program.chip.wires, program.arrays[number].written
    if wires is None:
        return np.asarray(conductance[:, 0::2] - conductance[:, 1::2])
    phases = [phase for phase in program.phases if phase.array == number]
    return _through(Wires(**wires.model_dump()), conductance, _uses(phases, program.chip, written))


def _through(wires: Wires, conductance: Devices, uses: list[_Use]) -> Pairs:
    found = np.zeros((len(conductance), conductance.shape[1] // 2))
    for use in uses:
        Y = transfer_matrix(conductance, wires, driven=use.driven, read=use.read)
        found[use.cells] = (Y[:, 0::2] - Y[:, 1::2])[use.cells]
    return found


def _distance(found: Pairs, wanted: Pairs) -> float:
    """Relative error in the 2-norm."""
    size = float(np.linalg.norm(wanted))
    return float(np.linalg.norm(found - wanted)) / size if size > 0 else 0.0


def _held(
    contents: ArrayContents,
    chip: ChipDescription,
    defects: Int8[np.ndarray, "word_lines bit_lines"] | None,
) -> Devices:
    """Conductance of devices that are not written as asked: never written, or stuck; else NaN.

    Devices never written follow a law of chance: their mean is taken, which loads the wires as they.
    """
    written = np.repeat(contents.written, 2, axis=1)
    held = np.where(written, np.nan, chip.g_min_siemens)
    if chip.off_state is not None:
        quantile = NormalDist().inv_cdf
        normals = np.array([quantile((n + 0.5) / 256) for n in range(256)])
        held[~written] = chip.off_state.conductance(normals).mean()
    if defects is not None:
        mine = defects[:, : held.shape[1]]
        held = np.where(mine == SOUND, held, chip.g_min_siemens)
        held[mine == STUCK_HIGH] = chip.g_max_siemens
        held[mine == OPEN] = 0.0
    return held


def _uses(phases: list[Phase], chip: ChipDescription, written: Mask) -> list[_Use]:
    """Which transfer matrices serve the phases of an array."""
    if chip.wires is None or not chip.wires.by_phase:
        return [_Use(None, None, written)]
    uses = []
    for phase in phases:
        driven, read = (np.zeros(count, np.bool_) for count in written.shape)
        driven[phase.word_lines], read[phase.pairs] = True, True
        cells = driven[:, None] & read & written
        uses.append(_Use(driven, np.repeat(read, 2), cells))
    return uses
