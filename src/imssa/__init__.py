"""State-space sequence models from training to memristive in-memory-compute chips.

The public names are loaded on first use, so that `import imssa` and `imssa --help` stay quick.
In the order of the flow: `load_recipe`, `load_features`, `train`, `quantize`, `convert`,
`compile_network`, `simulate`, `accuracy`; each takes what the one before it gives.

For a chip with defects `TailoredCompiler` takes the place of `compile_network`. Its defects are found
by `scan` (or read by `read_defect_map`), and `deploy` does it all: scan, compile, refuse what cannot be
served, write. `read_back` tells what the written kernels are worth, `trim` writes cells again that harm
them, `recalibrate` fits the digital operations to the chip, and `execute` runs a program on it.

Example:
    >>> import imssa
    >>> imssa.load_recipe("zero-one").model.d_model
    9

    A simulated chip whose defects nobody knows, and how many devices of its arrays are stuck:

    >>> description = imssa.load_chip("taox-64")
    >>> chip = imssa.SimulatedChip(description, imssa.Key.root(0), 7)
    >>> defects = imssa.scan(chip, description)
    >>> [int((matrix != 0).sum()) for matrix in defects.arrays]
    [81, 75, 77]

    With a ``network`` from `convert` or `load_network`, the program that these defects harm least::

        compiler = imssa.TailoredCompiler(network, description)
        tailored = compiler.compile(defects, provenance={})
        print(tailored.losses.lost_weights, tailored.losses.worst)  # not held; predicted error

        deployed = imssa.deploy(compiler, chip, {})  # or all at once, and written
        worst = max(one.largest_pole for one in imssa.read_back(compiler, deployed, chip))
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imssa.crossbar import Chip, SimulatedChip, Trace, execute, simulate, write_program
    from imssa.data import DataConfig, SequenceDataset, load_dataset
    from imssa.deployment import (
        Calibration,
        KernelReading,
        Recalibrated,
        Trimmed,
        deploy,
        read_back,
        recalibrate,
        scan,
        trim,
    )
    from imssa.ear import EarConfig, EncodingConfig, Events, encode_folder, encode_recording, hear
    from imssa.errors import ImssaError
    from imssa.evaluation import accuracy
    from imssa.experiment.float_training import train
    from imssa.experiment.quantized_training import quantize
    from imssa.experiment.recipe import Recipe, load_recipe
    from imssa.experiment.stages import Features, load_features
    from imssa.hardware import (
        ChipDescription,
        DefectMap,
        load_chip,
        read_defect_map,
        write_defect_map,
    )
    from imssa.kernels.random import Key
    from imssa.mapping import Losses, Measures, Tailored, TailoredCompiler, compile_network
    from imssa.models import S4D, S4DClassifier, load_model, save_model
    from imssa.program import Program, load_program, save_program
    from imssa.quantization.convert import convert, load_network, save_network
    from imssa.quantization.network import QuantizedNetwork

__version__: str

__all__ = [
    "S4D",
    "Calibration",
    "Chip",
    "ChipDescription",
    "DataConfig",
    "DefectMap",
    "EarConfig",
    "EncodingConfig",
    "Events",
    "Features",
    "ImssaError",
    "KernelReading",
    "Key",
    "Losses",
    "Measures",
    "Program",
    "QuantizedNetwork",
    "Recalibrated",
    "Recipe",
    "S4DClassifier",
    "SequenceDataset",
    "SimulatedChip",
    "Tailored",
    "TailoredCompiler",
    "Trace",
    "Trimmed",
    "__version__",
    "accuracy",
    "compile_network",
    "convert",
    "deploy",
    "encode_folder",
    "encode_recording",
    "execute",
    "hear",
    "load_chip",
    "load_dataset",
    "load_features",
    "load_model",
    "load_network",
    "load_program",
    "load_recipe",
    "quantize",
    "read_back",
    "read_defect_map",
    "recalibrate",
    "save_model",
    "save_network",
    "save_program",
    "scan",
    "simulate",
    "train",
    "trim",
    "write_defect_map",
    "write_program",
]

# Public name -> the module that defines it, in the order of the flow; one import above and one
# entry of `__all__` each.
_HOMES = {
    "Recipe": "imssa.experiment.recipe",
    "load_recipe": "imssa.experiment.recipe",
    "Key": "imssa.kernels.random",
    "EarConfig": "imssa.ear",
    "EncodingConfig": "imssa.ear",
    "Events": "imssa.ear",
    "hear": "imssa.ear",
    "encode_recording": "imssa.ear",
    "encode_folder": "imssa.ear",
    "DataConfig": "imssa.data",
    "SequenceDataset": "imssa.data",
    "load_dataset": "imssa.data",
    "Features": "imssa.experiment.stages",
    "load_features": "imssa.experiment.stages",
    "S4D": "imssa.models",
    "S4DClassifier": "imssa.models",
    "train": "imssa.experiment.float_training",
    "save_model": "imssa.models",
    "load_model": "imssa.models",
    "ChipDescription": "imssa.hardware",
    "load_chip": "imssa.hardware",
    "quantize": "imssa.experiment.quantized_training",
    "convert": "imssa.quantization.convert",
    "QuantizedNetwork": "imssa.quantization.network",
    "save_network": "imssa.quantization.convert",
    "load_network": "imssa.quantization.convert",
    "compile_network": "imssa.mapping",
    "DefectMap": "imssa.hardware",
    "read_defect_map": "imssa.hardware",
    "write_defect_map": "imssa.hardware",
    "TailoredCompiler": "imssa.mapping",
    "Measures": "imssa.mapping",
    "Tailored": "imssa.mapping",
    "Losses": "imssa.mapping",
    "Program": "imssa.program",
    "save_program": "imssa.program",
    "load_program": "imssa.program",
    "Chip": "imssa.crossbar",
    "SimulatedChip": "imssa.crossbar",
    "scan": "imssa.deployment",
    "deploy": "imssa.deployment",
    "KernelReading": "imssa.deployment",
    "read_back": "imssa.deployment",
    "trim": "imssa.deployment",
    "Trimmed": "imssa.deployment",
    "Calibration": "imssa.deployment",
    "recalibrate": "imssa.deployment",
    "Recalibrated": "imssa.deployment",
    "write_program": "imssa.crossbar",
    "execute": "imssa.crossbar",
    "simulate": "imssa.crossbar",
    "Trace": "imssa.crossbar",
    "accuracy": "imssa.evaluation",
    "ImssaError": "imssa.errors",
}


def __getattr__(name: str) -> object:
    """Loads a public name on its first use."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("imssa")
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        message = f"module 'imssa' has no attribute {name!r}; its public names are {__all__}"
        raise AttributeError(message, name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names, loaded or not."""
    return sorted({*globals(), *__all__})
