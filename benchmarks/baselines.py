"""Other ways to do what a recipe does, on the same features, split and augmentation.

- ``gru``: a GRU of as many parameters (within 3 %), auxiliary classes left out, trained by the recipe's
  float training (epochs unless others are asked for, batch, warm-up, weight decay, clipping) with some
  peak rates; the rate is the one of lowest validation loss, the epoch is kept as the recipe does. In
  floats.
- ``ptq``: post-training quantization: the recipe's float network with the recipe's realization, bits
  and parts, scales and full scales calibrated on training data, and no training in codes. ``ptq8``:
  the same with 8 bits for every weight. ``.._chip``: on the recipe's chip with stuck devices and all
  other errors, compiled for the defects of each instance.
- ``int8``: the same S4D network on a digital accelerator. Modelled: weights A, B, C, D and those of all
  linear maps as int8 with a scale a mode (A), kernel (C, D) or output row; stream, state and
  activations as int8; products summed exactly in the linear maps, and in the recurrence read through
  a converter of 14 bits in place of an int32 sum (its step is at most a sixteenth of a step of an
  int8 state); multipliers of 15 bits and a shift to rescale sums; the activation a table. No analog
  error. The state is rounded to int8 at each step (realization ``direct``).
- ``int16``: the same, but the state is kept in 16 bits: the update is added to it and its upper 8
  bits are multiplied (realization ``incremental``).
- ``int8_ptq``, ``int16_ptq`` are quantized from the float network alone; ``int8``, ``int16`` have had
  the recipe's training in codes too, with the float network as teacher.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from gru import NEAR, GRUClassifier, shape_of
from recipe_chips import Asked, ChipStudy
from recipe_parts import Trained, codes_answers

from imssa.errors import DesignRuleError
from imssa.evaluation import accuracy
from imssa.evaluation.size import parameters
from imssa.experiment.quantized_training import quantize
from imssa.experiment.recipe import Recipe
from imssa.experiment.stages import float_answers, tensors
from imssa.hardware.converters import Converters
from imssa.kernels.codes import MULTIPLIER_BITS
from imssa.kernels.random import Key
from imssa.quantization.config import (
    Parts,
    QuantizationConfig,
    Realization,
    TrainingNoise,
    WeightBits,
)
from imssa.quantization.convert import convert
from imssa.quantization.network import QuantizedNetwork
from imssa.quantization.prepare import prepare
from imssa.training import fit, float_loss, read_log

EIGHT: Final = WeightBits(**dict.fromkeys(WeightBits.model_fields, 8))
STATES: Final[dict[str, Realization]] = {"int8": "direct", "int16": "incremental"}
Told = Callable[[str], Any]
"""Gives the progress of a training by its name."""


def gru(trained: Trained, rates: list[float], epochs: int | None, progress: Told) -> dict[str, Any]:
    """A GRU of as many parameters, with the best of several rates.

    Args:
        trained: The recipe's network.
        rates: Peak rates as multiples of the recipe's.
        epochs: Of each training; None: as many as the recipe's.
        progress: Of each training.
    """
    recipe, split = trained.recipe, trained.features.split
    wanted = parameters(trained.model.config)
    shape = shape_of(
        wanted, split.train.n_features, len(split.train.class_names), recipe.model.n_layers
    )
    rates = rates if len(split.validation) else rates[len(rates) // 2 :][:1]
    runs = [_gru(trained, shape, rate, epochs, progress) for rate in rates]
    losses = [run["loss"] for run in runs]
    best = runs[int(np.argmin(losses)) if len(split.validation) else 0]
    model, test = best["model"].eval(), split.test
    held = sum(parameter.numel() for parameter in model.parameters())
    return {
        "accuracies": {"gru": accuracy(float_answers(model, test), test.labels)},
        "parameters": held,
        "as_many": abs(held / wanted - 1) <= NEAR,
        "shape": vars(shape),
        "rate": best["rate"],
        "validation_loss_by_rate": {f"{run['rate']:g}": run["loss"] for run in runs},
        "validation_accuracy": best["accuracy"],
        "best_epoch": best["epoch"],
        "epochs": best["epochs"],
        "minutes": sum(run["minutes"] for run in runs),
    }


def _gru(
    trained: Trained, shape: Any, times: float, epochs: int | None, progress: Told
) -> dict[str, Any]:
    """One training; finished ones come back from their checkpoint."""
    recipe = trained.recipe
    settings, key = recipe.float_training, Key.root(recipe.seed).child("gru")
    rate = settings.learning_rate * times
    changes = {"learning_rate": rate, "epochs": settings.epochs if epochs is None else epochs}
    name = f"rate-{rate:g}" if epochs is None else f"rate-{rate:g}-epochs-{epochs}"
    features = trained.features
    told = replace(shape, classes=len(features.learned.class_names))
    model = GRUClassifier(told, recipe.model.dropout, key.child("start").torch())
    place = trained.root / "gru"
    place.mkdir(exist_ok=True)
    found = fit(
        model,
        float_loss(model, shape.classes),
        [
            {
                "params": list(model.parameters()),
                "lr": rate,
                "weight_decay": settings.weight_decay,
            }
        ],
        (features.learned, features.split.validation),
        settings.model_copy(update=changes),
        key=key,
        augmentation=recipe.data.augmentation,
        checkpoint=place / f"{name}.checkpoint",
        log=place / f"{name}.jsonl",
        progress=progress(f"GRU, rate {rate:g}"),
    )
    for name, held in list(model.decoder.named_parameters()):
        setattr(model.decoder, name, torch.nn.Parameter(held[: shape.classes].detach()))
    kept = found.history[found.best_epoch - 1]
    return {
        "model": model,
        "rate": rate,
        "loss": kept["validation_loss"],
        "accuracy": kept["validation_accuracy"],
        "epoch": found.best_epoch,
        "epochs": changes["epochs"],
        "minutes": sum(record["seconds"] for record in found.history) / 60,
    }


def frozen(trained: Trained, recipe: Recipe) -> QuantizedNetwork:
    """The float network in the codes of a recipe, calibrated but not trained."""
    train = trained.features.split.train
    prepared = prepare(
        trained.model,
        recipe.quantization,
        recipe.chip,
        *tensors(train),
        class_names=train.class_names,
        preparation=trained.features.preparation,
    )
    return convert(prepared.eval())


def with_quantization(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with other settings of the integer network."""
    changed = recipe.quantization.model_copy(update=changes)
    return recipe.model_copy(update={"quantization": changed})


def ptq(trained: Trained, asked: Asked, progress: Callable[[int], None]) -> dict[str, Any]:
    """Post-training quantization, at the recipe's bits and at eight."""
    split = trained.features.split
    found: dict[str, Any] = {"accuracies": {}}
    for name, changes in (("ptq", {}), ("ptq8", {"bits": EIGHT})):
        recipe = with_quantization(trained.recipe, **changes)
        network = frozen(trained, recipe)
        answers = codes_answers(network, recipe, split.test)
        found["accuracies"][name] = accuracy(answers, split.test.labels)
        once, place = replace(asked, recalibrated=0), trained.root / "chips"
        try:
            parts = split.train, split.test
            told = ChipStudy(network, recipe, parts, once, place).told(progress)
        except DesignRuleError as error:
            found[f"{name}_chip"] = {"refused": str(error)}
            continue
        found["accuracies"][f"{name}_chip"] = told.pop("accuracies")["chip_compiled"]
        found[f"{name}_chip"] = told
    return found


def digital(recipe: Recipe, name: str) -> Recipe:
    """The recipe on a digital accelerator.

    Args:
        recipe: The recipe.
        name: ``int8`` or ``int16``: how a state is kept.
    """
    converters = Converters(
        dac_bits=8, adc_bits=14, full_scale_devices=(0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    )
    quantization = QuantizationConfig(
        realization=STATES[name],
        bits=EIGHT,
        parts=Parts(),
        guard_bits=8,
        register_bits=16,
        activation_bits=8,
        gain_bits=MULTIPLIER_BITS,
        max_decay_shift=15,
        noise=TrainingNoise(programming=False, read_noise=False),
    )
    chip = recipe.chip.only().model_copy(update={"converters": converters})
    return recipe.model_copy(update={"quantization": quantization, "chip": chip})


def integer(trained: Trained, name: str, progress: Told) -> dict[str, Any]:
    """The same network with its recurrence on a digital accelerator, trained in codes."""
    recipe = digital(trained.recipe, name)
    place = trained.root / name
    place.mkdir(exist_ok=True)
    log = place / "quantized-training.jsonl"
    prepared = quantize(
        recipe,
        trained.model,
        trained.features,
        progress(f"training in {name}"),
        place / "quantize.checkpoint",
        log,
    )
    found = integer_ptq(trained, name)
    answers = codes_answers(convert(prepared), recipe, trained.test)
    found["accuracies"][name] = accuracy(answers, trained.test.labels)
    return {**found, "minutes": sum(record["seconds"] for record in read_log(log)) / 60}


def integer_ptq(trained: Trained, name: str) -> dict[str, Any]:
    """The same network on a digital accelerator, without training in codes."""
    recipe, test = digital(trained.recipe, name), trained.test
    answers = codes_answers(frozen(trained, recipe), recipe, test)
    return {
        "accuracies": {f"{name}_ptq": accuracy(answers, test.labels)},
        "quantization": recipe.quantization.model_dump(mode="json"),
        "converters": recipe.chip.converters.model_dump(mode="json"),
    }
