"""From a sweep's finished networks to a bundle: choose members, calibrate, verify, write."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.errors import SettingError
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.statistics.calibration import Method
from raphe.tasks.celltype.ensemble import bundle_runtime, export_facts
from raphe.tasks.celltype.ensemble.bundle_runtime import (
    CONFIG,
    GRAPH,
    KIND,
    WEIGHTS,
    EnsembleGraph,
    Member,
    PyfuncEnsemble,
)
from raphe.tasks.celltype.ensemble.candidates import (
    Candidate,
    CandidatePredictions,
    require_agreement,
)
from raphe.tasks.celltype.ensemble.export_facts import VALIDATION
from raphe.tasks.celltype.ensemble.model_card import model_card, summary
from raphe.tasks.celltype.ensemble.onnx_graph import ensemble_graph
from raphe.tasks.celltype.ensemble.selection import choose
from raphe.tasks.celltype.metrics.cell_probability import Pooling, check_pooling
from raphe.tasks.celltype.metrics.decision import Decision
from raphe.tasks.celltype.training.data import CellTypeData

N_VERIFIED = 64  # windows on which graph and torch are compared
N_EXAMPLES = 2  # windows kept beside the registered model


def export(
    runs: Sequence[TrainedRun],
    data: CellTypeData,
    settings: str,
    provenance: Mapping[str, Any],
    out: Path,
    members: str = "published",
    pooling: Pooling = "mean",
    calibration: Method = "temperature",
    error_rate: float = 0.05,
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
    with BundleWriter(out, overwrite) as writer:
        candidates, diverged = _load(runs)
        kernels = [one.kernel for one in candidates]
        graph = EnsembleGraph(ensemble_graph([one.net for one in candidates], [1] * len(kernels)))
        windows = next(iter(data.val_dataloader()))[0]
        require_agreement(graph, candidates, windows[:N_VERIFIED])

        validation = CandidatePredictions.of(graph, data.val_dataloader(), VALIDATION)
        times = choose(members, kernels, validation.of_cells, validation.label)
        if data.split == "spike":
            decision = Decision.without_held_out_cells(pooling, error_rate)
        else:
            pooled = validation.pooled(times, pooling)
            decision = Decision.fit(pooled, validation.label, pooling, calibration, error_rate)

        predictions = {VALIDATION: validation, **_tests(graph, data)}
        chosen = {f"member{row}": candidates[row] for row in np.flatnonzero(times)}
        counts = times[times > 0].tolist()
        compared = export_facts.comparison(kernels, predictions, {members: times})
        facts = {
            "note": export_facts.note(data),
            "classes": list(data.original.classes),
            "window": export_facts.window(data.original),
            "members": _members(chosen, counts),
            "selection": {"way": members, "compared": compared},
            **decision.facts(),
            "figures": export_facts.figures(data, predictions, times, decision),
            "training": export_facts.training(data),
            "provenance": {**provenance, "diverged": diverged},
        }
        files = {
            GRAPH: ensemble_graph([one.net for one in chosen.values()], counts),
            WEIGHTS: save(_weights(chosen)),
            CONFIG: settings.encode(),
            CARD: model_card(facts).encode(),
        }
        bundle = writer.finish(KIND, files, facts).path
    example = windows[:N_EXAMPLES].numpy()
    return Exported(
        bundle=bundle,
        summary=summary(bundle, facts),
        metrics=export_facts.metrics(facts["figures"]),
        loader=bundle_runtime.__name__,
        example_input=example,
        example_output=PyfuncEnsemble.open(bundle).predict(example),
    )


def _load(runs: Sequence[TrainedRun]) -> tuple[list[Candidate], list[str]]:
    """The usable networks, and the labels of those that diverged."""
    loaded = [Candidate.load(run) for run in runs]
    candidates = [one for one in loaded if not one.diverged]
    if not candidates:
        raise SettingError(f"all {len(loaded)} runs diverged: their weights are not finite")
    return candidates, [one.run.label for one in loaded if one.diverged]


def _tests(graph: EnsembleGraph, data: CellTypeData) -> dict[str, CandidatePredictions]:
    return {
        name: CandidatePredictions.of(graph, loader, name)
        for name, loader in zip(data.test_cell_ids, data.test_dataloader(), strict=True)
    }


def _members(chosen: Mapping[str, Candidate], counts: Sequence[int]) -> list[dict[str, Any]]:
    return [
        asdict(Member(name, one.run.run_id, one.kernel, one.net.columns, count))
        for (name, one), count in zip(chosen.items(), counts, strict=True)
    ]


def _weights(chosen: Mapping[str, Candidate]) -> dict[str, np.ndarray]:
    return {
        f"{name}.{key}": value.numpy()
        for name, one in chosen.items()
        for key, value in one.net.state_dict().items()
    }
