"""How a scan is laid out, and when float32 holds its codes."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imssa.errors import ShapeError
from imssa.kernels import scan_plan
from imssa.kernels.codes import code_max
from imssa.kernels.scan import Noise, no_noise, scan_backward, scan_forward
from tests.kernels.test_scan import Case, assert_same, deviations, made
from tests.reference import rules


@given(
    L=st.integers(1, 2**20), h=st.integers(0, 16), bits=st.integers(4, 12), seed=st.integers(0, 99)
)
def test_a_scale_found_good_converts_every_sum_exactly(
    L: int, h: int, bits: int, seed: int
) -> None:
    """Sums near each change of code and others at random, against exact fractions."""
    step, largest = L / 2**h, code_max(bits)
    if not scan_plan.rounds_alike(np.array([step]), largest):
        return
    rng = np.random.default_rng(seed)
    edges = np.ceil((rng.integers(1, largest + 1, 20) - 0.5) * step)
    sums = np.concatenate([edges + d for d in (-1, 0, 1)] + [rng.integers(0, 2**24, 20)])
    sums = sums[(sums >= 0) & (sums < 2**24)]
    inverse, added = np.float32(1.0 / step), np.float32(scan_plan.half(largest, np.float32))
    codes = np.minimum(np.floor(sums.astype(np.float32) * inverse + added), np.float32(largest))
    exact = [rules.converted(Fraction(int(x)), Fraction(L, 2**h), largest) for x in sums]
    assert codes.tolist() == exact


@pytest.mark.parametrize("bits", [4, 8])
def test_plain_scales_are_found_good(bits: int) -> None:
    steps = np.array([1.0, 2.0, 3.0, 4.0, 7.0, 0.5, 127.0])
    assert scan_plan.rounds_alike(steps, code_max(bits))
    assert not scan_plan.rounds_alike(np.array([2.0, 435.51953125]), code_max(12))


@given(
    batch=st.integers(1, 70),
    length=st.integers(1, 5000),
    features=st.integers(1, 200),
    modes=st.integers(1, 130),
    budget=st.integers(1, 2**24),
)
def test_layouts_hold_every_lane(
    batch: int, length: int, features: int, modes: int, budget: int
) -> None:
    cut = scan_plan.layout((batch, length, features), modes, budget)
    assert cut.group >= modes
    assert cut.group & (cut.group - 1) == 0
    assert cut.feature_blocks * cut.features >= features
    assert (cut.feature_blocks - 1) * cut.features < features
    assert cut.batch_blocks * cut.sequences >= batch
    assert (cut.batch_blocks - 1) * cut.sequences < batch
    assert cut.width >= cut.features * cut.sequences * cut.group
    assert cut.width % cut.tile == 0
    assert cut.tile % cut.group == 0
    assert (cut.blocks - 1) * cut.block < length <= cut.blocks * cut.block
    size = 8 * cut.width * cut.items * cut.blocks
    assert size <= budget or cut.blocks == 1


@given(
    features=st.integers(1, 9),
    modes=st.integers(1, 5),
    rows=st.integers(1, 3),
    batch=st.integers(1, 9),
)
def test_lanes_go_there_and_back(features: int, modes: int, rows: int, batch: int) -> None:
    """Constants are repeated for each sequence, sums added over them."""
    cut = scan_plan.layout((batch, 3, features), modes)
    values = np.random.default_rng(0).normal(size=(rows, features, modes))
    lanes = scan_plan.in_lanes(values, cut)
    each = np.repeat(lanes, cut.batch_blocks, 0)
    back = scan_plan.from_lanes(each, cut, features, modes)
    assert np.allclose(back, values * cut.batch_blocks * cut.sequences)


@given(
    seed=st.integers(0, 10**6),
    realization=st.sampled_from(("direct", "incremental", "leaky")),
    current=st.booleans(),
    features=st.integers(1, 4),
    modes=st.integers(1, 5),
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    register_bits=st.integers(9, 32),
    weight_max=st.sampled_from((1, 7, 127)),
)
def test_any_scan_is_the_reference(  # noqa: PLR0913, PLR0917
    seed: int,
    realization: str,
    current: bool,
    features: int,
    modes: int,
    lengths: list[int],
    register_bits: int,
    weight_max: int,
) -> None:
    case = made(
        seed,
        realization,
        current=current,
        lengths=tuple(lengths),
        features=features,
        modes=modes,
        register_bits=register_bits,
        weight_max=weight_max,
    )
    assert_same(case, seed=seed)


@pytest.mark.parametrize("modes", [33, 64, 70])
def test_many_modes_span_several_vectors(modes: int) -> None:
    assert_same(made(7, "leaky", current=True, lengths=(3, 2), features=2, modes=modes))


def test_gradients_beyond_float32_are_found_in_float64() -> None:
    """A pole of size sqrt(2) at rest: the gradient grows past 2^128 in 300 steps."""
    case = made(1, "incremental", current=False, lengths=(300,), features=1, modes=1)
    one = np.ones((1, 1), np.int64)
    scales = case.scales._replace(
        adc=np.ones((1, 3)), multiplier=one, shift=-one * case.scales.drive_shift
    )
    turn = np.array([[[[0.0, -1.0], [1.0, 0.0]]]])
    weights = case.weights._replace(A=turn, C=np.ones((1, 1, 2)))
    case = case._replace(u=np.zeros_like(case.u), weights=weights, scales=scales)
    assert scan_plan.float_type(weights, scales) is np.float32
    record = assert_same(case)
    assert not record.state.any()


@pytest.mark.parametrize("current", [False, True])
def test_the_memory_budget_changes_no_code(current: bool) -> None:
    """One block for the whole sequence, or many: equal codes, gradients to rounding."""
    case = made(5, "leaky", current=current, lengths=(700, 129, 128, 1), features=3, modes=3)
    g = np.random.default_rng(0).normal(size=case.u.shape)
    found = []
    for budget in (1, 2**30):
        scanned = scan_forward(*case, no_noise(), budget, np.float64)
        back = scan_backward(g, scanned, *case, no_noise(), budget, np.float64)
        found.append((scanned, back))
    (small, few), (large, many) = found
    assert small.checkpoints.size * 6 == large.checkpoints.size
    assert np.array_equal(small.y, large.y)
    for one, other in zip(few, many, strict=True):
        assert np.abs(one - other).max() <= 1e-10 * np.abs(other).max()


@pytest.mark.parametrize("current", [False, True])
def test_kept_codes_of_a_dense_scan_change_nothing(current: bool) -> None:
    """Codes of all steps at hand, or products and noise computed again: bit for bit the same."""
    case = made(5, "leaky", current=current, lengths=(300, 129, 128, 1), features=3, modes=3)
    deviation = deviations(case, 1, 2)
    noise = Noise(deviation, np.abs(deviation), 3, 4)
    g = np.random.default_rng(0).normal(size=case.u.shape)
    enough = 2 * case.u.size * 6
    found = []
    for budget in (enough, enough - 1):
        scanned = scan_forward(*case, noise, budget)
        found.append((scanned, scan_backward(g, scanned, *case, noise, budget)))
    (kept, one), (again, other) = found
    assert len(kept.codes) == 12
    assert len(again.codes) == 0
    assert np.array_equal(kept.y, again.y)
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a, b)


def noise_of(case: Case) -> Noise:
    """Deviations of one draw, with reads as noisy."""
    deviation = deviations(case, 1, 1)
    return Noise(deviation, np.abs(deviation), 3, 4)


@pytest.mark.parametrize("dense", [False, True])
def test_checkpoints_of_another_budget_are_refused(dense: bool) -> None:
    """Registers that belong to other steps would give wrong gradients without a word."""
    case = made(5, "leaky", current=False, lengths=(300,))
    noise = noise_of(case) if dense else no_noise()
    scanned = scan_forward(*case, noise, 1)
    with pytest.raises(ShapeError, match="1 checkpoints a sequence"):
        scan_backward(case.u, scanned, *case, noise)


@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("length", [0, 3])
def test_an_empty_batch_has_empty_codes_and_no_gradients(length: int, dense: bool) -> None:
    case = made(5, "leaky", current=False, lengths=(3,))
    noise = noise_of(case) if dense else no_noise()
    case = case._replace(u=case.u[:0, :length], lengths=case.lengths[:0])
    scanned = scan_forward(*case, noise)
    found = scan_backward(case.u, scanned, *case, noise)
    assert scanned.y.shape == found.u.shape == (0, length, 2)
    for weights, gradient in zip(case.weights, found[1:5], strict=True):
        assert gradient.shape == weights.shape
        assert not gradient.any()
