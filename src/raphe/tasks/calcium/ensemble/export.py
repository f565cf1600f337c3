"""From finished runs of a RateModule to a bundle: gather members, verify, describe, write."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raphe.core.bundles import pyfunc
from raphe.core.bundles.bundle import CARD, METHODS, BundleWriter
from raphe.core.bundles.methods import settings_by_name
from raphe.core.bundles.onnx_graph import require_agreement
from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import OF_A_RUN, load_module
from raphe.core.metric_names import VAL, metric
from raphe.core.notes import note_of_networks
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.sentences import counted
from raphe.tasks.calcium.ensemble.bundle import (
    CONFIG,
    DISTILLED,
    ERRORS,
    GRAPH,
    GROUND_TRUTH,
    GROUPS,
    KIND,
    RateGraph,
)
from raphe.tasks.calcium.ensemble.graph import rate_graph
from raphe.tasks.calcium.ensemble.methods import methods_text
from raphe.tasks.calcium.ensemble.model_card import rate_card
from raphe.tasks.calcium.ensemble.teacher import Teacher
from raphe.tasks.calcium.features.network_input import NetworkInput, frame_rate_hz, network_input
from raphe.tasks.calcium.features.training_domain import BANDWIDTH, domain
from raphe.tasks.calcium.metrics.known_neurons import (
    AS_RECORDED,
    AS_RECORDED_ALONE,
    CONDITION,
    OF_NEURONS,
    SCALE,
    by_dataset,
    errors_as_recorded,
    groups_of,
    read_scores,
    scale_of,
    seconds_beside,
)
from raphe.tasks.calcium.metrics.left_out import LeftOut, making_digest, read_left_out
from raphe.tasks.calcium.metrics.rate_scale import scale_from
from raphe.tasks.calcium.metrics.scored_cells import (
    InferredRecording,
    figure_over_cells,
    scored_cells,
)
from raphe.tasks.calcium.metrics.second_counts import read_seconds
from raphe.tasks.calcium.network.rate_net import STRIDE, RateEnsemble
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, even_in_bins, z_scored
from raphe.tasks.calcium.stores.trace_store import RecordingSubset
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import SAW_RECORDINGS, RateModule

AGREEMENT = 1e-4  # expected spikes in a sample, graph against torch
N_SAMPLES = 6000  # of the example input
PREDICT = ("raphe", "predict", "TRACES", "--rate", "HZ", "--bundle")
DISTIL = ("raphe", "train", "experiment=calcium_distilled")
VALIDATION = "validation"  # among the facts' figures
SYNTHETIC_ALONE = "The networks were trained on synthetic traces alone, on no recording."
BEGUN = "They began from the weights in {name}, of whose training nothing is told here."


def export(
    runs: Sequence[TrainedRun],
    data: RateData,
    settings: str,
    provenance: Mapping[str, Any],
    out: Path,
    conditioning: Conditioning | None = None,
    overwrite: bool = False,
    left_out: str | Path | None = None,
    ground_truth: str | Path | None = None,
) -> Exported:
    """Write the bundle of every member of every run.

    Args:
        runs: finished, of one split.
        data: what they were trained on, split as then.
        settings: theirs as YAML, for the bundle.
        provenance: facts for the manifest.
        out: folder to make.
        conditioning: of new traces.
        overwrite: replace a bundle that stands at `out`.
        left_out: table of what networks reach on what was left out of their training, for the
            card: pooled/left_out.csv of experiment=calcium_folds, made of the same store.
        ground_truth: scores of neurons of known spikes, by these networks, or ones made the same
            way, that were not trained on them, pooled/neurons.csv of experiment=calcium_folds: for
            the card, for what to expect at a trace's noise and frame rate, and for how far a mean
            rate, and the spikes of a second (`NAME.seconds.csv` beside `NAME.csv`), may be off.
            Scores of scaled rates (--scaled of benchmarks/calcium.py) scale the bundle's: of no
            data set by its own spikes there, and by those of all here.

    Raises:
        RapheError: where `out` may not be replaced, a run diverged, graph and torch differ, or
            `left_out` is no such table, or one of another store, or `ground_truth` none.
    """
    conditioning = conditioning or Conditioning()
    of_folds = None if left_out is None else _of_folds(Path(left_out), data, settings)
    of_known = {} if ground_truth is None else {GROUND_TRUTH: _of_known(Path(ground_truth))}
    teacher = data.teacher if isinstance(data.teacher, Teacher) else None
    saw_recordings = any(map(_saw_recordings, runs)) or bool(teacher and teacher.saw)
    with BundleWriter(out, overwrite) as writer:
        ensemble = _gathered(runs)
        scale = scale_from(of_known.get(GROUND_TRUTH, {}).get(SCALE))
        ensemble.gain *= scale.factor
        ensemble.gain_power.fill_(scale.power)
        file = rate_graph(ensemble)
        graph = RateGraph(file)
        example = _example(data)
        expected = ensemble.infer(*(torch.from_numpy(part)[None] for part in example))[:, 0].numpy()
        require_agreement(
            graph.expected(example), expected, AGREEMENT, str(out), "the spikes of a sample"
        )
        facts: dict[str, Any] = {
            "note": _note(data, settings, saw_recordings),
            "n_members": len(ensemble.gain),
            "rate_hz": RATE_HZ,
            "latency_s": latency_s(ensemble),
            "conditioning": vars(conditioning),
            "domain": _domain(data, saw_recordings),
            "frame_hz": _frame_hz(data, saw_recordings),
            "training": _training(data, saw_recordings),
            "figures": _figures(graph, data, saw_recordings),
            "test_note": "" if saw_recordings else data.note,
            "left_out": of_folds,
            **of_known,
            **({} if teacher is None else _of_teacher(teacher, ensemble, data, saw_recordings)),
            "provenance": dict(provenance),
        }
        methods = methods_text(facts, settings)
        files = {
            GRAPH: file,
            CONFIG: settings.encode(),
            METHODS: methods.encode(),
            CARD: rate_card(facts, methods).encode(),
        }
        bundle = writer.finish(KIND, files, facts).path
    return Exported(
        bundle=bundle,
        summary=f"{bundle}: {counted('network', len(ensemble.members))}\n\n{_next(bundle, facts)}",
        metrics={
            metric(VAL if name == VALIDATION else name, "cells", figure): value["value"]
            for name, figures in facts["figures"].items()
            for figure, value in figures.items()
            if value["value"] is not None
        },
        loader=pyfunc.__name__,
    )


def _of_folds(table: Path, data: RateData, settings: str) -> dict[str, Any]:
    """What a table of folds says, for the manifest. Raises SettingError."""
    folds, rows = read_left_out(table)
    if folds.store != data.store.content_hash:
        raise SettingError(
            f"{table}: its folds are of a store with content hash {folds.store[:12]}…, the bundle "
            f"is trained on {data.store.path} with {data.store.content_hash[:12]}…; make the folds "
            "of this store, or leave export.left_out out"
        )
    return {
        **vars(folds),
        "same_settings": folds.settings == making_digest(settings),
        "rows": [_without_nan(row) for row in rows],
    }


def _of_teacher(
    teacher: Teacher, ensemble: RateEnsemble, data: RateData, saw_recordings: bool
) -> dict[str, Any]:
    """What networks have of the ensemble that they learned from, and what that reaches itself."""
    manifest = teacher.bundle.manifest
    distilled = {
        "networks": len(ensemble.members),
        "teacher": teacher.content_hash,
        "members": manifest["n_members"],
        "figures": _figures(teacher.bundle.graph, data, saw_recordings),
        "sets": manifest.get(GROUND_TRUTH, {}).get("sets", []),
    }
    return {**teacher.facts, DISTILLED: distilled}


def _next(bundle: Path, facts: Mapping[str, Any]) -> str:
    """What may follow, for the terminal."""
    n, lines = facts["n_members"], [f"next: {printed_command(*PREDICT, bundle)}"]
    if DISTILLED not in facts and n > 1:
        lines.append(
            f"{n} networks take {n} times as long as one. One that learns what they say, for many "
            f"neurons: {printed_command(*DISTIL, f'data.teacher.bundle={bundle}')}"
        )
    return "\n".join(lines)


def _of_known(table: Path) -> dict[str, Any]:
    """What a table of neurons says, for the manifest. Raises SettingError."""
    scores, beside = read_scores(table), seconds_beside(table)
    seconds = read_seconds(beside, OF_NEURONS) if beside.exists() else {}
    return {
        SCALE: scale_of(scores)._asdict(),
        AS_RECORDED_ALONE: all(row[CONDITION] == AS_RECORDED for row in scores),
        GROUPS: [asdict(group) for group in groups_of(scores)],
        "sets": by_dataset(scores),
        ERRORS: [_without_nan(row) for row in errors_as_recorded(scores, seconds)],
    }


def _without_nan(row: LeftOut) -> dict[str, Any]:
    return {name: None if value != value else value for name, value in vars(row).items()}


def _gathered(runs: Sequence[TrainedRun]) -> RateEnsemble:
    """One ensemble of the members of all runs."""
    modules = [load_module(RateModule, run.checkpoint, str(run)) for run in runs]
    for run, module in zip(runs, modules, strict=True):
        if not all(torch.isfinite(value).all() for value in module.state_dict().values()):
            raise SettingError(f"{run}: its weights are not finite; {OF_A_RUN}")
    first = modules[0].net
    first.gain = torch.cat([module.net.gain for module in modules])
    first.members = torch.nn.ModuleList(m for module in modules for m in module.net.members)
    return first.eval()


def latency_s(ensemble: RateEnsemble) -> float | None:
    """What a causal ensemble waits for; None of one that sees whole traces."""
    steps = ensemble.members[0].latency
    return None if steps is None else steps * STRIDE / RATE_HZ


def _example(data: RateData) -> NetworkInput:
    """The beginning of one validation recording."""
    recording = data.parts["val"].recordings[0]
    trace = data.store.calcium[recording.rows][:N_SAMPLES]
    return network_input(trace, recording.imaging_hz)


def _traces(data: RateData, part: str) -> list[np.ndarray]:
    recordings = data.parts[part].recordings
    return [data.store.calcium[recording.rows] for recording in recordings]


def _saw_recordings(run: TrainedRun) -> bool:
    """Whether a training went on from synthetic traces to recordings; where none tells, it did."""
    state = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
    return bool(state.get(SAW_RECORDINGS, True))


def _note(data: RateData, settings: str, saw_recordings: bool) -> str:
    if saw_recordings:
        return note_of_networks(data.note)
    weights = settings_by_name(settings).get("model.weights")
    if weights is None:
        return SYNTHETIC_ALONE
    return f"{SYNTHETIC_ALONE} {BEGUN.format(name=Path(weights).name)}"


def _domain(data: RateData, saw_recordings: bool) -> dict[str, list[float]]:
    """What the recordings trained on are like, at any frame rate of the synthetic traces.

    Noise of these reaches so far that nothing would be unlike it: it counts where they are all.
    """
    if not saw_recordings:
        return data.synthetic_domain
    of_recordings = domain(_traces(data, "train"))
    if BANDWIDTH not in of_recordings:  # all too short
        return of_recordings
    ends = *of_recordings[BANDWIDTH], *data.synthetic_domain[BANDWIDTH]
    return of_recordings | {BANDWIDTH: [min(ends), max(ends)]}


def _frame_hz(data: RateData, saw_recordings: bool) -> list[float]:
    """The slowest and the fastest imaging that was trained on, synthetic or not."""
    recordings = data.parts["train"].recordings if saw_recordings else []
    rates_hz = [
        frame_rate_hz(data.store.calcium[recording.rows], recording.imaging_hz)
        for recording in recordings
    ]
    return [float(end([*data.synthesis.frame_hz, *rates_hz])) for end in (min, max)]


def _training(data: RateData, saw_recordings: bool) -> dict[str, Any]:
    recordings = data.parts["train"].recordings if saw_recordings else []
    counts: dict[str, int] = {}
    for recording in recordings:
        counts[recording.dataset] = counts.get(recording.dataset, 0) + 1
    return {
        "recordings": counts,
        "spikes": sum(recording.n_spikes for recording in recordings),
        "duration_s": sum(recording.n_samples for recording in recordings) / RATE_HZ,
        "held_out": sorted({recording.dataset for recording in data.parts["test"].recordings}),
    }


def _figures(
    graph: RateGraph, data: RateData, saw_recordings: bool
) -> dict[str, dict[str, dict[str, Any]]]:
    """Of the cells of each test set, and of validation's unless they were trained on: means and
    medians with 95 % intervals. Where no recording was trained on, all of the store are a test."""
    sets = {VALIDATION: data.parts["val"], "test": data.parts["test"]}
    if not saw_recordings:
        sets = {"test": RecordingSubset.whole(data.store)}
    elif set(data.split.val) & set(data.split.train):
        del sets[VALIDATION]
    sets |= {name: RecordingSubset.whole(store) for name, store in data.tests.items()}
    return {name: _scored(graph, subset) for name, subset in sets.items() if subset.recordings}


def _scored(graph: RateGraph, subset: RecordingSubset) -> dict[str, dict[str, Any]]:
    """By measure its value, its interval and the number of cells that have it."""
    store, inferred = subset.store, []
    for index, recording in zip(subset.rows, subset.recordings, strict=True):
        shown = network_input(store.calcium[recording.rows], recording.imaging_hz)
        rate_per_s = even_in_bins(graph.expected(shown)).mean(axis=0) * RATE_HZ
        inferred.append(InferredRecording(int(index), z_scored(rate_per_s), rate_per_s))
    cells = scored_cells(inferred, store)
    figures = {}
    for name in cells[0].scores:
        scores = np.array([cell.scores[name] for cell in cells])
        estimate = figure_over_cells(name, scores)
        ends = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        figures[name] = {end: None if np.isnan(at) else at for end, at in ends.items()}
        figures[name]["n"] = int(np.count_nonzero(~np.isnan(scores)))
    return figures
