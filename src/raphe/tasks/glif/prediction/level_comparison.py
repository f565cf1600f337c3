"""Which level is enough: each fitted without some of the data, and held against these.

With several sweeps the last third of them is held out, of one sweep its last third in time, and of
each where the others' current is constant. A level is enough where no other predicts the spikes
that were held out much better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raphe.core.sentences import counted, listed, number
from raphe.tasks.glif.features.level_fit import LevelFit, fit_levels
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps, pool_sweeps
from raphe.tasks.glif.metrics.predictive import NEAR_SPIKE_S, median_response
from raphe.tasks.glif.metrics.spike_trains import explained_variance
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import quantities

HELD_OUT = 1 / 3
MUCH = 0.02  # of explained variance: a simpler level that is worse by less is enough
POOR = 0.4  # explained variance of the sweeps that were fitted, below which a level is none
MUCH_OFF_MV, MUCH_OFF = 2.0, 0.5  # of a silent cell's voltage: in mV, and in its deviation
WAIT_S, LEAST_A = 0.2, 1e-12  # a current so long ago, or so weak, makes no spike
FEWEST_SPIKES = 5  # held out: fewer tell no levels apart
MUCH_VARIED_MV, VARIED_BY_NOISE = 0.5, 10.0  # of a threshold: in mV, and in the noise


@dataclass(frozen=True)
class LevelScore:
    """One level on data that its fit had not seen."""

    level: int
    n_quantities: int
    recorded_spikes: int
    predicted_spikes: int
    explained: float  # variance of the spike trains at 10 ms; NaN without a spike
    rms_mv: float  # of the voltages away from spikes of either
    bic: float  # of the fit to all data; lower is better


@dataclass(frozen=True)
class Verdict:
    """The level to take, and why."""

    level: int
    sentences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Span:
    """A sweep with the part of it that is held out."""

    voltage_v: np.ndarray
    current_a: np.ndarray
    begins_v: float | None  # see CellSweeps
    begin: int  # sample


def score_levels(
    sweeps: CellSweeps,
    fits: Mapping[int, LevelFit],
    priors: Mapping[int, Prior],
    seed: int,
    *,
    biased: bool = False,
) -> list[LevelScore]:
    """Fit each level anew without the data that it is then held against.

    Args:
        sweeps: of the cell.
        fits: to all of them, by level.
        priors: by level.
        seed: of the draws.
        biased: see fit_levels.
    """
    pooled, spans = divided(sweeps)
    return [
        _score(fits[without.level], without, spans, sweeps.rate_hz)
        for without in fit_levels(pooled, priors, seed, biased=biased)
    ]


def off_threshold_mv(fit: LevelFit) -> float | None:
    """How far spikes begin off the threshold of the level (standard deviation, mV), where that is
    far more than noise makes: such a cell is none of that level."""
    varies_mv = float(np.median(fit.threshold.varies_mv))
    return varies_mv if varies_mv > max(MUCH_VARIED_MV, VARIED_BY_NOISE * noise_mv(fit)) else None


def noise_mv(fit: LevelFit) -> float:
    """Deviation of the voltage's white and fast noise."""
    return float(np.hypot(fit.below.noise.white_mv, fit.below.noise.fast_mv))


def choose_level(
    scores: Sequence[LevelScore], n_spikes: int, off_mv: Mapping[int, float | None]
) -> Verdict:
    """The simplest level that is enough: no other predicts the spikes much better, and they begin
    at its threshold. Where that holds of none, the simplest that predicts as well is taken, and it
    is said that none is enough.

    Args:
        scores: of the levels on what was held out.
        n_spikes: of the cell.
        off_mv: by level, see `off_threshold_mv`.
    """
    if not n_spikes:
        text = (
            "The cell did not fire: nothing is known of threshold, dead time, reset and afterspike "
            "currents, and no level can be told from another. Capacitance, resistance and rest are "
            "those of level 1."
        )
        return Verdict(1, (text,))
    held = scores[0].recorded_spikes
    if held < FEWEST_SPIKES:
        best = min(scores, key=lambda score: score.bic)
        text = (
            f"Only {counted('spike', held)} were held out, too few to tell levels apart by what "
            f"they predict; by the likelihood of all data with a penalty for each quantity (BIC) "
            f"level {best.level} is the best."
        )
        return Verdict(best.level, (text,))
    top = max(scores, key=lambda score: score.explained)
    near = [score for score in scores if score.explained >= top.explained - MUCH]
    enough = next((score for score in near if off_mv[score.level] is None), near[0])
    simpler = [score for score in scores if score.level < enough.level]
    worse = [score for score in simpler if score not in near]
    if top.explained < POOR:
        says = "is taken, but none is enough"
    elif off_mv[enough.level] is None:
        says = "is enough"
    else:
        says = "is enough to predict the spikes, though no level describes this cell"
    text = (
        f"Level {enough.level} {says}: of the spikes that its fit had not seen "
        f"({held}) it explains {number(enough.explained, 2)} of the variance at 10 ms"
    )
    if top.level != enough.level:
        text += f", the best, level {top.level}, {number(top.explained, 2)}"
    sentences = [text + "."]
    if worse:
        each = [f"level {score.level} {number(score.explained, 2)}" for score in worse]
        sentences.append(f"Simpler ones explain less: {listed(each)}.")
    for score in simpler:
        if score in near:
            sentences.append(
                f"Level {score.level} predicts the spikes as well ({number(score.explained, 2)}), "
                f"but they begin {number(off_mv[score.level] or 0.0, 2)} mV off its threshold: the "
                "cell is none of that level."
            )
    likeliest = min(scores, key=lambda score: score.bic)
    if likeliest.level != enough.level:
        sentences.append(
            f"By the likelihood of all data with a penalty for each quantity (BIC) level "
            f"{likeliest.level} would be the choice: it describes the voltage better without "
            "predicting the spikes better."
        )
    return Verdict(enough.level, tuple(sentences))


def misfit(sweeps: CellSweeps, fit: LevelFit) -> str:
    """How far the median neuron is from the sweeps that it was fitted to, where that is far."""
    spans = [_span(sweeps, i, 0) for i in range(len(sweeps))]
    score = _score(fit, fit, spans, sweeps.rate_hz)
    fires = score.recorded_spikes or score.predicted_spikes
    if not fires:
        return _silent_misfit(sweeps, fit.level, score.rms_mv)
    if score.explained >= POOR:
        return ""
    off = (
        f"its voltage is off by {number(score.rms_mv)} mV"
        if np.isfinite(score.rms_mv)
        else "its voltage is nowhere far enough from spikes to be compared"
    )
    return (
        f"A neuron of level {fit.level} is not what this cell is: with the medians it fires "
        f"{counted('spike', score.predicted_spikes)} where {score.recorded_spikes} were recorded, "
        f"explains {number(max(score.explained, 0.0), 2)} of their variance at 10 ms in the very "
        f"sweeps that were fitted, and {off}. Neither values nor intervals can be relied on."
    )


def _silent_misfit(sweeps: CellSweeps, level: int, off_mv: float) -> str:
    """How far the median neuron is from the voltage of a cell that did not fire, see `misfit`."""
    goes_mv = 1e3 * float(np.nanstd(np.concatenate(sweeps.voltages_v)))
    if not off_mv > max(MUCH_OFF_MV, MUCH_OFF * goes_mv):
        return ""
    return (
        f"A neuron of level {level} is not what this cell is: the voltage of the medians is off by "
        f"{number(off_mv)} mV, where the recorded one has a deviation of {number(goes_mv)} mV, and "
        "no spike was found. Neither values nor intervals can be relied on."
    )


def unasked_spikes(sweeps: CellSweeps) -> int:
    """How many spikes began while no current was injected, and none had been for 0.2 s."""
    wait, n = round(WAIT_S * sweeps.rate_hz), 0
    for voltage, current in zip(sweeps.voltages_v, sweeps.currents_a, strict=True):
        place = np.arange(len(current))
        last = np.maximum.accumulate(np.where(np.abs(current) > LEAST_A, place, -wait))
        gaps = np.isnan(voltage)
        n += int((gaps[1:] & ~gaps[:-1] & (place - last >= wait)[1:]).sum())
    return n


def divided(sweeps: CellSweeps) -> tuple[PooledSweeps, list[_Span]]:
    """What is fitted, and what is held out: whole sweeps, but of one alone, or where all the
    others have a constant current, the end of each."""
    n = len(sweeps)
    n_own = n - max(1, round(HELD_OUT * n))
    ends = [len(voltage) for voltage in sweeps.voltages_v[:n_own]]
    spans = [_span(sweeps, i, 0) for i in range(n_own, n)]
    if not n_own or not np.ptp(np.concatenate(sweeps.currents_a[:n_own])) > 0:
        ends = [round((1 - HELD_OUT) * len(voltage)) for voltage in sweeps.voltages_v]
        spans = [_span(sweeps, i, end) for i, end in enumerate(ends)]
    pooled = pool(
        [sweeps.voltages_v[i][:end] for i, end in enumerate(ends)],
        [sweeps.currents_a[i][:end] for i, end in enumerate(ends)],
        sweeps.rate_hz,
    )
    return pooled, spans


def _span(sweeps: CellSweeps, i: int, begin: int) -> _Span:
    return _Span(sweeps.voltages_v[i], sweeps.currents_a[i], sweeps.begins_v(i), begin)


def pool(
    voltages_v: Sequence[np.ndarray], currents_a: Sequence[np.ndarray], rate_hz: float
) -> PooledSweeps:
    """Sweeps in V and A as they are fitted: at the model's 20 kHz, or a whole part of the rate
    below."""
    keep = max(1, int(np.ceil(rate_hz / SIMULATED_HZ - 1e-9)))
    return pool_sweeps(
        [1e3 * voltage[::keep] for voltage in voltages_v],
        [1e12 * current[::keep] for current in currents_a],
        rate_hz / keep,
    )


def _score(fit: LevelFit, without: LevelFit, spans: Sequence[_Span], rate_hz: float) -> LevelScore:
    """The fit `without` held against spans; the penalty is of the `fit` to all."""
    level, reach = fit.level, max(1, round(NEAR_SPIKE_S * rate_hz))
    ours: list[np.ndarray] = []
    theirs: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    offset_s = 0.0
    for span in spans:
        response = median_response(
            level, without.samples, span.current_a, rate_hz,
            pull_v=without.pull_v, begin_v=span.begins_v,
        )  # fmt: skip
        begin_s = span.begin / rate_hz
        gaps = np.isnan(span.voltage_v)
        begun = np.flatnonzero(gaps & ~np.concatenate([[False], gaps[:-1]])) / rate_hz
        for times, found in ((theirs, begun), (ours, response.spike_times_s)):
            times.append(found[found >= begin_s] - begin_s + offset_s)
        near = gaps | np.isnan(response.voltage_v)
        far = np.convolve(near, np.ones(2 * reach + 1), mode="same") < 0.5
        far[: span.begin] = False
        errors.append((span.voltage_v - response.voltage_v)[far])
        offset_s += (len(span.voltage_v) - span.begin) / rate_hz
    model, truth, error = map(np.concatenate, (ours, theirs, errors))
    n_quantities = len(quantities(level))
    n_stretches = len(fit.below.begun_mv)
    return LevelScore(
        level,
        n_quantities,
        len(truth),
        len(model),
        explained_variance(model, truth, offset_s),
        1e3 * float(np.sqrt(np.mean(error**2))) if len(error) else float("nan"),
        -2 * fit.log_likelihood + n_quantities * float(np.log(max(n_stretches, 2))),
    )
