import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from imssa.errors import FileFormatError
from imssa.models import S4D, read_public_s4d


class PublicKernel(nn.Module):
    """The names and formulas of the public S4D's kernel, written anew."""

    def __init__(self, features: int, modes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.log_dt = nn.Parameter(torch.rand(features, generator=generator) * 4 - 6)
        self.log_A_real = nn.Parameter(torch.randn(features, modes, generator=generator) / 3)
        self.A_imag = nn.Parameter(torch.randn(features, modes, generator=generator) * 5)
        self.C = nn.Parameter(torch.randn(features, modes, 2, generator=generator))

    def forward(self, length: int) -> Tensor:
        A = -torch.exp(self.log_A_real) + 1j * self.A_imag
        dtA = A * torch.exp(self.log_dt)[:, None]
        C = torch.view_as_complex(self.C) * (torch.exp(dtA) - 1) / A
        powers = torch.exp(dtA[..., None] * torch.arange(length))
        kernel: Tensor = 2 * torch.einsum("hn,hnl->hl", C, powers).real
        return kernel


class PublicLayer(nn.Module):
    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.D = nn.Parameter(torch.randn(3, generator=generator))
        self.kernel = PublicKernel(3, 4, generator)
        self.output_linear = nn.Linear(3, 3, device="meta").to_empty(device="cpu")

    def forward(self, u: Tensor) -> Tensor:
        length = u.shape[1]
        transform = torch.fft.rfft(self.kernel(length), n=2 * length)
        y = torch.fft.irfft(torch.fft.rfft(u.mT, n=2 * length) * transform, n=2 * length)
        output: Tensor = y[..., :length].mT + self.D * u
        return output


def public_model() -> nn.ModuleDict:
    generator = torch.Generator().manual_seed(1)
    return nn.ModuleDict({"s4_layers": nn.ModuleList(PublicLayer(generator) for _ in range(2))})


def save_npz(arrays: dict[str, Tensor], path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: x.numpy() for name, x in arrays.items()})


def save_state(arrays: dict[str, Tensor], path: Path) -> None:
    save_file({name: x.contiguous() for name, x in arrays.items()}, path)


SAVERS: dict[str, Callable[[dict[str, Tensor], Path], None]] = {
    "plain.pt": torch.save,
    "lightning.ckpt": lambda arrays, path: torch.save({"state_dict": arrays, "epoch": 3}, path),
    "example.pth": lambda arrays, path: torch.save({"model": arrays, "acc": 0.5}, path),
    "weights.safetensors": save_state,
    "weights.npz": save_npz,
}


def arrays_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def one_layer() -> dict[str, Tensor]:
    names = ("log_dt", "log_A_real", "A_imag", "C", "D")
    layer = S4D(3, 8, generator=torch.Generator().manual_seed(2))
    return {name: getattr(layer, name).detach().clone() for name in names}


@pytest.mark.parametrize("file", SAVERS)
def test_layers_are_found_and_give_the_same_outputs(file: str, tmp_path: Path) -> None:
    model = public_model()
    SAVERS[file](arrays_of(model), tmp_path / file)
    found = read_public_s4d(tmp_path / file)
    assert [name for name, _ in found] == ["s4_layers.0", "s4_layers.1"]
    u = torch.randn(2, 40, 3, generator=torch.Generator().manual_seed(3))
    for (_, layer), public in zip(found, model["s4_layers"].children(), strict=True):
        expected = public(u)
        assert bool((layer(u) - expected).abs().max() < 1e-5 * expected.abs().max())


def test_input_weights_are_multiplied_into_c(tmp_path: Path) -> None:
    arrays = one_layer()
    B = torch.randn(1, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(4))
    torch.save(arrays | {"B": torch.view_as_real(B)}, tmp_path / "b.pt")
    (name, layer), *rest = read_public_s4d(tmp_path / "b.pt")
    assert (name, rest) == ("", [])
    product = B * torch.view_as_complex(arrays["C"])
    assert torch.allclose(layer.continuous().C, product)


def test_a_missing_direct_term_is_zero(tmp_path: Path) -> None:
    arrays = one_layer()
    del arrays["D"]
    torch.save(arrays, tmp_path / "no_d.pt")
    assert not bool(read_public_s4d(tmp_path / "no_d.pt")[0][1].D.any())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": torch.zeros(3, 3, 2)}, r"layer '': .*C \(3, 3, 2\)"),
        ({"C": torch.zeros(2, 3, 4, 2)}, r"one channel"),
        ({"log_dt": torch.full((3,), torch.nan)}, "log_dt: parameters are finite"),
        ({"log_dt": torch.zeros(())}, r"log_dt \(\)"),
        ({"log_A_real": torch.zeros(3)}, "log_A_real and A_imag"),
        ({"log_A_real": torch.full((3, 4), 200.0)}, "finite and above zero"),
        ({"B": torch.zeros(7, 4, 2)}, r"B \(7, 4, 2\), C \(3, 4, 2\)"),
        ({"B": torch.zeros(3)}, r"B \(3,\), C \(3, 4, 2\)"),
    ],
)
def test_layers_that_do_not_fit_are_refused(
    change: dict[str, Tensor], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.pt"
    torch.save(one_layer() | change, path)
    with pytest.raises(FileFormatError, match=message):
        read_public_s4d(path)


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    arrays = one_layer()
    del arrays["A_imag"]
    torch.save(arrays, tmp_path / "a.pt")
    with pytest.raises(FileFormatError, match=r"A_imag missing.*Save the whole state_dict"):
        read_public_s4d(tmp_path / "a.pt")
    torch.save({"weight": torch.zeros(2)}, tmp_path / "b.pt")
    with pytest.raises(FileFormatError, match="no S4D layer"):
        read_public_s4d(tmp_path / "b.pt")
    torch.save([1, 2], tmp_path / "c.pt")
    with pytest.raises(FileFormatError, match="holds a list: a checkpoint holds a state_dict"):
        read_public_s4d(tmp_path / "c.pt")


@pytest.mark.parametrize("file", SAVERS)
@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_damaged_files_are_refused(file: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / file
    SAVERS[file](arrays_of(public_model()), path)
    whole = path.read_bytes()
    noise = np.random.default_rng(1).bytes(500)
    path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "noise": noise}[damage])
    with pytest.raises(FileFormatError, match="must be whole, of the kind its name says"):
        read_public_s4d(path)


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def test_pickled_code_is_refused_and_not_run(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    torch.save({"log_A_real": Hostile(target)}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Hostile(target)))
    objects = np.array([Hostile(target)], dtype=object)
    np.savez(tmp_path / "c.npz", allow_pickle=True, log_A_real=objects)
    for file in ("a.pt", "b.pt", "c.npz"):
        with pytest.raises(FileFormatError, match="pickled objects are refused"):
            read_public_s4d(tmp_path / file)
    assert not target.exists()


def test_missing_files_and_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"nothing\.pt: a checkpoint is an existing file"):
        read_public_s4d(tmp_path / "nothing.pt")
    (tmp_path / "model.onnx").touch()
    with pytest.raises(FileFormatError, match=r"ending in \.pt, \.pth, \.ckpt"):
        read_public_s4d(tmp_path / "model.onnx")
