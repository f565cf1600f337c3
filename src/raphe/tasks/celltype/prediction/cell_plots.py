"""What the page draws of a cell, as values: its recording, its spikes, the votes.

N spikes, T samples a window.
"""

from collections.abc import Sequence

import numpy as np

from raphe.core.bundles.view import Line, Marks, Plot
from raphe.core.sentences import counted, typographic
from raphe.tasks.celltype.prediction.changed_cell import ChangedCell
from raphe.tasks.celltype.prediction.trace_view import Envelope, seen_from
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.time_axis import TimeAxis
from raphe.tasks.celltype.stores.subsampling import evenly_spaced
from raphe.tasks.celltype.verdicts.verdict import share
from raphe.tasks.celltype.verdicts.weighing import evidence_words

RECORDING, PEAKS, SPIKES, VOTES = "recording", "peaks", "spikes", "votes"
POINTS = 2000  # of a view
SPIKES_DRAWN = 40
PEAK_WITHIN_MS = 1.0  # of the crossing
DIGITS = 5  # of a value, so that it takes little room on its way


def recording_plot(
    changed: ChangedCell, span: tuple[float, float] | None = None, points: int = POINTS
) -> Plot:
    """The trace between two times, None: all of it, with its spikes and the threshold; of spikes
    that were cut before, the size of each one's peak."""
    cell, cut = changed.every, changed.cut_here
    if cut is None:
        return _peaks_plot(changed)
    sweeps = changed.held.sweeps
    last = sweeps[-1]
    whole = sweeps[0].start_s, last.start_s + last.step_s * len(last.low)
    span = span or whole
    parts = seen_from(cell, cut, sweeps, span, points)
    return Plot(
        name=RECORDING,
        title="Recording",
        caption=_recording_caption(changed, cut),
        x_label="time (s)",
        y_label=quantity(cut.unit),
        x_range=whole,
        lines=_trace_lines(parts),
        marks=_marks(changed, span),
        threshold=cut.threshold_pa,
        has_detail=True,
    )


def spikes_plot(changed: ChangedCell) -> Plot:
    """Some of the accepted spikes, their mean, and where in it the evidence for the class lies."""
    cell, cut = changed.cell, changed.cut
    noun, axis = changed.judge.noun, TimeAxis(cut.rate_hz, cell.pre_ms)
    time_ms = axis.time_ms(cut.n_samples)
    rows = evenly_spaced(len(cell), SPIKES_DRAWN)
    x = shortened(time_ms)
    lines = [Line(noun, "faint", x, rounded(spike)) for spike in cell.waveforms[rows]]
    mean = cell.waveforms.mean(axis=0)
    caption = f"The one {noun}."
    if len(cell) > 1:
        spread = cell.waveforms.std(axis=0, ddof=1)
        lines.append(
            Line("mean ± SD", "spread", x, low=rounded(mean - spread), high=rounded(mean + spread))
        )
        of_all = counted(noun, len(cell))
        caption = f"All {of_all}, their mean and SD."
        if len(rows) < len(cell):
            caption = f"{len(rows)} of {of_all}; mean and SD are of all {len(cell)}."
    lines.append(Line("mean" if len(cell) > 1 else noun, "mean", x, rounded(mean)))
    evidence = changed.evidence
    leading = changed.verdict.leading
    return Plot(
        name=SPIKES,
        title="Spikes and evidence",
        caption=f"{caption} Behind them, the darker the more: "
        f"{evidence_words(leading, evidence, len(changed.judge.ensemble.classes))}.",
        x_label=axis.label,
        y_label=quantity(cut.unit),
        x_range=(float(time_ms[0]), float(time_ms[-1])),
        lines=lines,
        shade=list(zip(x, shortened(np.clip(evidence, 0, 1)), strict=True)),
        shade_name="weight in the answer",
    )


def votes_plot(changed: ChangedCell) -> Plot:
    """What each network says alone, over the size of its kernel."""
    verdict, judge = changed.verdict, changed.judge
    leading = verdict.leading
    kernels = [vote.kernel for vote in verdict.votes]
    ends = min(kernels) - 1.0, max(kernels) + 1.0
    together, threshold = verdict.probability[leading], judge.decision.not_sure.threshold
    lines = [
        Line(f"all networks together, {share(together)}", "answer", ends, (together, together))
    ]
    if threshold > 0:
        words = f"not sure below {threshold:.2f}"
        lines.append(Line(words, "spread", ends, low=(0.0, 0.0), high=(threshold, threshold)))
    agree, n_votes = verdict.agreement
    return Plot(
        name=VOTES,
        title="Votes of the networks",
        caption=f"{agree} of {counted('vote', n_votes)} for {leading}. A point is one network, "
        "asked alone; filled, it calls the same class.",
        x_label="kernel size of the network (samples)",
        y_label=f"probability of {leading}",
        x_range=ends,
        lines=lines,
        marks=Marks(
            "network",
            list(range(len(kernels))),
            kernels,
            rounded([vote.probability[leading] for vote in verdict.votes]),
            [vote.called == leading for vote in verdict.votes],
            can_change=False,
        ),
    )


def quantity(unit: str) -> str:
    return f"{'voltage' if unit.endswith('V') else 'current'} ({unit})"


def rounded(values: Sequence[float] | np.ndarray) -> list[float | None]:
    """With as many digits as a picture shows; None for what is not finite."""
    array = np.asarray(values, np.float64)
    finite = np.isfinite(array)
    whole = shortened(np.where(finite, array, 0.0))
    return [value if ok else None for value, ok in zip(whole, finite.tolist(), strict=True)]


def shortened(values: np.ndarray) -> list[float]:
    """Finite numbers with as many digits as a picture shows."""
    largest = np.abs(values).max(initial=0.0)
    digits = DIGITS - int(np.ceil(np.log10(largest))) if largest else 0
    return values.astype(np.float64).round(digits).tolist()


def _trace_lines(parts: Sequence[Envelope]) -> list[Line]:
    """The parts of all sweeps as one line, which breaks where nothing was recorded."""
    if not parts:
        return []
    x: list[np.ndarray] = []
    low: list[np.ndarray] = []
    high: list[np.ndarray] = []
    for part in parts:
        if x and part.start_s - x[-1][-1] > 1.5 * part.step_s:
            x.append(np.array([(x[-1][-1] + part.start_s) / 2]))
            low.append(np.array([np.nan]))
            high.append(np.array([np.nan]))
        x.append(part.time_s)
        low.append(part.low)
        high.append(part.high)
    time_s = np.concatenate(x).round(6).tolist()
    lowest, highest = np.concatenate(low), np.concatenate(high)
    if np.array_equal(lowest, highest, equal_nan=True):
        return [Line("recording", "data", time_s, rounded(lowest))]
    return [Line("recording", "data", time_s, low=rounded(lowest), high=rounded(highest))]


def _marks(changed: ChangedCell, span: tuple[float, float]) -> Marks:
    """Each spike where its peak is."""
    cell, cut = changed.every, changed.cut
    within = round(PEAK_WITHIN_MS * cut.rate_hz / 1000) or 1
    after = cell.waveforms[:, cut.n_before : cut.n_before + within]  # (N, …)
    place = np.abs(after).argmax(axis=1)
    x = cell.time_s + place / cut.rate_hz
    shown = np.flatnonzero((x >= span[0]) & (x <= span[1]))
    return Marks(
        "spike",
        shown.tolist(),
        x[shown].round(6).tolist(),
        rounded(after[shown, place[shown]]),
        changed.accepted[shown].tolist(),
    )


def _peaks_plot(changed: ChangedCell) -> Plot:
    cell, unit, noun = changed.every, changed.cut.unit, changed.judge.noun
    timed = bool(np.isfinite(cell.time_s).all())
    x = cell.time_s.tolist() if timed else list(range(1, len(cell) + 1))
    first, last = (min(x), max(x)) if x else (0.0, 1.0)
    margin = 0.5 if first == last else 0.0  # so that the one peak stands in the middle
    whose = (
        f"the peak of the one {noun}, cut beforehand"
        if len(x) == 1
        else f"each {noun}'s peak ({len(x)} {noun}s, cut beforehand)"
    )
    size = rounded(np.abs(cell.waveforms).max(axis=1))
    return Plot(
        name=PEAKS,
        title=f"Peaks of the {noun}s",
        caption=f"The size of {whose}.",
        x_label="time (s)" if timed else f"number of the {noun}",
        y_label=f"size of the peak ({unit})",
        x_range=(float(first - margin), float(last + margin)),
        lines=[Line("peak", "data", x, size)],
        marks=Marks(noun, list(range(len(cell))), x, size, changed.accepted.tolist()),
    )


def _recording_caption(changed: ChangedCell, cut: Cut) -> str:
    caption = "The recording, without a spike to judge by"
    if n := len(changed.every):
        caption = f"The recording and {counted('spike', n)}, each marked at its peak"
        if n_out := n - len(changed.cell):
            caption += f"; {n_out} left out by hand"
    if cut.threshold_pa is not None:
        level = typographic(f"{cut.threshold_pa:g}")
        return f"{caption}. A spike begins where the trace crosses {level} {cut.unit}."
    return f"{caption}. A spike begins beyond {cut.mad_factor:g} median absolute deviations."
