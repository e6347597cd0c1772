"""Impulse responses of kernels in codes: what a wrong weight does to the answer of a kernel.

The linear part of DESIGN section 5, rounding and clipping left out, with states x in DAC steps::

    x+ = decay x + gain (A x + B u),   y = output gain (C x + D u)

Inner products of impulse responses come from the Gramian X_T = sum_(l<T) M^l b b'^T M'^(l T), which
doubles by X_2T = X_T + M^T X_T M'^(T T): long sequences cost a logarithm of their length.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Complex128, Float64, Int64

from imssa.quantization.network import IntegerLayer, Widths

LARGEST: Final = 1e4
"""Squared relative error that stands for any larger one, as of an unstable mode."""

FAINTEST: Final = 0.1
"""Kernels are held against at least this share of a typical kernel's response."""

Blocks = Float64[np.ndarray, "*kernels lines lines"]


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What surrounds the weights of kernels; leading axes are those of the kernels.

    Attributes:
        decay: Share of each state that the register itself keeps.
        gain: DAC steps that each state gains (last: steps the output has) a code of the sum.
        current: Whether outputs are read after the update of the states.
        horizon: Steps of the longest sequence.
    """

    decay: Float64[np.ndarray, "*kernels states"]
    gain: Float64[np.ndarray, "*kernels lines"]
    current: bool
    horizon: int

    def of(self, index: Any) -> "Dynamics":
        """The same of some of the kernels."""
        return Dynamics(self.decay[index], self.gain[index], self.current, self.horizon)


@dataclass(frozen=True, eq=False)
class _System:
    """State matrix, input, read-out and direct term."""

    M: Float64[np.ndarray, "*kernels states states"]
    b: Float64[np.ndarray, "*kernels states"]
    c: Float64[np.ndarray, "*kernels states"]
    d: Float64[np.ndarray, "*kernels"]


def layer_dynamics(layer: IntegerLayer, widths: Widths, horizon: int) -> Dynamics:
    """Dynamics of a layer's kernels."""
    step = layer.adc_step
    update = np.ldexp(layer.multiplier.astype(float), -layer.shift - widths.guard_bits)
    output = np.ldexp(layer.output_multiplier.astype(float), -layer.output_shift)
    gain = np.concatenate([np.repeat(update, 2, axis=1), output[:, None]], axis=1) / step
    kept = {"direct": 0.0 * layer.k, "incremental": 1.0 + 0.0 * layer.k}
    decay = kept.get(widths.realization, 1.0 - 2.0**-layer.k)
    return Dynamics(np.repeat(decay, 2, axis=1), gain, widths.output == "current", horizon)


def _system(blocks: Blocks, dynamics: Dynamics) -> _System:
    gain = dynamics.gain
    M = gain[..., :-1, None] * np.swapaxes(blocks[..., :-1, :-1], -1, -2)
    M = M + np.eye(M.shape[-1]) * dynamics.decay[..., None]
    b = gain[..., :-1] * blocks[..., -1, :-1]
    c, d = gain[..., -1:] * blocks[..., :-1, -1], gain[..., -1] * blocks[..., -1, -1]
    return _System(M, b, c, np.asarray(d))


def _gramian(
    M: Float64[np.ndarray, "*kernels n n"],
    b: Float64[np.ndarray, "*kernels n"],
    other: Float64[np.ndarray, "*others n n"],
    b_other: Float64[np.ndarray, "*others n"],
    horizon: int,
) -> Float64[np.ndarray, "*kernels n n"]:
    """Sum of M^l b b'^T M'^(l T) over at least ``horizon`` steps."""
    X = b[..., :, None] * b_other[..., None, :]
    length = 1
    while length < horizon:
        X = X + M @ X @ np.swapaxes(other, -1, -2)
        M, other, length = M @ M, other @ other, 2 * length
    return np.asarray(X)


def _product(one: _System, two: _System, dynamics: Dynamics) -> Float64[np.ndarray, "*kernels"]:
    """Inner product of two impulse responses."""
    X = _gramian(one.M, one.b, two.M, two.b, dynamics.horizon)
    found = np.einsum("...i,...ij,...j->...", one.c, X, two.c) + one.d * two.d
    if dynamics.current:
        found += one.d * (two.c * two.b).sum(-1) + two.d * (one.c * one.b).sum(-1)
    return np.asarray(found)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Kernels as they should be, and what errors are held against.

    Attributes:
        blocks: Weight codes, as of `kernel_blocks`.
        dynamics: What surrounds them.
        energy: Squared 2-norm of each impulse response, in output codes.
        scale: The same, but at least a share of the typical kernel's: errors are divided by it.
    """

    blocks: Float64[np.ndarray, "*kernels lines lines"]
    dynamics: Dynamics
    energy: Float64[np.ndarray, "*kernels"]
    scale: Float64[np.ndarray, "*kernels"]

    def of(self, index: Any) -> "Wanted":
        """Some of the kernels."""
        energy, scale = np.asarray(self.energy[index]), np.asarray(self.scale[index])
        return Wanted(self.blocks[index], self.dynamics.of(index), energy, scale)

    def with_blocks(self, blocks: Blocks) -> "Wanted":
        """The same kernels with other weights; errors are divided by the same."""
        system = _system(blocks, self.dynamics)
        return replace(self, blocks=blocks, energy=_product(system, system, self.dynamics))


def wanted_kernels(blocks: Int64[np.ndarray, "kernels lines lines"], dynamics: Dynamics) -> Wanted:
    """Kernels of a layer with their energies."""
    system = _system(blocks.astype(float), dynamics)
    energy = _product(system, system, dynamics)
    typical = float(np.median(energy)) or 1.0
    return Wanted(blocks.astype(float), dynamics, energy, np.maximum(energy, FAINTEST**2 * typical))


def squared_errors(variants: Blocks, wanted: Wanted) -> Float64[np.ndarray, "*kernels"]:
    """Squared relative error of impulse responses; unstable variants count as ``LARGEST``.

    Args:
        variants: Weights as they would be held.
        wanted: As they should be; broadcast against the variants.
    """
    dynamics = wanted.dynamics
    held, right = _system(variants, dynamics), _system(wanted.blocks, dynamics)
    with np.errstate(over="ignore", invalid="ignore"):
        error = _product(held, held, dynamics) - 2 * _product(held, right, dynamics)
        error = (error + wanted.energy) / wanted.scale
    return np.asarray(np.clip(np.nan_to_num(error, nan=LARGEST, posinf=LARGEST), 0.0, LARGEST))


def state_matrix(
    blocks: Blocks, dynamics: Dynamics
) -> Float64[np.ndarray, "*kernels states states"]:
    """By what the states of kernels are multiplied in one step, their registers' decay included."""
    return _system(blocks, dynamics).M


def poles(blocks: Blocks, dynamics: Dynamics) -> Complex128[np.ndarray, "*kernels states"]:
    """Eigenvalues of the recurrence of kernels."""
    return np.asarray(np.linalg.eigvals(state_matrix(blocks, dynamics)), np.complex128)


def reach(
    wanted: Wanted,
) -> tuple[Float64[np.ndarray, "kernels lines"], Float64[np.ndarray, "kernels lines"]]:
    """How strongly an input drives each row, and how strongly the output hears each column.

    2-norms: of a row's drive after an impulse at the input, and of the output after an impulse of one
    code in a column's sum. Their product is about what a cell does that joins two kernels.
    """
    dynamics = wanted.dynamics
    system = _system(wanted.blocks, dynamics)
    with np.errstate(over="ignore", invalid="ignore"):
        X = _gramian(system.M, system.b, system.M, system.b, dynamics.horizon)
        turned = np.swapaxes(system.M, -1, -2)
        Z = _gramian(turned, system.c, turned, system.c, dynamics.horizon)
    driven, heard = (
        np.sqrt(np.clip(np.nan_to_num(np.diagonal(G, axis1=-2, axis2=-1)), 0.0, LARGEST))
        for G in (X, Z)
    )
    one = np.ones((len(driven), 1))
    return (
        np.concatenate([driven, one], axis=1),
        np.concatenate([heard, one], axis=1) * np.abs(dynamics.gain),
    )
