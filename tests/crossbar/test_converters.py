"""Bit-serial and two-pass inputs: integer network = step-by-step executor = fused, with ==."""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

from imssa.errors import DesignRuleError
from imssa.hardware import ChipDescription
from imssa.hardware.readout import Readout
from imssa.hardware.wires import WireSettings
from imssa.mapping import compile_network
from imssa.mapping.rules import require
from imssa.program import Program
from imssa.quantization.config import Realization
from imssa.quantization.convert import convert
from imssa.quantization.network import IntegerLayer, QuantizedNetwork
from imssa.quantization.prepared import PreparedClassifier
from tests.crossbar import contract, one_array
from tests.reference import rules
from tests.reference.networks import (
    Codes,
    Sketch,
    all_bits,
    chip_with,
    prepared_network,
    random_inputs,
    random_network,
)

KINDS = [(d, p) for d in ("amplitude", "bit-serial") for p in ("differential", "two-pass")]
OFFERS = {"amplitude": (1, 2, 4, 8, 16, 32), "bit-serial": (1, 2, 4, 8)}
READOUT = Readout(
    saturation_devices=3.0,
    common_mode_spread=0.05,
    gain_spread=0.03,
    offset_steps=0.7,
    noise_steps=0.5,
)
WIRES = WireSettings(word_line_resistance_ohm=3.0, bit_line_resistance_ohm=2.0)


def chip_of(drive: str, polarity: str, **more: Any) -> ChipDescription:
    offers = OFFERS[drive]
    return chip_with(drive=drive, polarity=polarity, full_scale_devices=offers, **more)


class Setting(NamedTuple):
    """A network in training, frozen and compiled, and inputs."""

    prepared: PreparedClassifier
    network: QuantizedNetwork
    program: Program
    inputs: Codes
    lengths: Codes


def setting_of(seed: int, sketch: Sketch, chip: ChipDescription, batch: int = 4) -> Setting:
    prepared = prepared_network(seed, sketch, chip)
    network = convert(prepared)
    inputs, lengths = random_inputs(network, seed + 1, batch, 9)
    return Setting(prepared, network, compile_network(network, chip, {}), inputs, lengths)


def assert_ideal(setting: Setting) -> dict[str, Any]:
    """Training, integer network, executor and fused simulation; gives the network's codes."""
    prepared, network, program, inputs, lengths = setting
    chip = program.chip.only()
    expected = network.run(inputs, lengths)
    trained = contract.masked(contract.of_training(prepared, inputs, lengths), lengths)
    assert contract.assert_equal(trained, expected) > len(lengths)
    steps, final = contract.of_executor(program, chip, inputs, lengths)
    contract.assert_equal(contract.at_each_step(expected), steps)
    contract.assert_equal(contract.at_the_end(expected), final)
    fast = contract.of_chip(contract.of_simulation(program, chip, inputs, lengths), 0)
    contract.assert_same_run(fast, (steps, final))
    return expected


@pytest.mark.parametrize(("drive", "polarity"), KINDS)
@pytest.mark.parametrize("realization", ["direct", "incremental", "leaky"])
@pytest.mark.parametrize(("output", "bits"), [("delayed", 4), ("current", 2)])
def test_every_code_at_every_step(
    realization: Realization, output: str, bits: int, drive: str, polarity: str
) -> None:
    sketch = Sketch(realization=realization, output=output, bits=all_bits(bits), layers=2)
    codes = assert_ideal(setting_of(3, sketch, chip_of(drive, polarity), batch=6))
    for name in ("adc.0", "adc.1", "readout.1"):
        assert len(np.unique(codes[name])) > 10, name


@pytest.mark.parametrize(("drive", "polarity"), KINDS)
@pytest.mark.parametrize("widths", [(2, 2), (5, 3), (12, 14)])
def test_other_widths(drive: str, polarity: str, widths: tuple[int, int]) -> None:
    chip = chip_of(drive, polarity, dac_bits=widths[0], adc_bits=widths[1])
    assert_ideal(setting_of(5, Sketch(bits=all_bits(8), register_bits=24, guard_bits=10), chip))


def drives_of(layer: IntegerLayer, codes: Any, guard_bits: int, largest: int, b: int) -> Any:
    """DAC codes of the lines of each kernel at the last step of a sequence, in Python integers."""
    before, now = codes["state.0"][b, -2].tolist(), codes["stream.0"][b, -1].tolist()
    modes = layer.k.shape[1]
    state = [rules.driven(r, guard_bits, largest) for r in before]
    return [[*state[2 * modes * f : 2 * modes * (f + 1)], u] for f, u in enumerate(now)]


def fed(code: int, drive: str, polarity: str, bits: int) -> list[tuple[int, int]]:
    """What each pass feeds of a code, and what its ADC code is worth, from the words of the rule."""
    digits = [(abs(code) >> n & 1, 1 << n) for n in range(bits - 1)]
    parts = digits if drive == "bit-serial" else [(abs(code), 1)]
    sign = 1 if code >= 0 else -1
    if polarity == "differential":
        return [(sign * part, worth) for part, worth in parts]
    both = ((part * (sign == s), s * worth) for part, worth in parts for s in (1, -1))
    return list(both)


@pytest.mark.parametrize(("drive", "polarity"), KINDS)
def test_codes_are_those_of_exact_arithmetic_pass_by_pass(drive: str, polarity: str) -> None:
    """ADC codes of the last step, from the registers before it, in fractions."""
    chip = chip_of(drive, polarity)
    _, network, _, inputs, _ = setting_of(8, Sketch(bits=all_bits(3)), chip, batch=5)
    codes = network.run(inputs, np.full(len(inputs), inputs.shape[1]))
    layer, modes = network.layers[0], network.layers[0].k.shape[1]
    lively = set()
    for b in range(len(inputs)):
        lines = drives_of(layer, codes, network.widths.guard_bits, 127, b)
        for f, mode, i in np.ndindex(len(layer.D), modes, 2):
            weights = [0] * (2 * modes + 1)
            weights[2 * mode : 2 * mode + 2] = layer.A[f, mode, i].tolist()
            weights[-1] = int(layer.B[f, mode, i])
            passes = list(zip(*(fed(d, drive, polarity, 8) for d in lines[f]), strict=True))
            L, h = (int(x[f, 2 * mode + i]) for x in (layer.full_scale, layer.full_scale_shift))
            total = sum(
                step[0][1]
                * rules.converted(
                    Fraction(sum(w * part for w, (part, _) in zip(weights, step, strict=True))),
                    Fraction(L, 2**h),
                    127,
                )
                for step in passes
            )
            assert codes["adc.0"][b, -1, 2 * modes * f + 2 * mode + i] == total
            lively.add(total)
    assert len(lively) > 10


ALONE = [{name: value} for name, value in READOUT.model_dump().items()]


def assert_noisy(setting: Setting, chip: ChipDescription) -> None:
    """Executor and fused simulation with errors on, on two chip instances."""
    *_, program, inputs, lengths = setting
    together = contract.of_simulation(program, chip, inputs, lengths, (3, 0))
    ideal, _ = contract.of_executor(program, program.chip.only(), inputs, lengths)
    for place, instance in enumerate((3, 0)):
        slow = contract.of_executor(program, chip, inputs, lengths, instance)
        contract.assert_same_run(contract.of_chip(together, place), slow)
        assert not np.array_equal(slow[0]["adc.0"], ideal["adc.0"])


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def setting(request: pytest.FixtureRequest) -> Setting:
    return setting_of(11, Sketch(bits=all_bits(4), kernels=5), chip_of(*request.param), batch=3)


@pytest.mark.parametrize("wires", [None, WIRES])
@pytest.mark.parametrize("limited", [True, False])
def test_all_errors_at_once(setting: Setting, wires: WireSettings | None, limited: bool) -> None:
    readout = READOUT if limited else READOUT.model_copy(update={"saturation_devices": None})
    chip = setting.program.chip
    assert None not in (chip.programming, chip.read_noise, chip.stuck)
    assert_noisy(setting, chip.model_copy(update={"readout": readout, "wires": wires}))


@pytest.mark.parametrize("fields", ALONE, ids=lambda fields: next(iter(fields)))
@pytest.mark.parametrize("noisy", [False, True])
def test_each_error_of_the_readout_alone(
    setting: Setting, fields: dict[str, float], noisy: bool
) -> None:
    chip = setting.program.chip.only(*(("read_noise",) if noisy else ()))
    if "saturation_devices" in fields:
        fields = {"saturation_devices": 0.3}
    assert_noisy(setting, chip.model_copy(update={"readout": Readout(**fields)}))


@pytest.mark.parametrize("limit", [1e3, 1e9])
def test_a_limit_above_all_currents_changes_nothing(setting: Setting, limit: float) -> None:
    *_, program, inputs, lengths = setting
    ideal = contract.of_simulation(program, program.chip.only(), inputs, lengths)
    update = {"readout": Readout(saturation_devices=limit)}
    limited = program.chip.only().model_copy(update=update)
    contract.assert_same_run(contract.of_simulation(program, limited, inputs, lengths), ideal)
    contract.assert_same_run(
        contract.of_executor(program, limited, inputs, lengths), contract.of_chip(ideal, 0)
    )


@pytest.mark.parametrize(("trained", "offered"), [(a, b) for a in KINDS for b in KINDS if a != b])
def test_networks_of_another_drive_are_refused(
    trained: tuple[str, str], offered: tuple[str, str]
) -> None:
    network = random_network(1, chip=chip_of(*trained))
    chip = chip_of(*offered)
    with pytest.raises(DesignRuleError) as caught:
        require(network, chip)
    message = str(caught.value)
    for key, ours, theirs in zip(("drive", "polarity"), trained, offered, strict=True):
        words = f"it was trained for {key} = {ours}, {chip.name} has {theirs}"
        assert (words in message) == (ours != theirs)


def test_programs_do_not_run_on_a_chip_with_another_drive(setting: Setting) -> None:
    *_, program, inputs, lengths = setting
    converters = program.chip.converters
    other = "two-pass" if converters.polarity == "differential" else "differential"
    changed = converters.model_copy(update={"polarity": other})
    chip = program.chip.model_copy(update={"converters": changed})
    with pytest.raises(DesignRuleError, match=r"differ in: converters\.polarity"):
        contract.of_simulation(program, chip, inputs, lengths)


@pytest.mark.parametrize(("drive", "polarity"), KINDS)
def test_a_chip_with_a_step_of_one_gives_the_exact_product(drive: str, polarity: str) -> None:
    """13 bits hold every sum of a pass here, so nothing is rounded or clipped: a = W d."""
    devices = 4095 / 7 / (1 if drive == "bit-serial" else 7)
    chip = chip_with(
        size=(16, 12),
        dac_bits=4,
        adc_bits=13,
        full_scale_devices=(devices,),
        drive=drive,
        polarity=polarity,
    ).only()
    rng = np.random.default_rng(4)
    contents, phase = one_array.random_contents(rng, chip), one_array.phase_of(chip)
    assert (phase.full_scale == 2**phase.full_scale_shift).all()
    d = rng.integers(-7, 8, (50, 16))
    got = one_array.codes_of(one_array.written(chip, contents), phase, d)
    assert np.array_equal(got, d @ contents.codes)
