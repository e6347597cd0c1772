"""Networks below results/networks are whole, of the recipes as they are, and tell nothing of a machine."""

import json
import sys
from pathlib import Path

import pytest

from imssa.experiment.recipe import load_recipe
from imssa.models import load_model
from imssa.program.files import read_arrays
from imssa.quantization.convert import load_network

ROOT = Path(__file__).parents[2]
KEPT = sorted((ROOT / "results" / "networks").iterdir())
TRAINED = ("seed", "data", "auxiliary", "model", "float_training", "quantization", "chip")


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_kept_network_is_of_its_recipe(folder: Path) -> None:
    model, header = load_model(folder / "model.safetensors")
    network = load_network(folder / "quantized.safetensors")
    recipe = load_recipe(folder.name, ["data.root=DIR"]).model_dump(mode="json", exclude_none=True)
    assert {n: recipe[n] for n in TRAINED} == {n: header["recipe"][n] for n in TRAINED}
    assert len(network.layers) == model.config.n_layers
    assert (network.widths.realization, network.class_names) == (
        recipe["quantization"]["realization"],
        tuple(header["class_names"]),
    )


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_kept_network_tells_nothing_of_a_machine(folder: Path) -> None:
    for name, kind in (("model", "imssa.model"), ("quantized", "imssa.quantized")):
        header, _, _ = read_arrays(folder / f"{name}.safetensors", kind)
        text = json.dumps(header)
        assert "platform" not in text
        assert str(Path.home()) + "/" not in text
        assert sys.prefix not in text
        assert '"root": "/' not in text
