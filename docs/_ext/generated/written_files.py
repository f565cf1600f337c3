"""What every file that raphe writes is, and the columns of its tables.

That these are the columns which the commands write is a test (tests/test_guides.py).
"""

from generated.run_files import RUN_FILES
from generated.written import CLASS, SHARE, Written
from raphe.core.files.outputs import figure_names
from raphe.tasks.calcium.prediction.rate_folder import FIGURE as TRACES_FIGURE
from raphe.tasks.calcium.prediction.rate_folder import POPULATION
from raphe.tasks.glif.prediction.infer_parameters import FIGURE, SAMPLES
from raphe.tasks.units.tuning.tuned_folder import PICTURE

WHERE = {
    "a store": "made by `raphe extract`, `raphe import`, `raphe masks` and `raphe synthesize`",
    "a run": "its artifacts, in `mlruns/artifacts/EXPERIMENT/RUN/artifacts` or on the server",
    "a sweep": "the artifacts of its parent run",
    "verdicts": "the folder of `raphe predict --out` and `raphe watch --out`, of a celltype bundle",
    "rates": "the folder of `raphe predict --out`, of a calcium bundle",
    "neurons": "the folder of `raphe predict --out`, of a glif bundle",
    "labels": "the folder of `raphe predict --out`, of a units bundle",
    "a tuning": "the folder of `raphe finetune --out`",
    "a fit": "the folder of `raphe fit --out`",
    "recordings": "beside recordings, read by `raphe extract`",
    "simulated recordings": "the folder of `raphe simulate`",
    "features": "what `raphe features` writes",
    "an audit": "the folder of `raphe audit --out`",
    "a reproduction": "the folder of `raphe reproduce --out`",
    "the page": "what the page of `raphe serve` and `raphe demo` offers to download",
}


FILES = (
    Written(
        "recordings",
        "cells.csv",
        "labels, a row for each file",
        {
            "file": "name, from this folder",
            "label": "class",
            "cell_id": "id; files of one cell are joined",
            "day": "of the recording, as 2014-03-13",
            "animal": "id",
            "note": "what somebody wrote beside a label that was given in the page",
        },
    ),
    Written(
        "simulated recordings",
        "cells.csv",
        "a row for each recording: its labels, and the traits it was simulated with",
        {
            "file": "name, from this folder",
            "cell_id": "id",
            "label": "class",
            "day": "of the simulated recording",
            "animal": "id",
            "udi_ms": "from the inward (upstroke) peak to the outward (downstroke) peak, ms",
            "amplitude_pa": "of the inward peak at the start of the recording, pA",
            "half_width_ms": "width of the inward peak at half its height, ms",
            "shoulder": "height of the shoulder on the rise, as a fraction of the inward peak",
            "outward": "height of the outward peak, as a fraction of the inward peak",
            "hump": "on the way to the outward peak, as a share of what is missing to it",
            "decay_ms": "time constant of the outward current after its peak, ms",
            "firing_rate_hz": "spikes a second",
            "interval_cv": "coefficient of variation of the intervals between spikes",
            "noise_sd_pa": "standard deviation of the noise, pA",
            "n_spikes": "how many there are",
        },
    ),
    Written(
        "features",
        "*.csv",
        "a row for each cell of a store; a feature that cannot be measured is blank",
        {
            "cell_id": "id",
            "label": "class",
            "day": "of the recording",
            "animal": "id",
            "n_spikes": "of the cell",
            "udi_ms, trough_to_peak_ms, half_width_ms": "of the mean spike, ms",
            "amplitude_*": "of its inward peak, in the store's unit",
            "repolarization_slope_*, recovery_slope_*": "of its flanks, that unit per ms",
            "peak_to_trough_ratio": "of the outward peak to the inward one",
            "asymmetry": "of the slopes",
            "firing_rate_hz": "spikes a second",
            "isi_cv": "coefficient of variation of the intervals between spikes",
            "missing": "which features are blank, and why",
        },
    ),
    Written(
        "an audit",
        "audit.csv",
        "a row for each figure of each way of asking",
        {
            "trained_on": "which spikes or units, as they are or changed",
            "split": "of the folds: by spikes, cells (units), days, sessions or animals",
            "level": "cells (of units: units) or spikes",
            "figure": "name",
            "value": "of the figure",
            "low": "lower end, 95 %",
            "high": "upper end, 95 %",
            "interval": "over what it was taken",
            "chance": "what guessing gets; empty: that is not known",
            "n_spikes": "judged; empty: of units",
            "n_cells": "judged",
            "n_trainings": "behind the row",
            "p": "of the permutation test; rows of AUROC alone have one",
            "smallest_p": "that the test could have given with so many cells",
            "answer": "of the test, in a word",
        },
    ),
    Written(
        "an audit", "audit.txt, audit.png, audit.pdf", "the same to read, its figure and caption"
    ),
    Written(
        "a reproduction",
        "reproduce.csv",
        "a row for each claim of a paper",
        {
            "source": "papers, or a run and its set",
            "quantity": "what is claimed",
            "theirs": "as published, or as the papers' code computes it",
            "ours": "as the words mean it",
            "why": "the two differ",
            "theirs_value": "as a number",
            "ours_value": "as a number",
            "low": "lower end of ours, 95 %",
            "high": "upper end of ours, 95 %",
        },
    ),
    Written(
        "a reproduction",
        "*/cells.csv",
        "of a sweep over k: a row for each cell, called as published by all networks together",
        {
            "cell": "id",
            "day": "of the recording",
            "true_class": "its label",
            "called_class": "the one of the larger mean output",
            "n_spikes": "of the cell",
            f"mean_output_{CLASS}": "of the network's column, over spikes and networks",
        },
    ),
    Written(
        "the page",
        "*.csv, *.json, *.npy, *.npz, *.pdf, methods.md",
        "of an opened file, with the columns of what `raphe predict` writes; of a cell `.csv` and "
        "`.json` also have `changed_by_hand`, what was changed in the page. `cells.csv` has the "
        "labels given there, of a file with several cells one a row with its `channel`; the table "
        "under *All results* a row for each file",
    ),
    Written(
        "a store",
        "cells.csv",
        "a row for each cell, in the order of the numbers in `cell.npy`",
        {
            "cell_id": "id",
            "label": "class, in words or as a number",
            "day": "of the recording; empty: unknown",
            "animal": "id; empty: unknown",
            "source": "laboratory or session, where `--source-column` named one",
            "group": "of cells that hold the same spikes, where `--copies join` kept them together",
            "n_spikes": "how many spikes the store has of it",
        },
    ),
    Written(
        "a store",
        "recordings.csv",
        "a row for each recording that was cut",
        {
            "file": "name, from the folder of recordings",
            "cell_id": "id",
            "sha256": "of the file",
            "rate_hz": "sampling rate, Hz",
            "unit": "of its samples",
            "duration_s": "s",
            "crossings": "of the threshold",
            "kept": "crossings that became spikes",
            "dead_time": "crossings too soon behind a spike",
            "edge": "too near an end of their sweep",
            "suspect_samples": "with values that no amplifier gives",
        },
    ),
    Written(
        "a store",
        "recordings.csv",
        "of masks: a row for each recording that noise was cut from",
        {
            "file": "name, from the folder of recordings",
            "cell_id": "id",
            "day": "of the recording",
            "animal": "id",
            "sha256": "of the file",
            "noise_sd_pa": "standard deviation of its noise, pA",
            "n_masks": "how many stretches were cut",
        },
    ),
    Written(
        "a store",
        "files.csv",
        "of the LSTM study: a row for each simulated file",
        {
            "part": "train, val or test",
            "stimulus": "name of the noise",
            "sweep": "number",
            "configuration": "of the parameters: its row in the grid",
            "trace": "its row in `voltage.npy`",
        },
    ),
    Written(
        "a store",
        "traces.csv",
        "of the LSTM study: a row for each trace",
        {"stimulus": "name of the noise", "spikes": "how many"},
    ),
    Written(
        "a store",
        "recordings.csv",
        "of calcium traces: a row for each recording, which lie end to end in the arrays",
        {
            "name": "of the recording",
            "dataset": "whose recordings share indicator, microscope and laboratory",
            "cell": "id; recordings of one neuron are never on two sides of a split",
            "start": "its first sample",
            "n_samples": "at 100 Hz",
            "n_spikes": "of it",
            "imaging_hz": "frames a second of the file it was read from",
            "noise": "of the trace in the file where that is ΔF/F, %/√Hz",
        },
    ),
    Written(
        "verdicts",
        "verdicts.csv",
        "a row for each cell",
        {
            "cell_id": "id",
            "verdict": "a class, `not sure`, `unlike training` or `no spikes`",
            "most_probable_class": "whatever the verdict",
            f"probability_{CLASS}": SHARE,
            f"recorded_again_low_{CLASS}": "lower end, 95 %, were the cell recorded again",
            f"recorded_again_high_{CLASS}": "its upper end",
            f"prevalence_{CLASS}": "share of the class where the probabilities hold",
            "n_spikes": "cut from the cell",
            "enough_spikes": "`true` where more would hardly change the verdict",
            "n_votes_agreeing": "networks that call the same class",
            "n_votes": "networks in all",
            "duration_s": "of the recording, s",
            "firing_rate_hz": "spikes a second",
            "unlike_training": "in what it is unlike the cells of training",
            "remarks": "what is suspect",
            "files": "it was read from",
        },
    ),
    Written(
        "verdicts", "verdicts.json", "the same with all statistics and votes, and what was left out"
    ),
    Written("verdicts", "index.html, cells/*.html", "pages to look at, whole without a network"),
    Written("verdicts", "card.html, methods.html", "the bundle's card, and a paragraph on methods"),
    Written(
        "rates",
        "rates.npy, spread.npy",
        "float32 (traces, frames), spikes/s: the rate, and how far the networks disagree, their "
        "standard deviation; NaN where there is none; or CSV or MAT by `--as`, or with the table "
        "in one `rates.nwb`",
    ),
    Written(
        "rates",
        "counts.npy, counts_low.npy, counts_high.npy",
        "float32 (traces, seconds), spikes in each whole second from the first frame on: by the "
        "rate, and between which ends the true ones lie in nine of ten such seconds, by what was "
        "said of cells that the networks had not seen; NaN where they are not known; in the same "
        "formats",
    ),
    Written(
        "rates",
        "traces.csv",
        "a row for each trace",
        {
            "trace": "name, or number from 0",
            "cell": "whether the file's curation calls it a cell; empty: it has none",
            "status": "`inferred`, `unlike training` or `left out`",
            "mean_rate_per_s": "over its frames, spikes/s; 0: no event stands out of the noise",
            "mean_rate_low_per_s": "the true mean rate is above this, by what other cells had "
            "(5 % were below), spikes/s; empty: not known",
            "mean_rate_high_per_s": "and below this (5 % were above), spikes/s; empty: not "
            "known, as where nothing rises by 15 deviations of the noise",
            "mean_spread_per_s": "over its frames, spikes/s",
            "noise_percent_per_sqrt_hz": "of ΔF/F as a fraction: 100 × median of the steps from "
            "frame to frame, over the root of the frame rate; of another unit without meaning",
            "expected_correlation": "with the true spikes in bins of 40 ms: the mean of neurons of "
            "such noise and frame rate whose spikes are known; empty: it cannot be told",
            "single_spike_percent": "100 × how far one spike lifts the trace: % ΔF/F, if it is "
            "ΔF/F as a fraction; empty: it cannot be told",
            "single_spike_low_percent": "the true one is above this (by neurons of known spikes, "
            "of which nine in ten were between)",
            "single_spike_high_percent": "and below this",
            "timing": "how its rates were moved and smoothed by `--shift` and `--smooth`",
            "remark": "why, or what is suspect",
        },
    ),
    Written(
        "rates",
        "all_traces.csv",
        "of several files beside their folders: the rows of all their `traces.csv`, and first in "
        "each `folder`, whose it is",
    ),
    Written(
        "rates",
        "spikes.csv",
        "with `--spikes`, a row for each discrete spike; a trace whose rate makes none likely has "
        "no row",
        {
            "trace": "as above",
            "time_s": "on the file's own clock, s; from the first frame if it has none",
        },
    ),
    Written(
        "rates",
        ", ".join((*figure_names(TRACES_FIGURE), *figure_names(POPULATION))),
        "some traces with rates and spikes; all traces' rates beside their noise, where there are "
        "several: figures and captions",
    ),
    Written("rates", "prediction.json", "version, bundle with its content hash, counts, notes"),
    Written(
        "labels",
        "labels.csv",
        "a row for each unit",
        {
            "unit": "id; of a Phy folder the cluster",
            "verdict": "a class, `not sure` or `unlike training`",
            "class": "the one with the largest probability, whatever the verdict",
            "probability": f"of that class, calibrated, {SHARE}",
            "sees": "what it was told by: waveform, isi, acg",
            "remarks": "in what it is unlike the units of training",
            f"probability_{CLASS}": f"of each class, {SHARE}",
        },
    ),
    Written(
        "labels",
        "cluster_raphe.tsv",
        "of a Phy folder: a row for each cluster, between tabs, as Phy reads its columns",
        {"cluster_id": "the cluster", "raphe": "the verdict"},
    ),
    Written(
        "labels",
        "labelled.nwb",
        "of an NWB file, with `--annotate`: a copy whose table of units has the columns `raphe` "
        "(the verdict), `raphe_class` and `raphe_probability`",
    ),
    Written("labels", "prediction.json", "version, bundle with its content hash, notes"),
    Written(
        "a tuning",
        "methods.csv",
        "balanced accuracy of units left out, a row for each method",
        {
            "method": "the bundle as it is, tuned, or a simple classifier of these units alone",
            "balanced_accuracy, low, high": f"{SHARE}, and the ends of its 95 % interval",
            "interval": "over what that is",
            "gain, gain_low, gain_high": "how far above the bundle as it is, on the same units",
        },
    ),
    Written(
        "a tuning",
        "to_label.csv",
        "a row for each unit without a label, the one whose label would teach most first",
        {
            "order": "from 1",
            "unit, animal, session": "as the store has them",
            "called": "the likeliest class by the tuned bundle",
            "probability": f"of that class, calibrated where units are enough, {SHARE}",
            "worth": "entropy × novelty, by which they are in order",
            "entropy": "of what the tuned bundle says, as a share of the largest",
            "disagreement": "what of it members that were tuned without a part of the units owe to "
            "not saying the same",
            "novelty": "how far it is from units with a label and from those before it, as a share "
            "of the usual distance from those with one, 1 at most",
            "remarks": "in what it is unlike all units that were trained on; such units come last",
        },
    ),
    Written(
        "a tuning",
        "left_out.csv",
        "a row for each unit with a label",
        {
            "unit": "as the store has it",
            "true_class": "its label",
            "called_by_*": "what each method called it that had not seen it",
        },
    ),
    Written(
        "a tuning",
        "curve.csv",
        "the learning curve: a row for each number of units",
        {
            "units": "that were tuned on, the mean over folds",
            "balanced_accuracy, low, high": f"of units left out, {SHARE}, and the ends of 95 % of "
            "the draws of other units to call",
        },
    ),
    Written(
        "a tuning",
        ", ".join((*figure_names(PICTURE), "summary.txt")),
        "the figure with its caption, and what it comes to in sentences",
    ),
    Written(
        "neurons",
        "parameters.csv",
        "a row for each cell and quantity",
        {
            "cell": "name",
            "quantity": "name",
            "lab_unit": "in which the columns `…_lab` are",
            "median_*": "of the posterior, in SI and in lab units",
            "low_*": "lower end of the interval of so many %",
            "high_*": "its upper end",
            "unlike_simulated": "in what the trace is unlike those simulated, or not that of the "
            "neuron of the medians; and what was cut off",
        },
    ),
    Written(
        "neurons",
        SAMPLES,
        "draws: `samples` float64 (cells, draws, quantities) in SI units, and the names `cells` "
        "and `quantities`",
    ),
    Written(
        "neurons", "neuron_config.json", "the neuron of the medians, for AllenSDK's GlifNeuron"
    ),
    Written(
        "neurons",
        "glif_brian2.py, glif_nest.py",
        "programs that run these neurons in Brian 2 and NEST, with --for",
    ),
    Written(
        "neurons",
        ", ".join(figure_names(FIGURE)),
        "traces of some cells beside what neurons drawn for them answer: figure and caption",
    ),
    Written("neurons", "prediction.json", "version, bundle with its content hash, counts, notes"),
    Written(
        "a fit",
        "fitted_parameters.csv",
        "a row for each level and quantity",
        {
            "level": "of the GLIF model, 1 to 5",
            "quantity": "name",
            "lab_unit": "in which the columns `…_lab` are",
            "median_*": "of the draws, in SI and in lab units",
            "low_*": "lower end of the interval of so many %",
            "high_*": "its upper end",
            "told_by_data": "no where the draws are half as wide as the prior, or wider",
        },
    ),
    Written(
        "a fit",
        "levels.csv",
        "a row for each level: what it predicts, and the noise that was found",
        {
            "level": "of the GLIF model, 1 to 5",
            "chosen": "yes for the level that is enough",
            "held_out_spikes": "recorded, in what the fit had not seen",
            "predicted_spikes": "there, by the median neuron",
            "explained_variance_10_ms": "of the spike trains there, at 10 ms",
            "held_out_rms_mv": "error of the voltage there, away from spikes, mV",
            "bic": "of the fit to all data: lower is better",
            "white_noise_mv": "standard deviation, mV",
            "fast_noise_mv": "of the fast Ornstein-Uhlenbeck process, mV",
            "fast_noise_ms": "its time constant, ms",
            "slow_noise_mv": "of the slow one, mV",
            "slow_noise_s": "its time constant, s",
            "hum_hz": "frequencies that were taken out",
            "bridge_error_mohm": "what the bridge was off by, MΩ",
            "threshold_varies_mv": "standard deviation from one spike to the next, mV",
        },
    ),
    Written(
        "a fit",
        "draws.npz",
        "`level_N` float64 (draws, quantities) in SI units, their names, and those of a bias",
    ),
    Written("a fit", "neuron_config.json", "the median neuron of the chosen level, for AllenSDK"),
    Written(
        "a fit",
        "fit.json",
        "level, sweeps, junction potential, and each sentence that must be known of the fit",
    ),
    Written("a fit", "METHODS.md", "a paragraph on what was done, to paste into a paper"),
    Written("a fit", "glif_brian2.py, glif_nest.py", "programs that run it, with --for"),
    Written(
        "a fit", ", ".join(figure_names("fit.png")), "recorded beside predicted: figure, caption"
    ),
    *RUN_FILES,
)
