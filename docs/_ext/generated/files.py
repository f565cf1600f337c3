"""What every file that raphe writes is, and the columns of its tables.

The columns are described here; that these are what the commands write is a test
(tests/test_docs.py). What a manifest must say is read from the schema that checks it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from generated.markdown import code, plain, table
from raphe.core.bundles.manifest import COMMON, BundleKind
from raphe.tasks.calcium.ensemble.bundle import KIND as RATES
from raphe.tasks.calcium.prediction import rate_folder
from raphe.tasks.celltype.ensemble.bundle_runtime import KIND as ENSEMBLE
from raphe.tasks.celltype.metrics import cell_level
from raphe.tasks.glif.ensemble.bundle import KIND as POSTERIOR

CLASS = "CLASS"  # in a column's name, for each class of the store
WHERE = {
    "a store": "made by `raphe extract`, `raphe import`, `raphe masks` and `raphe synthesize`",
    "a run": "its artifacts, in `mlruns/artifacts/EXPERIMENT/RUN/artifacts` or on the server",
    "a sweep": "the artifacts of its parent run",
    "verdicts": "the folder of `raphe predict --out` and `raphe watch --out`, of a celltype bundle",
    "rates": "the folder of `raphe predict --out`, of a calcium bundle",
    "neurons": "the folder of `raphe predict --out`, of a glif bundle",
    "recordings": "beside recordings, read by `raphe extract`",
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
        },
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
        "samples.npz",
        "draws: `samples` float64 (cells, draws, quantities) in SI units, and names",
    ),
    Written(
        "neurons", "neuron_config.json", "the neuron of the medians, for AllenSDK's GlifNeuron"
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
KINDS: tuple[BundleKind, ...] = (ENSEMBLE, RATES, POSTERIOR)
IN_CODE = {"traces.csv": rate_folder.COLUMNS, "test/headline.csv": cell_level.COLUMNS}


def page() -> str:
    parts = ["## Tables and results"]
    for where, place in WHERE.items():
        parts.append(f"### {where[:1].upper()}{where[1:]}\n\n{place[:1].upper()}{place[1:]}.")
        for file in (file for file in FILES if file.where == where):
            parts.append(f"**{code(file.name)}**: {file.what}.")
            if file.columns:
                rows = [(code(name), meaning) for name, meaning in file.columns.items()]
                parts.append(table(("column", "meaning"), rows))
    parts.append(
        "## Bundle manifests\n\nWhat `manifest.json` must say; a bundle that does not is refused."
    )
    parts.append("### Of every bundle\n\n" + _facts(COMMON))
    for kind in KINDS:
        names = ", ".join(code(name) for name in kind.files)
        others = ", ".join(code(name) for name in kind.may_hold)
        parts.append(
            f"### {code(kind.name)}\n\nFiles: {names}; it may hold {others}.\n\n"
            + _facts(kind.manifest)
        )
    return "\n\n".join(parts)


def _facts(schema: dict[str, Any]) -> str:
    rows = [(code(name), plain(kind), needed) for name, kind, needed in _flat(schema)]
    return table(("fact", "is", "needed"), rows)


def _flat(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, inner in schema.get("properties", {}).items():
        full = f"{prefix}{name}"
        needed = "yes" if name in schema.get("required", ()) else "no"
        item = _inside(inner)
        if item.get("properties"):
            yield full, _kind(inner), needed
            yield from _flat(item, f"{full}[]." if inner.get("type") == "array" else f"{full}.")
        else:
            yield full, _kind(inner), needed


def _inside(schema: dict[str, Any]) -> dict[str, Any]:
    """The object that a schema is, may be, or lists."""
    if "anyOf" in schema:
        schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
    items = schema.get("items")
    return items if schema.get("type") == "array" and isinstance(items, dict) else schema


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        items = schema.get("items")
        return f"list of {_kind(items)}" if isinstance(items, dict) and items else "list"
    words = {
        "string": "text",
        "integer": "whole number",
        "object": "facts by name",
        "boolean": "true or false",
    }
    kind = schema.get("type", "anything")
    limits = [
        f"{word} {schema[name]:g}"
        for name, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if name in schema and abs(schema[name]) < 1e6
    ]
    return " ".join([words.get(kind, str(kind)), *limits])
