"""The quantized recurrence as a PyTorch operator."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from imssa.kernels.scan import DEFAULT_BUDGET_BYTES, Noise, no_noise
from imssa.kernels.scan_operator import scan_operator
from tests.kernels.test_scan import deviations, made


def arguments(*, noisy: bool, current: bool = False) -> tuple[Any, ...]:
    """Arguments of the operator; those with a gradient ask for one."""
    case = made(3, "leaky", current=current, lengths=(9, 4, 7), features=3)
    s = case.scales
    noise = no_noise()
    if noisy:
        deviation = deviations(case, 1, 2)
        noise = Noise(deviation, np.abs(deviation), 5, 6)
    gain = np.ldexp(s.multiplier.astype(float), -s.shift)
    smooth = (case.u, *case.weights, gain, s.k.astype(float))
    rest = (case.lengths, *s[:5], noise.deviation, noise.variance)
    leaves = (torch.from_numpy(x).requires_grad_() for x in smooth)
    numbers = (*s[5:], noise.key0, noise.key1, DEFAULT_BUDGET_BYTES)
    return (*leaves, *(torch.from_numpy(x) for x in rest), *numbers)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_operator_keeps_pytorchs_rules(noisy: bool) -> None:
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(scan_operator, arguments(noisy=noisy), test_utils=checks)


def gradients(found: Tensor, inputs: tuple[Any, ...]) -> list[Tensor]:
    g = torch.from_numpy(np.random.default_rng(0).normal(size=tuple(found.shape)))
    return list(torch.autograd.grad(found, inputs[:7], g))


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("current", [False, True])
def test_checkpointing_runs_the_same_again(noisy: bool, current: bool) -> None:
    inputs = arguments(noisy=noisy, current=current)
    plain = scan_operator(*inputs)[0]
    again = checkpoint(scan_operator, *inputs, use_reentrant=False)[0]
    assert torch.equal(plain, again)
    pairs = zip(gradients(plain, inputs), gradients(again, inputs), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_gradients_are_linear_in_that_of_the_output() -> None:
    """The only smooth part: codes have no derivative, the straight-through rule is linear."""
    inputs = arguments(noisy=True)
    y = scan_operator(*inputs)[0]
    rng = np.random.default_rng(1)
    g, h = (torch.from_numpy(rng.normal(size=tuple(y.shape))) for _ in range(2))
    one, other, both = (
        torch.autograd.grad(y, inputs[:7], x, retain_graph=True) for x in (g, h, 2 * g - h)
    )
    for a, b, c in zip(one, other, both, strict=True):
        assert torch.allclose(2 * a - b, c, rtol=1e-9, atol=1e-9 * float(c.abs().max()))


def test_a_gradient_that_is_spread_out_in_memory_is_taken() -> None:
    inputs = arguments(noisy=False)
    y = scan_operator(*inputs)[0]
    one = torch.autograd.grad(y.sum(), inputs[:7], retain_graph=True)  # of stride zero
    other = torch.autograd.grad(y, inputs[:7], torch.ones_like(y))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_compiled_graphs_hold_the_operator_whole() -> None:
    """In a process of its own: ``torch.compile`` and the type checks of tests do not mix."""
    script = (
        "import torch, numpy as np\n"
        "from tests.kernels.test_scan_operator import arguments, gradients, scan_operator\n"
        "for noisy in (False, True):\n"
        "    inputs = arguments(noisy=noisy)\n"
        "    f = lambda u, *rest: scan_operator(2 * u, *rest)[0] * 3\n"
        "    c = torch.compile(f, backend='aot_eager', fullgraph=True)\n"
        "    y, z = f(*inputs), c(*inputs)\n"
        "    assert torch.equal(y, z)\n"
        "    pairs = zip(gradients(y, inputs), gradients(z, inputs))\n"
        "    assert all(torch.equal(a, b) for a, b in pairs)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
