"""The papers' claims beside what is recomputed: from what they print, from runs, from a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.claims import Claim, claims_csv, claims_text
from raphe.core.files.atomic import make_folder, write_file
from raphe.tasks.celltype.published.consensus import (
    Consensus,
    consensus_claims,
    consensus_csv,
    consensuses,
)
from raphe.tasks.celltype.published.paper_claims import published_claims, sweep_claims
from raphe.tasks.celltype.published.paper_numbers import read_sweeps
from raphe.tasks.celltype.published.readme_claims import readme_claims, readme_sweep_claims
from raphe.tasks.celltype.published.run_claims import run_claims, session_claims
from raphe.tasks.celltype.published.run_folder import (
    Epochs,
    RunResults,
    find_run,
    read_epochs,
    read_run,
    sweep_members,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sources:
    """What there is to recompute from; each may be missing."""

    runs: Sequence[str] = ()  # ids of runs or sweeps, or folders of artifacts
    runs_root: Path = Path("mlruns")
    store: Path | None = None
    checkpoints: Sequence[Path] = ()  # shown the store
    published: Path | None = None  # the notebooks' test figures for each kernel


@dataclass(frozen=True)
class Ensemble:
    """Networks of several kernels: each consensus of them, and their epochs where they are kept."""

    folder: str  # where its tables and figures go
    consensuses: Sequence[Consensus]
    epochs: Mapping[int, Epochs]  # by kernel size
    note: str


@dataclass
class Reproduction:
    """The claims that the sources allow, and the ensembles among them."""

    claims: list[Claim] = field(default_factory=list)
    ensembles: list[Ensemble] = field(default_factory=list)


def reproduce(sources: Sources) -> Reproduction:
    """Every claim that these sources allow. Raises RapheError."""
    sweeps = read_sweeps(sources.published) if sources.published is not None else []
    made = Reproduction(
        [
            *published_claims(),
            *readme_claims(),
            *readme_sweep_claims(sweeps),
            *sweep_claims(sweeps),
        ]
    )
    for run in sources.runs:
        _add_run(made, run, sources.runs_root)
    if sources.store is not None:
        _add_store(made, sources.store, sources.checkpoints)
    return made


def _add_run(to: Reproduction, run: str, runs_root: Path) -> None:
    folder = find_run(run, runs_root)
    name = f"run {run[:8]}" if not Path(run).is_dir() else str(folder)
    members = sweep_members(folder, runs_root)
    if not members:
        to.claims += run_claims(read_run(folder, name))
        to.claims += session_claims(name, [read_epochs(folder)])
        return
    epochs = {kernel: read_epochs(member) for kernel, member in members.items()}
    networks = {kernel: read_run(member, f"k = {kernel}") for kernel, member in members.items()}
    name = f"sweep {name.removeprefix('run ')}"
    _add_ensemble(to, name, networks, {kernel: kept for kernel, kept in epochs.items() if kept})


def _add_store(to: Reproduction, store: Path, checkpoints: Sequence[Path]) -> None:
    from raphe.tasks.celltype.published.store_claims import predictions_of, split_claims
    from raphe.tasks.celltype.stores.open_spikes import open_spikes

    spikes = open_spikes(store)
    to.claims += split_claims(spikes)
    if checkpoints:
        networks = predictions_of(checkpoints, spikes)
        for network in networks.values():
            to.claims += run_claims(network)
        _add_ensemble(to, f"networks on {store}", networks, {})


def _add_ensemble(
    to: Reproduction,
    name: str,
    networks: Mapping[int, RunResults],
    epochs: Mapping[int, Epochs],
) -> None:
    note = next(iter(networks.values())).note
    of_each = consensuses(name, networks)
    to.claims += consensus_claims(name, of_each, note)
    to.claims += session_claims(name, list(epochs.values()))
    to.ensembles.append(Ensemble(f"ensemble_{len(to.ensembles) + 1}", of_each, epochs, note))


def write(made: Reproduction, folder: Path) -> list[Path]:
    """Write the claims and what each ensemble has to show; return where it all is.

    reproduce.txt, .csv and .png; in a folder for each ensemble epochs.png, and for each consensus
    and test set confusion.png and cells.csv; beside each PNG a PDF and the caption.
    """
    from raphe.core.figure_style import save_figure
    from raphe.tasks.celltype.published.ensemble_figures import consensus_figure, epochs_figure
    from raphe.tasks.celltype.published.reproduce_figure import reproduce_figure

    contents: dict[str, str | Figure] = {
        "reproduce.txt": claims_text(made.claims),
        "reproduce.csv": claims_csv(made.claims),
        "reproduce.png": reproduce_figure(made.claims),
    }
    for ensemble in made.ensembles:
        if ensemble.epochs:
            contents[f"{ensemble.folder}/epochs.png"] = epochs_figure(
                ensemble.epochs, ensemble.note
            )
        for consensus in ensemble.consensuses:
            for name, result in consensus.results.items():
                place = f"{ensemble.folder}/{consensus.name}/{name}"
                contents[f"{place}/cells.csv"] = consensus_csv(result)
                contents[f"{place}/confusion.png"] = consensus_figure(
                    result, consensus.kernels, ensemble.note
                )
    for name, content in contents.items():
        path = folder / name
        make_folder(path.parent)
        if isinstance(content, str):
            write_file(path, content)
        else:
            save_figure(content, path)
    return [folder / name for name in contents]
