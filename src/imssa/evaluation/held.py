"""Kernels as a written chip holds them: their weights, impulse responses and poles.

The linear part of DESIGN section 5: what the devices' conductances and the wires say, rounding,
clipping and read noise left out. Couplings to other kernels on the same lines are left out too.
"""

import numpy as np
from jaxtyping import Complex128, Float64, Int64

from imssa.crossbar.arrays import program_chips
from imssa.evaluation.pictures import ImpulseResponses
from imssa.kernels.random import Key
from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping.impulse import Dynamics, layer_dynamics, poles, state_matrix
from imssa.program import Program
from imssa.program.operations import Phase
from imssa.quantization.network import IntegerLayer, QuantizedNetwork

Blocks = Float64[np.ndarray, "kernels lines lines"]
Responses = Float64[np.ndarray, "kernels steps"]
NEARLY_REAL = 1e-12


def held_blocks(program: Program, key: Key, layer: int, *, instance: int = 0) -> Blocks:
    """The weights of a layer's kernels that one written chip has, in codes.

    Rows are driven word lines, the states, then the input; columns are read pairs, the states, then
    the output, as in :func:`imssa.kernels.scan_types.kernel_blocks`. What no phase joins is 0.

    Args:
        program: Registers are named as the compiler names them.
        key: The key of a study, so that the chip is that of its results.
        layer: Number of the layer.
        instance: Number of the chip instance.
    """
    kernels = program.register(f"readout.{layer}").size
    states = program.register(f"state.{layer}").size // kernels
    blocks = np.zeros((kernels, states + 1, states + 1))
    arrays = program_chips(program, program.chip, key, np.array([instance]))
    for phase in program.phases:
        names = (*phase.drive, *phase.read)
        if not any(name.endswith(f".{layer}") and name.startswith("state.") for name in names):
            continue
        weights = arrays[phase.array].seen_by(phase).weights[0].astype(float)
        if weights.shape[1] == 2 * len(phase.pairs):  # amplifiers that saturate: a column a line
            weights = weights[:, 0::2] - weights[:, 1::2]
        _put(blocks, phase, weights, layer)
    return blocks


def _put(
    blocks: Blocks, phase: Phase, weights: Float64[np.ndarray, "driven read"], layer: int
) -> None:
    states = blocks.shape[1] - 1
    kernel, row = _places(
        phase.drive, phase.drive_register, phase.drive_index, (layer, states, "state", "stream")
    )
    reader, column = _places(
        phase.read, phase.read_register, phase.read_index, (layer, states, "adc", "readout")
    )
    same = (kernel[:, None] == reader) & (kernel[:, None] >= 0)
    lines, pairs = np.nonzero(same)
    signs = phase.drive_sign[lines] * phase.read_sign[pairs]
    blocks[kernel[lines], row[lines], column[pairs]] = weights[lines, pairs] * signs


def _places(
    names: tuple[str, ...],
    register: Int64[np.ndarray, " n"],
    index: Int64[np.ndarray, " n"],
    wanted: tuple[int, int, str, str],
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Kernel (-1: of no kernel of the layer) and line within its block of each of a phase's lines."""
    layer, states, inner, outer = wanted
    kernel, line = np.full_like(index, -1), np.full_like(index, states)
    for number, name in enumerate(names):
        own = register == number
        if name == f"{inner}.{layer}":
            kernel[own], line[own] = index[own] // states, index[own] % states
        elif name == f"{outer}.{layer}":
            kernel[own] = index[own]
    return kernel, line


def code_blocks(layer: IntegerLayer) -> Blocks:
    """The same weights as the integer network wants them."""
    return kernel_blocks(layer.A, layer.B, layer.C, layer.D).astype(float)


def responses(blocks: Blocks, dynamics: Dynamics, steps: int) -> Responses:
    """What kernels answer to one DAC step at the first time step, in output codes.

    y_0 = D, y_l = C M^(l-1) B (``delayed``), or y_l = C M^l B with D added at l = 0 (``current``).
    """
    matrix, gain = state_matrix(blocks, dynamics), dynamics.gain
    state = gain[..., :-1] * blocks[..., -1, :-1]
    read = gain[..., -1:] * blocks[..., :-1, -1]
    found = np.zeros((len(blocks), steps))
    first = 0 if dynamics.current else 1
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(first, steps):
            found[:, step] = (read * state).sum(-1)
            state = np.einsum("kij,kj->ki", matrix, state)
    found[:, 0] += gain[..., -1] * blocks[..., -1, -1]
    return found


def held_poles(
    program: Program, key: Key, network: QuantizedNetwork, *, instance: int = 0
) -> Complex128[np.ndarray, " modes"]:
    """Poles of all kernels as one written chip holds them; of each conjugate pair the upper one.

    Modes of a kernel that stuck devices or wires couple are taken together, so that real poles may
    stand where the network has pairs.
    """
    found = []
    for number, layer in enumerate(network.layers):
        blocks = held_blocks(program, key, number, instance=instance)
        each = poles(blocks, layer_dynamics(layer, network.widths, 1)).ravel()
        found.append(each[each.imag >= -NEARLY_REAL])
    return np.concatenate(found)


def impulse_responses(
    software: Responses,
    program: Program,
    key: Key,
    network: QuantizedNetwork,
    *,
    layer: int = 0,
    instance: int = 0,
) -> tuple[ImpulseResponses, ...]:
    """Impulse responses of the kernels that a chip holds best, typically and worst.

    The integer network's inputs and outputs have scales of their own, and training in integers may
    turn a kernel's sign. Its response is drawn times the one factor that makes its 2-norm and its sign
    those of the float network's; the chip's times the same factor.

    Args:
        software: Of the float network's kernels.
        program: What was written to the chip.
        key: The key of a study, so that the chip is that of its results.
        network: The integer network.
        layer: Whose kernels.
        instance: Number of the chip instance.
    """
    part, steps = network.layers[layer], software.shape[1]
    dynamics = layer_dynamics(part, network.widths, steps)
    quantized = responses(code_blocks(part), dynamics, steps)
    held = held_blocks(program, key, layer, instance=instance)
    chip = np.nan_to_num(responses(held, dynamics, steps), nan=np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        miss = np.linalg.norm(chip - quantized, axis=1)
        error = np.nan_to_num(miss / _norms(quantized), nan=np.inf)
    order = np.argsort(error, kind="stable")
    chosen = dict.fromkeys(int(order[place]) for place in (0, len(order) // 2, -1))
    sign = np.where((software * quantized).sum(1) < 0.0, -1.0, 1.0)
    factor = sign * np.linalg.norm(software, axis=1) / _norms(quantized)
    return tuple(
        ImpulseResponses(
            kernel=f"kernel {k} of layer {layer}",
            chip=f"{program.chip.name}, chip {instance}",
            rank=int(np.flatnonzero(order == k)[0]) + 1,
            kernels=len(order),
            steps=np.arange(steps),
            software=software[k],
            quantized=factor[k] * quantized[k],
            on_chip=np.clip(factor[k] * chip[k], -1e9, 1e9),
        )
        for k in chosen
    )


def _norms(found: Responses) -> Float64[np.ndarray, " kernels"]:
    """2-norms; 1 for a kernel that answers nothing."""
    norms = np.linalg.norm(found, axis=1)
    return np.where(norms == 0.0, 1.0, norms)
