"""What every file that raphe writes is, and the columns of its tables.

That these are the columns which the commands write is a test (tests/test_docs.py).
"""

from dataclasses import dataclass, field
from fnmatch import fnmatch

from raphe.core.figure_style import figure_names
from raphe.tasks.glif.prediction.infer_parameters import FIGURE, SAMPLES

CLASS = "CLASS"  # in a column's name, for each class of the store
WHERE = {
    "a store": "made by `raphe extract`, `raphe import`, `raphe masks` and `raphe synthesize`",
    "a run": "its artifacts, in `mlruns/artifacts/EXPERIMENT/RUN/artifacts` or on the server",
    "a sweep": "the artifacts of its parent run",
    "verdicts": "the folder of `raphe predict --out` and `raphe watch --out`, of a celltype bundle",
    "rates": "the folder of `raphe predict --out`, of a calcium bundle",
    "neurons": "the folder of `raphe predict --out`, of a glif bundle",
    "recordings": "beside recordings, read by `raphe extract`",
    "simulated recordings": "the folder of `raphe simulate`",
    "features": "what `raphe features` writes",
    "an audit": "the folder of `raphe audit --out`",
    "a reproduction": "the folder of `raphe reproduce --out`",
    "the page": "what the page of `raphe serve` and `raphe demo` offers to download",
}
SHARE = "0 to 1"


@dataclass(frozen=True)
class Written:
    """A file: where it lies, its name (a pattern), what it is, its columns by their meanings."""

    where: str
    name: str
    what: str
    columns: dict[str, str] = field(default_factory=dict)

    def describes(self, column: str) -> bool:
        return any(fnmatch(column, name.replace(CLASS, "*")) for name in self.columns)


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
            "*_ms, *_hz, …": "a column for each feature, its unit at the end of its name",
            "missing": "which features are blank, and why",
        },
    ),
    Written(
        "an audit",
        "audit.csv",
        "a row for each figure of each way of asking",
        {
            "trained_on": "which spikes, as they are or changed",
            "split": "of the folds: by spikes, cells, days or animals",
            "level": "cells or spikes",
            "figure": "name",
            "value": "of the figure",
            "low": "lower end, 95 %",
            "high": "upper end, 95 %",
            "interval": "over what it was taken",
            "chance": "what guessing gets; empty: that is not known",
            "n_spikes": "judged",
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
        "the page",
        "*.csv, *.json, *.npy, *.npz, *.pdf, methods.md",
        "of an opened file, with the columns of what `raphe predict` writes; of a cell `.csv` and "
        "`.json` also have `changed_by_hand`, what was changed in the page. `cells.csv` has the "
        "labels given there, the table under *All results* a row for each file",
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
        "of calcium traces: a row for each recording, which lie end to end in the arrays",
        {
            "name": "of the recording",
            "dataset": "whose recordings share indicator, microscope and laboratory",
            "cell": "id; recordings of one neuron are never on two sides of a split",
            "start": "its first sample",
            "n_samples": "at 100 Hz",
            "n_spikes": "of it",
            "imaging_hz": "frames a second of the file it was read from",
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
        "float32 (traces, frames), spikes/s: the rate, and the "
        "standard deviation over the networks; NaN where there is none; or CSV or MAT by `--as`",
    ),
    Written(
        "rates",
        "traces.csv",
        "a row for each trace",
        {
            "trace": "name, or number from 0",
            "cell": "whether the file's curation calls it a cell; empty: it has none",
            "status": "`inferred`, `unlike training` or `left out`",
            "mean_rate_per_s": "over its frames, spikes/s",
            "mean_spread_per_s": "over its frames, spikes/s",
            "remark": "why, or what is suspect",
        },
    ),
    Written(
        "rates",
        "spikes.csv",
        "with `--spikes`, a row for each",
        {"trace": "as above", "time_s": "s"},
    ),
    Written("rates", "prediction.json", "version, bundle with its content hash, counts, notes"),
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
            "unlike_simulated": "in what the trace is unlike those simulated",
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
        ", ".join(figure_names(FIGURE)),
        "traces of some cells beside what neurons drawn for them answer: figure and caption",
    ),
    Written("neurons", "prediction.json", "version, bundle with its content hash, counts, notes"),
    Written(
        "a run",
        "intervals.csv",
        "a row for each metric that has an interval",
        {
            "metric": "name, see [Metrics](metrics.md)",
            "value": "as logged",
            "low": "lower end, 95 %",
            "high": "upper end, 95 %",
            "se": "standard error, where it has one",
        },
    ),
    Written("a run", "epochs.csv", "a row for each epoch: `epoch`, and a column for each metric"),
    Written(
        "a run",
        "test/cells.csv",
        "a row for each cell of the test (celltype)",
        {
            "cell": "id",
            "day": "of the recording",
            "true_class": "its label",
            "predicted_class": "most probable",
            "n_spikes": "of the cell",
            f"spikes_called_{CLASS}": "how many spikes alone are called so",
            f"probability_{CLASS}": "pooled over the spikes",
            f"stated_{CLASS}": "the same, calibrated",
            "verdict": "a class, or `not sure`",
        },
    ),
    Written(
        "a run",
        "test/headline.csv",
        "a row for each figure of `headline.txt`",
        {
            "level": "cells or spikes",
            "figure": "name",
            "value": "a share, or the figure itself",
            "low": "lower end, 95 %",
            "high": "upper end, 95 %",
            "numerator": "of a share",
            "denominator": "of a share",
            "interval": "over what it was taken",
        },
    ),
    Written(
        "a run",
        "*/predictions.csv",
        "a row for each spike (celltype)",
        {
            "cell": "id",
            "true_class": "its label",
            f"logit_{CLASS}": "output of the network before the sigmoid or softmax",
        },
    ),
    Written(
        "a run",
        "test/baselines.csv",
        "a row for each simple classifier and figure",
        {
            "classifier": "name",
            "figure": "name",
            "value": "of the classifier",
            "low": "lower end, 95 %",
            "high": "upper end, 95 %",
            "interval": "over what it was taken",
            "network_minus_it": "difference on the same cells",
            "difference_low": "lower end, 95 %",
            "difference_high": "upper end, 95 %",
            "p": "of the paired permutation test",
        },
    ),
    Written(
        "a run",
        "test/spikes_needed.csv",
        "how the cell's class depends on how many spikes one has",
        {
            "n_spikes": "drawn of each cell",
            "accuracy_*": "over cells: mean, 5th and 95th percentile of draws",
            "agreement_*": "with the call on all spikes",
            "n_cells": "with so many spikes",
            "n_cells_with_fewer": "left out",
        },
    ),
    Written(
        "a run",
        "test/baseline_cells.csv",
        "a row for each cell of the test and simple classifier",
        {
            "cell": "id",
            "true_class": "its label",
            "n_spikes": "of the cell",
            "baseline": "name of the classifier",
            f"probability_{CLASS}": SHARE,
        },
    ),
    Written(
        "a run",
        "test/class_evidence.csv",
        "a row for each class and sample of the window",
        {
            "class": "name",
            "time_*": "of the sample, from the crossing or in the window, ms",
            "mean": "of the class's spikes, in the unit of the store",
            "grad_cam": "what spoke for the class, by Grad-CAM",
            "integrated_gradients": "the same, by integrated gradients",
        },
    ),
    Written(
        "a run",
        "test/confusion.json",
        "counts of cells and of spikes, true class by predicted class",
    ),
    Written(
        "a run", "decision.json", "pooling, calibration and the *not sure* band, from validation"
    ),
    Written("a run", "config.yaml", "every setting, as composed"),
    Written("a run", "checkpoint/model.ckpt", "the weights that were kept, for PyTorch"),
    Written("a run", "*.txt, *.png, *.pdf", "reports to read, their figures and captions"),
    Written(
        "a sweep",
        "sweep.csv",
        "a row for each member: the setting, `run_id`, every metric, and interval ends",
    ),
)
