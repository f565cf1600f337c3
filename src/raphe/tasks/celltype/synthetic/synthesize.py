"""Write synthetic spikes to disk, in shards, so that a killed run goes on where it stopped."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.errors import SettingError, StoreError
from raphe.core.files.atomic import make_folder, reporting
from raphe.core.files.kind import MANIFEST
from raphe.core.files.leavings import LOCK, is_empty, sweep
from raphe.core.files.locks import locked
from raphe.core.files.refusals import require_room
from raphe.core.files.store import open_store, write_index
from raphe.core.progress import progress
from raphe.core.sentences import counted
from raphe.core.statistics.splits import PARTS
from raphe.core.threads import available_cores
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_store import SHARDED_KIND, shard_folders
from raphe.tasks.celltype.stores.split import FRACTIONS, SplitKind, split_spikes
from raphe.tasks.celltype.synthetic.mask_store import open_masks
from raphe.tasks.celltype.synthetic.shards import (
    SHARD_SIZE,
    Shard,
    ensure_shards,
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
) -> SynthesizeReport:
    """Make samples 0 to classes × per_class - 1 into shards below `out`, in `workers` processes.

    The originals are split first, as the datamodule does with the same `split`, `fractions`,
    `seed` and `originals_per_class` (its `per_class`). `recipe` has a seed of its own. Shards that
    are there, verified, are kept; a missing or damaged one is made. With `overwrite`, shards of
    other settings are replaced.

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
    _require_room(out, shards, spikes.n_samples, _strangers(out, shards, facts))
    make_folder(out)
    busy = f"{out}: another raphe synthesize is writing here; wait until it is done"
    with locked(out / LOCK, busy):
        sweep(out)
        _remove_strangers(out, shards, facts, overwrite)
        results = {}
        steps = ensure_shards(out, shards, synthesizer, workers or available_cores())
        n_blocks = sum(shard.n_blocks for shard in shards) + len(shards)
        for step in progress(steps, "making synthetic spikes", total=n_blocks):
            if step is not None:
                results[step.shard.number] = step
        whole = [results[shard.number] for shard in shards]
        entries = [
            {"name": result.shard.name, "n": result.shard.n, "content_hash": result.content_hash}
            for result in whole
        ]
        write_index(out, {"kind": SHARDED_KIND, **facts, "shards": entries})
    return SynthesizeReport(
        out,
        shards[-1].stop,
        len(shards),
        [result.shard.name for result in whole if result.is_new],
        _count_parts(out, shards),
    )


def _count_parts(out: Path, shards: list[Shard]) -> dict[str, int]:
    counts = np.zeros(len(PARTS), np.int64)
    for shard in shards:
        counts += np.bincount(open_store(out / shard.name).arrays["part"], minlength=len(PARTS))
    return dict(zip(PARTS, counts.tolist(), strict=True))


def _strangers(out: Path, shards: list[Shard], facts: dict) -> dict[Path, str]:
    """Shards in `out` that are none of these, and what is other in each. Damaged ones are these."""
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


def _remove_strangers(out: Path, shards: list[Shard], facts: dict, overwrite: bool) -> None:
    strangers = _strangers(out, shards, facts)
    if not strangers:
        return
    if not overwrite:
        path, why = next(iter(strangers.items()))
        raise StoreError(
            f"{path}: {why}; give the settings it was made with, choose another place, or pass "
            "--overwrite to replace it"
        )
    for path in strangers:
        require_shard_alone(path)
    with reporting(out):
        (out / MANIFEST).unlink(missing_ok=True)  # from here on the store is unfinished
        for path in strangers:
            remove_shard(path)


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
    """Raise StoreError unless the disk has room for all shards that are not there yet."""
    needed = sum(
        shard_bytes(shard, n_samples)
        for shard in shards
        if out / shard.name in replaced or not (out / shard.name).exists()
    )
    freed = sum(file.stat().st_size for path in replaced for file in path.iterdir())
    what = counted("more synthetic spike", shards[-1].stop)
    require_room(out, needed - freed, what, "lower --per-class")
