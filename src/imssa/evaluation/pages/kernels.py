"""Sections of kernels: what they answer, over time and to an impulse, and where their poles lie."""

from collections.abc import Iterator

from imssa.evaluation.figures import (
    draw_poles,
    draw_response,
    draw_trace,
    tell_poles,
    tell_response,
)
from imssa.evaluation.pages.material import Material
from imssa.evaluation.pages.sections import Figure, Section, Table, Value, data_table
from imssa.evaluation.pictures import ImpulseResponses, Poles
from imssa.evaluation.words import capital

SHOWN_TRACES = 4


def responses_section(material: Material) -> Section:
    """Impulse responses of some kernels in floats, in integers and on a chip."""
    found = material.pictures.responses
    figures = tuple(
        Figure(f"response-{n}", draw_response(one, f"response-{n}"), capital(tell_response(one)))
        for n, one in enumerate(found)
    )
    typical = sorted(one.chip_error for one in found)[len(found) // 2]
    how = f"{100 * typical:.0f} %" if typical < 10 else "more than ten times"
    return Section(
        "responses",
        "What kernels answer to an impulse",
        reading=(
            f"On one chip the impulse response of a typical kernel misses that of the integer network "
            f"by {how} of its norm."
        ),
        text=(
            (
                "A state-space kernel is its impulse response. Drawn are the kernels that the chip holds "
                "best, typically and worst, as the weights say it: rounding, clipping and read noise are "
                "left out. Integers have scales of their own, so their responses are drawn with the norm "
                "and sign of the float one."
            ),
        ),
        figures=figures,
        tables=(_response_table(found),),
    )


def _response_table(found: tuple[ImpulseResponses, ...]) -> Table:
    rows: list[tuple[Value, ...]] = [
        (one.kernel, int(step), float(a), float(b), float(c))
        for one in found
        for step, a, b, c in zip(one.steps, one.software, one.quantized, one.on_chip, strict=True)
    ]
    headings = ("kernel", "step", "float", "quantized", "on chip")
    return data_table("impulse-responses", "Impulse responses", headings, rows)


def traces_section(material: Material) -> Section:
    """States and output of one kernel while it hears a recording."""
    traces = material.pictures.traces[:SHOWN_TRACES]
    figures = tuple(
        Figure(
            f"trace-{n}",
            draw_trace(trace, f"trace-{n}"),
            f"{capital(trace.kernel)}, {trace.sequence}. Solid: {trace.float_label}; dashed: "
            f"{trace.chip_label} ({trace.chip}). All in {trace.unit}.",
        )
        for n, trace in enumerate(traces)
    )
    return Section(
        "traces",
        "One kernel over time",
        reading=(
            "The states that one state-space kernel keeps while it hears a recording, and its output: "
            "beside the same weights in floats, with nothing rounded."
        ),
        figures=figures,
        tables=tuple(_trace_table(material, n) for n in range(len(traces))),
    )


def _trace_table(material: Material, number: int) -> Table:
    trace = material.pictures.traces[number]
    rows: list[tuple[Value, ...]] = [
        (int(step), float(a), float(b))
        for step, a, b in zip(trace.steps, trace.float_output, trace.chip_output, strict=True)
    ]
    headings = ("step", trace.float_label, trace.chip_label)
    return data_table(f"trace-{number}", f"Output of {trace.kernel}", headings, rows)


def poles_section(poles: Poles) -> Section:
    """Poles of all modes in the complex plane."""
    figure = Figure(
        "poles",
        draw_poles(poles),
        f"{tell_poles(poles)} The closer to the unit circle, the longer it remembers.",
    )
    return Section(
        "poles",
        "Poles in floats, in integers and on a chip",
        reading=_poles_reading(poles),
        figures=(figure,),
        tables=(
            data_table(
                "poles",
                "Poles of all modes",
                ("of", "real part", "imaginary part", "magnitude"),
                _pole_rows(poles),
            ),
        ),
    )


def _pole_rows(poles: Poles) -> Iterator[tuple[Value, ...]]:
    kinds = {"float": poles.float_poles, "quantized": poles.quantized_poles}
    if poles.chip_poles is not None:
        kinds["on chip"] = poles.chip_poles
    for name, values in kinds.items():
        for value in values.tolist():
            yield name, value.real, value.imag, abs(value)


def _poles_reading(poles: Poles) -> str:
    if poles.chip_poles is None or not len(poles.chip_poles):
        return "Training in small integers moves the poles to where the chip can hold them."
    outside = int((abs(poles.chip_poles) >= 1.0).sum())
    if not outside:
        return f"All modes stay stable as {poles.chip} holds them."
    few = "1 mode is" if outside == 1 else f"{outside} modes are"
    return f"As {poles.chip} holds them, {few} driven onto or beyond the unit circle and grow instead of fading."
