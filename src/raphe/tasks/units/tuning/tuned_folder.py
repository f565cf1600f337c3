"""What is written of a tuning: a folder of the new bundle, the units to label, figures."""

from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.bundle import CARD, METHODS, BundleWriter
from raphe.core.bundles.cards import of_others, paragraph, with_interval
from raphe.core.bundles.methods import software
from raphe.core.bundles.onnx_graph import require_agreement
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.figure_style import save_figure
from raphe.core.files.atomic import FolderBuilder, write_file
from raphe.core.files.folders import require_beginning
from raphe.core.files.kind import MANIFEST
from raphe.core.files.outputs import figure_names
from raphe.core.notes import note_of_networks
from raphe.core.sentences import counted, listed
from raphe.tasks.units.ensemble.bundle import GRAPH, INPUTS, KIND, PROBABILITY
from raphe.tasks.units.ensemble.model_card import unit_card
from raphe.tasks.units.metrics.verdicts import scores
from raphe.tasks.units.training.simple_classifiers import LOGISTIC
from raphe.tasks.units.tuning import report
from raphe.tasks.units.tuning.figure import tuning_figure
from raphe.tasks.units.tuning.left_out import TUNED
from raphe.tasks.units.tuning.selection import ANEW
from raphe.tasks.units.tuning.tune import Tuned
from raphe.tasks.units.tuning.tuned_graph import tuned_graph

BUNDLE = "bundle"
TABLES = {
    "methods.csv": report.methods_csv,
    "to_label.csv": report.to_label_csv,
    "left_out.csv": report.left_out_csv,
    "curve.csv": report.curve_csv,
}
MARKER, SUMMARY, PICTURE = "methods.csv", "summary.txt", "tuning.png"
AGREEMENT = 1e-3  # of a probability, graph against head


def tuned_folder(out: Path, overwrite: bool = False) -> FolderBuilder:
    """The place of what `fill_tuned` makes. Raises StoreError where it may not be taken."""
    return FolderBuilder(out, MARKER, overwrite, _own_names)


def fill_tuned(builder: FolderBuilder, tuned: Tuned) -> Path:
    """Make a folder of the bundle, tables, the figure and what they come to. Raises StoreError."""
    _write_bundle(tuned, builder.folder / BUNDLE)
    for name, text in TABLES.items():
        write_file(builder.folder / name, text(tuned))
    write_file(builder.folder / SUMMARY, "\n".join(report.sentences(tuned)) + "\n")
    save_figure(tuning_figure(tuned), builder.folder / PICTURE)
    return builder.commit()


def _own_names(out: Path) -> set[str]:
    require_beginning(out / MARKER, "method,")
    of_bundle = {f"{BUNDLE}/{name}" for name in (MANIFEST, CARD, METHODS, GRAPH)}
    return {*TABLES, SUMMARY, *figure_names(PICTURE), *of_bundle}


def _write_bundle(tuned: Tuned, path: Path) -> None:
    before = tuned.bundle
    graph = tuned_graph(
        before.bundle.file(GRAPH).read_bytes(), before.decision.calibration, tuned.head
    )
    _check(graph, tuned)
    facts = _facts(tuned)
    methods = _methods(tuned, facts)
    with BundleWriter(path) as writer:
        files = {
            GRAPH: graph,
            METHODS: methods.encode(),
            CARD: unit_card(facts, methods).encode(),
        }
        writer.finish(KIND, files, facts)


def _check(graph: bytes, tuned: Tuned) -> None:
    material = tuned.material
    session = GraphSession(graph, "the tuned bundle", [INPUTS], [PROBABILITY])
    answers = session.run({INPUTS: material.inputs.astype(np.float32)})[0]
    said = tuned.head.probability(material.log_p, material.inputs)
    require_agreement(answers, said, AGREEMENT, "the tuned bundle", "a probability")


def _facts(tuned: Tuned) -> dict[str, Any]:
    before, store, of_left_out = tuned.bundle, tuned.store, tuned.left_out
    manifest, n_classes = before.manifest, len(before.classes)
    notes = (manifest["note"], note_of_networks(store.note))
    return {
        "note": " ".join(filter(None, notes)),
        "leak": " ".join(f"{text[:1].upper()}{text[1:]}." for text in report.warnings(tuned)),
        "classifier": _name(tuned),
        "classes": list(before.classes),
        "n_of_class": np.bincount(tuned.material.label, minlength=n_classes).tolist(),
        "layout": before.layout.facts(),
        "split": of_left_out.groups.noun,
        "n_folds": len(of_left_out.members),
        "n_networks": manifest.get("n_networks", 0),
        "decision": tuned.decision.facts(),
        "domain": tuned.domain,
        "compared": {
            name: of_left_out.balanced(name).estimate.value for name in of_left_out.methods
        },
        "figures": {
            figure.name: {
                "value": _or_none(figure.estimate.value),
                "low": _or_none(figure.estimate.low),
                "high": _or_none(figure.estimate.high),
                "over": figure.over,
            }
            for figure in scores(
                of_left_out.methods[TUNED], of_left_out.classes, of_left_out.groups
            )
        },
        "tuned": {
            "from": {
                "bundle": before.bundle.path.name,
                "content_hash": before.bundle.content_hash,
                "classifier": manifest["classifier"],
                "provenance": manifest.get("provenance", {}),
            },
            "store_hash": store.content_hash,
            "units": [fact.unit_id for fact in store.units.facts],
            "labels": [fact.label for fact in store.units.facts],
        },
        "provenance": {
            "tuned from bundle": before.bundle.path.name,
            "of content hash": before.bundle.content_hash,
            "on units of a store of content hash": store.content_hash,
        },
    }


def _name(tuned: Tuned) -> str:
    before = str(tuned.bundle.manifest["classifier"])
    if tuned.freedom is ANEW:
        return LOGISTIC
    return before if tuned.is_kept else f"{before}, {tuned.freedom.name}"


def _methods(tuned: Tuned, facts: dict[str, Any]) -> str:
    """METHODS.md: a paragraph in the past tense."""
    of_left_out, gain = tuned.left_out, tuned.left_out.gain()
    counts = listed(
        f"{n} {of_others(name)}"
        for name, n in zip(facts["classes"], facts["n_of_class"], strict=True)
    )
    balanced = facts["figures"]["balanced_accuracy"]
    how = (
        "left as it was"
        if tuned.is_kept
        else f"tuned ({tuned.freedom.name}; its logits, scaled and shifted, and a linear function "
        "of the unit's numbers, all under normal priors)"
    )
    return paragraph(
        [
            f"A classifier of units ({of_others(facts['tuned']['from']['classifier'])}) was "
            f"{how}, given {counted('unit', len(tuned.material.label))} with a label ({counts}), "
            "each class weighing alike; how far it was moved was chosen by cross-validation.",
            f"Of units left out {of_left_out.how}, that choice made without them, its balanced "
            f"accuracy was {with_interval(balanced, '95 % interval')}, {gain.value:+.2f} of the "
            f"classifier as it was (95 % interval {gain.low:+.2f} to {gain.high:+.2f}).",
            f"Analyses were made with {software()}.",
            of_others(facts["note"]),
        ],
        [],
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
