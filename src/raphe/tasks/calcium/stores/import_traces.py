"""Recordings with known spikes, from pairs of files into a store.

A pair is NAME.calcium.csv and NAME.spikes.csv, as the Spikefinder challenge hands them out, or the
same in another format of `read_traces`. The name, less the challenge's .train or .test, is the
dataset.
"""

from collections.abc import Generator
from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.files.folders import list_files
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.left_out import Failure
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning
from raphe.tasks.calcium.recordings.read_csv import CHALLENGE
from raphe.tasks.calcium.recordings.read_traces import READERS, read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet
from raphe.tasks.calcium.stores.labelled import (
    ImportReport,
    Labelling,
    ReadRecording,
    write_labelled,
)
from raphe.tasks.calcium.stores.trace_store import LabelledRecording

CALCIUM, SPIKES = ".calcium.", ".spikes."
PARTS_OF_CHALLENGE = (".train", ".test")


def import_traces(
    folder: Path | str,
    store: Path | str,
    options: TraceOptions | None = None,
    conditioning: Conditioning | None = None,
    overwrite: bool = False,
) -> ImportReport:
    """Write every pair in `folder` into a store; what has a fault is left out and listed.

    The challenge's own files are conditioned already and stay as they are, others go through
    `conditioning`.

    Raises:
        RecordingError: there is no pair, or none that can be read and whose files belong together.
        StoreError: all recordings are left out, or the store cannot be written.
    """
    pairs, alone = find_pairs(Path(folder))
    report = ImportReport(Path(store), left_out=alone)
    sources: dict[str, str] = {}
    recordings = _recordings(pairs, options or TraceOptions(), conditioning, report, sources)
    write_labelled(report, recordings, sources, overwrite)
    return report


def find_pairs(folder: Path) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """The files of calcium and of spikes of each dataset in a folder, by the dataset's name.

    Also what must be said of files without their partner, a sentence each. Raises RecordingError.
    """
    if not folder.is_dir():
        raise RecordingError(f"{folder}: expected a folder of NAME.calcium.… files, found none")
    pairs: dict[str, tuple[Path, Path]] = {}
    listing = list_files(folder, _is_of_pair, below=False)
    alone = [str(failure) for failure in listing.left_out]
    for calcium in listing.files:
        if CALCIUM not in calcium.name:
            of_traces = calcium.with_name(calcium.name.replace(SPIKES, CALCIUM))
            if of_traces not in listing.files:
                alone.append(f"{calcium}: expected its traces beside it, found no {of_traces.name}")
            continue
        spikes = calcium.with_name(calcium.name.replace(CALCIUM, SPIKES))
        if spikes not in listing.files:
            alone.append(f"{calcium}: expected its spikes beside it, found no {spikes.name}")
            continue
        dataset = calcium.name.split(CALCIUM)[0]
        for part in PARTS_OF_CHALLENGE:
            dataset = dataset.removesuffix(part)
        if dataset in pairs:
            raise RecordingError(
                f"{folder}: {pairs[dataset][0].name} and {calcium.name} are both of dataset "
                f"{dataset}; keep one, or rename the other"
            )
        pairs[dataset] = calcium, spikes
    if not pairs and not alone:
        raise RecordingError(
            f"{folder}: expected pairs such as 4.train.calcium.csv and 4.train.spikes.csv, found "
            "none"
        )
    return pairs, alone


def _is_of_pair(file: Path) -> bool:
    is_of_pair = CALCIUM in file.name or SPIKES in file.name
    return is_of_pair and file.name.lower().endswith(tuple(READERS))


def _recordings(
    pairs: dict[str, tuple[Path, Path]],
    options: TraceOptions,
    conditioning: Conditioning | None,
    report: ImportReport,
    sources: dict[str, str],
) -> Generator[LabelledRecording, None, None]:
    """Those of all pairs that can be read; of their files `sources` gets the hashes."""
    labelling = Labelling(report)
    for dataset, (calcium_file, spikes_file) in pairs.items():
        try:
            calcium, spikes = _read_pair(calcium_file, spikes_file, options)
        except Exception as error:  # one bad pair stops no other
            report.left_out.append(str(Failure.of(calcium_file, error)))
            continue
        sources |= {path.name: sha256_of(path) for path in (calcium_file, spikes_file)}
        report.notes += [*calcium.notes, *spikes.notes]
        ready = CHALLENGE.fullmatch(calcium_file.name)
        condition = AS_IT_IS if ready else conditioning or Conditioning()
        for trace, counts in zip(calcium, spikes, strict=True):
            name = f"{dataset}/{trace.name}"
            read = ReadRecording(
                name,
                dataset,
                name,
                trace.samples,
                calcium.rate_hz,
                counts.samples,
                fault=trace.fault,
            )
            recording = labelling.labelled(read, condition)
            if recording is not None:
                yield recording


def _read_pair(
    calcium_file: Path, spikes_file: Path, options: TraceOptions
) -> tuple[TraceSet, TraceSet]:
    """The two files of a dataset. Raises RecordingError where they do not belong together."""
    calcium, spikes = read_traces(calcium_file, options), read_traces(spikes_file, options)
    shapes = [(len(traces), traces.n_samples) for traces in (calcium, spikes)]
    if shapes[0] != shapes[1] or calcium.rate_hz != spikes.rate_hz:
        raise RecordingError(
            f"{spikes_file}: expected {shapes[0][0]} recordings of {shapes[0][1]} samples at "
            f"{calcium.rate_hz:g} Hz as in {calcium_file.name}, got {shapes[1][0]} of "
            f"{shapes[1][1]} at {spikes.rate_hz:g} Hz"
        )
    _refuse_other_order(calcium, spikes)
    return calcium, spikes


def _refuse_other_order(calcium: TraceSet, spikes: TraceSet) -> None:
    """Refuse two files that name the same recordings in another order."""
    if calcium.names != spikes.names and sorted(calcium.names) == sorted(spikes.names):
        pairs = zip(calcium.names, spikes.names, strict=True)
        first, other = next(pair for pair in pairs if pair[0] != pair[1])
        raise RecordingError(
            f"{spikes.path}: expected the recordings in the order of {calcium.path.name}, got "
            f"{other} where that has {first}; bring one of them into the other's order"
        )
