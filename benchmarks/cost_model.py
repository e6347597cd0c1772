"""The cost model against published chips and tables: model over published, at low, typical and high.

    python benchmarks/cost_model.py [--programs FILE ...] [--tiny] [--json FILE]

Every case says what of it is known from its publication and what the model must assume. No constant was
fitted to a figure below; where a constant comes from the same publication, ``shared`` says so.

``NeuRRAM``: measured energy of an MVM in 130 nm, 1.8 V, four settings of input and output bits (Wan et
al., Nature 2022, Fig. 12 as digitized in mit-emze/cimloop), by part and in all. ``ISAAC``: power of an
in-situ unit of eight arrays, a published budget and no measurement (Shafiee et al., ISCA 2016, as kept in
puma-simulator and hwcomponents-library). ``HERMES``: measured TOPS/W of 14 nm phase-change memory (Le Gallo
et al., Nat. Electron. 2023; Khaddam-Aljameh et al.). ``Jia``: the converter alone, 65 nm (JSSC 2020, as in
cimloop). With ``--programs`` the costs of compiled programs are added.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from imssa.cost import Parts, Prices, Range, Technology, cost_of, total
from imssa.cost.analog import ADC, AMPLIFIERS, ARRAYS, DRIVERS, SUPPLY, Read, read_energy
from imssa.cost.break_even import CONTROL, with_control
from imssa.cost.work import UPDATE
from imssa.experiment.provenance import provenance
from imssa.program import load_program

Row = dict[str, Any]

NEURRAM_FJ: dict[tuple[int, int], tuple[float, float, float]] = {
    (1, 3): (8.99015248, 10.6186848, 3.446220545),
    (4, 6): (21.75617998, 29.1084171, 11.50740478),
    (6, 8): (37.2192395, 52.48282041, 19.23892768),
    (8, 10): (50.52466791, 75.85721686, 27.50986693),
}
"""fJ an operation at (input, output) bits: word lines, neurons with ADC and control, input pulses
(cimloop, wan_nature_2022, _tests.py: the order in which its test compares them)."""

NEURRAM_OPERATIONS = 256 * 256
"""Of an MVM: 256 x 128 signed weights, two operations each (the same file)."""

NEURRAM_TOPS_PER_WATT = {(1, 3): 43.07875866, (4, 6): 15.95409517, (6, 8): 8.257196816}
NEURRAM_TOPS_PER_WATT[8, 10] = 6.437388185

ISAAC_MILLIWATT = {"ADC": 16.0, "drivers": 4.0, "array reads": 2.4, "amplifiers": 0.01}
"""8 converters, 8 x 128 drivers, 8 arrays of 0.3 mW, sample and hold."""

ISAAC_UNIT_MILLIWATT = 289.0 / 12
"""12 units (puma-simulator, src/ima_metrics.py)."""

HERMES = {
    "chip, one phase": (63.1e12 / 64, 9.76),
    "chip, four phases": (16.1e12 / 64, 2.48),
}
"""Operations a second of a core, and TOPS/W (abstract of Le Gallo et al.)."""

HERMES_CORE_TOPS_PER_WATT = 10.5
"""Abstract of Khaddam-Aljameh et al."""

JIA_PICOJOULE = {0.85: 1.79, 1.2: 3.56}
"""A conversion of 8 bits at two supplies, 65 nm (cimloop, jia_jssc_2020, _tests.py)."""


def compared(name: str, model: Range, published: float, unit: str) -> Row:
    """One figure: what the model gives over what was published."""
    factor = model * (1 / published)
    return {
        "figure": name,
        "published": published,
        "unit": unit,
        "model": model.to_dict(),
        "factor": factor.to_dict(),
        "within": model.low <= published <= model.high,
    }


def tops_per_watt(operations: float, joule: Range) -> Range:
    """Operations a joule in tera, low where the energy is high."""
    return Range.of(operations * 1e-12) / joule


def integration_steps(input_bits: int) -> tuple[int, int]:
    """Read pulses and phases of NeuRRAM (cimloop, wan_nature_2022, helper_functions.py).

    2^p - 1 pulses for p digits, from four digits on in two parts.
    """
    digits = max(1, input_bits - 1)
    parts = [digits] if digits <= 3 else [-(-digits // 2), digits // 2]
    return sum(2**part - 1 for part in parts), len(parts)


def neurram_energy(bits: tuple[int, int], prices: Prices, pulse_seconds: float | None) -> Parts:
    """An MVM of a whole core: 0.5 V, 256 x 256 devices of 1 to 40 uS, a converter for each line.

    Assumed: half of the lines driven (a tenth to all), devices at a quarter of the window on average
    (at its bottom, to half of it). The chip lets voltages settle; here devices take V^2 G throughout.
    """
    pulses, phases = integration_steps(bits[0])
    siemens, share = Range(1e-6, 10.75e-6, 20.5e-6), Range(0.1, 0.5, 1.0)
    watt = siemens * share * (0.5**2 * 256 * 256)
    seconds = None if pulse_seconds is None else pulses * pulse_seconds
    sampled = Read(256, 256, pulses, 1, bits[1], 256, watt * pulses, seconds)
    converted = Read(256, 256, phases, 1, bits[1], 256, watt)
    parts = read_energy(sampled, prices)
    return with_control({**parts, ADC: read_energy(converted, prices)[ADC]}, prices)


def neurram() -> Row:
    """By part and in all, with its pulses of 10 ns from a supply of 0.5 V (cimloop)."""
    prices = Prices(technology=Technology(130, 1.8))
    rows = []
    for bits, published in NEURRAM_FJ.items():
        parts = neurram_energy(bits, prices, 1e-8)
        del parts[SUPPLY]
        groups = {
            "word lines": parts[DRIVERS],
            "neurons, ADC, control": parts[AMPLIFIERS] + parts[ADC] + parts[CONTROL],
            "input pulses": parts[ARRAYS],
        }
        name = f"{bits[0]} bits in, {bits[1]} out"
        for (group, energy), value in zip(groups.items(), published, strict=True):
            scale = 1e15 / NEURRAM_OPERATIONS
            rows.append(compared(f"{name}: {group}", energy * scale, value, "fJ/op"))
        whole = total(parts) * (1e15 / NEURRAM_OPERATIONS)
        rows.append(compared(f"{name}: all", whole, sum(published), "fJ/op"))
        found = tops_per_watt(NEURRAM_OPERATIONS, total(parts))
        rows.append(compared(f"{name}: all", found, NEURRAM_TOPS_PER_WATT[bits], "TOPS/W"))
    return {
        "case": "NeuRRAM",
        "shared": "amplifier's typical and high value, bounds of line capacitance and read time",
        "rows": rows,
    }


def neurram_unknown() -> Row:
    """The same with time and supply of a read assumed, as for a chip that tells neither."""
    prices = Prices(technology=Technology(130, 1.8))
    rows = []
    for bits, published in NEURRAM_FJ.items():
        whole = total(neurram_energy(bits, prices, None)) * (1e15 / NEURRAM_OPERATIONS)
        rows.append(
            compared(f"{bits[0]} bits in, {bits[1]} out: all", whole, sum(published), "fJ/op")
        )
    return {"case": "NeuRRAM, read unknown", "shared": "as above", "rows": rows}


def isaac() -> Row:
    """A unit in a cycle of 100 ns: 8 arrays of 128 x 128, 1,024 pulses, 1,024 conversions of 8 bits.

    Assumed: half of the digits set (a tenth to all), 0.2 V, devices of 50 to 750 uS as cimloop has
    them, a quarter of the window on average.
    """
    prices, seconds = Prices(technology=Technology(32)), 1e-7
    siemens, share = Range(50e-6, 225e-6, 400e-6), Range(0.1, 0.5, 1.0)
    watt = siemens * share * (0.2**2 * 128 * 128)
    read = Read(128, 128, 1, 1, 8, 128, watt, seconds)
    parts = read_energy(read, prices)
    moved = 128 / 8 + 128 * 2
    parts[UPDATE] = (prices.shift(16) + prices.addition(16)) * 128 + prices.register_byte * moved
    milliwatt = {
        name: value * (8 / seconds * 1e3) for name, value in with_control(parts, prices).items()
    }
    published = {**ISAAC_MILLIWATT}
    others = ISAAC_UNIT_MILLIWATT - sum(published.values())
    digital = milliwatt[UPDATE] + milliwatt[CONTROL]
    rows = [compared(name, milliwatt[name], value, "mW") for name, value in published.items()]
    rows.append(compared("digital and registers", digital, others, "mW"))
    without = total(v for k, v in milliwatt.items() if k not in {ARRAYS, SUPPLY})
    own = ISAAC_UNIT_MILLIWATT - published["array reads"]
    rows.append(compared("unit but its devices", without, own, "mW"))
    rows.append(compared("unit", total(milliwatt), ISAAC_UNIT_MILLIWATT, "mW"))
    return {
        "case": "ISAAC",
        "shared": "typical driver, low amplifier; its ADC and our typical one are of the same origin",
        "rows": rows,
    }


def hermes() -> Row:
    """An MVM of 256 x 256 weights, 8 bits in and out; its time is taken from the published throughput.

    Assumed: two devices a weight of 5 uS on average (1 to 12), 0.2 V, amplitudes of 0.3 of the largest
    (0.1 to 1), a converter for each column, 0.8 V.
    """
    prices, operations = Prices(technology=Technology(14)), 2 * 256 * 256
    siemens, square = Range(1e-6, 5e-6, 12e-6), Range(0.01, 0.09, 1.0)
    watt = siemens * square * (0.2**2 * 256 * 512)
    rows = []
    for name, (rate, published) in HERMES.items():
        phases = 4 if "four" in name else 1
        read = Read(256, 256, phases, 8, 8, 512, watt * phases, operations / rate)
        joule = total(with_control(read_energy(read, prices), prices))
        rows.append(compared(name, tops_per_watt(operations, joule), published, "TOPS/W"))
        if phases == 1:
            core = tops_per_watt(operations, joule)
            rows.append(compared("core alone", core, HERMES_CORE_TOPS_PER_WATT, "TOPS/W"))
    return {
        "case": "HERMES",
        "shared": "typical time of a conversion (not used here)",
        "rows": rows,
    }


def jia() -> Row:
    """The converter's energy alone, at two supplies."""
    rows = [
        compared(
            f"a conversion at {volt} V",
            Prices(technology=Technology(65, volt)).adc(8) * 1e12,
            published,
            "pJ",
        )
        for volt, published in JIA_PICOJOULE.items()
    ]
    return {"case": "Jia", "shared": "nothing", "rows": rows}


def programs(paths: list[Path]) -> list[Row]:
    """Costs of compiled programs, their line voltages assumed."""
    return [
        {"program": path.parent.name, **cost_of(load_program(path)).to_dict()} for path in paths
    ]


def table(cases: list[Row]) -> str:
    """Factors as aligned text."""
    lines = [
        f"{'model / published':42}{'published':>10} {'unit':8}{'low':>8}{'typical':>9}{'high':>9}"
    ]
    for case in cases:
        lines.append(f"{case['case']} (shared: {case['shared']})")
        for row in case["rows"]:
            factor = row["factor"]
            lines.append(
                f"  {row['figure']:40}{row['published']:10.4g} {row['unit']:8}{factor['low']:8.2g}"
                f"{factor['typical']:9.2f}{factor['high']:9.3g}{'' if row['within'] else '  outside'}"
            )
    return "\n".join(lines) + "\n"


def summary(cases: list[Row]) -> Row:
    """Of each case, the figures for the whole: range of typical factors, and how many lie within."""
    found: Row = {}
    for case in cases:
        typical = [row["factor"]["typical"] for row in case["rows"]]
        within = sum(row["within"] for row in case["rows"])
        found[case["case"]] = {
            "typical_from": min(typical),
            "typical_to": max(typical),
            "within": within,
            "figures": len(typical),
        }
    return found


def main(arguments: list[str] | None = None) -> int:
    """Compute, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--programs", type=Path, nargs="*", default=[], help="compiled programs")
    parser.add_argument("--tiny", action="store_true", help="nothing is left out: it takes no time")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    options = parser.parse_args(arguments)
    cases = [neurram(), neurram_unknown(), isaac(), hermes(), jia()]
    found = {
        "provenance": provenance(0),
        "cases": cases,
        "summary": summary(cases),
        "programs": programs(options.programs),
    }
    sys.stdout.write(table(cases))
    if options.json is not None:
        partial = options.json.with_name(options.json.name + ".partial")
        partial.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        partial.replace(options.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
