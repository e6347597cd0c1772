"""The frozen network: against a plain Python rewriting of DESIGN section 5, and its file."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from imssa.errors import FileFormatError, ShapeError
from imssa.program import load_program
from imssa.quantization.config import Realization
from imssa.quantization.convert import convert, load_network, save_network
from imssa.quantization.restore import restore
from tests.program.samples import rewritten, same
from tests.reference import network as plain
from tests.reference.networks import Sketch, all_bits, chip_with, random_inputs, random_network

REALIZATIONS = ("direct", "incremental", "leaky")


@pytest.mark.parametrize("output", ["delayed", "current"])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_the_network_is_the_written_rule(realization: Realization, output: str) -> None:
    sketch = Sketch(realization=realization, output=output, bits=all_bits(4), layers=2)
    network = random_network(3, sketch)
    inputs, lengths = random_inputs(network, 4, 4, 12)
    codes = network.run(inputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        mean, logits = plain.run(network, inputs[row, :length].tolist())
        assert codes["mean"][row].tolist() == mean
        assert codes["logits"][row].tolist() == logits
        assert codes["answer"][row].tolist() == [logits.index(max(logits))]
    ends = network.run(inputs, lengths, steps=False)
    assert set(ends) == {"sum", "mean", "logits", "answer"}
    assert all(np.array_equal(found, codes[name]) for name, found in ends.items())


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100, 1000])
def test_the_mean_divides_by_the_true_length(length: int) -> None:
    """m 2^-t of each length is 2^7 / length to fifteen significant bits."""
    network = random_network(1, Sketch(max_length=1000))
    m, t = network.mean_scale()
    factor = Fraction(int(m[length])) * Fraction(2) ** -int(t[length])
    assert abs(factor * length / 128 - 1) <= Fraction(1, 2**15)


def test_input_codes_round_away_from_zero_and_saturate() -> None:
    network = replace(random_network(1), input_step=0.5)
    features = np.array([[0.25, -0.25, 0.24, 1e9], [-1e9, 0.75, -0.75, 0.0]], np.float32)
    assert network.input_codes(features).tolist() == [[1, -1, 0, 127], [-127, 2, -2, 0]]


@pytest.mark.parametrize(
    ("shape", "lengths", "words"),
    [
        ((2, 5, 3), [5, 5], r"\(batch, length, 4\)"),
        ((2, 5, 4), [5, 6], "from 1 to 5"),
        ((2, 5, 4), [0, 5], "0 to 5"),
        ((1, 50, 4), [41], "from 1 to 40"),
    ],
)
def test_inputs_that_do_not_fit(shape: tuple[int, ...], lengths: list[int], words: str) -> None:
    network = random_network(1)
    with pytest.raises(ShapeError, match=words):
        network.run(np.zeros(shape, np.int64), np.array(lengths))


@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_network_survives_its_file(realization: Realization, tmp_path: Path) -> None:
    sketch = Sketch(realization=realization, bits=all_bits(3), layers=2, output="current")
    network = random_network(2, sketch)
    identity = save_network(network, tmp_path / "a.safetensors", {"seed": 1})
    again = load_network(tmp_path / "a.safetensors")
    assert same(again, network)
    assert save_network(again, tmp_path / "b.safetensors", {"seed": 1}) == identity
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("realization", REALIZATIONS)
def test_a_restored_network_is_the_same_network(realization: Realization, layers: int) -> None:
    for bits in (2, 5, 8):
        for gain_bits in (1, 8, 15):
            sketch = Sketch(
                realization=realization, bits=all_bits(bits), layers=layers, gain_bits=gain_bits
            )
            network = random_network(bits, sketch)
            assert same(convert(restore(network, chip_with())), network)


def test_flipped_bytes_in_a_network_are_found(tmp_path: Path) -> None:
    path, network = tmp_path / "network", random_network(2)
    save_network(network, path, {})
    data = path.read_bytes()
    rng, survivors = np.random.default_rng(0), 0
    for position in np.unique(rng.integers(0, len(data), 200)):
        change = int(rng.integers(1, 256))
        path.write_bytes(data[:position] + bytes([data[position] ^ change]) + data[position + 1 :])
        try:
            assert same(load_network(path), network)
        except FileFormatError:
            continue
        survivors += 1
    assert survivors <= 3


def test_a_network_of_another_element_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network"
    save_network(random_network(2), path, {})
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"I64"', b'"U64"', 1))
    with pytest.raises(FileFormatError, match="checksums"):
        load_network(path)


def test_files_of_another_kind_or_version(tmp_path: Path) -> None:
    path = tmp_path / "network"
    save_network(random_network(2), path, {})
    with pytest.raises(FileFormatError, match=r"holds imssa\.quantized, not imssa\.program"):
        load_program(path)
    rewritten(path, "imssa.quantized", lambda header: header.update(layers=9))
    with pytest.raises(FileFormatError, match="a part is missing"):
        load_network(path)
    rewritten(path, "imssa.quantized", lambda header: header.update(schema="imssa.quantized/9"))
    with pytest.raises(FileFormatError, match=r"schema 'imssa\.quantized/9'"):
        load_network(path)
