"""Gradients and projection of the trainable network."""

import numpy as np
import pytest
import torch

from imssa.kernels.random import Key
from imssa.quantization.config import QuantizationConfig, Realization, WeightBits
from imssa.quantization.quantizers import quantized_scan
from tests.reference import scan as reference
from tests.reference.networks import Sketch, all_bits, prepared_network

REALIZATIONS = ("direct", "incremental", "leaky")


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_the_scan_in_the_graph_is_the_reference(realization: Realization, output: str) -> None:
    sketch = Sketch(realization=realization, output=output, bits=all_bits(5))
    kernels = prepared_network(2, sketch).blocks[0].kernels
    rng = np.random.default_rng(1)
    u = torch.from_numpy(rng.integers(-127, 128, (3, 9, 3)).astype(float)).requires_grad_()
    lengths, scales = np.array([9, 2, 5]), kernels.scales()
    gain = torch.from_numpy(np.ldexp(scales.multiplier.astype(float), -scales.shift))
    A, B, C, D = kernels.weights()
    k = torch.from_numpy(scales.k.astype(float))
    ours = reference.Kernels(A, B, C, D, gain, k).requiring_gradients()
    theirs = reference.Kernels(A, B, C, D, gain, k).requiring_gradients()
    y = quantized_scan(
        u,
        (ours.A, ours.B, ours.C, ours.D),
        gain=ours.gain,
        k=ours.k,
        lengths=lengths,
        scales=scales,
        noise=kernels.noise(None),
    )
    v = u.detach().clone().requires_grad_()
    answer = reference.scan(v, theirs, lengths, scales)
    assert torch.equal(y, answer.y)
    g = torch.from_numpy(rng.normal(size=y.shape))
    y.backward(g)  # type: ignore[no-untyped-call]
    torch.autograd.backward(answer.y, g)
    assert u.grad is not None
    assert v.grad is not None
    assert float((u.grad - v.grad).abs().max()) <= 1e-5 * float(v.grad.abs().max())
    for name, value in vars(ours).items():
        wanted = getattr(theirs, name).grad
        wanted = torch.zeros_like(value) if wanted is None else wanted
        assert value.grad is not None
        off = float((value.grad - wanted).abs().max())
        assert off <= 1e-5 * float(wanted.abs().max()), name  # float32 inside


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_every_parameter_learns(realization: Realization) -> None:
    """A gradient arrives at each parameter that is in play."""
    prepared = prepared_network(5, Sketch(realization=realization, bits=all_bits(5), layers=2))
    features = torch.from_numpy(np.random.default_rng(0).normal(0, 50, (16, 14, 4)))
    logits = prepared(features, torch.full((16,), 14), Key.root(0))
    torch.nn.functional.cross_entropy(logits, torch.arange(16) % 3).backward()  # type: ignore[no-untyped-call]
    for name, parameter in prepared.named_parameters():
        unused = {"decoder.log_gain"} | {
            f"blocks.{n}.kernels.k" for n in (0, 1) if realization != "leaky"
        }
        if name in unused:
            continue
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
        assert bool(parameter.grad.any()), name


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_projection_settles_at_once(realization: Realization) -> None:
    prepared = prepared_network(6, Sketch(realization=realization, bits=all_bits(3)))
    with torch.no_grad():
        for parameter in prepared.parameters():
            parameter.mul_(3.0)
    prepared.project()
    first = {n: v.clone() for n, v in prepared.state_dict().items()}
    prepared.project()
    for name, value in prepared.state_dict().items():
        assert torch.equal(value, first[name]), name
    kernels = prepared.blocks[0].kernels
    for latent in (kernels.A, kernels.B, kernels.C, kernels.D, prepared.encoder.latent):
        assert float(latent.detach().abs().max()) <= 1.0
    assert float(kernels.k.detach().min()) >= 1
    assert float(kernels.k.detach().max()) <= kernels.config.max_decay_shift
    if realization == "leaky":
        assert not kernels.A.detach()[..., 0].any()


def test_leaky_poles_keep_their_margin() -> None:
    """(g w)^2 < 2 2^-k - 4^-k with w three sigma of a pair larger and a factor 4/pi on g w."""
    kernels = prepared_network(7, Sketch(bits=all_bits(8), kernels=9, modes=4)).blocks[0].kernels
    kernels.log_gain.data.fill_(4.0)
    kernels.project()
    turn = kernels.weights()[0].detach()[..., 1, 0].abs() / 127 + 3 * np.sqrt(2) * 3.23 / 150
    decay = 2.0 ** -torch.round(kernels.k.detach())
    g = 2.0 ** kernels.log_gain.detach()
    assert bool(((4 / np.pi * g * turn) ** 2 <= (2 * decay - decay**2) * (1 + 1e-9)).all())


@pytest.mark.parametrize(
    ("bits", "A", "B"), [((2, 4), 7, 1), ((4, 2), 1, 7), ((3, 8), 42, 1), ((2, 2), 1, 1)]
)
def test_groups_on_one_bit_line_share_its_step(bits: tuple[int, int], A: int, B: int) -> None:
    """The coarser group uses multiples of the finer one's step: ternary beside 4 bits is -7, 0, 7."""
    widths = WeightBits(A=bits[0], B=bits[1], C=bits[0], D=bits[1])
    kernels = prepared_network(1, Sketch(bits=widths, kernels=9, modes=4)).blocks[0].kernels
    codes = [np.unique(np.abs(w.detach().numpy())) for w in kernels.weights()]
    largest = max(2 ** (b - 1) - 1 for b in bits)
    assert kernels.state_line_max == kernels.output_line_max == largest
    for values, step in zip(codes, (A, B, A, B), strict=True):
        assert not np.any(values % step)
        assert values.max() <= largest
        assert len(values) > 1


def test_too_few_guard_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="leaves a dead zone"):
        QuantizationConfig(realization="leaky", guard_bits=7, max_decay_shift=7)
    QuantizationConfig(realization="direct", guard_bits=1)
