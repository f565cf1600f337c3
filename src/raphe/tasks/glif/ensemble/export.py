"""From finished runs of a PosteriorModule to a bundle."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from raphe.core.bundles.bundle import CARD, BundleError, BundleWriter
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.sentences import counted
from raphe.tasks.glif.ensemble.bundle import CONFIG, KIND, WEIGHTS
from raphe.tasks.glif.ensemble.model_card import posterior_card
from raphe.tasks.glif.ensemble.training_domain import domain
from raphe.tasks.glif.synthetic.prior import prior_json
from raphe.tasks.glif.training.data import TEST_SETS, PosteriorData, batch_of
from raphe.tasks.glif.training.module import Answers, PosteriorModule, figures, infer

PRIOR = "prior.json"


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
        RapheError: where `out` may not be replaced, or a run diverged.
    """
    with BundleWriter(out, overwrite) as writer:
        members = [_member(run) for run in runs]
        weights = {
            f"{i}.{name}": value.contiguous()
            for i, member in enumerate(members)
            for name, value in member.state_dict().items()
        }
        facts = {
            "note": data.note,
            "level": data.prior.level,
            "members": [dict(member.hparams) for member in members],
            "n_cells": data.prior.n_cells,
            "experiment": {**asdict(data.experiment)},
            "unseen_family": data.unseen_family,
            "domain": domain(data),
            "figures": {name: _figures(members, data, name) for name in TEST_SETS},
            "provenance": dict(provenance),
        }
        files = {
            WEIGHTS: save(weights),
            CONFIG: settings.encode(),
            PRIOR: prior_json(data.prior).encode(),
            CARD: posterior_card(facts).encode(),
        }
        bundle = writer.finish(KIND, files, facts).path
    return Exported(
        bundle=bundle,
        summary=f"{bundle}: GLIF level {data.prior.level}, "
        f"{counted('network', len(members))}\n\n"
        f"next: raphe predict VOLTAGE --stimulus CURRENT --rate HZ "
        f"--bundle {shlex.quote(str(bundle))}",
        metrics={
            f"{name}/{figure}": value
            for name, own in facts["figures"].items()
            for figure, value in own.items()
        },
    )


def _member(run: TrainedRun) -> PosteriorModule:
    module = PosteriorModule.load_from_checkpoint(run.checkpoint, map_location="cpu").eval()
    if not all(bool(torch.isfinite(value).all()) for value in module.state_dict().values()):
        raise BundleError(f"{run.label} ({run.run_id}): its weights are not finite; leave it out")
    return module


def _figures(
    members: Sequence[PosteriorModule], data: PosteriorData, name: str
) -> dict[str, float]:
    """Of the ensemble: the members' draws together."""
    of_each = [Answers() for _ in members]
    for number in range(data.n_test_batches):
        batch = batch_of(data.test_batch(name, number), data.standard)
        for member, tested in zip(members, of_each, strict=True):
            infer(member, batch, tested)
    whole = [tested.whole() for tested in of_each]
    together = Answers(
        whole[0].truth,
        np.concatenate([one.samples for one in whole]),
        np.logaddexp.reduce([one.log_prob for one in whole]) - np.log(len(whole)),
        np.mean([one.outside for one in whole], axis=0),
        whole[0].spiked,
    )
    found = figures(together, members[0].names)
    return {figure: value for figure, value in found.items() if np.isfinite(value)}
