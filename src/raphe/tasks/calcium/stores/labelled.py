"""What imports of recordings with known spikes share: checked, conditioned, brought to 100 Hz.

T frames at the file's rate, n samples at 100 Hz, K spikes.
"""

import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from inspect import GEN_CREATED, getgeneratorstate
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, StoreError
from raphe.core.recordings.rates import rate_ratio
from raphe.core.sentences import counted, number, printable
from raphe.tasks.calcium.recordings.conditioning import (
    Conditioning,
    fault,
    standardised_noise,
    too_short,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.stores.trace_store import MOST_SPIKES, LabelledRecording, write_traces

CUT = "cut it there into two recordings"
# Of missing frames between known ones: transients of every indicator outlast so short a gap, so
# that the line over it hides none whose spikes are in the store. At 4 frames/s it is one frame.
LONGEST_GAP_S = 0.25
MOST_BRIDGED = 0.1  # of a recording's frames: with more, much of it is lines and no recording
ON_AN_EDGE = 1e-6  # of a sample: a time in steps of 0.1 ms often falls between two


@dataclass
class ImportReport:
    """What was written, and what was left out of it."""

    store: Path
    recordings: dict[str, int] = field(default_factory=dict)  # dataset → count
    n_spikes: int = 0
    firing: set[str] = field(default_factory=set)  # datasets with a spike
    left_out: list[str] = field(default_factory=list)  # one line each
    notes: list[str] = field(default_factory=list)  # of a whole file, a sentence each
    bridged: dict[str, list[np.ndarray]] = field(default_factory=dict)  # dataset → of each, gaps

    @property
    def told(self) -> list[str]:
        """The notes, and of each dataset what was bridged, or that no neuron fired."""
        bridged = (_bridged(dataset, gaps) for dataset, gaps in self.bridged.items())
        silent = (dataset for dataset in self.recordings if dataset not in self.firing)
        return [*self.notes, *bridged, *map(_silent, silent)]


@dataclass(frozen=True)
class ReadRecording:
    """A trace with its spikes as a file has them: a count a frame, or times."""

    name: str
    dataset: str
    cell: str
    trace: np.ndarray  # (T,), NaN where a frame is missing
    rate_hz: float
    counts: np.ndarray | None = None  # (T,), NaN where it is not known
    spike_s: np.ndarray | None = None  # (K,), after the first frame
    fault: str = ""  # why it cannot be used, where the file tells
    is_dff: bool = False  # a fraction, so that its noise is in %/√Hz


class Labelling:
    """Recordings one after the other, into `report` what is left out of them, and why."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        self._seen: dict[bytes, str] = {}

    def labelled(self, read: ReadRecording, condition: Conditioning) -> LabelledRecording | None:
        """The recording as a store has it; None where it is left out."""
        screen = screened(read.trace, read.rate_hz)
        counts = np.zeros(len(read.trace)) if read.counts is None else read.counts
        span = _both_known(screen.samples, counts)
        trace = screen.samples[span]
        gaps_s = gaps(trace) / read.rate_hz
        if reason := read.fault or _why_not(trace, counts[span], gaps_s, read.rate_hz):
            self.report.left_out.append(f"{read.name}: {'; '.join((reason, *screen.remarks))}")
            return None
        samples = condition(trace, read.rate_hz).samples
        twin = self._seen.setdefault(hashlib.sha256(samples.tobytes()).digest(), read.name)
        if twin != read.name:  # one half would be trained on and the other tested on
            self.report.left_out.append(f"{read.name}: the same trace as {twin}")
            return None
        if len(gaps_s):
            self.report.bridged.setdefault(read.dataset, []).append(gaps_s)
        if read.spike_s is None:
            spikes = counts_at_100_hz(counts[span], read.rate_hz, len(samples), read.name)
        else:
            spikes = times_at_100_hz(read.spike_s - span.start / read.rate_hz, len(samples))
        self.report.recordings[read.dataset] = self.report.recordings.get(read.dataset, 0) + 1
        self.report.n_spikes += int(spikes.sum())
        if spikes.any():
            self.report.firing.add(read.dataset)
        noise = standardised_noise(trace, read.rate_hz) if read.is_dff else np.nan
        return LabelledRecording(
            read.name, read.dataset, read.cell, samples, spikes, read.rate_hz, noise
        )


def write_labelled(
    report: ImportReport,
    recordings: Generator[LabelledRecording, None, None],
    sources: Mapping[str, str],
    overwrite: bool,
) -> None:
    """Write the report's store; `sources`, hashes by file, are filled while recordings come.

    Raises:
        RecordingError: no file could be read.
        StoreError: all recordings are left out, or the store cannot be written.
    """
    try:
        write_traces(report.store, recordings, {"sources": sources}, overwrite)
    except StoreError as error:
        if report.recordings or getgeneratorstate(recordings) == GEN_CREATED:
            raise  # the store could not be written
        if not sources:
            raise RecordingError("; ".join(report.left_out)) from None
        raise StoreError("; ".join([str(error), *report.left_out])) from error


def counts_at_100_hz(spikes: np.ndarray, rate_hz: float, n: int, name: str = "") -> np.ndarray:
    """Spread each frame's spikes (T,) over the samples at 100 Hz in which it lasts: uint64 (n,).

    Of k spikes each falls anywhere within its k-th part of the frame, by a draw that the
    recording's name fixes: in the frame's middle all would seem known to 10 ms, and at 7.5 Hz a
    network would learn, and be scored by, a time that is up to 67 ms off.
    """
    rng = np.random.default_rng(list(name.encode()))
    spikes = spikes.astype(np.int64)
    first = np.cumsum(spikes) - spikes  # of each frame's, counted over all
    number = np.arange(spikes.sum()) - np.repeat(first, spikes)  # 0 … k − 1
    part = (number + rng.random(len(number))) / np.repeat(spikes, spikes)
    frame = np.repeat(np.arange(len(spikes)), spikes)
    sample = ((frame + part) * float(rate_ratio(RATE_HZ, rate_hz))).astype(np.int64)
    return np.bincount(np.minimum(sample, n - 1), minlength=n).astype(np.uint64)


def times_at_100_hz(spike_s: np.ndarray, n: int) -> np.ndarray:
    """Spikes (K,) in s after the first frame, in each of n samples: uint64 (n,).

    Those before the first sample or behind the last are dropped.
    """
    sample = np.floor(spike_s * RATE_HZ + ON_AN_EDGE)
    inside = (sample >= 0) & (sample < n)
    return np.bincount(sample[inside].astype(np.int64), minlength=n).astype(np.uint64)


def _both_known(trace: np.ndarray, counts: np.ndarray) -> slice:
    """From the first to the last sample of which calcium and spikes are known."""
    present = np.flatnonzero(~(np.isnan(trace) | np.isnan(counts)))
    return slice(int(present[0]), int(present[-1]) + 1) if len(present) else slice(0, 0)


def gaps(trace: np.ndarray) -> np.ndarray:
    """How many frames each run of missing ones in a trace (T,) has: int64 (gaps,)."""
    missing = np.concatenate([[False], np.isnan(trace), [False]])
    ends = np.flatnonzero(missing[1:] != missing[:-1])
    lengths: np.ndarray = ends[1::2] - ends[::2]
    return lengths


def _bridged(dataset: str, gaps_s: list[np.ndarray]) -> str:
    """What was bridged in so many recordings of a dataset, a sentence."""
    lengths_s = np.concatenate(gaps_s)
    longest = f"{number(lengths_s.max())} s"
    length = f"of {longest}" if len(lengths_s) == 1 else f"of {longest} at most"
    return (
        f"{printable(dataset)}: {counted('gap', len(lengths_s))} {length} in "
        f"{counted('recording', len(gaps_s))}, where frames are missing, bridged by a line"
    )


def _silent(dataset: str) -> str:
    return (
        f"{printable(dataset)}: none of its recordings has a spike; if neurons fired, look whether "
        "its file of spikes is the right one, and holds counts"
    )


def _why_not(trace: np.ndarray, counts: np.ndarray, gaps_s: np.ndarray, rate_hz: float) -> str:
    """Why a recording cannot be trained on, or ""."""
    if not len(trace):
        return "there is no stretch in which both calcium and spikes are known"
    if reason := fault(trace) or too_short(trace, rate_hz):
        return reason
    if unknown := int(np.isnan(counts).sum()):
        return f"{counted('count', unknown)} of spikes missing inside it; {CUT}"
    if len(gaps_s) and gaps_s.max() > LONGEST_GAP_S:
        return (
            f"a gap of {number(gaps_s.max())} s inside it, at most {LONGEST_GAP_S:g} s are "
            f"bridged; {CUT}"
        )
    if gaps_s.sum() * rate_hz > MOST_BRIDGED * len(trace):
        share = gaps_s.sum() * rate_hz / len(trace)
        return f"{share:.0%} of its frames missing, at most {MOST_BRIDGED:.0%} are bridged"
    if (counts < 0).any() or (counts % 1).any() or counts.max() > MOST_SPIKES:
        return "its spikes are not counts"
    return ""
