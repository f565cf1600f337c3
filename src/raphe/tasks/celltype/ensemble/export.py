"""From a sweep's finished networks to a bundle: choose members, calibrate, verify, write."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles import methods
from raphe.core.bundles.bundle import BundleWriter
from raphe.core.errors import SettingError
from raphe.core.protocol import Comparison, Exported, TrainedRun
from raphe.core.ranges import check_ranges
from raphe.core.statistics.abstention import ErrorRate
from raphe.core.statistics.calibration import Method
from raphe.core.statistics.cell_probability import Pooling, check_pooling
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.ensemble import export_facts
from raphe.tasks.celltype.ensemble.candidates import (
    Candidate,
    CandidatePredictions,
    firing_seen_by,
)
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells
from raphe.tasks.celltype.ensemble.day_spread import day_spread
from raphe.tasks.celltype.ensemble.export_facts import VALIDATION
from raphe.tasks.celltype.ensemble.older_bundle import JudgedCells
from raphe.tasks.celltype.ensemble.selection import choose
from raphe.tasks.celltype.ensemble.writing import Chosen, write_ensemble
from raphe.tasks.celltype.metrics.held_out import held_out_units
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.training.data import CellTypeData


def export(
    runs: Sequence[TrainedRun],
    data: CellTypeData,
    settings: str,
    provenance: Mapping[str, Any],
    out: Path,
    members: str = "best",
    pooling: Pooling = "mean",
    calibration: Method = "temperature",
    error_rate: ErrorRate = 0.05,
    overwrite: bool = False,
) -> Exported:
    """Write the bundle of a sweep's ensemble.

    Members, calibration and the "not sure" band come from the validation cells; test cells are
    only looked at afterwards.

    Args:
        runs: the sweep's finished members.
        data: what they were trained on, split as then.
        settings: theirs as YAML, for the bundle.
        provenance: facts for the manifest.
        out: folder to make.
        members: which to take, see `choose`.
        pooling: of a cell's spikes and members into one probability.
        calibration: how that probability is rescaled.
        error_rate: wanted share of cells that are called wrong; the rest is "not sure".
        overwrite: replace a bundle that stands at `out`.

    Raises:
        RapheError: where `out` may not be replaced, members are missing, or graph and torch differ.
    """
    check_pooling(pooling)
    check_ranges(export, locals(), "export")
    with BundleWriter(out, overwrite) as writer:
        candidates, diverged = _load(runs)
        kernels = [candidate.kernel for candidate in candidates]
        networks = EnsembleForward([candidate.net for candidate in candidates])
        firing = firing_seen_by(candidates, data.original)
        batches = data.val_dataloader()[0]
        validation = CandidatePredictions.of(networks, batches, VALIDATION, firing)
        choice_cells = ChoiceCells.of(validation, data.original.cells, calibration)
        times = choose(members, kernels, choice_cells)
        if not data.holds_cells_out:
            decision = Decision.without_held_out_cells(pooling, error_rate, data.mix)
        else:
            pooled = validation.pooled(times, pooling)
            cells = [data.original.cells[index] for index in validation.cell]
            held_out = held_out_units(data.split, cells)
            decision = Decision.fit(
                pooled,
                validation.label,
                pooling,
                calibration,
                error_rate,
                held_out,
                data.mix,
            )

        classes = data.original.classes
        predictions = {VALIDATION: validation, **_tests(networks, candidates, data)}
        chosen = Chosen.of(candidates, times)
        validation_spikes = data.original, data.spike_split.rows("val")
        facts = {
            "note": export_facts.note(data),
            "classes": list(classes),
            "window": export_facts.window(data.original),
            "selection": export_facts.selection(
                members,
                kernels,
                choice_cells,
                predictions,
                times,
                data.holds_cells_out,
                _chosen_by_sweep(runs, candidates),
                methods.epochs_chosen(methods.settings_by_name(settings)),
            ),
            **decision.facts(),
            "between_days": day_spread(
                chosen.forward(), chosen.times, decision, *validation_spikes, firing
            ),
            "figures": export_facts.figures(
                _cells(data), classes, predictions, times, decision, data.split
            ),
            "training": export_facts.training(data),
            "provenance": {**provenance, "diverged": diverged},
        }
        windows, _, cell = next(iter(batches))
        known = None if firing is None else firing[cell]
        exported = write_ensemble(writer, chosen, facts, windows, settings, known)
    if not data.holds_cells_out:  # its test cells were trained on
        return exported
    return replace(exported, compare=_test_cells(data, predictions["test"], times, decision))


def _test_cells(
    data: CellTypeData, test: CandidatePredictions, times: np.ndarray, decision: Decision
) -> Callable[[Path], Comparison]:
    """What holds another bundle against this one."""
    probability = decision.calibration(test.pooled(times, decision.pooling))
    rows = data.spike_split.rows("test")
    return JudgedCells(data.original, rows, test.cell, test.label, probability).against


def _load(runs: Sequence[TrainedRun]) -> tuple[list[Candidate], list[str]]:
    """The usable networks, and the labels of those that diverged."""
    loaded = [Candidate.of_run(run) for run in runs]
    candidates = [candidate for candidate in loaded if not candidate.diverged]
    if not candidates:
        raise SettingError(_all_diverged(runs))
    return candidates, [candidate.label for candidate in loaded if candidate.diverged]


def _all_diverged(runs: Sequence[TrainedRun]) -> str:
    remedy = "train again, with a lower model.optimizer.lr"
    if len(runs) == 1:
        return f"{runs[0]}: its training diverged: its weights are not finite; {remedy}"
    some = f"{runs[0]} and {len(runs) - 1} more"
    return f"{some}: every training diverged: their weights are not finite; {remedy}"


def _chosen_by_sweep(
    runs: Sequence[TrainedRun], candidates: Sequence[Candidate]
) -> tuple[int, str] | None:
    """Which candidate the sweep itself chose and why, None for none: (2, "k=8, with the …")."""
    by_origin = {f"run {run.run_id}": run.chosen_for for run in runs}
    for row, network in enumerate(candidates):
        if reason := by_origin[network.origin]:
            return row, f"{network.label}, {reason}"
    return None


def _tests(
    networks: EnsembleForward, candidates: Sequence[Candidate], data: CellTypeData
) -> dict[str, CandidatePredictions]:
    return {
        name: CandidatePredictions.of(
            networks, loader, name, firing_seen_by(candidates, data.tests.get(name, data.original))
        )
        for name, loader in zip(data.test_cell_ids, data.test_dataloader(), strict=True)
    }


def _cells(data: CellTypeData) -> dict[str, list[Cell]]:
    """Those that the cells' indices mean, of each set."""
    own = data.original.cells
    others = {name: spikes.cells for name, spikes in data.tests.items()}
    return {VALIDATION: own, "test": own, **others}
