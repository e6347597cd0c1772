"""The linear part of a program's time step: what it does to its states, rounding and clipping left out."""

from functools import singledispatch
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.sparse import coo_array, csr_array, diags_array, eye_array, vstack
from scipy.sparse.csgraph import connected_components

from imssa.program import Program
from imssa.program.operations import Accumulate, Add, Clear, Gather, Leak, MatMul, Phase, Requantize

Forms = dict[str, Any]
"""By register: one row an element, one column a state."""


def step_matrix(program: Program, states: tuple[str, ...]) -> Any:
    """The sparse matrix of one time step without input, (elements, elements) of the states.

    Args:
        program: Of linear operations, as of the kernels alone.
        states: Registers that are kept from step to step, side by side.

    Raises:
        TypeError: An operation that has no linear part.
    """
    sizes = [program.register(name).size for name in states]
    ends, everything = np.cumsum(sizes), eye_array(sum(sizes), format="csr")
    forms: Forms = {r.name: csr_array((r.size, sum(sizes))) for r in program.registers}
    for name, size, end in zip(states, sizes, ends.tolist(), strict=True):
        forms[name] = everything[end - size : end]
    for op in program.step:
        if isinstance(op, Phase):
            _mvm(op, program, forms)
        else:
            forms[op.target] = _form(op, forms)
    return vstack([forms[name] for name in states], format="csr")


def is_linear(program: Program) -> bool:
    """Whether every operation of the time step has a linear part."""
    unknown = _form.dispatch(object)
    return all(isinstance(o, Phase) or _form.dispatch(type(o)) is not unknown for o in program.step)


def decay_rates(program: Program, states: tuple[str, ...]) -> Float64[np.ndarray, " elements"]:
    """Largest pole magnitude of what each element of the states is coupled with.

    The step's matrix falls into blocks that do not touch (a mode each, where A is diagonal); the
    eigenvalues of each block are its poles.
    """
    matrix = step_matrix(program, states)
    count, block = connected_components(matrix, directed=False)
    order = np.argsort(block, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(block, minlength=count))[:-1])
    rates = np.zeros(matrix.shape[0])
    for own in members:
        inner = matrix[own][:, own].toarray()
        rates[own] = np.abs(np.linalg.eigvals(inner)).max()
    return rates


def _mvm(phase: Phase, program: Program, forms: Forms) -> None:
    """Acc 2^h / L of each pair that is read; written into the forms of the registers read."""
    drive = vstack(
        [
            forms[phase.drive[register]][[index]]
            for register, index in zip(
                phase.drive_register.tolist(), phase.drive_index.tolist(), strict=True
            )
        ],
        format="csr",
    )
    drive = diags_array(np.ldexp(phase.drive_sign.astype(float), -phase.drive_shift)) @ drive
    codes = program.arrays[phase.array].codes[np.ix_(phase.word_lines, phase.pairs)]
    step = np.ldexp(phase.full_scale.astype(float), -phase.full_scale_shift)
    read = (diags_array(phase.read_sign / step) @ csr_array(codes.T.astype(float)) @ drive).tocsr()
    for number, name in enumerate(phase.read):
        own = np.flatnonzero(phase.read_register == number)
        kept = np.ones(forms[name].shape[0])
        kept[phase.read_index[own]] = 0.0
        into = coo_array(
            (np.ones(len(own)), (phase.read_index[own], own)), (len(kept), read.shape[0])
        )
        forms[name] = (diags_array(kept) @ forms[name] + into.tocsr() @ read).tocsr()


@singledispatch
def _form(op: object, _forms: Forms) -> Any:
    msg = f"{type(op).__name__} has no linear part"
    raise TypeError(msg)


@_form.register
def _(op: Gather, forms: Forms) -> Any:
    return (diags_array(op.sign.astype(float)) @ forms[op.source][op.index]).tocsr()


@_form.register
def _(op: Requantize, forms: Forms) -> Any:
    return (
        diags_array(np.ldexp(op.multiplier.astype(float), -op.shift)) @ forms[op.source]
    ).tocsr()


@_form.register
def _(op: Leak, forms: Forms) -> Any:
    return (diags_array(1.0 - np.ldexp(1.0, -op.k)) @ forms[op.source]).tocsr()


@_form.register
def _(op: Add, forms: Forms) -> Any:
    return (forms[op.source] + forms[op.other]).tocsr()


@_form.register
def _(op: Accumulate, forms: Forms) -> Any:
    return (forms[op.source] + forms[op.target]).tocsr()


@_form.register
def _(op: MatMul, forms: Forms) -> Any:
    return (csr_array(op.weights.astype(float)) @ forms[op.source]).tocsr()


@_form.register
def _(op: Clear, forms: Forms) -> Any:
    return csr_array(forms[op.target].shape)
