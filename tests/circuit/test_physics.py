"""What every circuit obeys: Kirchhoff, energy, superposition, and loss that grows with distance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from imssa.circuit.segments import wire_segments
from imssa.circuit.transfer import transfer_matrix
from imssa.circuit.voltages import NodeVoltages, node_voltages
from imssa.circuit.wires import Wires
from imssa.errors import ShapeError
from tests.circuit.arrays import WINDOW_SIEMENS, Case, build, devices, plans

SMALL = 1e-9
"""Relative to the largest current or voltage of the array."""


def solved(case: Case) -> NodeVoltages:
    return node_voltages(case.conductance, case.wires, case.drive, **case.phase)


def scale(point: NodeVoltages) -> float:
    return max(float(np.abs(point.device_ampere).max()), 1e-15)


@given(plans())
def test_currents_sum_to_zero_at_each_node(plan: dict[str, Any]) -> None:
    case = build(plan)
    point = solved(case)
    word = point.word_line_ampere[:, :-1] - point.word_line_ampere[:, 1:] - point.device_ampere
    bit = point.bit_line_ampere[:-1] - point.bit_line_ampere[1:] + point.device_ampere
    assert np.abs(word).max() < SMALL * scale(point)
    assert np.abs(bit).max() < SMALL * scale(point)


@given(plans())
def test_each_segment_obeys_ohm(plan: dict[str, Any]) -> None:
    case = build(plan)
    point = solved(case)
    rows, columns = case.conductance.shape
    row_ohm, column_ohm = wire_segments(case.wires, (rows, columns), case.driven, case.read)
    word = np.column_stack([case.drive, point.word_line_volt, case.drive])
    bit = np.vstack([np.zeros(columns), point.bit_line_volt, np.zeros(columns)])
    largest = max(float(np.abs(case.drive).max()), 1e-3)
    for drop, ohm, ampere in (
        (-np.diff(word, axis=1), row_ohm, point.word_line_ampere),
        (-np.diff(bit, axis=0), column_ohm, point.bit_line_ampere),
    ):
        there = np.isfinite(ohm)
        expected = ohm[there] * ampere[there]
        np.testing.assert_allclose(drop[there], expected, rtol=0, atol=SMALL * largest)
        assert not ampere[~there].any()


@given(plans())
def test_power_in_is_power_dissipated(plan: dict[str, Any]) -> None:
    case = build(plan)
    point = solved(case)
    rows, columns = case.conductance.shape
    segments = wire_segments(case.wires, (rows, columns), case.driven, case.read)
    row_ohm, column_ohm = (np.where(np.isinf(ohm), 0.0, ohm) for ohm in segments)
    dissipated = (
        np.sum(point.device_ampere * (point.word_line_volt - point.bit_line_volt))
        + np.sum(row_ohm * point.word_line_ampere**2)
        + np.sum(column_ohm * point.bit_line_ampere**2)
    )
    given_power = float(case.drive @ point.input_ampere)
    assert given_power == pytest.approx(dissipated, rel=1e-9, abs=1e-18)


@given(plans())
def test_superposition(plan: dict[str, Any]) -> None:
    """The operating point of a drive is the sum of unit drives, which is what Y says."""
    case = build(plan)
    matrix = transfer_matrix(case.conductance, case.wires, **case.phase)
    point = solved(case)
    np.testing.assert_allclose(
        point.output_ampere, case.drive @ matrix, rtol=0, atol=SMALL * scale(point)
    )


def test_reciprocity() -> None:
    """Driver and amplifier may be exchanged: the transposed, reversed array has the transposed Y."""
    conductance = devices(np.random.default_rng(1), 6, 9)
    there = transfer_matrix(conductance, Wires(3.0, 5.0, 20.0, 40.0))
    back = transfer_matrix(conductance.T[::-1, ::-1], Wires(5.0, 3.0, 40.0, 20.0))
    np.testing.assert_allclose(back[::-1, ::-1].T, there, rtol=1e-12)


def test_loss_grows_along_the_lines() -> None:
    uniform = np.full((16, 16), WINDOW_SIEMENS)
    matrix = transfer_matrix(uniform, Wires(1.0, 1.0))
    assert (np.diff(matrix, axis=1) < 0).all(), "away from the driver"
    assert (np.diff(matrix, axis=0) > 0).all(), "towards the amplifier"
    point = node_voltages(uniform, Wires(1.0, 1.0), np.ones(16))
    assert (np.diff(point.word_line_volt, axis=1) < 0).all()
    assert (np.diff(point.bit_line_volt, axis=0) < 0).all()


def test_more_resistance_gives_less_current() -> None:
    conductance = devices(np.random.default_rng(2), 8, 8)
    outputs = [
        transfer_matrix(conductance, Wires(ohm, ohm)).sum() for ohm in (0.0, 0.1, 1.0, 10.0, 100.0)
    ]
    assert (np.diff(outputs) < 0).all()


def test_driving_both_ends_loses_less() -> None:
    uniform = np.full((16, 16), WINDOW_SIEMENS)
    one = transfer_matrix(uniform, Wires(2.0, 2.0)).sum()
    driven = transfer_matrix(uniform, Wires(2.0, 2.0, word_line_ends="both")).sum()
    both = transfer_matrix(uniform, Wires(2.0, 2.0, word_line_ends="both", bit_line_ends="both"))
    assert one < driven < both.sum() < uniform.sum()


def test_many_drives_and_many_instances() -> None:
    rng = np.random.default_rng(3)
    arrays = np.stack([devices(rng, 5, 6) for _ in range(3)])
    drives = rng.normal(size=(3, 5))
    wires = Wires(2.0, 3.0)
    of_one = node_voltages(arrays[0], wires, drives)
    of_each = node_voltages(arrays, wires, drives, workers=2)
    for_all = node_voltages(arrays, wires, drives[0])
    assert of_one.word_line_ampere.shape == of_each.word_line_ampere.shape == (3, 5, 7)
    for index in range(3):
        alone = node_voltages(arrays[index], wires, drives[index])
        np.testing.assert_array_equal(of_each.bit_line_volt[index], alone.bit_line_volt)
    np.testing.assert_allclose(of_one.word_line_volt[0], for_all.word_line_volt[0], rtol=1e-14)


def test_bad_drives_are_named() -> None:
    arrays = np.full((2, 3, 4), 1e-4)
    with pytest.raises(ShapeError, match=r"drive of shape \(4,\)"):
        node_voltages(arrays, Wires(), np.ones(4))
    with pytest.raises(ShapeError, match=r"drive of shape \(5, 3\) for instances of shape \(2,\)"):
        node_voltages(arrays, Wires(), np.ones((5, 3)))
    with pytest.raises(ShapeError, match="1 bad values, the first nan"):
        node_voltages(arrays, Wires(), np.array([0.1, np.nan, 0.0]))
