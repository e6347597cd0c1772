import copy
from typing import Any

import numpy as np
import pytest

from imssa.kernels.scan_types import kernel_blocks
from imssa.mapping import compile_network
from imssa.program.operations import Phase
from imssa.program.rules import broken_rules
from imssa.quantization.config import Realization
from tests.program.samples import same
from tests.reference.networks import Sketch, all_bits, chip_with, random_network

CHIP = chip_with(count=9)
REALIZATIONS = ("direct", "incremental", "leaky")


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_programs_are_well_formed(realization: Realization, output: str, layers: int) -> None:
    sketch = Sketch(realization=realization, output=output, layers=layers, kernels=11)
    program = compile_network(random_network(2, sketch), CHIP, {"seed": 5})
    assert broken_rules(program) == []
    assert program.provenance == {"seed": 5}
    assert program.chip == CHIP
    assert program.preparation == {"front_end": "none", "input_step": 1.0}


def test_compiling_does_not_change_its_input() -> None:
    network = random_network(2, Sketch(layers=2))
    before = copy.deepcopy(network)
    program = compile_network(network, CHIP, {})
    assert same(network, before)
    assert same(compile_network(network, CHIP, {}), program)


@pytest.mark.parametrize(("output", "mvms"), [("delayed", 1), ("current", 2)])
def test_mvms_a_step(output: str, mvms: int) -> None:
    """One phase an array for each MVM; `current` reads the outputs in a second one."""
    network = random_network(2, Sketch(output=output, kernels=9, modes=4, layers=2))
    program = compile_network(network, CHIP, {})
    assert [phase.array for phase in program.phases] == [
        *([0, 1, 2] * mvms),
        *([3, 4, 5] * mvms),
    ]
    registers = [phase.read[i] for phase in program.phases for i in set(phase.read_register)]
    assert set(registers) == {"adc.0", "readout.0", "adc.1", "readout.1"}
    if output == "current":
        first, second = program.phases[0], program.phases[3]
        assert {first.read[i] for i in first.read_register} == {"adc.0"}
        assert {second.read[i] for i in second.read_register} == {"readout.0"}


def test_two_layers_may_share_an_array() -> None:
    program = compile_network(random_network(2, Sketch(kernels=2, layers=2)), CHIP, {})
    assert len(program.arrays) == 1
    first, second = program.phases
    assert not set(first.word_lines) & set(second.word_lines)
    assert not set(first.pairs) & set(second.pairs)


def dense(program: Any, number: int) -> dict[tuple[Any, Any], int]:
    """What connects what on the arrays of a layer: (driving element, read element) -> weight."""
    found: dict[tuple[Any, Any], int] = {}
    for phase in program.phases:
        if phase.drive[0] != f"state.{number}":
            continue
        for i, line in enumerate(phase.word_lines):
            source = (phase.drive[phase.drive_register[i]], int(phase.drive_index[i]))
            for j, pair in enumerate(phase.pairs):
                target = (phase.read[phase.read_register[j]], int(phase.read_index[j]))
                weight = int(program.arrays[phase.array].codes[line, pair])
                found[source, target] = weight * int(phase.drive_sign[i] * phase.read_sign[j])
    return found


@pytest.mark.parametrize("output", ["delayed", "current"])
def test_arrays_hold_the_weights_where_the_phases_look_for_them(output: str) -> None:
    kernels, modes = 5, 3
    sketch = Sketch(output=output, kernels=kernels, modes=modes, layers=2, bits=all_bits(5))
    network = random_network(4, sketch)
    program = compile_network(network, CHIP, {})
    for number, layer in enumerate(network.layers):
        found = dense(program, number)
        expected: dict[tuple[Any, Any], int] = {}
        for h in range(kernels):
            u, y = (f"stream.{number}", h), (f"readout.{number}", h)
            expected[u, y] = int(layer.D[h])
            for n in range(modes):
                for i in range(2):
                    at = 2 * (h * modes + n) + i
                    x, a = (f"state.{number}", at), (f"adc.{number}", at)
                    expected[u, a] = int(layer.B[h, n, i])
                    expected[x, y] = int(layer.C[h, n, i])
                    for j in range(2):
                        x = (f"state.{number}", 2 * (h * modes + n) + j)
                        expected[x, a] = int(layer.A[h, n, i, j])
        for crossing, weight in found.items():
            assert weight == expected.pop(crossing, 0), crossing
        assert not expected  # nothing is missing


def test_all_cells_that_are_driven_and_read_are_written() -> None:
    """A zero must be programmed too: a cell never written would add its off state."""
    program = compile_network(random_network(4, Sketch(kernels=7, modes=3)), CHIP, {})
    for number, contents in enumerate(program.arrays):
        driven: set[int] = set()
        read: set[int] = set()
        for phase in program.phases:
            if phase.array == number:
                driven |= set(phase.word_lines.tolist())
                read |= set(phase.pairs.tolist())
                assert contents.written[np.ix_(phase.word_lines, phase.pairs)].all()
        assert not contents.codes[~contents.written].any()
        assert contents.written.sum() == len(driven) * len(read)


def test_the_largest_weight_stands_at_the_top_of_the_window() -> None:
    network = random_network(4, Sketch(bits=all_bits(5)))
    program = compile_network(network, CHIP, {})
    layer, contents = network.layers[0], program.arrays[0]
    assert layer.state_line_max == layer.output_line_max == 15
    used = np.unique(np.flatnonzero(contents.codes.any(axis=0)))
    assert contents.siemens_per_step[used] == pytest.approx(CHIP.g_max_siemens / 15)


def test_a_block_is_the_transposed_step() -> None:
    """Rows drive, columns read: [x, u] @ block = [A x + B u, C x + D u]."""
    layer = random_network(6, Sketch(modes=3, bits=all_bits(6))).layers[0]
    rng = np.random.default_rng(0)
    x, u = rng.integers(-9, 10, (3, 2)), 5
    for h in range(3):
        got = np.append(x.ravel(), u) @ kernel_blocks(layer.A, layer.B, layer.C, layer.D)[h]
        states = np.einsum("nij,nj->ni", layer.A[h], x) + layer.B[h] * u
        output = (layer.C[h] * x).sum() + layer.D[h] * u
        assert got.tolist() == [*states.ravel().tolist(), int(output)]


def test_phases_name_their_lines_in_order() -> None:
    program = compile_network(random_network(1, Sketch(kernels=3)), CHIP, {})
    assert all(isinstance(phase, Phase) for phase in program.phases)
    assert all(np.all(np.diff(phase.word_lines) > 0) for phase in program.phases)
