"""The same cells recorded again, and verdicts from few spikes: is what is said of them so?

    python benchmarks/again.py

Simulated cells that the ensemble of simulated_ensemble.py was not trained on, of new days, each
simulated three times: twice on one day, once on another, with the same traits but other spikes and
noise. How often is the probability of another recording within the interval that stands beside the
first one's verdict? And of a long recording: how often is the verdict on its first spikes, where
these are called enough, another than that on all?
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from machine import options_of, write_table
from simulated_ensemble import SimulatedEnsemble, add_folder

from raphe.core.recordings.recording import Recording
from raphe.core.statistics.intervals import interval_of_share
from raphe.tasks.celltype.metrics.enough_spikes import FEWEST_SPIKES, enough_for_cell, verdict_of
from raphe.tasks.celltype.metrics.recorded_again import interval_again, resampled
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ, draw_traits, record
from raphe.tasks.celltype.synthetic.simulated_recordings import Simulation, simulate_day
from raphe.tasks.celltype.verdicts.judge import Judge

SEED = 987
DAYS = 20
SHORT_S, LONG_S = 12.0, 60.0
FEW = (2, 3, 5, 7, 10, 15, 20)
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)  # of the band, as a bundle may have any
SAME, OTHER = "the same day", "another day"

Answers = np.ndarray  # what each member says of each spike of a recording: (M, N, C)


def recordings_of(judge: Judge, n_cells: int, *plan: tuple[int, float]) -> Iterator[list[Answers]]:
    """Of each cell what the networks say of several recordings.

    Args:
        plan: of each recording, 0 for the cell's day or 1 for another, and its length in s.
    """
    simulation = Simulation(days=DAYS, seed=SEED)
    days = [simulate_day(simulation, index) for index in range(DAYS)]
    for index in range(n_cells):
        rng = np.random.default_rng([SEED, index])
        traits = draw_traits(CLASSES[index % 2], rng)
        own, other = rng.choice(DAYS, 2, replace=False)
        answers = []
        for on_other, duration_s in plan:
            noise = days[other if on_other else own].noise
            samples, _ = record(traits, noise, duration_s, rng)
            recording = Recording.from_array(samples, RATE_HZ, "pA", f"cell{index}")
            windows = cut_spikes(recording, judge.cut).waveforms
            answers.append(judge.ensemble.predict(windows).members)
        yield answers


def inside(judge: Judge, n_cells: int) -> dict[tuple[str, str], np.ndarray]:
    """Whether another recording's probability is within, bool (n,), by which interval and day;
    and under "width" the interval's."""
    spread = judge.ensemble.manifest["between_days"]["spread"]
    times = [member.times for member in judge.ensemble.members]
    rows: dict[tuple[str, str], list[float]] = {}
    for first, *others in recordings_of(judge, n_cells, (0, SHORT_S), (0, SHORT_S), (1, SHORT_S)):
        if min(answers.shape[1] for answers in (first, *others)) < 2:
            continue
        probability = judge.decision.of_cell(first, times)
        drawn = resampled(judge.decision, first, times)
        intervals = {
            "recorded again": interval_again(probability, drawn, first.shape[1], spread)[0],
            "over these spikes alone": np.quantile(drawn[:, 0], (0.025, 0.975)),
        }
        for name, (low, high) in intervals.items():
            rows.setdefault((name, "width"), []).append(high - low)
            for day, answers in zip((SAME, OTHER), others, strict=True):
                again = judge.decision.of_cell(answers, times)[0]
                rows.setdefault((name, day), []).append(low <= again <= high)
    return {key: np.array(of_key) for key, of_key in rows.items()}


def changed_verdicts(
    judge: Judge, n_cells: int, few: Sequence[int] = FEW
) -> dict[tuple[int, float], np.ndarray]:
    """Of each number of first spikes and each threshold of the band: whether they were told enough
    whatever their number, and whether the verdict on all spikes is another, bool (2, n)."""
    times = [member.times for member in judge.ensemble.members]
    rows: dict[tuple[int, float], list[tuple[bool, bool]]] = {}
    for (answers,) in recordings_of(judge, n_cells, (0, LONG_S)):
        whole = judge.decision.of_cell(answers, times)
        for n in few:
            first = answers[:, :n]
            if first.shape[1] < n:
                continue
            probability = judge.decision.of_cell(first, times)
            drawn = resampled(judge.decision, first, times)
            for threshold in THRESHOLDS:
                band = replace(judge.decision.not_sure, threshold=threshold)
                enough = enough_for_cell(probability, drawn, n, band, fewest=2)
                changed = bool(verdict_of(probability, band) != verdict_of(whole, band))
                rows.setdefault((n, threshold), []).append((enough, changed))
    return {key: np.array(of_key, bool).T for key, of_key in rows.items()}


def table(judge: Judge, n_cells: int) -> Iterator[tuple[str, ...]]:
    shares = inside(judge, n_cells)
    for name in ("recorded again", "over these spikes alone"):
        width = np.median(shares[name, "width"])
        for day in (SAME, OTHER):
            bar = "≥ 0.90" if name == "recorded again" else "–"
            what = f"inside the interval “{name}” (median width {width:.3f}), recorded on {day}"
            yield what, *_share(shares[name, day]), bar
    changes = changed_verdicts(judge, n_cells)
    for n in FEW:
        bar = "≤ 0.05" if n >= FEWEST_SPIKES else "–"
        by_threshold = {t: changed[enough] for t, (enough, changed) in _of(n, changes).items()}
        worst = max(by_threshold, key=lambda threshold: by_threshold[threshold].mean())
        told = np.concatenate([enough for enough, _ in _of(n, changes).values()])
        yield (
            f"{n} spikes: told enough, whatever the floor, over {len(THRESHOLDS)} thresholds",
            *_share(told),
            "–",
        )
        what = f"{n} spikes told enough: another verdict on all, at the worst threshold, {worst:g}"
        yield what, *_share(by_threshold[worst]), bar


def _of(n: int, changes: dict[tuple[int, float], np.ndarray]) -> dict[float, np.ndarray]:
    return {threshold: changes[n, threshold] for threshold in THRESHOLDS}


def _share(yes: np.ndarray) -> tuple[str, str, str]:
    if not len(yes):
        return "0", "–", "–"
    low, high = interval_of_share(yes.mean(), len(yes))
    return str(len(yes)), f"{yes.mean():.3f}", f"{low:.3f}–{high:.3f}"


def main() -> None:
    parser = options_of(__doc__, "again")
    parser.add_argument("--cells", type=int, default=240)
    add_folder(parser)
    options = parser.parse_args()
    ensemble = SimulatedEnsemble(folder=options.folder)
    judge = Judge(ensemble.bundle())
    between_days = judge.ensemble.manifest["between_days"]
    write_table(
        options.output,
        "Cells recorded again, and verdicts from few spikes",
        f"`python benchmarks/again.py --cells {options.cells}`, seed {SEED}, {DAYS} new days, "
        f"recordings of {SHORT_S:g} s, for few spikes the first of {LONG_S:g} s; ensemble "
        f"{ensemble.training.name}; between days the log odds have an SD of "
        f"{between_days['spread']:.3f}: {between_days['how']}; intervals of the shares are "
        "Wilson's. Simulated cells alone: real days differ in more than their noise",
        ("what", "cells", "share", "95 % interval", "bar"),
        list(table(judge, options.cells)),
    )


if __name__ == "__main__":
    main()
