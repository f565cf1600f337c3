"""What the page shows of one trace and its rate.

T frames at the file's rate, K spikes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raphe.core.bundles.curves import as_numbers, sampled_band, sampled_line
from raphe.core.bundles.view import Fact, Marks, Plot, Table, Take, Tone, View
from raphe.core.sentences import counted, number
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.training_domain import NOISE, beyond
from raphe.tasks.calcium.metrics.expectation import expected
from raphe.tasks.calcium.metrics.rate_factors import COVERED
from raphe.tasks.calcium.prediction.infer_rates import InferredTrace
from raphe.tasks.calcium.prediction.rate_folder import COLUMNS, cell_word, table_row
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.trace_set import TraceSet

TRACE, RATE = "trace", "rate"  # plots by name
POINTS = 1500  # of a curve as it is first shown
MOST_MARKS = 1000  # of spikes at once
SCALE = (
    "A fluorescence trace has no absolute scale: the rate of one neuron may be off by a factor of "
    "two and more. What was trained is its course in time."
)
NO_EVENT = (
    "No event stands out of the noise, so the rate is 0. How fast the neuron fires cannot be told: "
    "what it does is smaller than the noise, or nothing."
)


@dataclass(frozen=True, eq=False)
class ShownTrace:
    """One trace of a file with what was inferred of it."""

    traces: TraceSet  # of the file
    place: int  # in it
    samples: np.ndarray  # float64 (T,), NaN where a frame is taken as missing
    inferred: InferredTrace

    @property
    def name(self) -> str:
        return self.inferred.name

    @property
    def rate_hz(self) -> float:
        """Frames a second."""
        return self.traces.rate_hz

    @property
    def row(self) -> tuple[str, ...]:
        """In the table of all traces, by COLUMNS."""
        return table_row(self.inferred, cell_word(self.traces.curation, self.place))

    @cached_property
    def spike_times_s(self) -> np.ndarray:
        """Of discrete spikes: float64 (K,)."""
        return spike_times_s(np.nan_to_num(self.inferred.rate_per_s), self.rate_hz)

    @property
    def whole_s(self) -> tuple[float, float]:
        return 0.0, max(self.traces.n_samples - 1, 1) / self.rate_hz


def trace_view(
    shown: ShownTrace,
    bundle: RateBundle,
    warnings: Sequence[str],
    unlike_rate: bool,
    inferred_rows: Sequence[Sequence[str]],
    takes: Sequence[Take],
    is_for_all: bool,
) -> View:
    """The view of one trace.

    Args:
        shown: the trace.
        bundle: that inferred.
        warnings: of the whole file, a sentence each.
        unlike_rate: whether training had no imaging as fast or as slow.
        inferred_rows: of the traces inferred so far, by COLUMNS.
        takes: what can be had.
        is_for_all: whether rates of all traces are among them.
    """
    traces, inferred = shown.traces, shown.inferred
    file = traces.path.name
    tone: Tone = "unlike" if inferred.unlike or unlike_rate else "called"
    networks = bundle.networks
    of_trace = f" in trace {shown.name}" if len(traces) > 1 else ""
    so_far = [_table_so_far(inferred_rows, len(traces), is_for_all)] if len(traces) > 1 else []
    if inferred.left_out:
        return View(
            shown.name,
            traces.names,
            f"{file}, trace {shown.name}",
            f"no rate{of_trace}",
            "nothing",
            [f"No rate could be inferred: {inferred.left_out}.", *_beside(shown), *warnings],
            bundle.manifest["note"],
            plots=[trace_plot(shown, shown.whole_s, POINTS)],
            tables=so_far,
            takes=takes,
            row=_row(shown),
        )
    mean, spread = (
        float(np.nanmean(values)) for values in (inferred.rate_per_s, inferred.spread_per_s)
    )
    return View(
        shown.name,
        traces.names,
        f"{file}, trace {shown.name}",
        f"about {number(mean, 2)} spikes/s{of_trace}",
        tone,
        [*_sentences(shown, mean, spread, networks), *_beside(shown), *warnings],
        bundle.manifest["note"],
        _facts(shown, bundle, mean, spread, networks),
        [
            trace_plot(shown, shown.whole_s, POINTS),
            rate_plot(shown, networks, shown.whole_s, POINTS),
        ],
        [*so_far, *_compared(shown, bundle)],
        takes,
        uncertainty=_disagreement(mean, spread) if networks else None,
        row=_row(shown),
    )


def trace_plot(shown: ShownTrace, span_s: tuple[float, float], points: int) -> Plot:
    """The fluorescence."""
    line = sampled_line("fluorescence", "data", shown.samples, shown.rate_hz, span_s, points)
    return Plot(
        TRACE,
        "Fluorescence",
        f"{_begun(shown.traces.made_of)}. Frames that are taken as missing are gaps.",
        "Time (s)",
        "Fluorescence (unit of the file)",
        shown.whole_s,
        [line],
        has_detail=True,
    )


def rate_plot(shown: ShownTrace, networks: str, span_s: tuple[float, float], points: int) -> Plot:
    """The rate, its spread over the networks, and discrete spikes."""
    rate, spread = shown.inferred.rate_per_s, shown.inferred.spread_per_s
    lines = []
    caption = "Spikes a second in each frame. "
    if networks:
        low, high = np.maximum(rate - spread, 0), rate + spread
        name = "± standard deviation of the networks"
        lines.append(sampled_band(name, "spread", low, high, shown.rate_hz, span_s, points))
        caption = (
            f"Spikes a second in each frame: the mean of {networks}, and one standard "
            "deviation over them to either side. "
        )
    lines.append(sampled_line("rate", "answer", rate, shown.rate_hz, span_s, points))
    times = shown.spike_times_s
    within = np.flatnonzero((times >= span_s[0]) & (times <= span_s[1]))
    marks = None
    if len(within) > MOST_MARKS:
        caption += f"Its {len(times)} discrete spikes are marked where fewer are in view: zoom in."
    else:
        caption += (
            "Marks on the axis are discrete spikes, placed where the rate makes some more likely "
            "than none: no single one is certain."
        )
        marks = Marks(
            "spike",
            within.tolist(),
            as_numbers(times[within]),
            [0.0] * len(within),
            [True] * len(within),
            can_change=False,
        )
    return Plot(
        RATE,
        "Inferred rate",
        caption,
        "Time (s)",
        "Rate (spikes/s)",
        shown.whole_s,
        lines,
        marks,
        has_detail=True,
    )


def _begun(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:]}"


def _row(shown: ShownTrace) -> dict[str, str]:
    return {"file": shown.traces.path.name, **dict(zip(COLUMNS, shown.row, strict=True))}


def _sentences(shown: ShownTrace, mean: float, spread: float, networks: str) -> list[str]:
    rate = shown.inferred.rate_per_s
    known_s = np.count_nonzero(np.isfinite(rate)) / shown.rate_hz
    highest = int(np.nanargmax(rate))
    if shown.inferred.no_event:
        return [NO_EVENT]
    sentences = [
        f"On average {number(mean)} spikes/s over the {number(known_s)} s that have a rate, "
        f"{counted('spike', len(shown.spike_times_s))} in all; the highest rate is "
        f"{number(float(rate[highest]))} spikes/s, at {highest / shown.rate_hz:.1f} s."
    ]
    if networks:
        sentences.append(
            f"The {networks} differ by {number(spread)} spikes/s (their standard "
            "deviation, the mean over frames): this shows how far they agree, not how far they "
            "are from the truth."
        )
    sentences.append(_scale(shown))
    if shown.inferred.unlike:
        sentences.append(
            f"Unlike the traces of training, so take the rate with caution: "
            f"{'; '.join(shown.inferred.unlike)}."
        )
    return sentences


def _scale(shown: ShownTrace) -> str:
    """How far its mean rate may be off."""
    mean = shown.inferred.mean_rate
    if mean is None or np.isnan(mean.high):
        return SCALE
    return (
        f"A fluorescence trace has no absolute scale. Of cells that networks trained alike had not "
        f"seen, {COVERED:.0%} had a mean rate that would here be between {number(mean.low)} and "
        f"{number(mean.high)} spikes/s."
    )


def _beside(shown: ShownTrace) -> list[str]:
    """What else is to be known of the trace."""
    sentences = [f"Taken as missing: {remark}." for remark in shown.inferred.bridged]
    curation = shown.traces.curation
    if curation is not None and not curation.is_cell[shown.place]:
        sentences.append(f"By {curation.source} this region is no cell.")
    return sentences


def _facts(
    shown: ShownTrace, bundle: RateBundle, mean: float, spread: float, networks: str
) -> list[Fact]:
    slowest, fastest = bundle.frame_hz
    facts = [Fact("Mean rate", f"{number(mean)} spikes/s", "over the frames that have a rate")]
    if networks:
        facts.append(
            Fact(
                "Spread of the networks",
                f"{number(spread)} spikes/s",
                "their standard deviation, the mean over frames",
            )
        )
    facts.append(
        Fact(
            "Spikes",
            str(len(shown.spike_times_s)),
            "discrete ones, where the rate makes some more likely than none",
        )
    )
    seen = shown.inferred.facts
    if NOISE in seen:
        low, high = bundle.domain.get(NOISE, (np.nan, np.nan))
        facts.append(
            Fact(
                "Noise",
                f"{number(seen[NOISE])} /√Hz",
                f"of the trace after conditioning, which scales it to its 5th and 80th percentile; "
                f"training had {number(low)} to {number(high)}",
                NOISE in beyond(seen, bundle.domain),
            )
        )
    group = expected(bundle.groups, shown.inferred.noise, shown.rate_hz)
    if group is not None and np.isfinite(shown.inferred.expected_correlation):
        facts.append(
            Fact(
                "To be expected",
                f"r = {group.correlation:.2f}",
                "correlation with the true spikes in bins of 40 ms: the mean of "
                f"{counted('neuron', group.n)} with a {group.what}",
            )
        )
    one_spike = shown.inferred.single_spike.percent
    if np.isfinite(one_spike.value):
        facts.append(
            Fact(
                "One spike",
                f"{number(one_spike.value)} % ΔF/F",
                f"if the trace is ΔF/F as a fraction; {number(one_spike.low)} to "
                f"{number(one_spike.high)} % by nine in ten neurons of known spikes",
            )
        )
    facts.append(
        Fact(
            "Imaging",
            f"{number(shown.rate_hz)} frames/s",
            f"training had {slowest:g} to {fastest:g}",
            not bundle.knows_rate(shown.rate_hz),
        )
    )
    if (curation := shown.traces.curation) is not None:
        word = cell_word(curation, shown.place)
        facts.append(Fact("Cell", word, f"by {curation.source}", word == "no"))
    return facts


def _compared(shown: ShownTrace, bundle: RateBundle) -> list[Table]:
    """Each fact of the trace beside the range that training had; nothing of a trace too short."""
    seen = {name: value for name, value in shown.inferred.facts.items() if name in bundle.domain}
    if not seen:
        return []
    outside = beyond(seen, bundle.domain)
    return [
        Table(
            "Compared with training",
            ["statistic", "this trace", "training, from", "to"],
            [[name, *map(number, (value, *bundle.domain[name]))] for name, value in seen.items()],
            [row for row, name in enumerate(seen) if name in outside],
            "Of the trace after conditioning. A row is marked where the value lies more than a "
            "quarter of the range of training outside it; of noise and bandwidth the range of "
            "their logarithms counts.",
        )
    ]


def _table_so_far(rows: Sequence[Sequence[str]], n_traces: int, is_for_all: bool) -> Table:
    caption = "A trace is inferred when it is looked at, as each takes a while. "
    if len(rows) == n_traces:
        caption = ""
    elif is_for_all:
        caption += "A file of all rates has the others inferred."
    else:
        caption += "They are too many for a file of all rates here: `raphe predict` makes it."
    return Table(
        f"{len(rows)} of {counted('trace', n_traces)} inferred",
        [_titled(name) for name in COLUMNS],
        rows,
        caption=caption,
    )


def _titled(column: str) -> str:
    for name, unit in (("_percent_per_sqrt_hz", " (%/√Hz)"), ("_per_s", " (spikes/s)")):
        column = column.replace(name, unit)
    return column.replace("_", " ")


def _disagreement(mean: float, spread: float) -> float:
    """From 0, where the networks agree, to 1, where they do in nothing."""
    return spread / (mean + spread) if spread else 0.0
