"""AIHWKIT's inference tile as a contestant: compiled (RPUCuda on the CPU) and in torch."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from aihwkit.inference.converter.conductance import SinglePairConductanceConverter
from aihwkit.inference.noise.custom import StateIndependentNoiseModel
from aihwkit.nn import AnalogLinear
from aihwkit.simulator.configs import InferenceRPUConfig, TorchInferenceRPUConfig
from aihwkit.simulator.parameters.enums import (
    BoundManagementType,
    NoiseManagementType,
    WeightNoiseType,
)
from server import Contestant, serve

G_MAX_MICROSIEMENS = 25.0


class Aihwkit(Contestant):
    """`AnalogLinear` over either tile; or the call of the compiled tile without its layer."""

    def __init__(self, work: Any) -> None:
        super().__init__(work)
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.set_grad_enabled(False)
        levels = 2 * int(work["code_max"])
        pair = float(np.sqrt(2) * work["read"] / work["full_scale"])
        length = float(np.linalg.norm(work["inputs"], axis=1).mean())
        self.settings = {
            "forward.inp_res": 1 / levels,
            "forward.out_res": 1 / levels,
            "forward.inp_bound": 1.0,
            "forward.out_bound": 1.0,
            "forward.inp_noise": 0.0,
            "forward.w_noise_type (not in torch)": "ADDITIVE_CONSTANT",
            "forward.w_noise (not in torch)": pair,
            "forward.out_noise (in torch, at the inputs' mean length; else 0)": pair * length,
            "forward.noise_management": "NONE",
            "forward.bound_management": "NONE",
            "mapping.weight_scaling_omega": 0.0,
            "mapping.max_input_size, max_output_size": 0,
            "drift_compensation": None,
            "noise_model": "StateIndependentNoiseModel, one pair, program_weights() once a tile",
            "noise_model.prog_coeff (uS at g_max 25)": [
                float(work["programming"] * G_MAX_MICROSIEMENS)
            ],
            "batches": "all sequences in one call",
        }

    def _config(self, variant: str, noisy: bool) -> Any:
        config: Any = (TorchInferenceRPUConfig if "torch" in variant else InferenceRPUConfig)()
        forward = config.forward
        for name in ("inp_res", "out_res", "inp_bound", "out_bound", "inp_noise"):
            setattr(forward, name, self.settings[f"forward.{name}"])
        forward.out_noise = 0.0
        forward.noise_management = NoiseManagementType.NONE
        forward.bound_management = BoundManagementType.NONE
        if noisy and "torch" in variant:
            forward.out_noise = next(v for k, v in self.settings.items() if "out_noise" in k)
        elif noisy:
            forward.w_noise_type = WeightNoiseType.ADDITIVE_CONSTANT
            forward.w_noise = self.settings["forward.w_noise (not in torch)"]
        config.mapping.weight_scaling_omega = 0.0
        config.mapping.max_input_size = config.mapping.max_output_size = 0
        config.drift_compensation = None
        config.noise_model = StateIndependentNoiseModel(
            g_converter=SinglePairConductanceConverter(g_max=G_MAX_MICROSIEMENS),
            g_max=G_MAX_MICROSIEMENS,
            prog_coeff=[float(self.work["programming"] * G_MAX_MICROSIEMENS)],
        )
        return config

    def tile(self, variant: str, noisy: bool) -> Callable[[Any], Any]:
        """A layer of one tile whose outputs need no scaling to be inputs again."""
        lines, pairs = self.work["weights"].shape
        layer: Any = AnalogLinear(lines, pairs, bias=False, rpu_config=self._config(variant, noisy))
        layer.set_weights(torch.from_numpy(np.ascontiguousarray(self.work["weights"].T)))
        layer.eval()
        if noisy:
            layer.program_analog_weights()
        if variant != "tile":
            return layer
        forward = layer.analog_module.tile.forward
        return lambda x: forward(x, False, False, False, True, False)

    def native(self, signal: Any, variant: str) -> Any:
        """A tensor."""
        del variant
        return torch.from_numpy(np.ascontiguousarray(signal, np.float32))


if __name__ == "__main__":
    serve(Aihwkit)
