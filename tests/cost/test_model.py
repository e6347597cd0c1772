"""The cost model against sums by hand, and against what physics demands."""

import json
from dataclasses import replace

import numpy as np
import pytest

from imssa.cost import Range, Settings, Technology, assumed_drives, cost_of, measured_drives, total
from imssa.cost.analog import ADC, AMPLIFIERS, ARRAYS, DRIVERS, SUPPLY
from imssa.cost.area import CONVERTERS, DEVICES
from imssa.cost.break_even import CONTROL
from imssa.cost.timing import PHASES
from imssa.cost.work import POOLING, REGISTERS
from imssa.errors import RecipeError, ShapeError
from imssa.hardware.wires import WireSettings
from imssa.program.operations import Phase
from tests.cost.samples import doubled, driven, ints, tiny_chip, tiny_program

PICO = 1e-12


def test_a_tiny_program_by_hand() -> None:
    program = tiny_program()
    found = cost_of(program, drives=driven(program, 0.25)).chip.step_joule
    devices = 0.25 * 0.04 * 1e-4 * 100e-9  # V^2 G t: one device at 100 uS, the other three at 0
    pulses = 2 * (0.39 * PICO + 256 * 5e-15 + 2 * 1e-15 * 0.9**2)
    registers = (2 * 8 + 8 + 8 + 2 * 16) / 8 * 0.285 * PICO  # driven, read; code, sum twice
    expected = {
        ARRAYS: devices,
        SUPPLY: devices,
        DRIVERS: pulses,
        AMPLIFIERS: 0.25 * PICO,
        ADC: 2.6 * PICO,
        POOLING: 0.05 * PICO,
        REGISTERS: registers,
    }
    expected[CONTROL] = 0.3 * (sum(expected.values()) - 2 * devices)
    assert {name: value.typical for name, value in found.items()} == pytest.approx(expected)


def test_a_sequence_is_its_steps_and_what_runs_once() -> None:
    chip = cost_of(tiny_program()).chip
    whole = total(chip.sequence_joule(7)).typical
    assert whole == pytest.approx(
        7 * total(chip.step_joule).typical + total(chip.once_joule).typical
    )
    assert chip.once_joule[REGISTERS].typical == pytest.approx(2 * 0.285 * PICO)


def test_energy_grows_with_conductance_and_with_voltage_squared() -> None:
    weak, strong = tiny_program(codes=(1, 0)), tiny_program(codes=(3, 0))
    found = [cost_of(p, drives=driven(p, 0.25)).chip.step_joule[ARRAYS] for p in (weak, strong)]
    assert found[1].typical == pytest.approx(3 * found[0].typical)
    double = tiny_program(tiny_chip(read_voltage_volt=0.4))
    more = cost_of(double, drives=driven(double, 0.25)).chip.step_joule[ARRAYS]
    assert more.typical == pytest.approx(4 * found[1].typical)


def test_zero_input_takes_no_current_and_a_lone_code_its_own() -> None:
    program = tiny_program()
    silent = measured_drives(program, np.zeros((1, 3, 2), np.int64), ints(3))
    parts = cost_of(program, drives=silent).chip.step_joule
    assert parts[ARRAYS] == parts[SUPPLY] == Range(0.0, 0.0, 0.0)
    assert parts[ADC].low > 0
    loud = np.zeros((2, 3, 2), np.int64)
    loud[0, 0, 0] = 127
    heard = measured_drives(program, loud, ints(3, 1))  # one of four steps
    np.testing.assert_allclose(heard.squares[0], [[0.25, 0.0]] * 3)


def test_bit_serial_codes_drive_a_line_once_for_each_digit_that_is_set() -> None:
    converters = tiny_chip().converters.model_copy(update={"drive": "bit-serial"})
    program = tiny_program(tiny_chip(converters=converters))
    inputs = np.array([[[5, -7]]])
    np.testing.assert_array_equal(
        measured_drives(program, inputs, ints(1)).squares[0], [[2.0, 3.0]] * 3
    )
    whole = cost_of(program).chip.step_joule
    assert whole[ADC].typical == pytest.approx(7 * 2.6 * PICO)
    assumed = assumed_drives(program).squares[0]
    np.testing.assert_allclose(assumed[:, 0], [0.7, 3.5, 7.0])


def test_lines_that_are_not_read_take_current_unless_they_float() -> None:
    program = tiny_program()
    wide = program.chip.arrays.model_copy(update={"bit_lines": 4})
    held = replace(
        program.arrays[0],
        codes=np.array([[3, 3], [0, 0]]),
        written=np.ones((2, 2), bool),
        siemens_per_step=np.full(2, 1e-4 / 3),
    )
    grounded = replace(
        program, chip=program.chip.model_copy(update={"arrays": wide}), arrays=(held,)
    )
    wires = WireSettings(unread="floating")
    floating = replace(grounded, chip=grounded.chip.model_copy(update={"wires": wires}))
    energies = [
        cost_of(p, drives=driven(p, 1.0)).chip.step_joule[ARRAYS] for p in (grounded, floating)
    ]
    assert energies[0].typical == pytest.approx(2 * energies[1].typical)
    assert energies[0].low == energies[1].low
    assert energies[0].high == energies[1].high


def test_conductances_read_back_replace_the_expected_ones() -> None:
    program = tiny_program()
    found = cost_of(program, drives=driven(program, 1.0), conductances=[np.full((2, 2), 5e-5)])
    assert found.chip.step_joule[ARRAYS].typical == pytest.approx(0.04 * 2e-4 * 100e-9)
    with pytest.raises(ShapeError, match="the program has 1 arrays"):
        cost_of(program, conductances=[np.zeros((3, 2))])


def test_twice_the_arrays_twice_what_they_take() -> None:
    one, two = tiny_program(), doubled(tiny_program())
    costs = [cost_of(p, drives=driven(p, 0.25)).chip for p in (one, two)]
    for part in (ARRAYS, SUPPLY, DRIVERS, AMPLIFIERS, ADC):
        assert costs[1].step_joule[part].typical == pytest.approx(
            2 * costs[0].step_joule[part].typical
        )
    assert costs[1].step_joule[POOLING] == costs[0].step_joule[POOLING]
    for part in (DEVICES, CONVERTERS):
        assert costs[1].area[part].typical == pytest.approx(2 * costs[0].area[part].typical)
    assert costs[1].step_seconds[PHASES] == costs[0].step_seconds[PHASES]  # side by side


def test_phases_wait_for_their_array_and_for_what_they_drive() -> None:
    program = doubled(tiny_program())
    alone = cost_of(tiny_program()).chip.step_seconds[PHASES].typical
    first, second = program.phases
    for changed in (replace(second, array=0), replace(second, drive=("code",))):
        series = replace(program, step=(first, changed, *program.step[2:]))
        found = cost_of(series).chip.step_seconds[PHASES].typical
        assert found == pytest.approx(2 * alone)


def test_a_shared_adc_takes_turns_and_a_known_phase_its_time() -> None:
    program = tiny_program()
    assert cost_of(program).chip.step_seconds[PHASES].typical == pytest.approx(177e-9)
    known = tiny_program(tiny_chip(phase_seconds=5e-8))
    found = cost_of(known, drives=driven(known, 1.0)).chip
    assert found.step_seconds[PHASES] == Range.of(5e-8)
    assert found.step_joule[ARRAYS].high == pytest.approx(0.04 * 1e-4 * 5e-8)


def test_every_range_is_in_order_and_every_total_the_sum_of_its_parts() -> None:
    plain = cost_of(tiny_program()).to_dict()
    json.dumps(plain, allow_nan=False)
    for design in ("chip", "digital", "packed"):
        for key, value in plain[design].items():
            if not isinstance(value, dict) or "parts" not in value:
                continue
            for bound in ("low", "typical", "high"):
                parts = sum(part[bound] for part in value["parts"].values())
                assert value["total"][bound] == pytest.approx(parts), key
            for part in value["parts"].values():
                assert 0 <= part["low"] <= part["typical"] <= part["high"]


def test_power_at_a_rate_is_work_and_waiting() -> None:
    report = cost_of(tiny_program(), rate_hertz=50.0)
    step = total(report.chip.step_joule).typical
    assert report.chip.watt(50.0).typical == pytest.approx(
        50 * step + report.chip.idle_watt.typical
    )
    seconds = total(report.chip.step_seconds)
    assert report.chip.times_real_time(50.0).low == pytest.approx(1 / (50 * seconds.high))


def test_rate_comes_from_the_front_end_or_must_be_given() -> None:
    program = tiny_program()
    assert cost_of(program).rate_hertz == 100.0
    silent = replace(program, preparation={})
    with pytest.raises(RecipeError, match="front end has none"):
        cost_of(silent)
    with pytest.raises(RecipeError, match="a rate is positive"):
        cost_of(program, rate_hertz=-1.0)


def test_older_processes_take_more_and_impossible_ones_are_refused() -> None:
    old = Settings(technology=Technology(130, 1.8))
    now, then = cost_of(tiny_program()).chip, cost_of(tiny_program(), settings=old).chip
    assert then.step_joule[ADC].typical > now.step_joule[ADC].typical
    assert then.step_joule[REGISTERS].typical > now.step_joule[REGISTERS].typical
    assert then.step_joule[ARRAYS] == now.step_joule[ARRAYS]  # Ohm knows no node
    assert Technology().gates == 1.0
    with pytest.raises(RecipeError, match="7 to 250 nm"):
        Technology(3)
    with pytest.raises(RecipeError, match="at least one"):
        Settings(pairs_per_adc=0)


def test_a_program_without_arrays_costs_digital_work_alone() -> None:
    program = tiny_program()
    step = tuple(one for one in program.step if not isinstance(one, Phase))
    report = cost_of(replace(program, arrays=(), step=step))
    assert ARRAYS not in report.chip.step_joule
    assert report.chip.step_seconds[PHASES] == Range.of(0.0)
    assert report.break_even.kernels_ratio is None
