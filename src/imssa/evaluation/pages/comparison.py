"""The page of a comparison: runs side by side."""

from collections.abc import Callable, Iterator, Sequence

from imssa.evaluation.comparison import (
    Difference,
    Run,
    differences,
    recipe_differences,
    unpaired,
)
from imssa.evaluation.figures.several import draw_waterfalls
from imssa.evaluation.pages.sections import (
    Cell,
    Column,
    Document,
    Figure,
    Headline,
    Section,
    Table,
    columns,
    numbers,
    words,
)
from imssa.evaluation.paired import mean_interval
from imssa.evaluation.report import Report
from imssa.evaluation.words import STAGE_NAMES, grouped, percent, points

LONGEST = 60
Measure = tuple[str, str, Callable[[Report], float], Callable[[float], str]]


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _count(value: float) -> str:
    return grouped(int(value))


MEASURES: tuple[Measure, ...] = (
    ("software", "accuracy, %", lambda r: r.accuracy.software, _percent),
    ("quantized", "accuracy, %", lambda r: r.accuracy.quantized, _percent),
    ("chip, all errors on", "mean accuracy, %", lambda r: r.accuracy.chip.mean, _percent),
    ("worst chip", "accuracy, %", lambda r: r.accuracy.chip.min, _percent),
    ("from chip to chip", "standard deviation, points", lambda r: r.accuracy.chip.std, _percent),
    ("loss to software", "points, on the same recordings", lambda r: r.loss.mean, _percent),
    ("its standard error", "points", lambda r: r.loss.standard_error, _percent),
    ("chip instances", "", lambda r: float(r.chip_instances), _count),
    ("test recordings", "", lambda r: float(r.test_items), _count),
    ("arrays", "", lambda r: float(r.resources.arrays), _count),
    ("MVMs a step", "", lambda r: float(r.resources.mvms_per_step), _count),
    ("devices used", "", lambda r: float(r.resources.devices_used), _count),
    ("parameters", "", lambda r: float(r.size.parameters), _count),
    ("quantized network", "bytes", lambda r: float(r.size.quantized_bytes), _count),
)


def comparison_of(runs: Sequence[Run]) -> Document:
    """The page of several runs; the first is what the others are held against."""
    labels = [run.label for run in runs]
    found = differences(runs)
    return Document(
        title=f"imssa compare: {', '.join(labels)}",
        kicker=f"imssa {runs[0].report.provenance.version} \N{MIDDLE DOT} {len(runs)} runs side by side",
        heading=" and ".join([", ".join(labels[:-1]), labels[-1]]),
        lead=(_lead(found),),
        headlines=tuple(_headlines(runs)),
        sections=tuple(_sections(runs, found)),
        remarks=tuple(_remarks(runs)),
    )


def _lead(found: list[Difference]) -> str:
    chips = [one for one in found if one.stage == "all"]
    if not chips:
        return "These runs were tested on different items, so that only their means stand side by side."
    told = [
        f"{one.second} {_verb(one)} {one.first} ({points(one.paired.difference)} points, 95 % interval "
        f"{_ends(one)})"
        for one in chips
    ]
    return f"On the chip, all errors on and the same test items: {'; '.join(told)}."


def _verb(one: Difference) -> str:
    low, high = one.paired.interval
    if low > 0:
        return "beats"
    return "falls behind" if high < 0 else "is not told apart from"


def _ends(one: Difference) -> str:
    return f"{points(one.paired.interval.low)} to {points(one.paired.interval.high)}"


def _headlines(runs: Sequence[Run]) -> Iterator[Headline]:
    for number, run in enumerate(runs):
        chip = run.report.accuracy.chip
        row = next(row for row in run.report.waterfall if row.stage == "all")
        low, high = mean_interval(chip.mean, row.standard_error, run.report.test_items)
        note = (
            f"chip, all errors on; 95 % interval {100 * low:.1f} to {percent(high)}; software "
            f"{percent(run.report.accuracy.software)}"
        )
        yield Headline(run.label, percent(chip.mean), note, main=number == 0)


def _remarks(runs: Sequence[Run]) -> Iterator[str]:
    others = unpaired(runs)
    if others:
        yield (
            f"{', '.join(others)}: tested on other items than {runs[0].label}, so that no differences "
            "are paired with it."
        )


def _sections(runs: Sequence[Run], found: list[Difference]) -> Iterator[Section]:
    yield Section(
        "waterfalls",
        "Where the accuracy goes",
        reading="Each run from software to its chips, one error after the other.",
        figures=(
            Figure(
                "waterfalls",
                draw_waterfalls({run.label: run.report.waterfall for run in runs}),
                "A colour and a mark a run; lines are standard errors over recordings and chips.",
            ),
        ),
        tables=(_waterfall_table(runs),),
    )
    yield Section(
        "headlines",
        "Numbers side by side",
        reading="What each run reaches, and what it takes.",
        tables=(headline_table(runs),),
    )
    if found:
        yield Section(
            "differences",
            f"Against {runs[0].label}, on the same items",
            reading=_difference_reading(found),
            tables=(difference_table(found),),
            notes=(
                (
                    "Intervals of 95 % by resampling: items together, the chips of each run for themselves "
                    "(pigeonhole bootstrap; wide rather than narrow). p: exact test of McNemar on the items "
                    "that only one of two deterministic networks answers right."
                ),
            ),
        )
    yield Section(
        "recipes",
        "In what the recipes differ",
        reading=_recipe_reading(runs),
        tables=(recipe_table(runs),) if recipe_differences(runs) else (),
    )
    if any(run.costs for run in runs):
        yield Section(
            "costs",
            "What they cost",
            reading="Sums over all parts, typical values with their ranges; modelled, not measured.",
            tables=(_cost_table(runs),),
        )


def _difference_reading(found: list[Difference]) -> str:
    sure = [one for one in found if _verb(one) != "is not told apart from"]
    if not sure:
        return "No difference stands out of the noise."
    told = [
        f"{one.second} {points(one.paired.difference)} points ({STAGE_NAMES[one.stage]})"
        for one in sure
    ]
    return f"Differences beyond chance: {', '.join(told)}."


def _recipe_reading(runs: Sequence[Run]) -> str:
    count = len(recipe_differences(runs))
    if not count:
        return "In nothing: the recipes are the same."
    return f"{count} key{' is' if count == 1 else 's are'} not the same in all recipes."


def headline_table(runs: Sequence[Run]) -> Table:
    """Accuracies and sizes, a column a run."""
    rows = [
        (words(name, note), *numbers([value(run.report) for run in runs], show))
        for name, note, value, show in MEASURES
    ]
    headings = columns("Measure", *(run.label for run in runs))
    return Table("headlines", "Headline numbers", headings, tuple(rows))


def _waterfall_table(runs: Sequence[Run]) -> Table:
    stages = list(dict.fromkeys(row.stage for run in runs for row in run.report.waterfall))
    rows = []
    for stage in stages:
        values = [
            next((row.accuracy for row in run.report.waterfall if row.stage == stage), None)
            for run in runs
        ]
        rows.append((words(STAGE_NAMES[stage]), *numbers(values, _percent)))
    headings = columns("Stage", *(run.label for run in runs))
    return Table("waterfalls", "Accuracy at each stage, %", headings, tuple(rows))


def difference_table(found: Sequence[Difference]) -> Table:
    """Paired differences, a row a run and stage."""
    rows = []
    for one in found:
        paired = one.paired
        ends = (paired.interval.low, paired.interval.high)
        rows.append(
            (
                words(f"{one.second}, {STAGE_NAMES[one.stage]}"),
                *numbers([paired.difference, *ends], points),
                *numbers([paired.only_first, paired.only_second], _count),
                *numbers([paired.p], lambda p: f"{p:.3g}"),
            )
        )
    headings = columns(
        "Run and stage",
        "Difference, points",
        "from",
        "to",
        f"Only {found[0].first} right",
        "Only it right",
        "p",
    )
    return Table("differences", f"Against {found[0].first}", headings, tuple(rows))


def recipe_table(runs: Sequence[Run]) -> Table:
    """Keys that differ, a column a run."""
    rows = [
        (words(key), *(Cell(_short(value), _short(value)) for value in values))
        for key, values in recipe_differences(runs)
    ]
    headings = tuple(Column(name, numeric=False) for name in ("Key", *(r.label for r in runs)))
    return Table("recipes", "Keys of the recipes", headings, tuple(rows))


def _short(value: object) -> str:
    if value is None:
        return "\N{EN DASH}"
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _cost_table(runs: Sequence[Run]) -> Table:
    quantities = list(dict.fromkeys(quantity for run in runs for quantity in run.costs or {}))
    rows = []
    for quantity in quantities:
        cells = []
        for run in runs:
            parts = (run.costs or {}).get(quantity)
            if parts is None:
                cells.append(Cell(None, "\N{EN DASH}"))
                continue
            low, typical, high = (
                sum(part[end] for part in parts.values()) for end in ("low", "typical", "high")
            )
            cells.append(Cell(typical, f"{typical:.3g}", f"{low:.3g} to {high:.3g}"))
        rows.append((words(quantity), *cells))
    headings = columns("Quantity", *(run.label for run in runs))
    return Table("costs", "Costs, typical", headings, tuple(rows))
