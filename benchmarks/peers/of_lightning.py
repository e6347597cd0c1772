"""AIHWKIT-Lightning's layer as a contestant: it makes noise in its training mode alone."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from aihwkit_lightning.nn import AnalogLinear
from aihwkit_lightning.simulator.configs import TorchInferenceRPUConfig
from server import Contestant, serve


class Lightning(Contestant):
    """`AnalogLinear` without gradients; writing errors are added to its weights by hand."""

    def __init__(self, work: Any) -> None:
        super().__init__(work)
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.set_grad_enabled(False)
        self.random = torch.Generator().manual_seed(1)  # not this package's keys
        levels, pair = 2 * int(work["code_max"]), float(np.sqrt(2) / work["full_scale"])
        length = float(np.linalg.norm(work["inputs"], axis=1).mean())
        self.settings = {
            "forward.inp_res": 1 / levels,
            "forward.out_res": 1 / levels,
            "forward.out_bound (times the tile's largest weight)": 1.0,
            "forward.out_noise (times the tile's largest weight; at the inputs' mean length)": (
                pair * float(work["read"]) * length
            ),
            "pre_post.input_range": "enable, init_value 1, init_from_data 0",
            "layer.train()": "noise is made in this mode alone; without gradients",
            "programming": pair * float(work["programming"]),
        }

    def _config(self, variant: str, largest: float) -> Any:
        config: Any = TorchInferenceRPUConfig()
        inp_res, out_res, out_bound, out_noise, *_ = self.settings.values()
        config.forward.inp_res, config.forward.out_res = inp_res, out_res
        config.forward.out_bound = out_bound / largest
        config.forward.out_noise = out_noise / largest
        ranges = config.pre_post.input_range
        ranges.enable, ranges.init_value, ranges.init_from_data = True, 1.0, 0
        ranges.fast_mode = "fast" in variant
        return config

    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """A layer of one array."""
        weights = torch.from_numpy(np.ascontiguousarray(self.work["weights"].T))
        if noisy:
            draws = torch.randn(weights.shape, generator=self.random)
            weights = weights + self.settings["programming"] * draws
        config = self._config(variant, float(weights.abs().max()))
        layer: Any = AnalogLinear(*self.work["weights"].shape, False, rpu_config=config)
        layer.set_weights(weights)
        layer.train(noisy)
        return layer  # type: ignore[no-any-return]

    def native(self, signal: Any, variant: str) -> Any:
        """A tensor."""
        del variant
        return torch.from_numpy(np.ascontiguousarray(signal, np.float32))


if __name__ == "__main__":
    serve(Lightning)
