"""The compiled recurrence, forward and backward, against the eager reference."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from imssa.kernels import parallel
from imssa.kernels.codes import code_max
from imssa.kernels.passes import passes_of
from imssa.kernels.scan import (
    REALIZATIONS,
    Gradients,
    Noise,
    Record,
    Scales,
    Weights,
    no_noise,
    scan_backward,
    scan_forward,
    scan_record,
)
from imssa.kernels.scan_plan import float_type
from tests.reference import scan as reference

WAYS = [(name, current) for name in REALIZATIONS for current in (False, True)]


class Case(NamedTuple):
    """One random recurrence and its inputs."""

    u: NDArray[np.float64]
    lengths: NDArray[np.int64]
    weights: Weights
    scales: Scales


def made(  # noqa: PLR0913
    seed: int,
    realization: str,
    *,
    current: bool,
    lengths: tuple[int, ...] = (9, 4, 1),
    features: int = 2,
    modes: int = 2,
    weight_max: int = 7,
    register_bits: int = 16,
    gain_octaves: tuple[float, float] = (-2.5, 0.5),
    bit_serial: bool = False,
    two_pass: bool = False,
) -> Case:
    """A recurrence of random integers whose states fill a good part of their range."""
    rng = np.random.default_rng(seed)
    shape = (features, modes)
    dac_bits, adc_bits = (int(b) for b in rng.integers(4, 10, 2))
    dac, adc = code_max(dac_bits), code_max(adc_bits)
    guard = min(int(rng.integers(2, 8)), register_bits - 4)
    L = rng.integers(1, 6, (features, 2 * modes + 1)) * weight_max * (1 if bit_serial else dac)
    step = np.ldexp(L / 1.0, -rng.integers(0, 4, L.shape)) / adc
    step = np.ldexp(np.rint(step * 2**10) + 1, -10)  # L and h are integers
    step[:, 1:-1:2] = step[:, 0:-1:2]
    gain = 2.0 ** rng.uniform(*gain_octaves, shape) * step[:, 0:-1:2] * 2.0**guard / weight_max
    shift = np.maximum(7 - np.floor(np.log2(gain)).astype(np.int64), -8)
    scales = Scales(
        adc=step,
        multiplier=np.clip(np.rint(np.ldexp(gain, shift)), 1, 2**15 - 1).astype(np.int64),
        shift=shift,
        k=rng.integers(1, guard + 1, shape),
        passes=passes_of(dac_bits, bit_serial=bit_serial, two_pass=two_pass),
        drive_shift=guard,
        dac_max=dac,
        adc_max=adc,
        register_max=code_max(register_bits),
        realization=REALIZATIONS[realization],
        current=current,
    )
    a = rng.integers(-weight_max, weight_max + 1, (2, *shape)).astype(float)
    if realization == "incremental":
        a[0] = -np.abs(a[0])
    if realization == "leaky":
        a[0] = 0.0
    rotation = np.stack([np.stack([a[0], -a[1]], -1), np.stack([a[1], a[0]], -1)], -2)
    rest = (
        rng.integers(-weight_max, weight_max + 1, s).astype(float)
        for s in ((*shape, 2), (*shape, 2), (features,))
    )
    u = rng.integers(-dac, dac + 1, (features, len(lengths), max(lengths)), np.int32)
    u = np.ascontiguousarray(u.transpose(1, 2, 0).astype(float))
    return Case(u, np.array(lengths), Weights(rotation, *rest), scales)


def deviations(case: Case, seed: int, draws: int) -> NDArray[np.float64]:
    """Deviations of a fraction of a code, in steps of 2^-16."""
    features, lines = case.scales.adc.shape
    size = np.abs(case.weights.C).max() / 4
    values = np.random.default_rng(seed).normal(0, size, (draws, features, lines, lines))
    return np.asarray(np.rint(values * 2**16) / 2**16)


def compiled(
    case: Case, g: NDArray[np.float64], noise: Noise, dtype: type | None = None
) -> tuple[NDArray[np.float64], Gradients]:
    """Output codes and gradients."""
    scanned = scan_forward(*case, noise, dtype=dtype)
    return scanned.y, scan_backward(g, scanned, *case, noise, dtype=dtype)


def kernels_of(case: Case) -> reference.Kernels:
    gain = np.ldexp(case.scales.multiplier.astype(float), -case.scales.shift)
    A, B, C, D = map(torch.from_numpy, case.weights)
    k = torch.from_numpy(case.scales.k.astype(float))
    return reference.Kernels(A, B, C, D, torch.from_numpy(gain), k)


def assert_same(case: Case, deviation: NDArray[np.float64] | None = None, seed: int = 0) -> Record:
    """Codes equal; gradients to 1e-9 of the largest of their kind, in float32 to 1e-5."""
    g = np.random.default_rng(seed).normal(size=case.u.shape)
    noise = no_noise() if deviation is None else Noise(deviation, np.zeros_like(deviation), 0, 0)
    kernels = kernels_of(case).requiring_gradients()
    u = torch.from_numpy(case.u).requires_grad_()
    answer = reference.scan(u, kernels, case.lengths, case.scales, deviation)
    record = scan_record(*case, noise)
    assert np.array_equal(record.state[:, :, 1:], answer.state)
    assert np.array_equal(record.adc, answer.adc)
    torch.autograd.backward(answer.y, torch.from_numpy(g))
    assert u.grad is not None
    expected = {"u": u.grad}
    for name, value in vars(kernels).items():
        expected[name] = torch.zeros_like(value) if value.grad is None else value.grad
    for dtype in {float_type(case.weights, case.scales), np.float64}:
        y, gradients = compiled(case, g, noise, dtype)
        assert np.array_equal(y, answer.y.detach().numpy())
        near = 1e-5 if dtype is np.float32 and deviation is None else 1e-9
        for name, wanted in expected.items():
            got, largest = getattr(gradients, name), float(wanted.abs().max())
            assert np.abs(got - wanted.numpy()).max() <= near * largest, name
    return record


@pytest.mark.parametrize(("realization", "current"), WAYS)
@pytest.mark.parametrize("seed", range(4))
def test_codes_and_gradients(realization: str, current: bool, seed: int) -> None:
    record = assert_same(made(seed, realization, current=current))
    assert len(np.unique(record.state)) > 20
    assert len(np.unique(record.adc)) > 10


@pytest.mark.parametrize(("realization", "current"), WAYS)
def test_codes_and_gradients_with_deviating_devices(realization: str, current: bool) -> None:
    """Three draws over four sequences: sequence b sees draw b modulo three."""
    case = made(11, realization, current=current, lengths=(5, 7, 3, 6))
    deviation = deviations(case, 1, 3)
    record = assert_same(case, deviation)
    assert not np.array_equal(record.adc, compiled_codes(case))
    swapped = Noise(deviation[[1, 0, 2]], np.zeros_like(deviation), 0, 0)
    other = scan_record(*case, swapped).adc
    assert np.array_equal(other[:, 2], record.adc[:, 2])
    assert not np.array_equal(other[:, 0], record.adc[:, 0])


def compiled_codes(case: Case) -> NDArray[np.int32]:
    return scan_record(*case, no_noise()).adc


@pytest.mark.parametrize(("realization", "current"), WAYS)
@pytest.mark.parametrize(("bit_serial", "two_pass"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("devices", [False, True])
def test_codes_and_gradients_in_passes(
    realization: str, current: bool, bit_serial: bool, two_pass: bool, devices: bool
) -> None:
    case = made(
        13,
        realization,
        current=current,
        lengths=(5, 8, 3),
        bit_serial=bit_serial,
        two_pass=two_pass,
    )
    record = assert_same(case, deviations(case, 1, 2) if devices else None)
    whole = case.scales._replace(passes=passes_of(8, bit_serial=False, two_pass=False))
    assert not np.array_equal(record.adc, compiled_codes(case._replace(scales=whole)))


@pytest.mark.parametrize(("realization", "current"), WAYS)
@pytest.mark.parametrize(
    ("features", "modes", "lengths", "weight_max"),
    [(1, 1, (1,), 1), (1, 1, (2, 1), 1), (1, 4, (17,), 3), (3, 1, (5, 5), 127), (4, 3, (3,), 31)],
)
def test_shapes_and_widths(
    realization: str,
    current: bool,
    features: int,
    modes: int,
    lengths: tuple[int, ...],
    weight_max: int,
) -> None:
    case = made(
        5,
        realization,
        current=current,
        lengths=lengths,
        features=features,
        modes=modes,
        weight_max=weight_max,
    )
    assert_same(case)


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_long_sequence(realization: str) -> None:
    case = made(
        3, realization, current=False, lengths=(2000,), features=1, modes=1, gain_octaves=(-6, -4)
    )
    assert_same(case)


@pytest.mark.parametrize(("realization", "current"), WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_saturated_states(realization: str, current: bool, seed: int) -> None:
    """Large gains into narrow registers: codes stand at the ends, gradients stop there."""
    case = made(
        seed, realization, current=current, lengths=(12, 7), register_bits=9, gain_octaves=(1, 3)
    )
    record = assert_same(case)
    top = case.scales.register_max
    assert np.mean(np.abs(record.state[:, :, 1:]) == top) > 0.1


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_saturated_converters(realization: str) -> None:
    case = made(2, realization, current=False, lengths=(10, 10))
    small = np.ldexp(case.scales.adc, -6)
    case = case._replace(scales=case.scales._replace(adc=small))
    record = assert_same(case)
    assert np.mean(np.abs(record.adc) == case.scales.adc_max) > 0.3


def test_steps_beyond_a_length_stay_zero_and_count_for_nothing() -> None:
    case = made(8, "leaky", current=True, lengths=(6, 2))
    g = np.random.default_rng(0).normal(size=case.u.shape)
    record = scan_record(*case, no_noise())
    y, gradients = compiled(case, g, no_noise())
    assert not record.state[:, 1, 3:].any()
    assert not record.adc[:, 1, 2:].any()
    assert not y[1, 2:].any()
    assert not gradients.u[1, 2:].any()
    changed = case.u.copy()
    changed[1, 2:] = 3
    padded = g.copy()
    padded[1, 2:] = 1e6
    again = compiled(case._replace(u=changed), padded, no_noise())
    assert np.array_equal(again[0], y)
    assert all(np.array_equal(a, b) for a, b in zip(again[1], gradients, strict=True))


@pytest.mark.parametrize(("realization", "current"), WAYS)
def test_a_negated_input_negates_every_code(realization: str, current: bool) -> None:
    case = made(21, realization, current=current, lengths=(40,))
    codes = compiled_codes(case)
    assert np.array_equal(compiled_codes(case._replace(u=-case.u)), -codes)
    assert codes.any()


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("noisy", [False, True])
def test_threads_change_nothing(workers: int, noisy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    case = made(4, "direct", current=False, features=9, lengths=(8, 3, 150, 1, 1, 7, 9, 2, 4))
    noise = Noise(deviations(case, 2, 2), np.abs(deviations(case, 3, 2)), 5, 6)
    noise = noise if noisy else no_noise()
    g = np.ones(case.u.shape)
    expected = compiled(case, g, noise)
    monkeypatch.setattr(parallel, "worker_count", lambda: workers)
    got = compiled(case, g, noise)
    assert np.array_equal(got[0], expected[0])
    assert all(np.array_equal(a, b) for a, b in zip(got[1], expected[1], strict=True))


@pytest.mark.parametrize("current", [False, True])
def test_read_noise_has_the_asked_variance_and_is_fresh(current: bool) -> None:
    """Weights of zero: a code is sqrt(sum v d^2) z over its step, anew at each step and sequence."""
    case = made(1, "direct", current=current, features=1, modes=1, lengths=(1000,) * 60)
    features, lines = case.scales.adc.shape
    variance = np.zeros((2, features, lines, lines))
    variance[..., -1] = np.array([0.25, 1.0])[:, None, None]  # of the weights of the input
    u = np.full_like(case.u, 100)
    fine = case.scales._replace(adc=np.full((features, lines), 0.25), adc_max=8191, dac_max=127)
    zero = Weights(*(np.zeros_like(w) for w in case.weights))
    noise = Noise(np.zeros_like(variance), variance, 7, 8)
    adc = scan_record(u, case.lengths, zero, fine, noise).adc[0].astype(float)
    for draw, sigma in enumerate((0.5, 1.0)):
        z = adc[draw::2] * 0.25 / (100 * sigma)
        n = z.size
        assert abs(z.mean()) < 4 / np.sqrt(n)
        assert abs(z.std() - 1) < 4 / np.sqrt(2 * n)
        jitter = np.random.default_rng(0).uniform(-0.5, 0.5, n) * 0.25 / (100 * sigma)
        assert stats.kstest(z.ravel() + jitter, "norm").pvalue > 1e-3
        flat = z.reshape(-1, lines)
        assert np.abs(np.corrcoef(flat.T) - np.eye(lines)).max() < 4 / np.sqrt(len(flat))
        assert abs((z[:, :-1] * z[:, 1:]).mean()) < 4 / np.sqrt(n)
    assert np.array_equal(scan_record(u, case.lengths, zero, fine, noise).adc[0], adc)
    other = scan_record(u, case.lengths, zero, fine, noise._replace(key0=9)).adc[0]
    assert not np.array_equal(other, adc)


@pytest.mark.parametrize("current", [False, True])
def test_each_pass_is_read_with_noise_of_its_own(current: bool) -> None:
    """A code is the weighted sum of all passes' noise: sum_p w_p digit_p sqrt(v) z_p."""
    case = made(1, "direct", current=current, features=1, modes=1, lengths=(1000,) * 30)
    features, lines = case.scales.adc.shape
    variance = np.zeros((1, features, lines, lines))
    variance[..., -1] = 1.0
    passes = passes_of(8, bit_serial=True, two_pass=True)
    fine = case.scales._replace(
        adc=np.full((features, lines), 2.0**-8), adc_max=8191, dac_max=127, passes=passes
    )
    zero = Weights(*(np.zeros_like(w) for w in case.weights))
    noise = Noise(np.zeros_like(variance), variance, 7, 8)
    u = np.full_like(case.u, 101)  # 1100101
    adc = scan_record(u, case.lengths, zero, fine, noise).adc[0] * 2.0**-8
    sigma = np.sqrt(sum(4**bit for bit in (0, 2, 5, 6)))
    n = adc.size
    assert abs(adc.mean()) < 4 * sigma / np.sqrt(n)
    assert abs(adc.std() / sigma - 1) < 4 / np.sqrt(2 * n)


def test_the_reference_itself_is_sharp() -> None:
    """A weight that is off by one must be found."""
    case = made(0, "leaky", current=False)
    wrong = Weights(case.weights.A, case.weights.B, case.weights.C + 1, case.weights.D)
    kernels = kernels_of(case._replace(weights=wrong))
    answer = reference.scan(torch.from_numpy(case.u), kernels, case.lengths, case.scales)
    assert not np.array_equal(answer.adc, compiled_codes(case))
