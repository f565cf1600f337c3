"""Write synthetic spikes to disk, in shards, so that a killed run goes on where it stopped."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.atomic import make_folder, reporting
from raphe.core.files.kind import MANIFEST
from raphe.core.files.leavings import LOCK, is_empty, remove, sweep
from raphe.core.files.locks import locked
from raphe.core.files.refusals import require_room
from raphe.core.files.store import open_store, write_index
from raphe.core.jobs.shares import Share, all_shares_held, share_held, share_locks
from raphe.core.progress import progress
from raphe.core.sentences import counted
from raphe.core.statistics.splits import PARTS
from raphe.core.threads import available_cores, threads_of_process
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_store import SHARDED_KIND, shard_folders
from raphe.tasks.celltype.stores.split import FRACTIONS, SplitKind, split_spikes
from raphe.tasks.celltype.synthetic.mask_store import open_masks
from raphe.tasks.celltype.synthetic.shards import (
    SHARD_SIZE,
    Shard,
    WholeShard,
    ensure_shards,
    is_shard,
    origin,
    plan_shards,
    remove_shard,
    require_shard_alone,
    shard_bytes,
)
from raphe.tasks.celltype.synthetic.synthesizer import Recipe, Synthesizer


@dataclass(frozen=True)
class SynthesizeReport:
    """What `synthesize` did; the shards that are not new were there and whole."""

    store: Path
    n_spikes: int
    n_shards: int
    new_shards: list[str]  # names
    per_part: dict[str, int]  # spikes whose parent is in each part of the split
    share: Share | None = None  # of the whole, which is all that these numbers are about


def synthesize(
    store: Path | str,
    masks: Path | str,
    out: Path | str,
    per_class: int,
    split: SplitKind = "cell",
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 42,
    originals_per_class: int | None = None,
    recipe: Recipe | None = None,
    shard_size: int = SHARD_SIZE,
    workers: int | None = None,
    overwrite: bool = False,
    share: Share | None = None,
) -> SynthesizeReport:
    """Make samples 0 to classes × per_class - 1 into shards below `out`, in `workers` processes.

    The originals are split first, as the datamodule does with the same `split`, `fractions`,
    `seed` and `originals_per_class` (its `per_class`). `recipe` has a seed of its own. Shards that
    are there, verified, are kept; a missing or damaged one is made. With `overwrite`, shards of
    other settings are replaced. With `share` only the shards of one share are made, as several
    processes on several machines do; the same call without it joins all to a store.

    Raises StoreError (also before anything is made when the disk is too small), SplitError,
    SettingError.
    """
    for name, value in (("per_class", per_class), ("shard_size", shard_size), ("workers", workers)):
        if value is not None and value < 1:
            raise SettingError(f"{name}: expected 1 or more, got {value}")
    out = Path(out).resolve()
    spikes = open_spikes(store)
    parts = split_spikes(spikes, split, fractions, seed, originals_per_class)
    synthesizer = Synthesizer(spikes, open_masks(masks), parts, recipe)
    shards = plan_shards(per_class * len(spikes.classes), shard_size)
    facts = origin(synthesizer)
    _refuse_foreign_folder(out)
    wanted = shards if share is None else share.take(shards)
    replaced = _of(wanted, shards, _strangers(out, shards, facts))
    _require_room(out, wanted, spikes.n_samples, replaced)
    make_folder(out)
    with ExitStack() as stack:
        if share is None:
            busy = f"{out}: another raphe synthesize is writing here; wait until it is done"
            stack.enter_context(locked(out / LOCK, busy))
            all_shares_held(out, stack)
        else:
            share_held(out, share, stack)
        sweep(out)
        _remove_strangers(out, shards, facts, overwrite, wanted)
        workers = workers or (available_cores() if share is None else threads_of_process())
        whole = _made(out, wanted, synthesizer, workers)
        if share is None:
            write_index(out, {"kind": SHARDED_KIND, **facts, "shards": _entries(whole)})
            for lock in share_locks(out):
                remove(lock)
    return SynthesizeReport(
        out,
        sum(shard.n for shard in wanted),
        len(wanted),
        [result.shard.name for result in whole if result.is_new],
        _count_parts(out, wanted),
        share,
    )


def _made(
    out: Path, shards: list[Shard], synthesizer: Synthesizer, workers: int
) -> list[WholeShard]:
    """Make the shards that are not there and whole; all of them, in their order."""
    results = {}
    steps = ensure_shards(out, shards, synthesizer, workers) if shards else iter(())
    n_blocks = sum(shard.n_blocks for shard in shards) + len(shards)
    for step in progress(steps, "making synthetic spikes", total=n_blocks):
        if step is not None:
            results[step.shard.number] = step
    return [results[shard.number] for shard in shards]


def _entries(whole: list[WholeShard]) -> list[dict]:
    return [
        {"name": result.shard.name, "n": result.shard.n, "content_hash": result.content_hash}
        for result in whole
    ]


def _count_parts(out: Path, shards: list[Shard]) -> dict[str, int]:
    counts = np.zeros(len(PARTS), np.int64)
    for shard in shards:
        counts += np.bincount(open_store(out / shard.name).arrays["part"], minlength=len(PARTS))
    return dict(zip(PARTS, counts.tolist(), strict=True))


def _strangers(out: Path, shards: list[Shard], facts: dict) -> dict[Path, str]:
    """Shards in `out` that are none of these, and what is other in each. Damaged ones are these.

    Raises StoreError for a store of another kind in the place of one.
    """
    planned = {shard.name: shard for shard in shards}
    strangers = {}
    for path in shard_folders(out):
        shard = planned.get(path.name)
        if shard is None:
            strangers[path] = f"is beyond the {counted('spike', shards[-1].stop)} asked for"
            continue
        try:
            manifest = open_store(path).manifest
        except StoreError:
            continue
        if not is_shard(manifest):
            raise StoreError(
                f"{path}: is no shard of synthetic spikes; move it away, or choose another place"
            )
        difference = _difference(manifest, facts)
        first, n = manifest.get("first"), manifest["arrays"]["spikes"]["shape"][0]
        if difference:
            strangers[path] = difference
        elif (first, n) != (shard.start, shard.n):
            strangers[path] = f"has spikes {first} to {first + n - 1}, not those of this division"
    return strangers


def _difference(manifest: dict, facts: dict) -> str:
    """In what a shard was made otherwise than by these facts, or ""."""
    there, here = manifest.get("made_from", {}), facts["made_from"]
    for what in here:
        if there.get(what) != here[what]:
            return (
                f"was made from other {what} (content hash {str(there.get(what))[:12]}… there, "
                f"{here[what][:12]}… now)"
            )
    words = {"recipe": "smoothing, width, gain or seed", "split": "split settings"}
    differing = [words.get(name, name) for name in facts if manifest.get(name) != facts[name]]
    return f"was made with other {' and '.join(differing)}" if differing else ""


def _remove_strangers(
    out: Path, shards: list[Shard], facts: dict, overwrite: bool, wanted: list[Shard]
) -> None:
    """Make room for what is wanted. Raises StoreError where any shard is not as these settings
    have it, unless it may be replaced."""
    strangers = _strangers(out, shards, facts)
    if strangers and not overwrite:
        path, why = next(iter(strangers.items()))
        raise StoreError(
            f"{path}: {why}; give the settings it was made with, choose another place, or pass "
            "--overwrite to replace it"
        )
    own = _of(wanted, shards, strangers)
    for path in own:
        require_shard_alone(path)
    with reporting(out):
        if own:
            (out / MANIFEST).unlink(missing_ok=True)  # from here on the store is unfinished
        for path in own:
            remove_shard(path)


def _of(wanted: list[Shard], shards: list[Shard], strangers: dict[Path, str]) -> dict[Path, str]:
    """Strangers that stand in the place of what is wanted; all where all shards are."""
    names = {shard.name for shard in wanted}
    is_whole = len(wanted) == len(shards)
    return {path: why for path, why in strangers.items() if is_whole or path.name in names}


def _refuse_foreign_folder(out: Path) -> None:
    if not out.exists() or shard_folders(out):
        return
    if not out.is_dir() or not is_empty(out):
        raise StoreError(
            f"{out}: exists and holds no synthetic shards, so nothing is written there; choose "
            "another place"
        )


def _require_room(
    out: Path, shards: list[Shard], n_samples: int, replaced: dict[Path, str]
) -> None:
    """Raise StoreError unless the disk has room for all these shards that are not there yet."""
    needed = sum(
        shard_bytes(shard, n_samples)
        for shard in shards
        if out / shard.name in replaced or not (out / shard.name).exists()
    )
    freed = sum(file.stat().st_size for path in replaced for file in path.iterdir())
    what = counted("more synthetic spike", sum(shard.n for shard in shards))
    require_room(out, needed - freed, what, "lower --per-class")
