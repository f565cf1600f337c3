"""NWB files of fluorescence: a RoiResponseSeries, as of Fluorescence or DfOverF.

N regions, T frames.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.nwb.clock import Clock
from raphe.core.nwb.contents import Contents
from raphe.core.nwb.reader import MOST_LISTED, open_contents
from raphe.core.nwb.regions import Regions
from raphe.core.nwb.series import Series
from raphe.core.recordings.rates import OFF_EVEN
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import counted, listed, number
from raphe.tasks.calcium.recordings.trace_set import Curation, TraceOptions, TraceSet

KIND = "RoiResponseSeries"
JITTER = 0.9  # of a frame, by which one may come early or late: indicators are far slower
# Of a trace with its gaps, and of them as many times as it holds: timestamps that tell more are no
# imaging's, and what they span is read as if it were there.
MOST_FRAMES, MOST_TIMES = 2**24, 100


def read_nwb(path: Path, options: TraceOptions) -> TraceSet:
    """Read the only series of regions, or that of the name or place in `options.variable`.

    Frames between two timestamps that are far apart are missing. Samples stay on disk.
    """
    contents = open_contents(path)
    columns = _chosen(contents, options.variable)
    first = columns[0]
    clock = replace(first.clock, jitter=JITTER)
    rate_hz = options.rate(path, clock.sampled_hz)
    if any(unit_factor(first.unit, unit) is not None for unit in "VA"):
        raise RecordingError(
            f"{path}: expected fluorescence, {first.place} is in {first.unit}; choose another by "
            "--variable"
        )
    starts = [round((part.start_s - clock.start_s) * clock.sampled_hz) for part in clock.segments]
    n_frames = starts[-1] + clock.segments[-1].n_samples
    if n_frames > min(MOST_FRAMES, MOST_TIMES * clock.n_samples):
        raise RecordingError(
            f"{path}: expected timestamps of one imaging, those of {first.place} span {n_frames} "
            f"frames for {clock.n_samples} that are there; export its parts as files of their own"
        )

    def rows(start: int, stop: int) -> np.ndarray:
        stored = _read(columns[start:stop])
        traces = np.full((len(stored), n_frames), np.nan)
        for part, begin in zip(clock.segments, starts, strict=True):
            span = slice(part.first, part.first + part.n_samples)
            traces[:, begin : begin + part.n_samples] = stored[:, span]
        gains = np.array([column.gain for column in columns[start:stop]])
        return traces * gains[:, None] + first.offset

    regions = contents.regions.get(first.place)
    numbers = [column.samples.number for column in columns]
    known = regions is not None and len(regions.names) > max(numbers)
    names = [regions.names[n] for n in numbers] if regions and known else list(map(str, numbers))
    if len(set(names)) < len(names):
        names = list(map(str, numbers))
    traces = TraceSet(
        path,
        rate_hz,
        tuple(names),
        n_frames,
        rows,
        frozenset({"rate_hz", "variable"}),
        made_of=f"{first.place} of the file",
        first_s=clock.start_s,
        notes=(*_missing(path, n_frames, clock), *_uneven(path, clock)),
    )
    if not (regions and known and regions.is_cell):
        return traces
    return replace(
        traces,
        curation=_curation(regions, numbers),
        obeys=traces.obeys | {"cells_only"},
    )


def _missing(path: Path, n_frames: int, clock: Clock) -> tuple[str, ...]:
    """What must be known of gaps between timestamps, or nothing."""
    if n_frames == clock.n_samples:
        return ()
    return (
        f"{path}: its timestamps leave out {counted('frame', n_frames - clock.n_samples)} in "
        f"{counted('gap', len(clock.segments) - 1)}, which are NaN in what is inferred: {n_frames} "
        f"frames for the file's {clock.n_samples}",
    )


def _uneven(path: Path, clock: Clock) -> tuple[str, ...]:
    """What must be known of timestamps that drift, or nothing."""
    if not (off_s := clock.off_s):
        return ()
    return (f"{path}: its timestamps are {OFF_EVEN.format(f'{number(off_s)} s')}",)


def _curation(regions: Regions, numbers: list[int]) -> Curation:
    assert regions.is_cell is not None
    return Curation(regions.curated_by, tuple(regions.is_cell[number] for number in numbers))


def _chosen(contents: Contents, name: str | None) -> list[Series]:
    """The columns of one series. Raises RecordingError where it is not clear which is meant."""
    path = contents.path
    of_regions = [series for series in contents.series if series.kind == KIND]
    chosen = contents.named(name.strip(), stimulus=False) if name else of_regions
    places = list(dict.fromkeys(series.place for series in chosen))
    if not places:
        there = list(dict.fromkeys(series.place for series in of_regions))
        if name:
            why = contents.why_not(name.strip()) or f"there is no series {name}"
            others = f"; it has {listed(there[:MOST_LISTED])}" if there else ""
            raise RecordingError(f"{path}: {why}{others}")
        raise RecordingError(
            f"{path}: expected fluorescence of regions ({KIND}), found none"
            f"{contents.why_nothing}; choose another series by --variable PLACE"
        )
    if len(places) > 1:
        raise RecordingError(
            f"{path}: expected one series of fluorescence, got {listed(places[:MOST_LISTED])}; "
            "pass --variable PLACE"
        )
    _refuse_transposed(contents, chosen)
    return chosen


def _refuse_transposed(contents: Contents, columns: list[Series]) -> None:
    """Refuse samples of regions × frames, which NWB has as frames × regions."""
    place, shape = columns[0].place, columns[0].samples.data.shape
    regions = contents.regions.get(place)
    if regions is None or len(shape) < 2 or len(regions.names) == shape[1]:
        return
    raise RecordingError(
        f"{contents.path}: {place}: expected frames × {len(regions.names)} regions, as it names so "
        f"many, got shape {shape}; export it with a row a frame"
    )


def _read(columns: list[Series]) -> np.ndarray:
    """Stored samples of neighbouring columns of one series: (n, T)."""
    samples = columns[0].samples
    if len(samples.data.shape) == 1:
        return np.asarray(samples.data[:])[None]
    return np.asarray(samples.data[:, samples.number : columns[-1].samples.number + 1]).T
