"""What is written of units that were called: labels for people and for the tools they work in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.bundles.answers import PREDICTION, prediction_json
from raphe.core.files.atomic import FolderBuilder, write_file
from raphe.core.files.csv_text import csv_line, csv_text
from raphe.core.files.folders import require_beginning
from raphe.core.statistics.decision import NOT_SURE
from raphe.tasks.units.ensemble.bundle import Called, UnitBundle
from raphe.tasks.units.recordings.unit_set import BRANCHES, ReadUnits

LABELS, PHY_LABELS = "labels.csv", "cluster_raphe.tsv"
UNLIKE = "unlike training"
COLUMNS = ("unit", "verdict", "class", "probability", "sees", "remarks")
LABELLED_NWB = "labelled.nwb"  # see `annotations`
FILES = (LABELS, PHY_LABELS, PREDICTION, LABELLED_NWB)


@dataclass(frozen=True)
class UnitVerdict:
    """What a bundle says of one unit."""

    unit_id: str  # as the sorting has it
    verdict: str  # a class, "not sure" or "unlike training"
    called: str  # the class with the largest probability, whatever the verdict
    probability: dict[str, float]  # of each class, calibrated
    sees: tuple[str, ...]  # what it was told by: waveform, isi, acg
    remarks: tuple[str, ...]  # in what it is unlike training's, a sentence each


def verdicts(read: ReadUnits, called: Called, bundle: UnitBundle) -> list[UnitVerdict]:
    """One of each unit, in their order."""
    units, has = read.units, set(bundle.layout.branches)
    told = []
    for row, fact in enumerate(units.facts):
        probability = called.probability[row]
        likely = bundle.classes[int(probability.argmax())]
        unlike = tuple(called.unlike[row])
        sure = likely if called.decided[row] else NOT_SURE
        sees = tuple(
            name
            for name, is_there in zip(BRANCHES, units.present[row], strict=True)
            if is_there and name in has
        )
        told.append(
            UnitVerdict(
                fact.unit_id,
                UNLIKE if unlike else sure,
                likely,
                dict(zip(bundle.classes, probability.tolist(), strict=True)),
                sees,
                unlike,
            )
        )
    return told


def write_labels(
    told: Sequence[UnitVerdict],
    bundle: UnitBundle,
    read: ReadUnits,
    out: Path,
    overwrite: bool = False,
    add: Callable[[Path], object] | None = None,
) -> Path:
    """Make a folder of labels.csv, of Phy's clusters also cluster_raphe.tsv, and prediction.json.

    `add` writes another of FILES into the folder that it is given. Raises StoreError where the
    folder may not be made.
    """
    files = {
        LABELS: labels_csv(told, bundle.classes),
        PREDICTION: prediction_json(bundle.bundle, [*read.remarks, *bundle.notes]),
    }
    if read.are_clusters:
        files[PHY_LABELS] = phy_labels(told)
    with FolderBuilder(out, LABELS, overwrite, _own_names) as builder:
        for name, text in files.items():
            write_file(builder.folder / name, text)
        if add is not None:
            add(builder.folder)
        return builder.commit()


def _own_names(out: Path) -> tuple[str, ...]:
    require_beginning(out / LABELS, COLUMNS[0])
    return FILES


def labels_csv(told: Sequence[UnitVerdict], classes: Sequence[str]) -> str:
    header = [*COLUMNS, *(f"probability_{name}" for name in classes)]
    rows = [
        [
            verdict.unit_id,
            verdict.verdict,
            verdict.called,
            f"{max(verdict.probability.values()):.4f}",
            "+".join(verdict.sees),
            "; ".join(verdict.remarks),
            *(f"{verdict.probability[name]:.4f}" for name in classes),
        ]
        for verdict in told
    ]
    return csv_text(header, rows)


def phy_labels(told: Sequence[UnitVerdict]) -> str:
    """As Phy reads a column of its cluster view: cluster_id and a name, between tabs."""
    lines = [("cluster_id", "raphe"), *((verdict.unit_id, verdict.verdict) for verdict in told)]
    return "".join(csv_line(line, "\t") for line in lines)
