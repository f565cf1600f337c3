"""From networks in files to a bundle: the published consensus, calibrated where cells are given.

What the networks were trained on is not known. Cells of a store stand for those that were held out
and, to judge whether a new cell is like them, for those of training; without them nothing is
promised. T samples of a window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raphe.core.bundles.bundle import BundleWriter
from raphe.core.errors import SettingError
from raphe.core.protocol import Exported
from raphe.core.ranges import check_ranges
from raphe.core.sentences import listed
from raphe.core.statistics.abstention import ErrorRate, HeldOut
from raphe.core.statistics.calibration import Method
from raphe.core.statistics.cell_probability import Pooling, check_pooling
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.ensemble import export_facts
from raphe.tasks.celltype.ensemble.candidates import CandidatePredictions, firing_seen_by
from raphe.tasks.celltype.ensemble.checkpoints import NetworkFile, read_networks, require_alike
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells
from raphe.tasks.celltype.ensemble.day_spread import day_spread
from raphe.tasks.celltype.ensemble.export_facts import VALIDATION
from raphe.tasks.celltype.ensemble.selection import choose
from raphe.tasks.celltype.ensemble.writing import N_VERIFIED, Chosen, write_ensemble
from raphe.tasks.celltype.features.training_domain import training_domain
from raphe.tasks.celltype.metrics.held_out import held_out_units
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.spikes.cut_settings import UNIT, Cut
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.training.batches import SpikeBatches
from raphe.tasks.celltype.training.data import EVALUATION_BATCH
from raphe.tasks.celltype.training.parts import StorePart

NOISE_PA = 30.0
NOT_TRAINED_ON = "none of the networks was trained on these cells"
NOT_KNOWN = "What these networks were trained on is not known"


def export_checkpoints(
    files: Sequence[str | Path],
    provenance: Mapping[str, Any],
    out: Path,
    store: str | Path | None = None,
    members: str = "all",
    pooling: Pooling = "mean",
    calibration: Method = "temperature",
    error_rate: ErrorRate = 0.05,
    overwrite: bool = False,
) -> Exported:
    """Write the bundle of networks that were trained elsewhere.

    Args:
        files: .keras files as the authors saved them and checkpoints of our own; or folders.
        provenance: facts for the manifest.
        out: folder to make.
        store: labelled spikes, of cells that no network was trained on: all are validation. Without
            it nothing is calibrated, promised, or judged to be unlike training.
        members: which to take, see `choose`.
        pooling: of a cell's spikes and members into one probability; "mean" is the published one.
        calibration: how that probability is rescaled, with a store.
        error_rate: wanted share of cells that are called wrong, with a store.
        overwrite: replace a bundle that stands at `out`.

    Raises:
        RapheError: where `out` may not be replaced, a file holds no network, networks do not go
            together, or the store is none to calibrate them on.
    """
    check_pooling(pooling)
    check_ranges(export_checkpoints, locals(), "export")
    with BundleWriter(out, overwrite) as writer:
        networks = read_networks([Path(file) for file in files])
        candidates = [network.candidate for network in networks]
        kernels = [candidate.kernel for candidate in candidates]
        spikes = None if store is None else _validation(store, networks)
        if spikes is None:
            windows, predictions, firing = _made_up(networks[0].n_samples), {}, None
            choice_cells = None
            times = choose(members, kernels, None)
            decision = Decision.without_held_out_cells(pooling, error_rate)
        else:
            batches = SpikeBatches([StorePart(spikes)], [spikes.n], EVALUATION_BATCH)
            ask = EnsembleForward([candidate.net for candidate in candidates], as_published=True)
            firing = firing_seen_by(candidates, spikes)
            validation = CandidatePredictions.of(ask, batches, VALIDATION, firing)
            windows, predictions = next(iter(batches))[0], {VALIDATION: validation}
            choice_cells = ChoiceCells.of(validation, spikes.cells, calibration)
            times = choose(members, kernels, choice_cells)
            pooled = validation.pooled(times, pooling)
            held_out = _held_out([spikes.cells[index] for index in validation.cell])
            decision = Decision.fit(
                pooled, validation.label, pooling, calibration, error_rate, held_out
            )
        classes = networks[0].classes
        cells = {} if spikes is None else {VALIDATION: spikes.cells}
        chosen = Chosen.of(candidates, times, as_published=True)
        facts = {
            "note": _note(spikes, decision),
            "classes": list(classes),
            "window": _window(networks, spikes),
            "selection": export_facts.selection(members, kernels, choice_cells, predictions, times),
            **decision.facts(),
            "between_days": None
            if spikes is None
            else day_spread(
                chosen.forward(), chosen.times, decision, spikes, np.arange(spikes.n), firing
            ),
            "figures": export_facts.figures(cells, classes, predictions, times, decision),
            "training": _training(spikes),
            "provenance": {**provenance, "diverged": []},
        }
        return write_ensemble(writer, chosen, facts, windows)


def _validation(store: str | Path, networks: Sequence[NetworkFile]) -> SpikeSet:
    """The store, where it can calibrate these networks. Raises StoreError or SettingError."""
    spikes, network = open_spikes(store), networks[0]
    require_alike(network, spikes, "cut its recordings as the networks' spikes were")
    held = spikes.per_class(spikes.counts)
    missing = [name for name, n in zip(spikes.classes, held, strict=True) if not n]
    if missing:
        raise SettingError(
            f"{spikes.path}: expected cells of {listed(spikes.classes)}, got none of "
            f"{listed(missing)}; add some, or leave out --store"
        )
    if spikes.part is not None:
        raise SettingError(
            f"{spikes.path}: its spikes are synthetic, which say nothing about new cells; name a "
            "store of recorded ones, or leave out --store"
        )
    keras = next((network for network in networks if network.unit is not None), None)
    if keras is not None:
        _require_published_cut(spikes, keras)
    return spikes


def _require_published_cut(spikes: SpikeSet, network: NetworkFile) -> None:
    """Refuse spikes that were cut other than those of the authors' networks."""
    published = Cut(rate_hz=network.rate_hz)
    if network.n_samples != published.n_samples:
        return
    expected = {"unit": network.unit, **asdict(published)}
    cut = {**expected, "unit": spikes.unit, **spikes.facts.get("cut", {})}
    for name, value in expected.items():
        if cut[name] != value:
            raise SettingError(
                f"{spikes.path}: expected {name} {value} as {network.path} was trained on, got "
                f"{cut[name]}; cut its recordings as published, or leave out --store"
            )


def _held_out(cells: Sequence[Cell]) -> HeldOut:
    """By the widest unit that is known of every cell: none of a store was trained on in part."""
    known = [unit for unit in ("animal", "day") if all(getattr(cell, unit) for cell in cells)]
    held_out = held_out_units(known[0] if known else "cell", cells)
    return replace(held_out, provided=NOT_TRAINED_ON)


def _made_up(n_samples: int) -> Tensor:
    """Noise of the size of spikes, float32 (N, T), to compare graph and networks on."""
    return NOISE_PA * torch.randn(N_VERIFIED, n_samples, generator=torch.Generator().manual_seed(0))


def _window(networks: Sequence[NetworkFile], spikes: SpikeSet | None) -> dict[str, Any]:
    """As the store's; without one, of windows that are as long as the published ones, as these."""
    if spikes is not None:
        return export_facts.window(spikes)
    return export_facts.window_of(networks[0].n_samples, networks[0].rate_hz, UNIT, {})


def _note(spikes: SpikeSet | None, decision: Decision) -> str:
    """What must stand beside every verdict."""
    known = f"{NOT_KNOWN}. Their probabilities are {decision.calibration_statement()}"
    if spikes is None:
        return (
            f"{known}; nothing is promised, every cell is called, and whether a cell is unlike "
            "those of training is not judged."
        )
    store = f"the store “{_name(spikes)}”"
    whose_note = f"Of {store}: {spikes.note}" if spikes.note else ""
    instead = f"a cell counts as unlike training where it is unlike those of {store}"
    return " ".join(filter(None, [whose_note, f"{known}; {instead}."]))


def _training(spikes: SpikeSet | None) -> dict[str, Any]:
    """What stands for the training: the store, and what its cells are like."""
    if spikes is None:
        return {"store": None, "domain": None}
    cells = np.array([cell.label for cell in spikes.cells])
    store = {
        "name": _name(spikes),
        "content_hash": spikes.content_hash,
        "n_spikes": spikes.n,
        "n_cells": {name: int((cells == label).sum()) for label, name in enumerate(spikes.classes)},
    }
    return {"store": store, "domain": training_domain(spikes, np.arange(spikes.n))}


def _name(spikes: SpikeSet) -> str:
    return spikes.path.resolve().name
