"""What a sweep comes to, in the sentences that stand before its table."""

import math

from raphe.core.metric_names import TEST, Estimate, Name
from raphe.core.protocol import BaselineFigure
from raphe.core.sentences import counted, listed
from raphe.harness.report.shown import counts_of, in_words
from raphe.harness.report.sweep_results import TRAINED_ON, SweepResults
from raphe.harness.tracking import RunFacts

DECIMALS = 2  # of a figure without an interval
NOT_CHOSEN = (
    "None of them is chosen: they were trained on all, also on what they were validated on, and a "
    "figure of that chooses nothing."
)


def sweep_conclusion(results: SweepResults) -> list[str]:
    """Sentences: what validation chooses, its test, whether the test tells others from it."""
    if results.choice is not None:
        sentences = [results.choice.sentence]
    elif results.validation == TRAINED_ON:
        return [NOT_CHOSEN]
    elif len(results.runs) == 1:
        sentences = ["One member finished, so that there was nothing to choose among."]
    else:
        return []
    metric = results.headlines[0]
    run = results.chosen or results.runs[0]
    tested = results.estimate(run, f"{TEST}/{metric}")
    if tested is None:
        return sentences
    label, whom = in_words(results.names, metric), _tested_on(results, run, metric)
    sentences.append(f"Its test: {label} {with_interval(tested)}, from {whom}.")
    if baseline := _best_baseline(results, metric):
        sentences.append(
            f"The best simple baseline on the same test, {baseline.label}: "
            f"{with_interval(baseline.estimate)}."
        )
    if results.choice is not None and (told := _told_apart(results, metric, whom)):
        sentences.append(told)
    return sentences


def _told_apart(results: SweepResults, metric: str, whom: str) -> str:
    """Of the same cells, intervals that overlap do not show that values are alike."""
    n_apart, n_overlapping, n_without = results.told_apart(metric)
    setting = listed(results.parameters)
    if not n_apart and not n_overlapping:
        none = f"Values of {setting} cannot be compared: no interval from {whom}."
        return none if n_without else ""
    without = f"; {n_without} cannot be compared, for want of an interval" if n_without else ""
    if not n_apart:
        others = f"{n_overlapping} of the" if n_without else "all"
        return (
            f"Values of {setting} are not told apart here, from {whom}: the intervals of {others} "
            f"others overlap that of the chosen one{without}."
        )
    if not n_overlapping and not n_without:
        return f"The test tells every other value of {setting} from the chosen one."
    are = "is" if n_overlapping == 1 else "are"
    overlapping = f"; {n_overlapping} {are} not told apart here (their intervals overlap)"
    return (
        f"The test tells {counted('value', n_apart)} of {setting} from the chosen one"
        f"{overlapping if n_overlapping else ''}{without}."
    )


def _tested_on(results: SweepResults, run: RunFacts, metric: str) -> str:
    """ "24 cells", what the metric counts; all that is counted where it counts none of them."""
    counts = counts_of(run, TEST, results.settings)
    level = Name.of(metric).level.removesuffix("s")
    of_level = [count for count in counts if level and level in count.split()[-1]]
    return listed(of_level or counts or ["the test set"])


def _best_baseline(results: SweepResults, metric: str) -> BaselineFigure | None:
    better = results.names.figure(metric).better
    of_metric = [
        baseline
        for baseline in results.baselines
        if baseline.metric == metric and math.isfinite(baseline.estimate.value)
    ]
    if not of_metric or better is None:
        return None
    sign = 1 if better == "higher" else -1
    return max(of_metric, key=lambda baseline: sign * baseline.estimate.value)


def with_interval(estimate: Estimate, places: int | None = None) -> str:
    """ "0.92 (95 % interval 0.80 to 0.97)"."""
    places = decimals([estimate]) if places is None else places
    value = f"{estimate.value:.{places}f}"
    if not math.isfinite(estimate.low + estimate.high):
        return value
    return f"{value} (95 % interval {estimate.low:.{places}f} to {estimate.high:.{places}f})"


def decimals(estimates: list[Estimate]) -> int:
    """As many as the narrowest interval allows, two at least where figures are below 10.

    >>> decimals([Estimate(0.912, 0.80, 0.97)]), decimals([Estimate(0.9123, 0.9105, 0.914)])
    (2, 3)
    >>> decimals([Estimate(123.4, 80.0, 170.0)])
    0
    """
    finite = [e for e in estimates if math.isfinite(e.low + e.high) and e.high > e.low]
    if not finite:
        largest = max((abs(estimate.value) for estimate in estimates), default=0.0)
        return DECIMALS if largest < 10 else 0 if largest >= 100 else 1
    half = min((e.high - e.low) / 2 for e in finite)
    if half >= 1:
        return 1 if half < 10 else 0
    return max(DECIMALS, math.ceil(-math.log10(half)))
