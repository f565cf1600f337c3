"""Recordings in, a store of labelled spikes out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raphe.core.errors import RecordingError
from raphe.core.files.left_out import Failure
from raphe.core.progress import progress
from raphe.core.recordings.recording import Recording
from raphe.core.sentences import counted
from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.recordings.files import find_recordings
from raphe.tasks.celltype.recordings.labels import (
    CELL_TABLE,
    LabelledFile,
    label_recordings,
    read_note,
)
from raphe.tasks.celltype.recordings.read_recording import channel_spelt, read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import DROPS, CutSpikes, cut_failure, cut_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, OnCopies
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter


@dataclass(frozen=True)
class ExtractReport:
    """What `extract` did: counts over all recordings that could be read, and those that failed."""

    store: Path
    n_spikes: int
    n_cells: int
    per_class: dict[str, tuple[int, int]]  # cells, spikes
    n_crossings: int  # of the threshold: kept as spikes, or dropped
    dropped: dict[str, int]
    failed: list[Failure]
    silent: list[Path]  # read, but no spike was kept
    remarks: list[str]  # what is suspect in recordings that were read, one sentence each
    copies: list[str]  # cells that were joined, or look like one cell, one sentence a pair

    def failure_lines(self) -> list[str]:
        """One sentence a recording that was left out."""
        return [str(failure) for failure in self.failed]


def extract(
    recordings: Path | str,
    store: Path | str,
    cut: Cut | None = None,
    classes: Sequence[str] = CLASSES,
    overwrite: bool = False,
    channel: int | str | None = None,
    unit: str | None = None,
    on_copies: OnCopies = "refuse",
) -> ExtractReport:
    """Cut the spikes of all labelled recordings below a folder into a store.

    Goes on past a recording that cannot be read or has the bytes of an earlier one. `channel` and
    `unit` are those of `read_abf`; `on_copies` says what becomes of cells that hold the same
    spikes. Raises RecordingError when no spike is left to store or one recording has two labels,
    StoreError for copies and when the store cannot be written.
    """
    folder, cut = Path(recordings), cut or Cut()
    files, failed = label_recordings(folder, find_recordings(folder), classes)
    note = read_note(folder)
    dropped = Counter(dict.fromkeys(DROPS, 0))
    rows: list[dict[str, Any]] = []
    silent, remarks = [], []
    first_of: dict[tuple[str, str], LabelledFile] = {}  # by its bytes' hash, and channel
    with SpikeStoreWriter(Path(store), classes, cut.n_samples, overwrite) as writer:
        for file in progress(files, "cutting spikes", total=len(files)):
            asked = file.channel or channel
            try:
                recording = read_recording(file.path, asked, unit, cut.accept_unit)
                spikes = cut_spikes(recording, cut)
            except Exception as error:  # one bad file stops no other
                failed.append(cut_failure(file.path, error))
                continue
            assert recording.sha256 is not None  # it was read from a file
            spelt = "" if asked is None else channel_spelt(file.path, asked, unit)
            first = first_of.setdefault((recording.sha256, spelt), file)
            if first is not file:
                failed.append(_repeated(file, first, classes))
                continue
            cell = Cell(file.cell_id, file.label, file.day, file.animal)
            writer.add(cell, spikes.waveforms, spikes.trigger, spikes.sweep)
            dropped.update(spikes.dropped)
            remarks += [f"{file.path}: {remark}" for remark in recording.remarks]
            if not len(spikes):
                silent.append(file.path)
            rows.append(_row(file, folder, recording, spikes))
        if not writer.n:
            raise RecordingError(_nothing(folder, len(rows), dropped, failed))
        first_files = {row["cell_id"]: row["file"] for row in reversed(rows)}
        copies = writer.settle_copies(on_copies, folder, first_files)
        path = writer.finish(
            cut.rate_hz,
            cut.unit,
            {
                "cut": asdict(cut),
                "note": note,
                "sources": {row["file"]: row["sha256"] for row in rows},
            },
            {"recordings": rows},
        )
    return ExtractReport(
        store=path,
        n_spikes=writer.n,
        n_cells=len(writer.cells),
        per_class=writer.per_class(),
        n_crossings=writer.n + dropped.total(),
        dropped=dict(dropped),
        failed=failed,
        silent=silent,
        remarks=remarks,
        copies=copies,
    )


def _repeated(file: LabelledFile, first: LabelledFile, classes: Sequence[str]) -> Failure:
    """Why a copy of an earlier file is left out. Raises RecordingError if their labels differ."""
    if file.path == first.path:
        same = f"{CELL_TABLE} names one channel twice, as {first.channel} and as {file.channel}"
        if file.label != first.label:
            raise RecordingError(
                f"{file.path}: {same}, and labels it {classes[first.label]} and "
                f"{classes[file.label]}; take one of them out"
            )
        return Failure(file.path, f"{same}; the first is taken")
    if file.label != first.label:
        raise RecordingError(
            f"{file.path}: is labelled {classes[file.label]} but has the same bytes as "
            f"{first.path}, which is labelled {classes[first.label]}; remove one of them"
        )
    return Failure(file.path, f"same bytes as {first.path}")


def _row(
    file: LabelledFile, folder: Path, recording: Recording, spikes: CutSpikes
) -> dict[str, Any]:
    return {
        "file": file.path.relative_to(folder).as_posix(),
        "cell_id": file.cell_id,
        "sha256": recording.sha256,
        "rate_hz": recording.rate_hz,
        "unit": recording.unit,
        "duration_s": recording.duration_s,
        "crossings": spikes.n_crossings,
        "kept": len(spikes),
        **{drop.replace(" ", "_"): spikes.dropped[drop] for drop in DROPS},
    }


def _nothing(folder: Path, n_read: int, dropped: Counter, failed: list[Failure]) -> str:
    if not n_read:
        more = f" (and {len(failed) - 1} more like it)" if len(failed) > 1 else ""
        return f"{folder}: no recording could be read: {failed[0]}{more}"
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return (
        f"{folder}: no spike in {counted('recording', n_read)} read ({len(failed)} could not be); "
        f"dropped: {reasons or 'none'}; look at the threshold and its polarity"
    )
