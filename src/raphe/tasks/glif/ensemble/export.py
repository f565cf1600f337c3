"""From finished runs of a PosteriorModule to a bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from raphe.core.bundles import pyfunc
from raphe.core.bundles.bundle import CARD, METHODS, BundleWriter
from raphe.core.bundles.onnx_graph import require_agreement
from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import OF_A_RUN, load_module
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.sentences import counted
from raphe.tasks.glif.ensemble.bundle import (
    CONFIG,
    GRAPH,
    KIND,
    PRIOR,
    PosteriorGraph,
)
from raphe.tasks.glif.ensemble.methods import methods_text
from raphe.tasks.glif.ensemble.model_card import posterior_card
from raphe.tasks.glif.ensemble.posterior_graph import posterior_graph
from raphe.tasks.glif.features.least_squares import LeastSquaresEstimate, estimate_quantities
from raphe.tasks.glif.features.reproduction import LEVEL, limits, misfits
from raphe.tasks.glif.features.training_domain import domain
from raphe.tasks.glif.metrics.posterior_scores import PosteriorTest, posterior_scores
from raphe.tasks.glif.network.trace_encoder import least_samples
from raphe.tasks.glif.synthetic.prior import prior_json
from raphe.tasks.glif.training.data import TEST_SETS, PosteriorBatch, PosteriorData, batch_of
from raphe.tasks.glif.training.module import PosteriorModule, infer

PREDICT = ("raphe", "predict", "VOLTAGE", "--stimulus", "CURRENT", "--rate", "HZ", "--bundle")
AGREEMENT = 1e-4  # of a standardised quantity, graph against torch
N_COMPARED = 200  # draws of each example
DOMAIN_BATCHES = 96  # of training, whose traces set what a new one is compared with


def export(
    runs: Sequence[TrainedRun],
    data: PosteriorData,
    settings: str,
    provenance: Mapping[str, Any],
    out: Path,
    overwrite: bool = False,
) -> Exported:
    """Write the bundle of every run, as an ensemble whose members draw in equal shares.

    Args:
        runs: finished, of one prior.
        data: what they were trained on.
        settings: theirs as YAML, for the bundle.
        provenance: facts for the manifest.
        out: folder to make.
        overwrite: replace a bundle that stands at `out`.

    Raises:
        RapheError: where `out` may not be replaced, a run diverged, or graph and torch differ.
    """
    with BundleWriter(out, overwrite) as writer:
        members = [_member(run) for run in runs]
        example = batch_of(data.test_batch("prior", 0), data.scaler)
        graphs = [_graph(run, member, example) for run, member in zip(runs, members, strict=True)]
        features, found, rates_hz = _of_training(data, graphs)
        facts: dict[str, Any] = {
            "note": data.note,
            "level": data.prior.level,
            "n_members": len(members),
            "scaler": {
                "mean": data.scaler.mean.tolist(),
                "deviation": data.scaler.deviation.tolist(),
            },
            "least_samples": max(
                1 if member.net.encoder is None else least_samples() for member in members
            ),
            "n_cells": data.prior.n_cells,
            "experiment": {**asdict(data.experiment)},
            "unseen_family": data.unseen_family,
            "domain": domain(features),
            "figures": {name: _figures(members, data, name) for name in TEST_SETS},
            "provenance": dict(provenance),
        }
        if len(found):
            facts["misfit_limits_mv"] = limits(found, rates_hz)
        methods = methods_text(facts, settings)
        files = {
            **{GRAPH.format(number): graph for number, graph in enumerate(graphs)},
            CONFIG: settings.encode(),
            PRIOR: prior_json(data.prior).encode(),
            METHODS: methods.encode(),
            CARD: posterior_card(facts, methods).encode(),
        }
        bundle = writer.finish(KIND, files, facts).path
    return Exported(
        bundle=bundle,
        summary=f"{bundle}: GLIF level {data.prior.level}, "
        f"{counted('network', len(members))}\n\n"
        f"next: {printed_command(*PREDICT, bundle)}",
        metrics={
            f"{name}/{figure}": value
            for name, scores in facts["figures"].items()
            for figure, value in scores.items()
        },
        loader=pyfunc.__name__,
    )


def _member(run: TrainedRun) -> PosteriorModule:
    module = load_module(PosteriorModule, run.checkpoint, str(run)).eval()
    if not all(bool(torch.isfinite(value).all()) for value in module.state_dict().values()):
        raise SettingError(f"{run}: its weights are not finite; {OF_A_RUN}")
    return module


@torch.inference_mode()
def _graph(run: TrainedRun, member: PosteriorModule, example: PosteriorBatch) -> bytes:
    """A member's graph, shown to draw what torch draws of the same noise."""
    file = posterior_graph(member.net)
    given = LeastSquaresEstimate(
        *(x.numpy() for x in (example.centre, example.spread, example.features))
    )
    noise = np.random.default_rng(0).standard_normal((N_COMPARED, *given.centre.shape), np.float32)
    context = member.net.embed(example.traces, example.features)
    expected = member.net.draw(torch.from_numpy(noise), context, example.centre, example.spread)
    draws = PosteriorGraph(file).draw(example.traces.numpy(), given, noise)
    require_agreement(draws, expected.numpy(), AGREEMENT, str(run), "a standardised quantity")
    return file


def _of_training(data: PosteriorData, graphs: Sequence[bytes]) -> tuple[np.ndarray, ...]:
    """Of the traces of some training batches their features (N, F), and at level 1 how far the
    neurons inferred of those that fired are off them (M, 2), see `misfits`, and their rates (M,).
    """
    members = [PosteriorGraph(graph) for graph in graphs]
    rng = np.random.default_rng(0)
    features, found, rates_hz = [], [], []
    for number in range(min(DOMAIN_BATCHES, data.batches)):
        measured = data.train_batch(number)
        estimate = estimate_quantities(measured.traces, measured.rate_hz, data.scaler)
        features.append(estimate.features)
        if data.prior.level != LEVEL:
            continue
        noise = rng.standard_normal((N_COMPARED, *estimate.centre.shape), np.float32)
        draws = [member.draw(measured.traces, estimate, noise) for member in members]
        middle = np.median(np.concatenate(draws), axis=0).astype(np.float64)
        off = misfits(measured.traces, measured.rate_hz, data.scaler.values(middle))
        fired = measured.spike_count > 0
        found.append(off[fired])
        rates_hz.append(np.full(np.count_nonzero(fired), measured.rate_hz))
    if not found:
        return np.concatenate(features), np.empty((0, 2)), np.empty(0)
    return np.concatenate(features), np.concatenate(found), np.concatenate(rates_hz)


def _figures(
    members: Sequence[PosteriorModule], data: PosteriorData, name: str
) -> dict[str, float]:
    """Of the ensemble: the members' draws together."""
    batches = [batch_of(data.test_batch(name, n), data.scaler) for n in range(data.n_test_batches)]
    tests = [
        PosteriorTest.joined([infer(member, batch) for batch in batches]) for member in members
    ]
    scores = posterior_scores(PosteriorTest.mixed(tests), members[0].names, data.scaler.deviation)
    return {figure: value for figure, value in scores.items() if np.isfinite(value)}
