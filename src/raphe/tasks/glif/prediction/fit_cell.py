"""Levels fitted to the sweeps of one cell, compared, and written to a folder.

D draws, P quantities.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.figure_style import figure_names, save_figure
from raphe.core.files.atomic import FolderBuilder, open_whole, reporting, write_file
from raphe.core.files.csv_text import csv_text
from raphe.core.files.folders import require_beginning
from raphe.core.files.path import refuse_inputs_within
from raphe.core.progress import progress
from raphe.core.sentences import counted, listed, number
from raphe.tasks.glif.features.level_fit import LevelFit, fit_levels
from raphe.tasks.glif.features.pooled_sweeps import PooledSweeps
from raphe.tasks.glif.features.threshold_fit import UNSETTLED
from raphe.tasks.glif.neurons.neuron_config import NATIVE_DT_S, to_config
from raphe.tasks.glif.prediction.level_comparison import (
    LevelScore,
    Verdict,
    choose_level,
    fires_unasked,
    misfit,
    pool,
    score_levels,
)
from raphe.tasks.glif.prediction.level_figure import level_figure
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.prediction.simulators import PROGRAMS, write_programs
from raphe.tasks.glif.recordings.cell_sweeps import CellSweeps
from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import REST, neurons_of, quantities
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

PARAMETERS, LEVELS_TABLE, DRAWS, CONFIG, FIGURE = (
    "fitted_parameters.csv", "levels.csv", "draws.npz", "neuron_config.json", "fit.png",
)  # fmt: skip
NAMES = {PARAMETERS, LEVELS_TABLE, DRAWS, CONFIG, *figure_names(FIGURE), *PROGRAMS}
LEAST_S = 0.2  # of all sweeps together
MUCH_BRIDGE_MOHM = 4.0


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
        simulators: names of those to write a program for, see `simulators`.
        overwrite: replace a folder that was made here before.
        inputs: what is read, which must not lie in `out`.

    Raises:
        RecordingError: sweeps too short to be fitted, or without a change of current.
        StoreError: `out` may not be replaced.
        SettingError: an input lies in `out`.
    """
    refuse_inputs_within(out, list(inputs))
    pooled = pool(sweeps.voltages_v, sweeps.currents_a, sweeps.rate_hz)
    _require_enough(pooled)
    priors = {level: prior or typical_prior(level) for level in levels}
    with FolderBuilder(out, PARAMETERS, overwrite, _own_names) as builder:
        fitted = fit_levels(pooled, priors, seed)
        fits = {fit.level: fit for fit in progress(fitted, "Fitting", len(levels))}
        scores, verdict = [], Verdict(levels[0], ())
        if len(levels) > 1:
            silent = not pooled.n_spikes
            scores = [] if silent else score_levels(sweeps, fits, priors, seed)
            verdict = choose_level(scores, pooled.n_spikes)
        chosen = fits[verdict.level]
        sentences = [*verdict.sentences, *_said_of(chosen, pooled), *_doubts(sweeps, chosen)]
        with reporting(out):
            _write(builder.folder, sweeps, fits, scores, verdict.level)
            write_programs(simulators, builder.folder)
        builder.commit()
    return FitReport(out, verdict.level, fits, scores, sentences)


def _require_enough(pooled: PooledSweeps) -> None:
    n = int(np.isfinite(pooled.voltage_mv).sum())
    if n < LEAST_S * pooled.rate_hz:
        raise RecordingError(
            f"expected {1e3 * LEAST_S:g} ms of voltage between spikes or more, got "
            f"{1e3 * n / pooled.rate_hz:.0f} ms"
        )
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
        np.savez(file, **arrays)
    median = np.median(fits[level].samples, axis=0)[None]
    config = to_config(neurons_of(level, median)[0], NATIVE_DT_S, float(median[0, REST]))
    write_file(folder / CONFIG, json.dumps(config, indent=1) + "\n")
    save_figure(level_figure(sweeps, level, fits[level].samples), folder / FIGURE)


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


def _doubts(sweeps: CellSweeps, fit: LevelFit) -> list[str]:
    """Why the cell may be no such neuron."""
    doubts = [misfit(sweeps, fit)]
    if fires_unasked(sweeps):
        doubts.append(
            "The cell fires without an injected current; every level has a threshold above rest, "
            "so that none does."
        )
    return [doubt for doubt in doubts if doubt]


def _said_of(fit: LevelFit, pooled: PooledSweeps) -> list[str]:
    """What a fit leaves open or must be taken with caution."""
    sentences = []
    if fit.not_told:
        sentences.append(
            f"Not told by this stimulus ({counted('spike', pooled.n_spikes)}): "
            f"{listed(fit.not_told)}; the intervals are about as wide as those of typical neurons."
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
    if fit.threshold.apart > UNSETTLED:
        sentences.append(
            "The draws of the threshold's quantities had not settled: their intervals may be too "
            "narrow."
        )
    return sentences
