"""Traces that are no calcium, or are not as they are said to be: how many are found.

    python benchmarks/nonsense.py           the table
    python benchmarks/nonsense.py --draw    and the boundaries that come with raphe, drawn anew

From recordings of the field's ground truth nonsense of some twenty kinds is made, and judged as
`raphe predict` judges it with the bundle that comes with it: found is what gets a rate of 0 with
"no event above the noise", or is told to be unlike calcium. The boundaries between calcium and
nonsense are drawn without the set that is judged, each set left out in turn; the bundle saw none.
The recordings are not the project's to hand on: where they are absent the benchmark ends.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from calcium_sets import DATA, dataset_files, number_of
from machine import REPOSITORY, options_of, write_tables
from nonsense_boundaries import KINDS as BOUNDARY_KINDS
from nonsense_boundaries import as_json, drawn
from nonsense_kinds import (
    SAID_ONLY,
    SYNTHETIC,
    TOLD_RATE,
    UNTOUCHED,
    Trace,
    nonsense,
    synthetic,
    traces_of,
    transposed,
)

from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.features.rises import CLEAR, in_bins, rises_of
from raphe.tasks.calcium.features.unlike_calcium import (
    BOUNDARIES,
    KINDS,
    SMOOTHED,
    Boundaries,
    is_smoothed,
    measures,
)
from raphe.tasks.calcium.prediction.infer_rates import Inferrer
from raphe.tasks.calcium.recordings.screening import screened

CALCIUM = REPOSITORY / "src" / "raphe" / "tasks" / "calcium"
SHIPPED = CALCIUM / "shipped"
N_SYNTHETIC, N_SYNTHETIC_SETS = 200, 5
RATES_HZ = (4, 7.5, 15, 30, 60, 120.1)  # between which synthetic traces are counted
FILE = 6  # traces of a set that stand for a file; it is found where so many are
FOUND_OF_FILE = 1 / 3
FOUND, FALSE = 0.9, 0.05  # the bar
Table = tuple[Sequence[str], list[Sequence[object]]]


@dataclass
class Judged:
    """What is said of one trace."""

    dataset: str
    kind: str
    rate_hz: float
    measures: np.ndarray | None  # of one that stands out of its noise and is long enough
    is_silenced: bool
    is_denoised: bool
    is_outside: bool  # of the domain of training, or it has no rate
    is_smoothed: bool = False
    has_spikes: bool = True
    beyond: str = ""  # the boundary, drawn without its set, that it lies beyond

    @property
    def has_remark(self) -> bool:
        return bool(self.beyond) or self.is_denoised or self.is_smoothed or self.is_outside

    @property
    def is_found(self) -> bool:
        return self.has_remark or self.is_silenced


def judged(dataset: str, trace: Trace, inferrer: Inferrer) -> Judged:
    condition = inferrer.bundle.conditioning
    answer = inferrer.infer("", trace.frames, trace.rate_hz, condition)
    row = Judged(dataset, trace.kind, trace.rate_hz, None, answer.no_event, False, True)
    if answer.left_out:
        return row
    others = [phrase for phrase in answer.unlike if phrase not in (*KINDS.values(), SMOOTHED)]
    row.is_denoised = any(phrase.startswith("denoised") for phrase in others)
    row.is_outside = len(others) > row.is_denoised
    samples = screened(trace.frames, trace.rate_hz).samples
    bins = in_bins(network_input(condition(samples, trace.rate_hz).samples, trace.rate_hz))
    if rises_of(bins).steepest >= CLEAR:
        row.measures = measures(bins)
        row.is_smoothed = row.measures is not None and is_smoothed(row.measures)
    return row


def all_judged(chosen: argparse.Namespace, inferrer: Inferrer) -> Iterator[Judged]:
    for name, file in dataset_files(chosen.data).items():
        seed = int(number_of(name)[2:])
        rng = np.random.default_rng(seed)
        recordings = traces_of(file, seed)
        for recording in recordings[: chosen.recordings]:
            row = judged(name, Trace(UNTOUCHED, recording.dff, recording.rate_hz), inferrer)
            row.has_spikes = bool(len(recording.spike_s))
            yield row
        for recording in recordings[:FILE]:
            for trace in nonsense(recording, rng):
                yield judged(name, trace, inferrer)
        for trace in transposed(recordings, FILE, rng):
            yield judged(name, trace, inferrer)
        print(f"{name}: {len(recordings)} recordings", flush=True)
    for n, trace in enumerate(synthetic(N_SYNTHETIC, np.random.default_rng(0))):
        yield judged(f"synthetic {n % N_SYNTHETIC_SETS}", trace, inferrer)


def draw(rows: Iterable[Judged], without: str = "") -> Boundaries:
    """Boundaries by all sets but one."""
    known = [
        row
        for row in rows
        if row.measures is not None and not row.is_smoothed and row.dataset != without
    ]
    kinds = [row.kind for row in known]
    return drawn(
        np.array([row.measures for row in known]),
        kinds,
        [row.dataset for row in known],
        np.isin(kinds, [UNTOUCHED, SYNTHETIC]),
    )


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def over_sets(rows: Sequence[Judged], is_so: str) -> float:
    """The mean over sets of the share of a set's traces that are so."""
    sets = sorted({row.dataset for row in rows})
    of_sets = [[getattr(row, is_so) for row in rows if row.dataset == name] for name in sets]
    return float(np.mean([np.mean(each) for each in of_sets]))


def files_found(rows: Sequence[Judged]) -> str:
    """How many sets have as many traces found as a file that is told as a whole."""
    sets = sorted({row.dataset for row in rows})
    shares = [np.mean([row.is_found for row in rows if row.dataset == name]) for name in sets]
    return f"{sum(share >= FOUND_OF_FILE for share in shares)} of {len(sets)}"


def table_of_kinds(rows: Sequence[Judged], kinds: Sequence[str]) -> Table:
    columns = ("kind", "traces", "rate of 0", "remark", "found", "files found", "called")
    lines: list[Sequence[object]] = []
    for kind in kinds:
        own = [row for row in rows if row.kind == kind]
        called = [row.beyond for row in own if row.beyond]
        most = max(set(called), key=called.count) if called else ""
        shares = [over_sets(own, name) for name in ("is_silenced", "has_remark", "is_found")]
        share = f"{most} ({percent(called.count(most) / len(own))})" if most else "–"
        lines.append((kind, len(own), *map(percent, shares), files_found(own), share))
    return columns, lines


def table_of_sets(rows: Sequence[Judged]) -> Table:
    columns = ("set", "traces", "remark", "rate of 0", "of these with spikes", "called")
    own = [row for row in rows if row.kind == UNTOUCHED]
    lines: list[Sequence[object]] = []
    for name in sorted({row.dataset for row in own}):
        of_set = [row for row in own if row.dataset == name]
        called = [row.beyond or "outside" for row in of_set if row.has_remark]
        counts = ", ".join(f"{kind} {called.count(kind)}" for kind in sorted(set(called)))
        silenced = [row.has_spikes for row in of_set if row.is_silenced]
        share = percent(np.mean([row.has_remark for row in of_set]))
        lines.append((name, len(of_set), share, len(silenced), sum(silenced), counts))
    share = percent(over_sets(own, "has_remark"))
    n_silenced = sum(row.is_silenced for row in own)
    with_spikes = sum(row.is_silenced and row.has_spikes for row in own)
    lines.append(("mean over sets, or sum", len(own), share, n_silenced, with_spikes, ""))
    return columns, lines


def table_of_rates(rows: Sequence[Judged]) -> Table:
    columns = ("frames/s", "traces", "rate of 0", "remark", "called")
    own = [row for row in rows if row.kind == SYNTHETIC]
    lines: list[Sequence[object]] = []
    for low, high in [*pairwise(RATES_HZ), (RATES_HZ[0], RATES_HZ[-1])]:
        band = [row for row in own if low <= row.rate_hz < high]
        called = [row.beyond or "outside" for row in band if row.has_remark]
        counts = ", ".join(f"{kind} {called.count(kind)}" for kind in sorted(set(called)))
        shares = [np.mean([getattr(r, of) for r in band]) for of in ("is_silenced", "has_remark")]
        lines.append((f"{low:g}–{high:g}", len(band), *map(percent, shares), counts))
    return columns, lines


def main() -> None:
    parser = options_of(__doc__, "nonsense")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of DS….npz")
    parser.add_argument("--bundle", type=Path, default=SHIPPED, help="that gives the rates")
    parser.add_argument("--recordings", type=int, default=24, help="of a set, untouched, at most")
    parser.add_argument("--draw", action="store_true", help="write raphe's own boundaries anew")
    chosen = parser.parse_args()
    if not dataset_files(chosen.data):
        sys.exit(f"{chosen.data}: expected data sets DS….npz, found none")
    begun = time.process_time()
    inferrer = Inferrer(RateBundle.open(chosen.bundle, threads=1))
    rows = list(all_judged(chosen, inferrer))
    if chosen.draw:
        text = as_json(draw(rows))
        (CALCIUM / "features" / BOUNDARIES).write_text(text, encoding="utf-8")
    print(f"{time.process_time() - begun:.0f} s of processor time")
    report(rows, chosen.output)


def report(rows: list[Judged], output: Path) -> None:
    """Write the table, each set judged by boundaries that were drawn without it."""
    for name in {row.dataset for row in rows}:
        boundaries = draw(rows, without=name)
        for row in rows:
            if row.dataset == name and row.measures is not None and not row.is_smoothed:
                row.beyond = boundaries.beyond(row.measures)
    kinds = list(dict.fromkeys(row.kind for row in rows))
    beside = {UNTOUCHED, SYNTHETIC, *SAID_ONLY, *TOLD_RATE}
    nonsensical = [kind for kind in kinds if kind not in beside]
    limits = ", ".join(f"{name} {100 * most:.2g} %" for name, (_, most) in BOUNDARY_KINDS.items())
    write_tables(
        output,
        "Traces that are no calcium",
        "`python benchmarks/nonsense.py`: see its docstring. So much of the calcium that a "
        f"boundary is drawn by may lie beyond it: {limits}; these shares were chosen by this "
        f"table. Shares are means over sets. A file is {FILE} traces of a set, and found where a "
        f"third of them are. The bar: every kind but a wrong frame rate found in {percent(FOUND)} "
        f"of traces, with a remark on at most {percent(FALSE)} of recordings that nobody touched.",
        {
            "Nonsense.": table_of_kinds(rows, nonsensical),
            "A frame rate that is told wrong. One indicator at four times its rate looks like "
            "another, as GCaMP6s like GCaMP8m: found is what no known indicator "
            "does.": table_of_kinds(rows, list(TOLD_RATE)),
            "Calcium that was changed: to be said, not barred.": table_of_kinds(rows, SAID_ONLY),
            "Recordings as they are: false alarms.": table_of_sets(rows),
            "Synthetic traces of 30 s to 10 min, one in twenty without a spike and others of "
            "more noise than signal.": table_of_rates(rows),
        },
    )


if __name__ == "__main__":
    main()
