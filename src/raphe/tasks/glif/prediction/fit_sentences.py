"""What is said of a fit: what must be known beside its numbers, and a paragraph for a paper."""

from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.bundles import cards
from raphe.core.sentences import counted, listed, number, typographic
from raphe.tasks.glif.features.level_fit import OPEN, LevelFit
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.residual_noise import ResidualNoise
from raphe.tasks.glif.features.threshold_fit import UNSETTLED
from raphe.tasks.glif.metrics.behind_spikes import off_behind_spikes_mv
from raphe.tasks.glif.neurons.models import REFERENCE, WITH_RESET_RULE
from raphe.tasks.glif.prediction.level_comparison import (
    FEWEST_SPIKES,
    MUCH,
    LevelScore,
    misfit,
    noise_mv,
    off_threshold_mv,
)
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps
from raphe.tasks.glif.recordings.clipping import clipping_sentences
from raphe.tasks.glif.recordings.current_sign import sign_sentences
from raphe.tasks.glif.recordings.spike_cuts import THRESHOLD_SHARE
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import CAPACITANCE, RESISTANCE, quantities, scaled
from raphe.version import __version__

LONGER_MS = 2.0  # than spikes were cut: what is advised
MUCH_BRIDGE_MOHM = 4.0
HIGHEST_REST_V = -0.02
FAR = 4.0  # deviations of the prior: a quantity beyond is none of its neurons'
OF_SCALE = 2.0  # deviations, of capacitance and resistance at once, one up and one down


def said_of_fit(
    fit: LevelFit, sweeps: CellSweeps, pooled: PooledSweeps, prior: Prior, n_unasked: int
) -> list[str]:
    """A sentence for each thing that must be known.

    Args:
        fit: of the chosen level.
        sweeps: that were fitted.
        pooled: the same, as they were fitted.
        prior: of the level.
        n_unasked: spikes that began without a current.
    """
    return [
        *_said_of_bias(fit, n_unasked),
        *_said_of(fit, pooled, prior),
        *_said_of_cut(fit, sweeps, pooled),
        *_said_of_junction(sweeps),
        *filter(None, [misfit(sweeps, fit)]),
        *_said_of_signals(sweeps),
    ]


def _said_of_bias(fit: LevelFit, n_unasked: int) -> list[str]:
    """What a constant current comes to, and what it cannot be told from."""
    if not fit.bias:
        unasked = "One spike began without an injected current; it is taken for one of noise."
        return [unasked] if n_unasked else []
    low, middle, high = np.percentile(1e12 * fit.bias.current_a, [2.5, 50, 97.5]).tolist()
    goes = 1e3 * float(np.median(fit.bias.undriven_v))
    fires = (
        f"The cell fires without an injected current ({counted('spike', n_unasked)}). "
        if n_unasked
        else ""
    )
    tells = (
        f"rest and bias are told apart by the rule of level {fit.level} that a spike resets the "
        "membrane to rest, and by nothing else"
        if fit.level not in WITH_RESET_RULE
        else "how much of that is rest and how much bias no recording tells: their intervals, and "
        "those of the threshold above rest and of the reset's offset, are what is known of resting "
        "potentials beforehand"
    )
    bends = (
        " No membrane rests there: between spikes this cell's voltage does not bend towards a rest "
        "as every level's does."
        if fit.bias.undriven_v.mean() > HIGHEST_REST_V
        else ""
    )
    return [
        f"{fires}A constant current beside the injected one was estimated: {number(middle)} pA "
        f"(95 % interval {number(low)} to {number(high)} pA). Without an injected current the "
        f"membrane goes to {number(goes)} mV; {tells}.{bends}"
    ]


def _said_of_cut(fit: LevelFit, sweeps: CellSweeps, pooled: PooledSweeps) -> list[str]:
    """What the ends of spikes have that no level has."""
    if off_mv := off_behind_spikes_mv(pooled, fit.below):
        return [
            f"Behind spikes the voltage is off the fitted membrane by {number(off_mv, 2)} mV on "
            "average, which is no noise: no level can follow how a spike ends. Capacitance, "
            "resistance and all else may lie outside of their intervals; look at the first "
            "milliseconds after spikes in the figure, and cut them away with --cut-longer-ms "
            f"{1e3 * sweeps.longer_s + LONGER_MS:g}."
        ]
    if not sweeps.spikes_cut or sweeps.longer_s or not off_threshold_mv(fit):
        return []
    return [
        "Spikes were cut to their trough. Where a fast afterhyperpolarisation recovers behind it, "
        "no level can follow: look at the first milliseconds after spikes in the figure, and cut "
        f"it away with --cut-longer-ms {LONGER_MS:g}."
    ]


def said_of_longer_cut(
    level: int, off_mv: Mapping[int, float | None], longer_s: float
) -> list[str]:
    """Which two levels a longer cut leaves alike: those that differ in their reset, of which the
    one that resets to rest fits in everything else.

    Args:
        level: that was chosen.
        off_mv: of the levels that were compared, see `off_threshold_mv`.
        longer_s: by which dead times were cut longer.
    """
    other = level - 1
    differ_in_reset = level in WITH_RESET_RULE and other not in WITH_RESET_RULE
    if not (longer_s and differ_in_reset and other in off_mv and off_mv[other] is None):
        return []
    return [
        f"Whether this cell is of level {other} or {level} cannot be told: dead times were cut "
        f"{number(1e3 * longer_s, 2)} ms longer, and at their end level {other} is put to rest, "
        "where the cell is farther on, so that it predicts the spikes worse whether or not it is "
        f"the cell's; the spikes do begin at its threshold. Level {level} has a reset of its own."
    ]


def _said_of_junction(sweeps: CellSweeps) -> list[str]:
    if not sweeps.liquid_junction_v:
        return []
    off = 1e3 * sweeps.liquid_junction_v
    return [
        f"A liquid junction potential of {number(off)} mV was subtracted from the recorded "
        "voltage: rest and the threshold's absolute voltage are lower by it, the threshold above "
        "rest, capacitance and resistance as they were."
    ]


def _said_of_signals(sweeps: CellSweeps) -> list[str]:
    """Which sweeps' voltage or current was cut off at an end, or goes against the other."""
    return [
        f"In {name} {sentence}."
        for name, voltage_v, current_a in zip(
            sweeps.names, sweeps.voltages_v, sweeps.currents_a, strict=True
        )
        for sentence in (
            *clipping_sentences(voltage_v, current_a),
            *sign_sentences(voltage_v, current_a, sweeps.rate_hz),
        )
    ]


def _said_of(fit: LevelFit, pooled: PooledSweeps, prior: Prior) -> list[str]:
    """What a fit leaves open or must be taken with caution."""
    sentences = []
    if fit.not_told:
        sentences.append(
            f"Not told by this stimulus ({counted('spike', pooled.n_spikes)}): "
            f"{listed(fit.not_told)}; what is left open is more than {100 * OPEN:.0f} % as wide as "
            "what was known beforehand."
        )
    if far := _far(fit, prior):
        sentences.append(
            f"{listed(far).capitalize()} lie{'' if len(far) > 1 else 's'} more than {FAR:g} "
            "deviations from what was known beforehand, which pulls all quantities towards it; "
            f"give a distribution of such neurons with --prior.{_said_of_scale(fit, prior)}"
        )
    for one, other in fit.together:
        sentences.append(f"Of {one} and {other} only a combination is known, not each alone.")
    if fit.below.hum_hz:
        hum = listed([f"{hz:g} Hz" for hz in fit.below.hum_hz])
        sentences.append(f"Mains hum was found and taken out: {hum}.")
    if abs(fit.below.bridge_mohm) > MUCH_BRIDGE_MOHM:
        sentences.append(
            f"The bridge is off by about {number(fit.below.bridge_mohm)} MΩ; it was taken out."
        )
    if off_mv := off_threshold_mv(fit):
        sentences.append(
            f"The spikes begin {number(off_mv, 2)} mV (standard deviation) off the threshold "
            f"of level {fit.level}, far more than noise of {number(noise_mv(fit), 2)} mV makes: "
            "this cell is none of that level, and its parameters may lie outside of their "
            "intervals."
        )
    if fit.threshold.apart > UNSETTLED:
        sentences.append(
            "The draws of the threshold's quantities had not settled: their intervals may be too "
            "narrow."
        )
    return sentences


def _said_of_scale(fit: LevelFit, prior: Prior) -> str:
    """By how much another current would make capacitance and resistance, of which one is large and
    the other small, typical."""
    off = _deviations(fit, prior)[[CAPACITANCE, RESISTANCE]]
    if (np.abs(off) < OF_SCALE).any() or off.prod() > 0:
        return ""
    typical = np.exp(prior.quantiles[[CAPACITANCE, RESISTANCE]].mean(axis=1))
    capacitance, resistance = np.median(fit.samples, axis=0)[[CAPACITANCE, RESISTANCE]] / typical
    times = float(np.sqrt(capacitance / resistance))
    scale = "large" if times > 1 else "small"
    return (
        f" A current that is about {number(max(times, 1 / times), 2)} times too {scale} does "
        "that: check its unit and the amplifier's gain."
    )


def _far(fit: LevelFit, prior: Prior) -> list[str]:
    """Nouns of the quantities that are none of the prior's neurons'."""
    far = np.abs(_deviations(fit, prior)) > FAR
    return [q.noun for q, is_far in zip(quantities(fit.level), far, strict=True) if is_far]


def _deviations(fit: LevelFit, prior: Prior) -> np.ndarray:
    """How many deviations of the prior the medians lie above its mean, (P,)."""
    median = np.median(scaled(fit.level, fit.samples), axis=0)
    return (median - prior.quantiles.mean(axis=1)) / prior.quantiles.std(axis=1)


def methods_text(
    sweeps: CellSweeps,
    pooled: PooledSweeps,
    fits: Mapping[int, LevelFit],
    scores: Sequence[LevelScore],
    chosen: LevelFit,
    own_prior: bool,
) -> str:
    """METHODS.md: a paragraph in the past tense.

    Args:
        sweeps: that were fitted.
        pooled: the same, as they were fitted.
        fits: by level.
        scores: of the levels on what was held out; none where they were not compared.
        chosen: one of the fits.
        own_prior: whether it was given what is known beforehand.
    """
    of_levels = f"level {chosen.level}" if len(fits) == 1 else f"levels {listed(fits)}"
    seconds = sum(len(voltage) for voltage in sweeps.voltages_v) / sweeps.rate_hz
    return cards.paragraph(
        [
            f"Generalised leaky integrate-and-fire neurons of {of_levels} (Teeter et al. 2018) "
            f"were fitted to {counted('sweep', len(sweeps))} of a cell under current clamp "
            f"({seconds:.3g} s at {1e-3 * pooled.rate_hz:.3g} kHz, "
            f"{counted('spike', pooled.n_spikes)}).",
            _cut(sweeps),
            _junction(sweeps),
            "Between spikes the voltage was fitted by least squares under noise that was estimated "
            f"from the residual: {_noise(chosen.below.noise)}.",
            _hum(chosen),
            "The threshold was estimated from the times of the spikes by maximum likelihood."
            if pooled.n_spikes
            else "",
            "A constant current was estimated beside the injected one." if chosen.bias else "",
            _choice(scores, chosen.level),
            f"Values are medians, and intervals central ones, of {len(chosen.samples)} draws "
            f"given what is known of {'such' if own_prior else 'typical cortical'} neurons "
            "beforehand.",
            f"Fits were made with raphe {__version__}.",
        ],
        [REFERENCE],
    )


def _cut(sweeps: CellSweeps) -> str:
    if not sweeps.spikes_cut:
        return ""
    longer = f"{number(1e3 * sweeps.longer_s, 2)} ms after " if sweeps.longer_s else ""
    return (
        f"Spikes were cut out from where the voltage rose by {100 * THRESHOLD_SHARE:g} % of the "
        f"recording's mean steepest upstroke to {longer}the trough behind."
    )


def _junction(sweeps: CellSweeps) -> str:
    if not sweeps.liquid_junction_v:
        return "Voltages were not corrected for a liquid junction potential."
    mv = typographic(f"{1e3 * sweeps.liquid_junction_v:.3g}")
    return f"A liquid junction potential of {mv} mV was subtracted."


def _noise(noise: ResidualNoise) -> str:
    parts = [f"white noise of {number(noise.white_mv, 2)} mV"]
    for name, deviation_mv, tau_ms in (
        ("a fast", noise.fast_mv, 1e3 * noise.fast_s),
        ("a slow", noise.slow_mv, 1e3 * noise.slow_s),
    ):
        if deviation_mv > 0:
            parts.append(
                f"{name} Ornstein-Uhlenbeck process of {number(deviation_mv, 2)} mV and "
                f"{number(tau_ms, 2)} ms"
            )
    return listed(parts)


def _hum(fit: LevelFit) -> str:
    if not fit.below.hum_hz:
        return ""
    hum = listed(f"{hz:g}" for hz in fit.below.hum_hz)
    return f"Mains hum of {hum} Hz was taken out."


def _choice(scores: Sequence[LevelScore], level: int) -> str:
    """By which rule the level was chosen, see `choose_level`."""
    if not scores:
        return ""
    if scores[0].recorded_spikes < FEWEST_SPIKES:
        return (
            f"Level {level} was chosen by the likelihood of all data with a penalty for each "
            "quantity (BIC)."
        )
    (own,) = (score for score in scores if score.level == level)
    return (
        f"Level {level} was chosen as the simplest that, fitted without the last third of the "
        f"data, explained the variance of the {counted('spike', own.recorded_spikes)} in it at "
        f"10 ms ({number(own.explained, 2)} of it) to within {MUCH:g} of the best level."
    )
