"""The recurrence in Triton, in its interpreter or on a GPU, against the compiled one of the CPU."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from imssa.errors import DesignRuleError, MissingToolError
from imssa.kernels import scan_triton
from imssa.kernels.scan import DEFAULT_BUDGET_BYTES, Noise, no_noise
from imssa.kernels.scan_operator import scan_operator
from imssa.kernels.scan_plan import float_type
from tests.kernels.scan_triton_answers import LARGE, answer, cases, gradient_of
from tests.kernels.test_scan import compiled, deviations, made
from tests.kernels.test_scan_operator import arguments

ROOT = Path(__file__).parents[2]
CASES = cases()


def run(*words: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("triton")
    path = tmp_path_factory.mktemp("triton") / "answers.npz"
    flag = {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}
    run("-m", "tests.kernels.scan_triton_answers", str(path), **flag)
    with np.load(path) as file:
        return dict(file)


def assert_near(got: list[Any], wanted: list[Any], near: float) -> None:
    """Codes equal; gradients to a fraction of the largest of their kind."""
    assert len(got) == len(wanted) == 8
    assert np.array_equal(got[0], wanted[0])
    for a, b in zip(got[1:], wanted[1:], strict=True):
        assert np.abs(a - b).max() <= near * np.abs(b).max()


@pytest.mark.parametrize("name", CASES)
def test_codes_and_gradients(name: str, answers: dict[str, Any]) -> None:
    case = CASES[name]
    for dtype in {float_type(case.weights, case.scales), np.float64}:
        y, gradients = compiled(case, gradient_of(case), no_noise(), dtype)
        got = [answers[f"{name}/{dtype.__name__}/{i}"] for i in range(8)]
        assert_near(got, [y, *gradients], 1e-5 if dtype is np.float32 else 1e-12)
        assert np.abs(y).max() > 0


def test_gradients_beyond_float32_are_found_in_float64(answers: dict[str, Any]) -> None:
    case = CASES["one mode, ragged"]
    large = LARGE * gradient_of(case)
    assert float_type(case.weights, case.scales) is np.float32
    y, gradients = compiled(case, large, no_noise())
    got = [answers[f"large gradients/{i}"] for i in range(8)]
    assert np.abs(got[1]).max() > np.finfo(np.float32).max
    assert_near(got, [y, *gradients], 1e-12)


def test_cases_have_both_float_types_and_reach_the_ends() -> None:
    types = {float_type(case.weights, case.scales) for case in CASES.values()}
    assert types == {np.float32, np.float64}
    for name in ("saturated registers, current False", "saturated converters"):
        case = CASES[name]
        y, _ = compiled(case, gradient_of(case), no_noise())
        assert np.mean(np.abs(y) == case.scales.adc_max) > 0.1 or "registers" in name


def test_the_operator_takes_the_same_arguments(answers: dict[str, Any]) -> None:
    inputs = arguments(noisy=False)
    y = scan_operator(*inputs)[0]
    wanted = [y, *torch.autograd.grad(y, inputs[:7], torch.ones_like(y))]
    got = [answers[f"operator/float64/{i}"] for i in range(8)]
    assert_near(got, [x.detach().numpy() for x in wanted], 1e-5)


def test_kernels_compile_to_machine_code_without_fused_products(tmp_path: Path) -> None:
    """For two generations of GPUs; none needs to be there."""
    pytest.importorskip("triton")
    script = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from imssa.kernels.scan_triton import OPTIONS
from imssa.kernels.scan_triton_back import backward_kernel
from imssa.kernels.scan_triton_steps import forward_kernel
def kind(name, real, constants):
    if name in constants:
        return "constexpr"
    if name in ("length", "features", "modes", "blocks"):
        return "i32"
    of = dict.fromkeys(("rows", "outputs", "limits", "states"), real)
    return "*" + (of | {"lengths": "i64", "checkpoints": "i32"}).get(name, "fp64")
def constants(current, ones):  # sizes of one are constants to Triton
    return {"BLOCK": 128, "CURRENT": current, "KERNELS": 2, "MODES": 16} | dict.fromkeys(ones, 1)
few = constants(False, ())
many = constants(True, ("length", "features", "modes", "blocks"))
for real, constants, capability in (("fp32", few, 80), ("fp64", many, 90)):
    for kernel in (forward_kernel, backward_kernel):
        signature = {n: kind(n, real, constants) for n in kernel.arg_names}
        source = ASTSource(kernel, signature, constants)
        made = compile(source, target=GPUTarget("cuda", capability, 32), options=OPTIONS)
        assert made.asm["cubin"]
        assert "mul" in made.asm["ptx"] and "fma" not in made.asm["ptx"]
"""
    run("-c", script, TRITON_CACHE_DIR=str(tmp_path), TRITON_INTERPRET="0")


def test_shapes_on_a_gpu_are_known_before_it_runs() -> None:
    """Lengths and scales may stay on the host."""
    inputs = arguments(noisy=False)
    with FakeTensorMode():
        fake = [
            torch.empty(x.shape, dtype=x.dtype, device="cuda" if i < 7 else "cpu")
            if isinstance(x, torch.Tensor)
            else x
            for i, x in enumerate(inputs)
        ]
        y, checkpoints, codes = scan_operator(*fake)
    batch, length, features = inputs[0].shape
    assert y.shape == (batch, length, features)
    assert checkpoints.shape == (batch, 1, 2, features, inputs[1].shape[1])
    assert codes.numel() == 0
    assert {x.device.type for x in (y, checkpoints, codes)} == {"cuda"}


def forward(noise: Noise, *, two_pass: bool = False) -> None:
    case = made(0, "leaky", current=False, two_pass=two_pass)
    u, lengths = torch.from_numpy(case.u), torch.from_numpy(case.lengths)
    scan_triton.forward_on_gpu(u, lengths, *case[2:], noise, DEFAULT_BUDGET_BYTES)


def test_deviating_devices_and_several_passes_are_refused() -> None:
    deviation = deviations(made(0, "leaky", current=False), 1, 2)
    with pytest.raises(DesignRuleError, match="2 draws of deviating devices and 1 passes"):
        forward(Noise(deviation, np.zeros_like(deviation), 0, 0))
    with pytest.raises(DesignRuleError, match="0 draws of deviating devices and 2 passes"):
        forward(no_noise(), two_pass=True)


def test_a_missing_triton_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_triton, "find_spec", lambda _name: None)
    with pytest.raises(MissingToolError, match="Type: pip install triton"):
        forward(no_noise())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("current", [False, True])
def test_a_batch_of_training_size(current: bool) -> None:
    lengths = (1000, 999, 1, 513)
    case = made(4, "leaky", current=current, lengths=lengths, features=70, modes=16)
    y, gradients = compiled(case, gradient_of(case), no_noise(), np.float64)
    assert_near(answer(case, gradient_of(case), np.float64), [y, *gradients], 1e-9)
