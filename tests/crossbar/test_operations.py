"""The closed list of operations: every path knows each, and all give the same codes."""

import numpy as np

from imssa.crossbar import SimulatedChip, execute, executor, simulate, tape, tensors, write_program
from imssa.crossbar.tensors import simulate_tensors
from imssa.kernels.interpreter import OPERATIONS
from imssa.kernels.random import Key
from imssa.program.operations import BY_NAME, Phase
from tests.program.samples import a_program


def test_every_path_knows_every_operation() -> None:
    kinds = set(BY_NAME.values())
    assert {BY_NAME[name] for name in OPERATIONS} == kinds
    assert set(tape._ENCODE) == kinds
    assert {*executor._RULES, Phase} == kinds
    assert {*tensors._RULES, Phase} == kinds


def test_a_program_of_all_operations_runs_alike_on_every_path() -> None:
    program, key = a_program(), Key.root(2)
    used = {type(op) for part in (program.start, program.step, program.end) for op in part}
    assert used == set(BY_NAME.values())
    rng, register = np.random.default_rng(3), program.register(program.input)
    largest = 2 ** (register.bits - 1) - 1
    shape = (4, program.max_length, register.size)
    inputs, lengths = rng.integers(-largest, largest + 1, shape), np.array([3, 1, 2, 3])
    chip = SimulatedChip(program.chip, key, 0)
    write_program(program, chip)
    names = tuple(r.name for r in program.registers)
    slow = execute(program, chip, inputs, lengths, names)
    one = np.zeros(1, np.int64)
    fast = simulate(program, program.chip, key, one, inputs, lengths, names)
    plain = simulate_tensors(program, program.chip, key, one, inputs, lengths, names)
    for name in names:
        assert np.array_equal(fast.steps[name][0], slow.steps[name])
        assert np.array_equal(plain.steps[name][0], slow.steps[name])
        assert np.array_equal(fast.final[name][0], slow.final[name])
    assert any(slow.steps[name].any() for name in ("adc", "sum"))
