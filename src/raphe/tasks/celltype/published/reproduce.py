"""The papers' claims beside what is recomputed: from what they print, from runs, from a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raphe.core.claims import Claim, claims_csv, claims_text
from raphe.core.files.atomic import reporting
from raphe.tasks.celltype.published.paper_claims import published_claims, sweep_claims
from raphe.tasks.celltype.published.paper_numbers import read_sweeps
from raphe.tasks.celltype.published.readme_claims import readme_claims, readme_sweep_claims
from raphe.tasks.celltype.published.run_claims import ensemble_claims, run_claims
from raphe.tasks.celltype.published.run_folder import find_run, read_run, sweep_members


@dataclass(frozen=True)
class Sources:
    """What there is to recompute from; each may be missing."""

    runs: Sequence[str] = ()  # ids of runs or sweeps, or folders of artifacts
    runs_root: Path = Path("mlruns")
    store: Path | None = None
    checkpoints: Sequence[Path] = ()  # shown the store
    published: Path | None = None  # the notebooks' test figures for each kernel


def reproduce(sources: Sources) -> list[Claim]:
    """Every claim that these sources allow. Raises RapheError."""
    sweeps = read_sweeps(sources.published) if sources.published is not None else []
    claims = [
        *published_claims(),
        *readme_claims(),
        *readme_sweep_claims(sweeps),
        *sweep_claims(sweeps),
    ]
    for run in sources.runs:
        claims += _of_run(run, sources.runs_root)
    if sources.store is not None:
        claims += _of_store(sources.store, sources.checkpoints)
    return claims


def _of_run(run: str, runs_root: Path) -> list[Claim]:
    folder = find_run(run, runs_root)
    name = f"run {run[:8]}" if not Path(run).is_dir() else str(folder)
    members = sweep_members(folder, runs_root)
    if not members:
        return run_claims(read_run(folder, name))
    return ensemble_claims(
        f"sweep {name.removeprefix('run ')}",
        {kernel: read_run(member, f"k = {kernel}") for kernel, member in members.items()},
    )


def _of_store(store: Path, checkpoints: Sequence[Path]) -> list[Claim]:
    from raphe.tasks.celltype.published.store_claims import predictions_of, split_claims
    from raphe.tasks.celltype.stores.open_spikes import open_spikes

    spikes = open_spikes(store)
    claims = split_claims(spikes)
    if checkpoints:
        members = predictions_of(checkpoints, spikes)
        for run in members.values():
            claims += run_claims(run)
        claims += ensemble_claims(f"networks on {store}", members)
    return claims


def write(claims: Sequence[Claim], folder: Path) -> list[Path]:
    """Write reproduce.txt, reproduce.csv and reproduce.png; return where they are."""
    from raphe.tasks.celltype.published.reproduce_figure import reproduce_figure

    paths = [folder / f"reproduce.{suffix}" for suffix in ("txt", "csv", "png")]
    with reporting(folder):
        folder.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(claims_text(claims), encoding="utf-8")
        paths[1].write_text(claims_csv(claims), encoding="utf-8")
        reproduce_figure(claims).savefig(paths[2], dpi=300)
    return paths
