"""Where the sweeps of an ABF file begin and end among its samples.

Three entries of the header speak of it: the number of sweeps, the samples of a sweep, and the synch
array (start and length of each sweep). A layout is certain where the samples bear it out.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.abf.header import damaged
from raphe.core.sentences import counted

# pCLAMP stops at 10 000 sweeps a run; a damaged count must not fill the memory with sweeps.
MAX_SWEEPS = 100_000
VARIABLE_LENGTH, GAP_FREE, EPISODIC = 1, 3, 5
MODES = {
    VARIABLE_LENGTH: "variable-length events",
    2: "fixed-length events",
    GAP_FREE: "gap-free",
    4: "high-speed oscilloscope",
    EPISODIC: "episodic",
}


@dataclass(frozen=True)
class SweepHeader:
    """What an ABF header says about sweeps, lengths in samples of all channels together."""

    mode: int
    n_sweeps: int
    sweep_points: int  # 0: not stated
    synch: np.ndarray  # int64 (sweeps, 2): start in ticks, length
    tick_us: float
    n_points: int
    n_channels: int
    rate_hz: float


@dataclass(frozen=True)
class Sweep:
    first: int  # sample of its channel, counted over the whole file
    n_samples: int
    start_s: float  # on the recording's clock


@dataclass(frozen=True)
class Layout:
    sweeps: tuple[Sweep, ...]
    certain: bool = True
    remarks: tuple[str, ...] = ()


def lay_out(path: Path, header: SweepHeader) -> Layout:
    """Divide the samples into sweeps; one uncertain sweep if the header leaves that open.

    Raises RecordingError where the mode is unknown or the number of sweeps cannot be.
    """
    _check_counts(path, header)
    lengths, by_synch, remark = _find_lengths(header)
    remarks = [remark] if remark else []
    if lengths is None:
        whole = header.n_points // header.n_channels
        return Layout((Sweep(0, whole, 0.0),), certain=False, remarks=tuple(remarks))
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    starts = first / header.rate_hz
    if by_synch:
        ticks = header.synch[:, 0]
        clock_runs = ticks[0] >= 0 and np.all(np.diff(ticks) > 0)
        if clock_runs and math.isfinite(header.tick_us) and header.tick_us > 0:
            starts = ticks * header.tick_us / 1e6
        else:
            remarks.append("sweep starts in the header do not increase: taken from sample counts")
    sweeps = zip(first.tolist(), lengths.tolist(), starts.tolist(), strict=True)
    return Layout(tuple(Sweep(*sweep) for sweep in sweeps), remarks=tuple(remarks))


def _check_counts(path: Path, header: SweepHeader) -> None:
    if header.mode not in MODES:
        known_modes = ", ".join(f"{mode} ({name})" for mode, name in MODES.items())
        raise damaged(path, f"operation mode {known_modes}", header.mode)
    # Gap-free files count stretches on the screen, or nothing.
    least = 0 if header.mode == GAP_FREE else 1
    most = header.n_points // header.n_channels
    if header.mode != GAP_FREE:
        most = min(most, MAX_SWEEPS)
    if not least <= header.n_sweeps <= most:
        actual = f"{header.n_sweeps} for {counted('sample', header.n_points)}"
        raise damaged(path, f"{least} to {most} sweeps", actual)
    if len(header.synch) > MAX_SWEEPS:
        raise damaged(path, f"a synch array of at most {MAX_SWEEPS} sweeps", len(header.synch))


def _find_lengths(header: SweepHeader) -> tuple[np.ndarray | None, bool, str]:
    """Samples (sweeps,) of each sweep or None, whether the synch array gave them, a remark."""
    points, n_synch = header.synch[:, 1], len(header.synch)
    synch_fits = bool(
        n_synch
        and np.all(points > 0)
        and np.all(points % header.n_channels == 0)
        and points.sum() == header.n_points
    )
    whole, n_sweeps = header.n_points // header.n_channels, header.n_sweeps
    if header.mode == GAP_FREE:
        n_sweeps = n_synch or 1
    if synch_fits and n_synch == n_sweeps:
        return points // header.n_channels, True, ""
    if header.mode in (GAP_FREE, VARIABLE_LENGTH):
        if not n_synch and n_sweeps == 1:
            return np.array([whole]), False, ""
    else:
        stated = header.sweep_points * n_sweeps == header.n_points
        unstated = not header.sweep_points and not n_synch
        if whole % n_sweeps == 0 and (stated or unstated):
            remark = "the synch array contradicts the sweeps and was not used" if n_synch else ""
            return np.full(n_sweeps, whole // n_sweeps), False, remark
        if synch_fits and header.sweep_points * n_synch == header.n_points:
            remark = f"the header counts {counted('sweep', n_sweeps)} but lists and holds {n_synch}"
            return points // header.n_channels, True, remark
    return (
        None,
        False,
        f"the header's {n_sweeps} sweeps do not add up to {whole} samples: where a sweep begins is "
        "not certain; read as one trace, and nothing is measured in it",
    )
