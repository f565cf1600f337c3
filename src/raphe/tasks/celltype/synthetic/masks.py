"""Cut noise masks: stretches of recordings in which no spike is near.

M masks, L samples a mask.
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.left_out import Failure
from raphe.core.files.store import StoreWriter
from raphe.core.progress import progress
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.recordings.files import find_recordings
from raphe.tasks.celltype.recordings.labels import RecordedFile, identify_recordings
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import (
    CHUNK_SAMPLES,
    cut_failure,
    resampled_sweeps,
    threshold_levels,
)
from raphe.tasks.celltype.synthetic.mask_store import GUARD_MS, KIND, MASK_MS, N_MASKS
from raphe.tasks.celltype.synthetic.noise_stretches import (
    count_places,
    draw_places,
    noise_level,
    quiet_stretches,
    share_evenly,
)

# A spike too small to be cut must not hide in a mask: half the cut's threshold is loud already.
LOUD = 0.5


@dataclass(frozen=True)
class MaskReport:
    """What `cut_masks` did.

    Fewer masks than `n_requested` mean that the quiet stretches hold no more.
    """

    store: Path
    n_masks: int
    n_requested: int
    per_day: dict[str, int]  # day ("" unknown) → masks
    n_recordings: int  # that have a quiet stretch
    skipped: list[Failure]  # recordings without a quiet stretch
    failed: list[Failure]  # that could not be read


@dataclass(frozen=True)
class _QuietRecording:
    """One recording and its quiet stretches."""

    file: RecordedFile
    sha256: str
    stretches: list[np.ndarray]  # of each sweep, (n, 2)
    n_places: int  # masks that they hold
    noise_sd: float


def cut_masks(
    recordings: Path | str,
    store: Path | str,
    cut: Cut | None = None,
    n_masks: int = N_MASKS,
    mask_ms: float = MASK_MS,
    guard_ms: float = GUARD_MS,
    per_day: int | None = None,
    seed: int = 42,
    overwrite: bool = False,
    channel: int | str | None = None,
    unit: str | None = None,
) -> MaskReport:
    """Cut masks from all recordings below a folder, labelled or not, into a store.

    `n_masks` are shared evenly over the days and within a day over its recordings (one without a
    day is a day of its own); `per_day` asks for so many a day instead. Where a mask begins is
    random, by `seed`; no two masks overlap. Each is kept at least `guard_ms` clear of any sample
    beyond half of the cut's threshold, and its mean is removed. Recordings are read twice, in
    bounded memory.

    Raises SettingError, RecordingError when no recording has a quiet stretch, StoreError.
    """
    folder, cut = Path(recordings), cut or Cut()
    n_mask, n_guard = _lengths(cut, mask_ms, guard_ms)
    for name, value in (("masks", n_masks), ("per_day", per_day)):
        if value is not None and value < 1:
            raise SettingError(f"{name}: expected 1 or more, got {value}")
    files, failed = identify_recordings(folder, find_recordings(folder))
    quiet: list[_QuietRecording] = []
    skipped: list[Failure] = []
    for file in progress(files, "looking for quiet stretches", total=len(files)):
        try:
            recording = read_recording(file.path, file.channel or channel, unit, cut.accept_unit)
            surveyed = _survey(file, recording, cut, n_mask, n_guard)
        except Exception as error:  # one bad file stops no other
            failed.append(cut_failure(file.path, error))
            continue
        if isinstance(surveyed, _QuietRecording):
            quiet.append(surveyed)
        else:
            skipped.append(surveyed)
    if not quiet:
        raise RecordingError(_no_mask(folder, skipped, failed))
    shares, n_requested = _allot(quiet, n_masks, per_day)
    fields = {
        "masks": ((n_mask,), "float32"),
        "recording": ((), "int32"),
        "sweep": ((), "int32"),
        "sample": ((), "int64"),
    }
    with StoreWriter(store, fields, overwrite) as writer:
        writer.require_room(int(shares.sum()), "mask")
        for number in progress(np.flatnonzero(shares).tolist(), "cutting masks"):
            file = quiet[number].file
            recording = read_recording(file.path, file.channel or channel, unit, cut.accept_unit)
            masks, sweep, sample = _cut(
                recording,
                quiet[number].stretches,
                cut,
                n_mask,
                shares[number],
                np.random.default_rng([seed, number]),
            )
            index = np.full(len(masks), number, np.int32)
            writer.append(masks=masks, recording=index, sweep=sweep, sample=sample)
        rows = [
            _row(recording, folder, share)
            for recording, share in zip(quiet, shares.tolist(), strict=True)
        ]
        path = writer.finish(
            {
                "kind": KIND,
                "rate_hz": cut.rate_hz,
                "unit": cut.unit,
                "mask_ms": mask_ms,
                "guard_ms": guard_ms,
                "seed": seed,
                "cut": asdict(cut),
            },
            {"recordings": rows},
        )
    days: Counter[str] = Counter()
    for source, share in zip(quiet, shares.tolist(), strict=True):
        days[source.file.day] += share
    return MaskReport(
        store=path,
        n_masks=int(shares.sum()),
        n_requested=n_requested,
        per_day=dict(sorted(days.items())),
        n_recordings=len(quiet),
        skipped=skipped,
        failed=failed,
    )


def _lengths(cut: Cut, mask_ms: float, guard_ms: float) -> tuple[int, int]:
    """Samples of a mask and of the guard, at the cut's rate."""
    window_ms = cut.pre_ms + cut.post_ms
    if not window_ms <= mask_ms < float("inf"):
        raise SettingError(
            f"mask_ms: expected at least the {window_ms:g} ms of a spike's window, got {mask_ms:g}"
        )
    if not 0 <= guard_ms < float("inf"):
        raise SettingError(f"guard_ms: expected 0 or more, got {guard_ms:g}")
    return round(mask_ms * cut.rate_hz / 1000), round(guard_ms * cut.rate_hz / 1000)


def _survey(
    file: RecordedFile, recording: Recording, cut: Cut, n_mask: int, n_guard: int
) -> _QuietRecording | Failure:
    """A recording's quiet stretches, or why it is skipped."""
    loud = replace(
        cut,
        threshold_pa=None if cut.threshold_pa is None else LOUD * cut.threshold_pa,
        mad_factor=None if cut.mad_factor is None else LOUD * cut.mad_factor,
    )
    sweeps, stretches, longest = resampled_sweeps(recording, cut), [], 0
    for number, sweep in enumerate(sweeps):
        low, high = threshold_levels(recording, number, sweep, loud, CHUNK_SAMPLES)
        of_sweep, longest_of_sweep = quiet_stretches(sweep, low, high, n_guard, n_mask)
        stretches.append(of_sweep)
        longest = max(longest, longest_of_sweep)
    n_places = sum(int(count_places(of_sweep, n_mask).sum()) for of_sweep in stretches)
    if not n_places:
        ms = 1000 / cut.rate_hz
        return Failure(
            file.path,
            f"no quiet stretch of {n_mask * ms:g} ms, the longest has {longest * ms:.1f} ms "
            f"({n_guard * ms:g} ms are kept clear of whatever passes half the threshold)",
        )
    noise_sd = noise_level(sweeps, stretches, n_mask)
    if noise_sd == 0:
        return Failure(file.path, "its quiet stretches are one value each, they hold no noise")
    return _QuietRecording(file, recording.sha256 or "", stretches, n_places, noise_sd)


def _allot(
    quiet: list[_QuietRecording], n_masks: int, per_day: int | None
) -> tuple[np.ndarray, int]:
    """Masks to cut from each recording, int64 (n,), and how many were asked for."""
    places = np.array([recording.n_places for recording in quiet])
    days = [recording.file.day or f"file {recording.file.path}" for recording in quiet]
    names, day = np.unique(days, return_inverse=True)
    places_of_day = np.bincount(day, weights=places).astype(np.int64)
    if per_day is None:
        of_day, n_requested = share_evenly(n_masks, places_of_day), n_masks
    else:
        of_day, n_requested = np.minimum(per_day, places_of_day), per_day * len(names)
    shares = np.zeros(len(quiet), np.int64)
    for number, n in enumerate(of_day.tolist()):
        shares[day == number] = share_evenly(n, places[day == number])
    return shares, n_requested


def _cut(
    recording: Recording,
    stretches: list[np.ndarray],
    cut: Cut,
    n_mask: int,
    count: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks float32 (count, L) with mean 0, their sweep int32 and own first sample int64 (count,).

    In the order in which they lie in the recording, at random places of its quiet `stretches`.
    """
    sweeps = resampled_sweeps(recording, cut)
    # One axis over all sweeps, so that one draw serves them all.
    begin = np.cumsum([0, *(sweep.n_samples for sweep in sweeps)])
    on_one_axis = [of_sweep + start for of_sweep, start in zip(stretches, begin[:-1], strict=True)]
    places = draw_places(np.concatenate(on_one_axis), n_mask, count, rng)
    number = np.searchsorted(begin, places, side="right") - 1
    first = places - begin[number]
    masks = np.empty((count, n_mask), np.float32)
    sample = np.empty(count, np.int64)
    for row, (sweep, start) in enumerate(zip(number.tolist(), first.tolist(), strict=True)):
        noise = sweeps[sweep].read(start, start + n_mask).astype(np.float64)
        masks[row] = noise - noise.mean()
        sample[row] = sweeps[sweep].index_in_trace(np.array([start]))[0]
    return masks, number.astype(np.int32), sample


def _row(recording: _QuietRecording, folder: Path, n_masks: int) -> dict[str, object]:
    return {
        "file": recording.file.path.relative_to(folder).as_posix(),
        "cell_id": recording.file.cell_id,
        "day": recording.file.day,
        "animal": recording.file.animal,
        "sha256": recording.sha256,
        "noise_sd_pa": recording.noise_sd,
        "n_masks": n_masks,
    }


def _no_mask(folder: Path, skipped: list[Failure], failed: list[Failure]) -> str:
    if not skipped:
        more = f" (and {len(failed) - 1} more like it)" if len(failed) > 1 else ""
        return f"{folder}: no recording could be read: {failed[0]}{more}"
    return (
        f"{folder}: none of the {len(skipped)} recordings read has room for a mask: {skipped[0]}; "
        "ask for shorter masks (--mask-ms) or a shorter guard (--guard-ms)"
    )
