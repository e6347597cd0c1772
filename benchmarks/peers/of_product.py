"""The bare product x @ w in float32, by NumPy and by torch, into buffers made beforehand."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from server import Contestant, serve


class Product(Contestant):
    """No converter, no noise. The matrix is orthogonal: signals keep their size for any time."""

    settings = {"matrix": "orthogonal, float32", "buffers": "two, taken in turn"}  # noqa: RUF012

    def __init__(self, work: Any) -> None:
        super().__init__(work)
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.set_grad_enabled(False)

    def native(self, signal: Any, variant: str) -> Any:
        """An array or a tensor."""
        signal = np.ascontiguousarray(signal, np.float32)
        return torch.from_numpy(signal) if variant == "torch" else signal

    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """Two buffers in turn, so that nothing is allocated a step."""
        del noisy
        weights = self.native(self.work["orthogonal"], variant)
        product: Any = torch.mm if variant == "torch" else np.dot
        like: Any = torch.empty_like if variant == "torch" else np.empty_like
        buffers: list[Any] = []

        def step(signal: Any) -> Any:
            if not buffers:
                buffers.extend((like(signal), like(signal)))
            buffers.reverse()
            return product(signal, weights, out=buffers[0])

        return step


if __name__ == "__main__":
    serve(Product)
