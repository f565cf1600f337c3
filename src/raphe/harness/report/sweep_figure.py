"""The figure of a sweep over a number: validation and test against it, with their intervals."""

import math
import string
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from raphe.core.figure_style import (
    GREY,
    ONE_COLUMN_IN,
    TWO_COLUMNS_IN,
    PaperFigure,
    colour,
    house_style,
    letter,
)
from raphe.core.metric_names import TEST, VAL, Estimate, Name, kept
from raphe.core.sentences import counted, listed
from raphe.harness.report.reference import Reference
from raphe.harness.report.shown import counts_of, in_words, shown_metrics, test_sets
from raphe.harness.report.sweep_results import TRAINED_ON, SweepResults

KEPT_VAL = kept(VAL)
WITH_INTERVAL = (KEPT_VAL, TEST)
WIDTHS_IN = {1: ONE_COLUMN_IN, 2: 5.4, 3: TWO_COLUMNS_IN}  # of so many columns of panels
PANEL_HEIGHT_IN, LEGEND_IN = 1.75, 0.18  # of a panel, of a line
MOST_TICKS, MOST_CHARACTERS = 8, 18  # of a panel's abscissa, in its ticks together
MOST_BARS, SHIFT = 12, 0.08  # numbers with an interval each; of the least distance of two
MOST_OF_LOSS = 2.0  # of its largest value, how far its axis goes to show intervals
TITLE = 30  # characters of a line
LOG_FROM = 50.0  # ratio of the largest number to the smallest
STEP = 0.1  # to which the lowest of shares is rounded
ROOM = 0.03  # of a panel's height, above shares of 1 for half a marker
FEW_PT, MANY_PT = 3.6, 2.6  # size of a marker
LINE_STYLES = ((0, (4, 2)), (0, (1, 1.5)), (0, (4, 1.5, 1, 1.5)))  # of baselines
MORE_SETS = ("method 1", "method 2", "method 3", "method 4")  # colours


@house_style()
def sweep_figure(
    results: SweepResults, axis_label: str, reference: Reference | None = None
) -> PaperFigure:
    """A panel for each metric; shares of all panels on one ordinate, a loss from zero.

    Args:
        results: of a sweep over one number.
        axis_label: of that number.
        reference: published values to draw beside.
    """
    order = np.argsort(_numbers(results))
    runs = [results.runs[index] for index in order]
    numbers = [_numbers(results)[index] for index in order]
    metrics = shown_metrics(runs, results.settings)
    n_columns = 2 if len(metrics) == 4 else min(3, len(metrics))
    n_rows = -(-len(metrics) // n_columns)
    figure = PaperFigure(WIDTHS_IN[n_columns], PANEL_HEIGHT_IN * n_rows)
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for panel, metric in zip(panels, metrics, strict=False):
        for part, its_colour, marker in _parts(results):
            values = [results.estimate(run, f"{part}/{metric}") for run in runs]
            with_interval = part in WITH_INTERVAL
            _draw(
                panel, _beside(numbers, part), values, its_colour, marker, _name(results, part),
                with_interval,
            )  # fmt: skip
        _draw_baselines(panel, results, metric)
        if reference is not None and metric in reference.curves:
            x, y = reference.curves[metric]
            panel.plot(x, y, color=colour("published"), lw=0.9, ls="--", label=reference.label)
        _mark(panel, results)
        _set_abscissa(panel, numbers)
        panel.set_title(_title(results, metric))
    _set_ordinates(dict(zip(metrics, panels, strict=False)), results)
    is_cut = [
        _mark_cut(
            panel,
            _beside(numbers, part),
            [results.estimate(run, f"{part}/{metric}") for run in runs],
            its_colour,
        )
        for panel, metric in zip(panels, metrics, strict=False)
        for part, its_colour, _ in _parts(results)
        if part in WITH_INTERVAL
    ]
    figure.caption = _caption(results, axis_label, metrics, reference, any(is_cut))
    for panel in panels[max(0, len(metrics) - n_columns) : len(metrics)]:  # nothing below
        panel.set_xlabel(axis_label)
    for panel in panels[len(metrics) :]:
        panel.remove()
    _add_legend(figure, panels[: len(metrics)], n_columns)
    letter(panels[: len(metrics)])
    return figure


def _numbers(results: SweepResults) -> list[float]:
    assert results.numbers is not None  # or there would be nothing to draw them against
    return results.numbers


def _parts(results: SweepResults) -> list[tuple[str, str, str]]:
    """Name, colour and marker of each set that is drawn: validation, test, further test sets."""
    sets = test_sets(results.runs[0], results.settings)
    others = [name for name in sets if name != TEST]
    further = zip(others, MORE_SETS, strict=False)
    return [
        (KEPT_VAL, colour("validation"), "s"),
        *([(TEST, colour("test"), "o")] if TEST in sets else []),
        *((name, colour(meaning), "^") for name, meaning in further),
    ]


def _beside(numbers: Sequence[float], part: str) -> list[float]:
    """Places of a set's dots, so that its intervals stand beside those of the others."""
    if len(numbers) > MOST_BARS:
        return list(numbers)
    gaps = np.diff(numbers)
    step = SHIFT * float(gaps.min()) if len(gaps) else SHIFT
    return [number + {KEPT_VAL: -step, TEST: step}.get(part, 0.0) for number in numbers]


def _name(results: SweepResults, part: str) -> str:
    run = results.chosen or results.runs[0]
    counts = counts_of(run, part, results.settings)
    name = results.validation if part == KEPT_VAL else part
    return f"{name} (n = {', '.join(counts)})" if counts else name


def _draw(
    panel: Axes,
    numbers: Sequence[float],
    estimates: Sequence[Estimate | None],
    its_colour: str,
    marker: str,
    label: str,
    has_interval: bool,
) -> None:
    """Dots above a band of intervals, of few numbers a line for each."""
    value, low, high = (
        np.array([math.nan if e is None else getattr(e, end) for e in estimates])
        for end in ("value", "low", "high")
    )
    if np.isnan(value).all():
        return
    many = len(numbers) > MOST_BARS
    if many and has_interval:
        panel.fill_between(numbers, low, high, color=its_colour, alpha=0.15, linewidth=0)
        panel.plot(numbers, value, color=its_colour, lw=0.6, alpha=0.6)
    elif has_interval:
        panel.vlines(numbers, low, high, color=its_colour, linewidth=1.0)
    panel.plot(
        numbers,
        value,
        marker,
        color=its_colour,
        label=label,
        mew=0,
        clip_on=False,
        zorder=3,
        ms=MANY_PT if many else FEW_PT,
    )


def _draw_baselines(panel: Axes, results: SweepResults, metric: str) -> None:
    of_metric = [baseline for baseline in results.baselines if baseline.metric == metric]
    for baseline, style in zip(of_metric, LINE_STYLES, strict=False):
        panel.axhline(
            baseline.estimate.value, color=GREY, lw=0.9, ls=style, label=baseline.label, zorder=1
        )


def _mark(panel: Axes, results: SweepResults) -> None:
    """The chosen number, and those whose run failed."""
    if results.choice is not None:
        number = _numbers(results)[results.choice.index]
        panel.axvline(number, color="black", lw=0.8, label="chosen by validation", zorder=0)
    numbers = _numbers(results)
    within = [n for n in results.failed_numbers if min(numbers) < n < max(numbers)]
    for index, number in enumerate(within):
        label = "failed" if index == 0 else None
        panel.axvline(number, color=GREY, ls=":", lw=0.8, label=label, zorder=0)


def _set_abscissa(panel: Axes, numbers: Sequence[float]) -> None:
    """Ticks at numbers that were trained, in steps that leave room; a log scale where wide."""
    if numbers[0] > 0 and numbers[-1] / numbers[0] >= LOG_FROM:
        panel.set_xscale("log")
        panel.xaxis.set_minor_locator(NullLocator())
        places = np.log(numbers)
    else:
        places = np.asarray(numbers)
    labels = [f"{number:g}" for number in numbers]
    room_for = min(MOST_TICKS, MOST_CHARACTERS // max(map(len, labels)))
    apart = (places[-1] - places[0]) / max(room_for, 2)
    ticks = [0]
    for index, place in enumerate(places):
        if place - places[ticks[-1]] >= apart > 0:
            ticks.append(index)
    panel.set_xticks([numbers[index] for index in ticks], [labels[index] for index in ticks])


def _set_ordinates(panels: Mapping[str, Axes], results: SweepResults) -> None:
    """One range for all that are shares, wide enough for every interval; others from zero."""
    shares = [metric for metric in panels if _is_share(results, metric)]
    if shares:
        low = min(
            min(
                results.names.figure(metric).low,
                np.nanmin([panels[metric].dataLim.y0, panels[metric].get_ylim()[0] + 0.02]),
            )
            for metric in shares
        )
        for metric in shares:
            lowest = max(0.0, math.floor(low / STEP) * STEP)
            panels[metric].set_ylim(lowest, 1.0 + ROOM * (1.0 - lowest))
    for metric, panel in panels.items():
        figure = results.names.figure(metric)
        if metric in shares:
            continue
        low, high = panel.get_ylim()
        values = _values(results, metric)
        if figure.better == "lower" and values and min(values) >= 0:
            # Few days give a loss an interval of any width, which would flatten its curve.
            low, high = 0.0, min(high, MOST_OF_LOSS * max(values) or 1.0)
        panel.set_ylim(
            low if figure.low is None else min(figure.low, low),
            high if figure.high is None else figure.high,
        )


def _mark_cut(
    panel: Axes, numbers: Sequence[float], estimates: Sequence[Estimate | None], its_colour: str
) -> bool:
    """Arrowheads at the ends of the ordinate where an interval goes on; whether one does."""
    low, high = panel.get_ylim()
    known = [(x, e) for x, e in zip(numbers, estimates, strict=True) if e is not None]
    ends = (
        (low, "v", [x for x, e in known if e.low < low]),
        (high, "^", [x for x, e in known if e.high > high]),
    )
    for end, marker, cut in ends:
        if cut:
            panel.plot(
                cut, [end] * len(cut), marker, color=its_colour, mew=0, ms=FEW_PT, clip_on=False,
                gid="cut interval",
            )  # fmt: skip
    return any(cut for _, _, cut in ends)


def _values(results: SweepResults, metric: str) -> list[float]:
    """All that is drawn of a metric, without intervals."""
    estimates = (
        results.estimate(run, f"{part}/{metric}")
        for part, _, _ in _parts(results)
        for run in results.runs
    )
    return [estimate.value for estimate in estimates if estimate is not None]


def _is_share(results: SweepResults, metric: str) -> bool:
    figure = results.names.figure(metric)
    return figure.low is not None and figure.high == 1.0 and not figure.unit


def _title(results: SweepResults, metric: str) -> str:
    label = results.names.figure(metric).axis or in_words(results.names, metric)
    return "\n".join(textwrap.wrap(label[:1].upper() + label[1:], TITLE))


def _add_legend(figure: PaperFigure, panels: Sequence[Axes], n_columns: int) -> None:
    """Of everything that stands in any panel, once; the figure grows by its lines."""
    handles: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles.values(), handles, loc="outside upper center", ncols=n_columns, handlelength=2.2
    )
    n_lines = -(-len(handles) // n_columns)
    figure.set_figheight(figure.get_figheight() + LEGEND_IN * n_lines)


def _meaning_of_marks(results: SweepResults) -> str:
    """What squares, dots and triangles stand for, and their intervals."""
    parts = [part for part, _, _ in _parts(results)]
    is_seen = results.validation == TRAINED_ON
    marks = [
        "Squares: what was trained on, by the weights that were kept: no test of them"
        if is_seen
        else "Squares: validation of the weights that were kept"
    ]
    marks += ["dots: the test"] if TEST in parts else []
    marks += ["triangles: further test sets"] if set(parts) - {KEPT_VAL, TEST} else []
    text = f"{'; '.join(marks)}. Bands or lines: 95 % intervals, where a figure has one."
    if results.averaged:
        text += " They are of t over these repeats."
    if TEST in parts:
        text += (
            " All networks share their test cells, so that two may differ where their intervals "
            "overlap."
        )
    return text


def _caption(
    results: SweepResults,
    axis_label: str,
    metrics: Sequence[str],
    reference: Reference | None,
    is_cut: bool,
) -> str:
    """What the panels show, of how many, how intervals and choice were made."""
    shown = zip(string.ascii_lowercase, metrics, strict=False)
    whom = f"{counted('network', len(results.runs))}, one for each {axis_label}"
    if results.averaged:
        whom = f"{counted('value', len(results.runs))} of {axis_label}, each {results.averaged}"
    sentences = [
        f"{whom}: "
        f"{'; '.join(f'{letter}, {in_words(results.names, metric)}' for letter, metric in shown)}.",
        _meaning_of_marks(results),
    ]
    if is_cut:
        sentences.append("Arrowheads: intervals that go on beyond the axis.")
    for metric in metrics:
        if not Name.of(metric).level:
            figure = results.names.figure(metric)
            meaning = figure.meaning[:1].lower() + figure.meaning[1:]
            sentences.append(f"{figure.label.capitalize()}: {meaning}")
    run = results.chosen or results.runs[0]
    for part, name in ((KEPT_VAL, results.validation.capitalize()), (TEST, "Test")):
        if counts := counts_of(run, part, results.settings):
            sentences.append(f"{name}: n = {listed(counts)}.")
    if results.choice is not None:
        sentences.append(f"The vertical line marks the chosen one. {results.choice.sentence}")
    if results.baselines:
        sentences.append(
            "Grey lines: simple classifiers, trained and tested on the same cells, where a metric "
            "has them."
        )
    if reference is not None and any(metric in reference.curves for metric in metrics):
        sentences.append(f"Dashed: {reference.label}.")
    if results.failed:
        sentences.append(f"Without a result: {listed(results.failed)}.")
    return " ".join(sentences)
