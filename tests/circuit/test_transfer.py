"""Y: equal to a dense solve of all nodal equations, whatever the wires do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from imssa.circuit.segments import Segments, wire_segments
from imssa.circuit.sweep import transfer
from imssa.circuit.transfer import solve_transfer, transfer_matrix
from imssa.circuit.wires import OpenSegment, Wires
from imssa.errors import ShapeError
from tests.circuit.arrays import WINDOW_SIEMENS, build, devices, plans
from tests.circuit.dense import dense_transfer

ONE_OHM = Wires(word_line_resistance_ohm=1.0, bit_line_resistance_ohm=1.0)


@given(plans())
@settings(max_examples=300)
def test_equals_dense_solve(plan: dict[str, Any]) -> None:
    case = build(plan)
    shape = case.conductance.shape
    segments = wire_segments(case.wires, (shape[0], shape[1]), case.driven, case.read)
    expected = dense_transfer(case.conductance, *segments)
    found = transfer_matrix(case.conductance, case.wires, **case.phase)
    scale = max(float(np.abs(expected).max()), 1e-7)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale)


@given(plans())
def test_turned_array_gives_the_same(plan: dict[str, Any]) -> None:
    """Reciprocity: sweeping along word lines or along bit lines."""
    case = build(plan)
    shape = case.conductance.shape
    row_ohm, column_ohm = wire_segments(case.wires, (shape[0], shape[1]), case.driven, case.read)
    one_way = transfer(case.conductance, row_ohm, column_ohm, True)
    turned = [
        np.ascontiguousarray(part.T[::-1]) for part in (case.conductance, column_ohm, row_ohm)
    ]
    other_way = transfer(turned[0], turned[1], turned[2], True)[::-1].T
    np.testing.assert_allclose(one_way, other_way, rtol=0, atol=1e-12 * WINDOW_SIEMENS)


def test_ideal_wires_give_the_plain_product() -> None:
    conductance = devices(np.random.default_rng(1), 9, 7)
    np.testing.assert_array_equal(transfer_matrix(conductance, Wires()), conductance)


@pytest.mark.parametrize("ends", ["one", "both"])
@pytest.mark.parametrize("axis", ["word_line_resistance_ohm", "bit_line_resistance_ohm"])
def test_ideal_on_one_axis_alone(axis: str, ends: str) -> None:
    """One axis ideal: every line is a ladder of its own; a tiny resistance comes close."""
    conductance = devices(np.random.default_rng(2), 6, 5)
    choice = {"word_line_ends": ends, "bit_line_ends": ends}
    other = ({"word_line_resistance_ohm", "bit_line_resistance_ohm"} - {axis}).pop()
    exact = transfer_matrix(conductance, Wires(**{other: 7.0}, **choice))  # type: ignore[arg-type]
    nearly = Wires(**{other: 7.0, axis: 1e-9}, **choice)  # type: ignore[arg-type]
    assert np.abs(exact - conductance).max() > 1e-7
    np.testing.assert_allclose(transfer_matrix(conductance, nearly), exact, rtol=1e-9)


@pytest.mark.parametrize(
    ("lines", "random_loss", "full_loss"), [(64, 0.17, 0.29), (128, 0.44, 0.60)]
)
def test_published_losses_at_one_ohm(lines: int, random_loss: float, full_loss: float) -> None:
    rng = np.random.default_rng(3)
    random = rng.uniform(0, WINDOW_SIEMENS, (lines, lines))
    full = np.full((lines, lines), WINDOW_SIEMENS)
    for conductance, loss in ((random, random_loss), (full, full_loss)):
        kept = transfer_matrix(conductance, ONE_OHM).sum() / conductance.sum()
        assert 1 - kept == pytest.approx(loss, abs=0.006)


def test_tiny_resistances_lose_no_digits() -> None:
    """Where equations with the conductance of wires as entries would lose nine digits."""
    conductance = devices(np.random.default_rng(4), 12, 12)
    tiny = Wires(word_line_resistance_ohm=1e-6, bit_line_resistance_ohm=1e-6)
    small = Wires(word_line_resistance_ohm=1e-3, bit_line_resistance_ohm=1e-3)
    loss_tiny = conductance - transfer_matrix(conductance, tiny)
    loss_small = conductance - transfer_matrix(conductance, small)
    np.testing.assert_allclose(loss_tiny, loss_small / 1e3, rtol=0, atol=1e-4 * loss_tiny.max())


def test_batch_equals_each_alone_bit_for_bit() -> None:
    rng = np.random.default_rng(5)
    batch = np.stack([[devices(rng, 9, 13) for _ in range(3)] for _ in range(2)])
    together = transfer_matrix(batch, ONE_OHM, workers=2)
    assert together.shape == batch.shape
    for place in np.ndindex(2, 3):
        np.testing.assert_array_equal(together[place], transfer_matrix(batch[place], ONE_OHM))


def test_each_instance_may_have_its_own_wires() -> None:
    conductance = np.stack([devices(np.random.default_rng(6), 4, 5)] * 2)
    broken = Wires(1.0, 1.0, open_bit_lines=(OpenSegment(2, 4),))
    both = transfer_matrix(conductance, [ONE_OHM, broken])
    np.testing.assert_array_equal(both[0], transfer_matrix(conductance[0], ONE_OHM))
    np.testing.assert_array_equal(both[1], transfer_matrix(conductance[1], broken))
    assert not both[1][:, 2].any()
    assert both[0][:, 2].all()
    with pytest.raises(ShapeError, match="3 wires for 2 instances"):
        transfer_matrix(conductance, [ONE_OHM] * 3)


def test_floating_lines_differ_from_grounded_ones() -> None:
    conductance = devices(np.random.default_rng(7), 8, 8, faulty=0.0)
    floating = Wires(10.0, 10.0, undriven="floating", unread="floating")
    driven = np.arange(8) < 3
    phase = transfer_matrix(conductance, floating, driven=driven, read=~driven)
    plain = transfer_matrix(conductance, Wires(10.0, 10.0), driven=driven, read=~driven)
    assert not phase[3:].any()
    assert not phase[:, :3].any()
    assert plain.all()
    assert np.abs(phase[:3, 3:] / plain[:3, 3:] - 1).max() > 1e-3
    assert not floating.one_matrix_serves_all_phases
    assert ONE_OHM.one_matrix_serves_all_phases


def test_all_open_array_has_no_current() -> None:
    assert not transfer_matrix(np.zeros((3, 4)), ONE_OHM).any()
    cut = Wires(1.0, 1.0, open_word_lines=tuple(OpenSegment(i, 0) for i in range(3)))
    assert not transfer_matrix(np.full((3, 4), 1e-4), cut).any()


@pytest.mark.parametrize(
    ("conductance", "told"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (np.ones((2, 0)), r"shape \(2, 0\)"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), r"2 bad values, the first nan at \(0, 1\)"),
        (np.array([[1.0], [-1e-6]]), r"1 bad values, the first -1e-06 at \(1, 0\)"),
        (np.array([[np.inf]]), "the first inf"),
    ],
)
def test_bad_conductances_are_named(conductance: np.ndarray, told: str) -> None:
    with pytest.raises(ShapeError, match=told):
        transfer_matrix(conductance, ONE_OHM)


def test_bad_masks_and_workers_are_named() -> None:
    conductance = np.full((2, 3), 1e-4)
    with pytest.raises(ShapeError, match=r"driven of shape \(3,\) and type bool"):
        transfer_matrix(conductance, ONE_OHM, driven=np.ones(3, bool))
    with pytest.raises(ShapeError, match=r"read of shape \(3,\) and type int64"):
        transfer_matrix(conductance, ONE_OHM, read=np.ones(3, np.int64))
    with pytest.raises(ShapeError, match="workers = 0"):
        transfer_matrix(conductance, ONE_OHM, workers=0)


def test_open_segments_must_be_in_the_array() -> None:
    wires = Wires(
        open_word_lines=(OpenSegment(2, 0), OpenSegment(0, 3)), open_bit_lines=(OpenSegment(1, 0),)
    )
    with pytest.raises(
        ShapeError, match="word line 2, segment 0; word line 0, segment 3; bit line 1"
    ):
        transfer_matrix(np.full((2, 3), 1e-4), wires)


def test_solved_along_the_cheaper_side() -> None:
    """Both orders are taken by themselves for long and for wide arrays, and agree."""
    conductance = devices(np.random.default_rng(8), 3, 11)
    wide = solve_transfer(conductance, wire_segments(ONE_OHM, (3, 11)))
    row_ohm, column_ohm = wire_segments(ONE_OHM, (3, 11))
    np.testing.assert_allclose(wide, transfer(conductance, row_ohm, column_ohm, False), rtol=1e-13)
    assert isinstance(wire_segments(ONE_OHM, (3, 11)), Segments)
