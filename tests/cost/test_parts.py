"""Constants, prices, counts of work, the digital chip, the processor."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
import tomli_w

from imssa.cost import Prices, Range, Technology, load_constants, measure_processor, total
from imssa.cost.analog import Read, read_energy
from imssa.cost.break_even import break_even, digital_mac
from imssa.cost.digital import digital_step, kernel_weights
from imssa.cost.model import cost_of
from imssa.cost.verdict import judged
from imssa.cost.work import WEIGHT_BYTES, work_of_all
from imssa.errors import CheckFailedError, RecipeError
from tests.evaluation.samples import make_program
from tests.program.samples import a_program

SHIPPED = tomllib.loads((files("imssa.cost") / "constants.toml").read_text(encoding="utf-8"))


def test_every_constant_has_a_source_and_says_what_is_not_verified() -> None:
    for name, one in load_constants().named().items():
        assert one.source.strip(), name
        if "assumed" in one.source and one.grade == "P":
            pytest.fail(f"{name} is graded P and assumed")


def test_constants_of_a_file_and_their_faults(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        tomli_w.dumps({**SHIPPED, "adc_conversion": {**SHIPPED["adc_conversion"], "low": 2}})
    )
    assert load_constants(path).adc_conversion.low == 2
    wrong = {**SHIPPED, "adc_time": {**SHIPPED["adc_time"], "low": 1e6}, "more": 1}
    path.write_text(tomli_w.dumps(wrong))
    with pytest.raises(RecipeError, match=r"adc_time: low .* must rise; more: Extra inputs"):
        load_constants(path)
    path.write_text("= 1")
    with pytest.raises(RecipeError, match="it is no TOML"):
        load_constants(path)
    with pytest.raises(RecipeError, match="it cannot be read"):
        load_constants(tmp_path / "none.toml")


def test_ranges_in_order_only() -> None:
    with pytest.raises(CheckFailedError, match="low <= typical <= high"):
        Range(2.0, 1.0, 3.0)
    assert Range(1.0, 2.0, 4.0) / Range(1.0, 2.0, 4.0) == Range(0.25, 1.0, 4.0)


@pytest.mark.parametrize("bits", range(2, 15))
def test_prices_rise_with_width(bits: int) -> None:
    prices = Prices()
    for price in (prices.adc, prices.addition, prices.multiplication, prices.shift):
        less, more = price(bits), price(bits + 1)
        assert less.typical < more.typical
        assert less.low <= less.typical <= less.high


def test_prices_at_the_published_widths_are_those_published() -> None:
    prices = Prices()
    assert prices.multiplication(8).typical == pytest.approx(0.2e-12)
    assert prices.multiplication(32).typical == pytest.approx(3.1e-12)
    assert prices.addition(16).typical == pytest.approx(0.05e-12)
    assert prices.adc(8).typical == pytest.approx(2.6e-12)


def test_scaling_is_that_of_the_table() -> None:
    def gate(a: float, b: float, c: float, volt: float) -> float:
        return a * volt**2 + b * volt + c

    own = gate(1.103, -0.362, 0.2767, 0.9)
    assert Technology(130, 1.8).gates == pytest.approx(gate(7.171, -6.709, 2.904, 1.8) / own)
    assert Technology(180, 1.8).gates == pytest.approx(Technology(130, 1.8).gates * 180 / 130)
    assert Technology(90, 1.0).area == pytest.approx(4.0)


def test_work_of_each_operation_by_hand() -> None:
    program = a_program()
    found = {
        (work.part, work.kind, round(work.bits, 3)): work.count
        for work in work_of_all((*program.step, *program.end), program)
        if not work.kind.endswith("bytes")
    }
    assert found == {
        ("digital update", "shifts", 9): 2,  # leak, in whole the last of a kind
        ("digital update", "multiplications", round((5 * 16) ** 0.5, 3)): 2,
        ("digital update", "shifts", 5): 2,
        ("digital update", "additions", 9): 2,
        ("tables", "look_ups", 5): 1,
        ("linear maps", "multiply_accumulates", round((3 * 5) ** 0.5, 3)): 2,
        ("linear maps", "additions", 16): 2,
        ("pooling", "additions", 24): 2,
        ("pooling", "multiplications", round((24 * 16) ** 0.5, 3)): 2,
        ("pooling", "shifts", 24): 2,
        ("pooling", "look_ups", 24): 1,
        ("pooling", "comparisons", 16): 1,
    }


def test_a_digital_chip_does_the_products_of_a_diagonal_recurrence() -> None:
    program = make_program("leaky")
    weights = 9 * (4 * 4 + 4 * 2 + 4 * 2 + 1)
    assert kernel_weights(program) == weights
    work = digital_step(program)
    assert sum(w.count for w in work if w.part == "kernels") == weights
    assert sum(w.count for w in work if w.part == "weights of kernels") == weights
    packed = digital_step(program, packed=True)
    assert sum(w.count for w in packed if w.part == "weights of kernels") == -(-weights // 4)
    wide, narrow = (sum(w.count for w in some if w.kind == WEIGHT_BYTES) for some in (work, packed))
    assert narrow < wide


def test_break_even_is_where_both_cost_the_same() -> None:
    program, prices = make_program("leaky"), Prices()
    report = cost_of(program, rate_hertz=100.0)
    found = report.break_even
    assert found.macs_per_conversion == pytest.approx(33 / 9)
    assert found.kernels_ratio is not None
    ratio = found.macs_needed.typical / found.macs_per_conversion
    assert found.kernels_ratio.typical == pytest.approx(ratio)
    dear = Read(27, 27, 1, 8, 8, 64, Range.of(1.0))  # a watt: no size of map is worth it
    assert break_even(program, (dear,) * 3, prices).map_size == (None, None, None)
    free = Read(27, 27, 1, 8, 8, 64, Range.of(0.0))
    size = break_even(program, (free,) * 3, prices).map_size[1]
    assert size is not None
    per_line = total(read_energy(Read(1, 1, 1, 8, 8, 2 * size, Range.of(0.0)), prices)).typical
    assert 1.3 * per_line < digital_mac(prices).typical * size
    assert report.verdict[0].startswith("Kernels: arrays take")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (Range(0.1, 0.5, 0.9), "the arrays pay"),
        (Range(1.1, 2.0, 3.0), "the arrays do not pay"),
        (Range(0.1, 0.5, 2.0), "the arrays pay with typical parts, not in every case"),
        (Range(0.1, 1.5, 2.0), "the arrays do not pay with typical parts, at best they do"),
    ],
)
def test_words_follow_the_range(ratio: Range, words: str) -> None:
    assert judged(ratio) == words


def test_a_processor_is_timed_and_its_counter_read_where_there_is_one(tmp_path: Path) -> None:
    counter = tmp_path / "energy_uj"
    counter.write_text("1000\n")

    def work() -> None:
        counter.write_text(f"{int(counter.read_text()) + 500}\n")

    found = measure_processor(work, 10, load_constants(), rounds=3, counter=counter)
    assert found.step_joule.typical == pytest.approx(50e-6)
    assert found.origin.startswith("measured")
    none = measure_processor(work, 10, load_constants(), rounds=3, counter=tmp_path / "none")
    assert none.step_joule.typical == pytest.approx(10.0 * none.step_seconds)
    assert none.origin.startswith("assumed")
