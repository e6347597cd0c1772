"""What the Triton kernels give for each case, in a process of its own, written to a file.

``python -m tests.kernels.scan_triton_answers FILE``, with ``TRITON_INTERPRET=1`` where no GPU is:
the flag must be set before Triton is imported.
"""

import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from imssa.kernels import scan_plan
from imssa.kernels.scan import DEFAULT_BUDGET_BYTES, no_noise
from imssa.kernels.scan_operator import (
    scan_operator,
    scan_operator_backward_on_gpu,
    scan_operator_on_gpu,
)
from imssa.kernels.scan_triton import backward_on_gpu, forward_on_gpu
from tests.kernels.test_scan import WAYS, Case, made
from tests.kernels.test_scan_operator import arguments

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
BLOCK = 2
"""Steps between checkpoints, so that short sequences take several blocks."""
LARGE = 1e40
"""More than float32 holds."""


def cases() -> dict[str, Case]:
    """Small recurrences, for the interpreter takes milliseconds a step."""
    found = {
        f"{way}, current {current}": made(3, way, current=current, lengths=(4, 2), modes=3)
        for way, current in WAYS
    }
    for current in (False, True):
        narrow = made(
            1, "leaky", current=current, lengths=(7,), register_bits=9, gain_octaves=(1, 3)
        )
        found[f"saturated registers, current {current}"] = narrow
    wide = made(2, "incremental", current=False, lengths=(7,), modes=1)
    small = wide.scales._replace(adc=np.ldexp(wide.scales.adc, -6))
    found["saturated converters"] = wide._replace(scales=small)
    found["one mode, ragged"] = made(5, "leaky", current=True, lengths=(1, 4, 3), modes=1)
    found["wide registers"] = made(
        7, "leaky", current=False, lengths=(4,), register_bits=31, gain_octaves=(8, 12)
    )
    found["more kernels than an instance"] = made(
        6, "direct", current=False, lengths=(2,), features=3, modes=17
    )
    return found


def gradient_of(case: Case) -> NDArray[np.float64]:
    """A gradient of the outputs."""
    return np.random.default_rng(0).normal(size=case.u.shape)


def answer(case: Case, g_y: NDArray[np.float64], dtype: type | None) -> list[NDArray[np.float64]]:
    """Output codes and gradients."""
    u, g = (torch.from_numpy(x).to(DEVICE) for x in (case.u, g_y))
    lengths = torch.from_numpy(case.lengths).to(DEVICE)
    rest = (case.weights, case.scales, no_noise(), DEFAULT_BUDGET_BYTES, dtype)
    y, kept = forward_on_gpu(u, lengths, *rest)
    found = backward_on_gpu(g, y, kept, u, lengths, *rest)
    return [x.cpu().numpy() for x in (y, *found)]


def operator_answer() -> list[NDArray[np.float64]]:
    """The same of the operator: by dispatch on a GPU, else of the functions that it would call."""
    inputs: tuple[Any, ...] = arguments(noisy=False)
    tensors = [x.detach().to(DEVICE) for x in inputs if isinstance(x, torch.Tensor)]
    numbers = list(inputs[len(tensors) :])
    if DEVICE.type == "cuda":
        leaves = [x.requires_grad_() for x in tensors[:7]]
        y = scan_operator(*tensors, *numbers)[0]
        found: Any = torch.autograd.grad(y, leaves, torch.ones_like(y))
    else:
        y, *kept = scan_operator_on_gpu(*tensors, *numbers)
        u, *rest = tensors
        found = scan_operator_backward_on_gpu(torch.ones_like(y), y, *kept, u, rest, numbers)
    return [x.detach().cpu().numpy() for x in (y, *found)]


def main() -> None:
    """Writes all answers, the arrays of each named ``case/float type/number``."""
    arrays: dict[str, Any] = {}
    scan_plan.BLOCK = BLOCK  # type: ignore[misc]
    for name, case in cases().items():
        for dtype in {np.float64, scan_plan.float_type(case.weights, case.scales)}:
            for i, array in enumerate(answer(case, gradient_of(case), dtype)):
                arrays[f"{name}/{dtype.__name__}/{i}"] = array
    case = cases()["one mode, ragged"]
    for i, array in enumerate(answer(case, LARGE * gradient_of(case), None)):
        arrays[f"large gradients/{i}"] = array
    for i, array in enumerate(operator_answer()):
        arrays[f"operator/float64/{i}"] = array
    np.savez(sys.argv[1], **arrays)


if __name__ == "__main__":
    main()
