"""The benchmark of the float layer runs, small, and its ways agree."""

from pathlib import Path

import pytest

from tests.benchmarks.test_benchmarks import run


@pytest.mark.slow
def test_all_ways_of_the_float_layer_agree(tmp_path: Path) -> None:
    rows = run("float_layer", tmp_path)["rows"]
    assert {(row["what"], row["way"]) for row in rows} == {
        ("kernel", "imssa"),
        ("kernel", "textbook"),
        ("layer", "imssa"),
        ("layer", "imssa by FFT"),
        ("layer", "textbook"),
        ("layer", "imssa quantized"),
        ("layer", "imssa on devices"),
    }
    assert all(row["ratio"] == 1.0 for row in rows if row["way"] == "imssa")
    for row in rows:
        if row["way"] in ("imssa quantized", "imssa on devices"):
            assert row["largest_relative_difference"] is None
            continue
        assert row["largest_relative_difference"] < (1e-5 if row["way"] == "textbook" else 1e-6)
        assert row["peak_bytes"] is None or row["peak_bytes"] >= 0
