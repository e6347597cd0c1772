"""Reads S4D layers out of checkpoints of the public S4 code (`state-spaces/s4`)."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imssa.errors import FileFormatError, ShapeError
from imssa.models.s4d import S4D
from imssa.models.state_space import Discretization, Output

_KERNEL = ("log_dt", "log_A_real", "A_imag", "C")


def read_public_s4d(
    path: Path,
    *,
    discretization: Discretization = "zoh",
    output: Output = "current",
) -> list[tuple[str, S4D]]:
    """The S4D layers of a checkpoint with their names, in the checkpoint's order.

    A layer is found by the names `log_dt`, `log_A_real`, `A_imag` and `C` side by side; `D` stands
    beside them or up to two levels above (`layers.0.kernel.C`, `layers.0.D`), and is 0 if absent.
    A `B` beside them is multiplied into C, which leaves the output as it is.

    Args:
        path: A `.pt`, `.pth` or `.ckpt` of PyTorch (the weights may lie under `state_dict` or
            `model`), a `.safetensors` or an `.npz` file. No pickled code is ever run.
        discretization: Rule of the network in the file; the public minimal code has `zoh`.
        output: When its output is read; the public code has `current`.

    Raises:
        FileFormatError: Missing, damaged or foreign file, no S4D layer in it, or a layer whose
            arrays are missing, mis-shaped or not finite.
    """
    tensors = _read_tensors(path)
    prefixes = [
        name.removesuffix("log_A_real")
        for name in tensors
        if name == "log_A_real" or name.endswith(".log_A_real")
    ]
    if not prefixes:
        raise FileFormatError(
            given=str(path),
            rule="no S4D layer (log_dt, log_A_real, A_imag, C) is among its arrays",
            remedy="Give the checkpoint of a diagonal S4 model that stores log_A_real and A_imag.",
        )
    return [
        (_layer_name(prefix), _read_layer(path, tensors, prefix, discretization, output))
        for prefix in prefixes
    ]


def _read_layer(
    path: Path,
    tensors: Mapping[str, Tensor],
    prefix: str,
    discretization: Discretization,
    output: Output,
) -> S4D:
    missing = [prefix + name for name in _KERNEL if prefix + name not in tensors]
    if missing:
        raise FileFormatError(
            given=f"{path}: {', '.join(missing)} missing",
            rule="an S4D layer stores log_dt, log_A_real, A_imag and C side by side",
            remedy="Save the whole state_dict of the model.",
        )
    values = {name: _real(tensors[prefix + name]) for name in _KERNEL}
    values["D"] = _real(_direct_term(tensors, prefix, values["log_dt"]))
    try:
        if prefix + "B" in tensors:
            values["C"] = _with_input(values["C"], _real(tensors[prefix + "B"]))
        return S4D.from_parameters(**values, discretization=discretization, output=output)
    except ShapeError as error:
        raise FileFormatError(
            given=f"{path}: layer {_layer_name(prefix)!r}: {error.given}",
            rule=error.rule,
            remedy=error.remedy,
        ) from error


def _direct_term(tensors: Mapping[str, Tensor], prefix: str, log_dt: Tensor) -> Tensor:
    """D beside the kernel or up to two levels above it; zero where there is none."""
    parts = prefix.split(".")[:-1]
    for above in range(min(len(parts), 2) + 1):
        name = ".".join([*parts[: len(parts) - above], "D"])
        if name in tensors:
            return tensors[name]
    return torch.zeros_like(log_dt)


def _with_input(C: Tensor, B: Tensor) -> Tensor:
    """C B in (re, im) pairs."""
    try:
        product = torch.view_as_complex(C.contiguous()) * torch.view_as_complex(B.contiguous())
    except RuntimeError as error:
        raise ShapeError(
            given=f"B {tuple(B.shape)}, C {tuple(C.shape)}",
            rule="B and C are (re, im) pairs of the same features and modes",
            remedy="Give the parameters of one layer.",
        ) from error
    return torch.view_as_real(product)


def _real(value: Tensor) -> Tensor:
    """Floating numbers; complex ones as (re, im) pairs on a last axis."""
    if value.is_complex():
        return torch.view_as_real(value.resolve_conj())
    return value.detach() if value.dtype == torch.float64 else value.detach().float()


def _layer_name(prefix: str) -> str:
    """The layer's name: the prefix without the kernel modules inside of it."""
    parts = prefix.split(".")[:-1]
    while parts and parts[-1] == "kernel":
        parts.pop()
    return ".".join(parts)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """All named arrays of the file."""
    readers: dict[str, Callable[[Path], Mapping[str, Tensor]]] = {
        ".pt": _read_torch,
        ".pth": _read_torch,
        ".ckpt": _read_torch,
        ".safetensors": _read_safetensors,
        ".npz": _read_npz,
    }
    reader = readers.get(path.suffix)
    if reader is None or not path.is_file():
        raise FileFormatError(
            given=str(path),
            rule=f"a checkpoint is an existing file ending in {', '.join(readers)}",
            remedy="Check the path.",
        )
    try:
        return dict(reader(path))
    except FileFormatError:
        raise
    except Exception as error:  # each library fails in its own way on a damaged file
        detail = str(error).strip().splitlines()
        raise FileFormatError(
            given=f"{path} ({type(error).__name__}{': ' + detail[0] if detail else ''})",
            rule="the file must be whole, of the kind its name says, and hold arrays only",
            remedy="Save the state_dict again; pickled objects are refused since they can run code.",
        ) from error


def _read_torch(path: Path) -> Mapping[str, Tensor]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise FileFormatError(
            given=f"{path} holds a {type(content).__name__}",
            rule="a checkpoint holds a state_dict",
            remedy="Save model.state_dict().",
        )
    return {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }


def _read_safetensors(path: Path) -> Mapping[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _read_npz(path: Path) -> Mapping[str, Tensor]:
    # Opened here, since np.load leaves a damaged file open.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
