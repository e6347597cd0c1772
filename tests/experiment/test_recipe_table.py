"""The README's table of recipes shows what the result files hold, and only those that are there."""

import json
import runpy
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "scripts" / "recipe_table.py"
LINEAR = ("encoder", "mixing", "decoder")


def table(folder: Path) -> str:
    text: str = runpy.run_path(str(SCRIPT))["recipes"](folder)
    return text


def result(**accuracies: tuple[float, float | None]) -> dict[str, Any]:
    parts = {
        name: {
            "mean": mean,
            "std": std,
            "seeds": 1 if std is None else 3,
            "low": 0.9,
            "high": 0.995,
        }
        for name, (mean, std) in accuracies.items()
    }
    bits = dict.fromkeys("ABCD", 2) | dict.fromkeys(LINEAR, 4)
    summary = {"accuracies": parts, "bits": bits, "parameters": 8389, "arrays": 21}
    return {
        "recipe": {"float_training": {"epochs": 10}},
        "rows": [],
        "chips": 50,
        "recalibrated": 10,
        "stuck": 0.02,
        "summary": {**summary, "minutes": 12.34, "test_items": 3000},
    }


def test_nothing_measured(tmp_path: Path) -> None:
    assert table(tmp_path / "nowhere").startswith("Not measured yet")


def test_rows_of_what_is_there(tmp_path: Path) -> None:
    digits = result(
        float=(0.997, 0.001), quantized=(0.99, 0.002), chip_compiled=(0.985, 0.003), gru=(1.0, 0.0)
    )
    mnist = result(float=(0.98, None))
    mnist["summary"]["bits"]["A"] = 6
    mnist["summary"]["accuracies"]["int8_ptq"] = mnist["summary"]["accuracies"]["float"]
    mnist["rows"] = [{"gru": {"epochs": 4}}]
    for name, found in (("smnist", mnist), ("another", mnist), ("spoken-digits", digits)):
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    lines = table(tmp_path).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert [row[0] for row in cells[2:]] == ["`spoken-digits`", "`smnist`", "`another`"]
    shown = dict(zip(cells[0], cells[2], strict=True))
    assert shown == {
        "recipe": "`spoken-digits`",
        "bits": "2; 4",
        "float": "99.7 ± 0.1",
        "quantized": "99.0 ± 0.2",
        "blind": "-",
        "compiled": "98.5 ± 0.3",
        "trimmed": "-",
        "recalibrated": "-",
        "parameters": "8,389",
        "arrays": "21",
        "minutes": "12.3",
        "GRU": "100.0 ± 0.0",
        "PTQ": "-",
        "int8": "-",
        "seeds": "3",
    }
    assert (cells[3][1], cells[3][2], cells[3][-1]) == ("6/2/2/2; 4", "98.0", "1")
    assert cells[3][-2] == "98.0 *"
    assert "The GRU of `smnist` was trained for 4 epochs." in lines[-1]
    assert "50 chips a seed" in lines[-1]
    assert "(of these chips 10)" in lines[-1]
    assert "2 % of the devices stuck" in lines[-1]
    assert "`smnist` 3,000 items, 90.0 to 99.5;" in lines[-1]
