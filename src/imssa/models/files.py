"""The float network's file."""

from pathlib import Path
from typing import Any, Final

import torch
from pydantic import ValidationError

from imssa.errors import FileFormatError
from imssa.models.classifier import ModelConfig, S4DClassifier
from imssa.models.s4d import S4D
from imssa.places import AnyPath
from imssa.program.files import read_arrays, write_arrays

KIND: Final = "imssa.model"
LAYERS: Final = "imssa.layers"
SCHEMA: Final = "imssa.model/1"


def save_model(model: S4DClassifier, path: AnyPath, header: dict[str, Any]) -> str:
    """Writes a float network; gives the SHA-256 of its content.

    Args:
        model: The network.
        path: The file.
        header: What goes with it: preparation, class names, provenance.
    """
    arrays = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    content = {"schema": SCHEMA, "config": model.config.model_dump(mode="json"), **header}
    return write_arrays(Path(path), KIND, content, arrays)


def load_model(path: AnyPath) -> tuple[S4DClassifier, dict[str, Any]]:
    """Reads a float network, in evaluation mode, and its header.

    Raises:
        FileFormatError: Damaged, of another kind or version, or arrays that do not fit.
    """
    path = Path(path)
    header, arrays, _ = read_arrays(path, KIND)
    if header.get("schema") != SCHEMA:
        raise FileFormatError(
            given=f"{path} of schema {header.get('schema')!r}",
            rule=f"this version of imssa reads {SCHEMA}",
            remedy="Train the model again, or use the version of imssa that wrote it.",
        )
    try:
        config = ModelConfig.model_validate(header["config"])
        model = S4DClassifier(config, torch.Generator().manual_seed(0))
        model.load_state_dict({name: torch.tensor(value) for name, value in arrays.items()})
    except (KeyError, RuntimeError, ValidationError) as error:
        raise FileFormatError(
            given=str(path), rule=f"its parts do not fit ({error})", remedy="Train the model again."
        ) from error
    return model.eval(), header


def save_layers(layers: list[tuple[str, S4D]], path: Path, header: dict[str, Any]) -> str:
    """Writes S4D layers without a network around them; gives the SHA-256 of the content."""
    arrays = {
        f"{number}.{name}": value.detach().numpy()
        for number, (_, layer) in enumerate(layers)
        for name, value in layer.named_parameters()
    }
    described = [[name, layer.discretization, layer.output] for name, layer in layers]
    return write_arrays(path, LAYERS, {"schema": SCHEMA, "layers": described, **header}, arrays)


def load_layers(path: Path) -> list[tuple[str, S4D]]:
    """Reads what ``save_layers`` wrote.

    Raises:
        FileFormatError: Damaged or of another kind.
    """
    header, arrays, _ = read_arrays(path, LAYERS)
    layers = []
    for number, (name, discretization, output) in enumerate(header["layers"]):
        own = f"{number}."
        values = {
            n.removeprefix(own): torch.tensor(a) for n, a in arrays.items() if n.startswith(own)
        }
        B = values.pop("B")
        layer = S4D.from_parameters(**values, discretization=discretization, output=output)
        with torch.no_grad():
            layer.B.copy_(B)
        layers.append((str(name), layer))
    return layers
