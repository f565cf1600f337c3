"""Levels fitted to the sweeps of one cell, compared, and written to a folder.

D draws, P quantities.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.bundle import METHODS
from raphe.core.errors import RecordingError
from raphe.core.files.atomic import FolderBuilder, open_whole, reporting, write_file
from raphe.core.files.csv_text import csv_text
from raphe.core.files.folders import require_beginning
from raphe.core.files.outputs import figure_names
from raphe.core.files.path import refuse_inputs_within
from raphe.core.progress import progress
from raphe.core.sentences import file_size
from raphe.core.threads import available_memory_bytes
from raphe.tasks.glif.features.level_fit import LevelFit, fit_levels
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.metrics.predictive import median_neuron
from raphe.tasks.glif.neurons.models import WITH_RESET_RULE
from raphe.tasks.glif.neurons.neuron_config import NATIVE_DT_S, to_config
from raphe.tasks.glif.prediction.fit_sentences import (
    methods_text,
    said_of_fit,
    said_of_longer_cut,
)
from raphe.tasks.glif.prediction.level_comparison import (
    LevelScore,
    Verdict,
    choose_level,
    off_threshold_mv,
    pool,
    score_levels,
    unasked_spikes,
)
from raphe.tasks.glif.prediction.posterior import Posterior, interval_texts
from raphe.tasks.glif.prediction.simulators import PROGRAMS, write_programs
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import REST, THRESHOLD, quantities
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

PARAMETERS, LEVELS_TABLE, DRAWS, CONFIG, FIGURE, SUMMARY = (
    "fitted_parameters.csv", "levels.csv", "draws.npz", "neuron_config.json", "fit.png", "fit.json",
)  # fmt: skip
NAMES = {
    PARAMETERS, LEVELS_TABLE, DRAWS, CONFIG, SUMMARY, METHODS, *figure_names(FIGURE), *PROGRAMS,
}  # fmt: skip
BYTES_A_SAMPLE = 1000  # of memory: 500 were measured of level 5 alone, and two fits are held
LEAST_S = 0.2  # of all sweeps together
FEWEST_UNASKED = 2  # spikes without a current, that a bias is estimated for; noise makes one
TOLD_V = 3.5e-3  # deviation of a threshold's voltage, about half of typical neurons'


@dataclass(frozen=True, eq=False)
class FitReport:
    """What became of a cell."""

    out: Path
    level: int  # that is enough, or the only one that was asked for
    fits: dict[int, LevelFit]
    scores: list[LevelScore]  # none where one level was asked for
    sentences: list[str]  # what must be known

    def rows(self) -> list[dict[str, str]]:
        """Quantities of the level, see `Posterior.parameter_rows`."""
        return _rows(self.fits[self.level])


def fit_cell(
    sweeps: CellSweeps,
    levels: Sequence[int],
    out: Path,
    *,
    prior: Prior | None = None,
    seed: int = 42,
    biased: bool = False,
    simulators: Sequence[str] = (),
    overwrite: bool = False,
    inputs: Iterable[Path | None] = (),
) -> FitReport:
    """Fit levels to a cell, compare them where there are several, and write what was found.

    Args:
        sweeps: of the cell, see read_cell_sweeps.
        levels: 1 to 5; with several the one that is enough is chosen.
        out: folder to make.
        prior: of the only level; None: typical neurons.
        seed: of the draws.
        biased: estimate a constant current beside the injected one; that is done without being
            asked for where the cell fires without a current.
        simulators: names of those to write a program for, see `simulators`.
        overwrite: replace a folder that was made here before.
        inputs: what is read, which must not lie in `out`.

    Raises:
        RecordingError: sweeps too short to be fitted, too long for the free memory, or without a
            change of voltage or current.
        StoreError: `out` may not be replaced.
        SettingError: an input lies in `out`.
    """
    refuse_inputs_within(out, list(inputs))
    pooled = pool(sweeps.voltages_v, sweeps.currents_a, sweeps.rate_hz)
    _require_enough(pooled)
    priors = {level: prior or typical_prior(level) for level in levels}
    n_unasked = unasked_spikes(sweeps)
    biased = biased or n_unasked >= FEWEST_UNASKED
    with FolderBuilder(out, PARAMETERS, overwrite, _own_names) as builder:
        fitted = fit_levels(pooled, priors, seed, biased=biased)
        fits = {fit.level: fit for fit in progress(fitted, "Fitting", len(levels))}
        off_mv = {level: off_threshold_mv(fit) for level, fit in fits.items()}
        scores, verdict = [], Verdict(levels[0], ())
        if len(levels) > 1:
            silent = not pooled.n_spikes
            scores = [] if silent else score_levels(sweeps, fits, priors, seed, biased=biased)
            verdict = choose_level(scores, pooled.n_spikes, off_mv)
        chosen = fits[verdict.level]
        sentences = [
            *verdict.sentences,
            *said_of_longer_cut(verdict.level, off_mv, sweeps.longer_s),
            *said_of_fit(chosen, sweeps, pooled, priors[verdict.level], n_unasked),
        ]
        with reporting(out):
            _write(builder.folder, sweeps, fits, scores, verdict.level)
            write_file(builder.folder / SUMMARY, _summary(sweeps, chosen, sentences))
            text = methods_text(sweeps, pooled, fits, scores, chosen, prior is not None)
            write_file(builder.folder / METHODS, text)
            write_programs(simulators, builder.folder)
        builder.commit()
    return FitReport(out, verdict.level, fits, scores, sentences)


def _require_enough(pooled: PooledSweeps) -> None:
    needs, free = BYTES_A_SAMPLE * len(pooled.voltage_mv), available_memory_bytes()
    if needs > free:
        raise RecordingError(
            f"expected sweeps that can be fitted in {file_size(free)} of free memory, got "
            f"{len(pooled.voltage_mv) / pooled.rate_hz:.0f} s at {1e-3 * pooled.rate_hz:g} kHz, "
            f"which take about {file_size(needs)}; choose fewer with --sweep, or cut them"
        )
    n = int(np.isfinite(pooled.voltage_mv).sum())
    if n < LEAST_S * pooled.rate_hz:
        raise RecordingError(
            f"expected {1e3 * LEAST_S:g} ms of voltage between spikes or more, got "
            f"{1e3 * n / pooled.rate_hz:.0f} ms"
        )
    if not np.nanmax(pooled.voltage_mv) > np.nanmin(pooled.voltage_mv):
        raise RecordingError("expected a voltage that changes, got a constant one")
    if not np.isfinite(pooled.current_na).all():
        raise RecordingError("expected a current that is finite, got one with NaN or infinity")
    if not np.ptp(pooled.current_na) > 0:
        raise RecordingError(
            "expected a current that changes, got a constant one: capacitance and resistance do "
            "not show"
        )


def _own_names(out: Path) -> set[str]:
    require_beginning(out / PARAMETERS, "level,")
    return NAMES


def _rows(fit: LevelFit) -> list[dict[str, str]]:
    posterior = Posterior("", fit.level, fit.samples, [], 0.0, 0.0)
    nouns = {quantity.name: quantity.noun for quantity in quantities(fit.level)}
    rows = []
    for row in posterior.parameter_rows():
        del row["cell"], row["unlike_simulated"]
        told = "no" if nouns[row["quantity"]] in fit.not_told else "yes"
        rows.append({"level": str(fit.level), **row, "told_by_data": told})
    rest_v, threshold_v = fit.samples[:, [REST, THRESHOLD]].T
    told = "yes" if np.std(rest_v + threshold_v) < TOLD_V else "no"
    derived = [("threshold_voltage", "mV", 1e3, rest_v + threshold_v, told)]
    if fit.bias:
        told = "no" if fit.level in WITH_RESET_RULE else "yes"
        derived += [
            ("undriven_voltage", "mV", 1e3, fit.bias.undriven_v, "yes"),
            ("bias", "pA", 1e12, fit.bias.current_a, told),
        ]
    for name, unit, in_lab, draws, told in derived:
        row = {"quantity": name, "lab_unit": unit, **interval_texts(draws, in_lab)}
        rows.append({"level": str(fit.level), **row, "told_by_data": told})
    return rows


def _write(
    folder: Path,
    sweeps: CellSweeps,
    fits: dict[int, LevelFit],
    scores: Sequence[LevelScore],
    level: int,
) -> None:
    table = [row for fit in fits.values() for row in _rows(fit)]
    write_file(folder / PARAMETERS, csv_text(table[0], (row.values() for row in table)))
    write_file(folder / LEVELS_TABLE, _levels_csv(fits, scores, level))
    with open_whole(folder / DRAWS) as file:
        arrays: dict[str, Any] = {}
        for each, fit in fits.items():
            arrays[f"level_{each}"] = fit.samples
            arrays[f"quantities_{each}"] = [quantity.name for quantity in quantities(each)]
            if fit.bias:
                arrays[f"bias_{each}"] = fit.bias.current_a
                arrays[f"undriven_voltage_{each}"] = fit.bias.undriven_v
        np.savez(file, **arrays)
    neuron, rest_v = median_neuron(level, fits[level].samples, fits[level].pull_v)
    config = to_config(neuron, NATIVE_DT_S, rest_v)
    write_file(folder / CONFIG, json.dumps(config, indent=1) + "\n")
    from raphe.core.figure_style import save_figure  # loads matplotlib, as the next one does
    from raphe.tasks.glif.prediction.level_figure import level_figure

    save_figure(level_figure(sweeps, fits[level]), folder / FIGURE)


def _summary(sweeps: CellSweeps, fit: LevelFit, sentences: Sequence[str]) -> str:
    """What must be known beside the numbers, as JSON."""
    facts = {
        "level": fit.level,
        "sweeps": sweeps.names,
        "left_out": sweeps.left_out,
        "read_from": sweeps.read_from,
        "rate_hz": sweeps.rate_hz,
        "liquid_junction_mv": 1e3 * sweeps.liquid_junction_v,
        "cut_longer_ms": 1e3 * sweeps.longer_s,
        "bias": bool(fit.bias),
        "sentences": list(sentences),
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _levels_csv(fits: dict[int, LevelFit], scores: Sequence[LevelScore], level: int) -> str:
    by_level = {score.level: score for score in scores}
    rows = []
    for each, fit in fits.items():
        noise, score = fit.below.noise, by_level.get(each)
        row: dict[str, str] = {
            "level": str(each),
            "chosen": "yes" if each == level else "no",
            "held_out_spikes": str(score.recorded_spikes) if score else "",
            "predicted_spikes": str(score.predicted_spikes) if score else "",
            "explained_variance_10_ms": f"{score.explained:.4f}" if score else "",
            "held_out_rms_mv": f"{score.rms_mv:.4g}" if score else "",
            "bic": f"{score.bic:.1f}" if score else "",
            "white_noise_mv": f"{noise.white_mv:.3g}",
            "fast_noise_mv": f"{noise.fast_mv:.3g}",
            "fast_noise_ms": f"{1e3 * noise.fast_s:.3g}",
            "slow_noise_mv": f"{noise.slow_mv:.3g}",
            "slow_noise_s": f"{noise.slow_s:.3g}",
            "hum_hz": " ".join(f"{hz:g}" for hz in fit.below.hum_hz),
            "bridge_error_mohm": f"{fit.below.bridge_mohm:.3g}",
            "threshold_varies_mv": f"{np.median(fit.threshold.varies_mv):.3g}",
        }
        rows.append(row)
    return csv_text(rows[0], (row.values() for row in rows))
