"""From finished runs of a UnitModule to a bundle of what called unseen units best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from raphe.core.bundles import pyfunc
from raphe.core.bundles.bundle import CARD, METHODS, BundleWriter
from raphe.core.bundles.onnx_graph import require_agreement
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import OF_A_RUN, load_module
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.ranges import check_ranges
from raphe.core.sentences import counted
from raphe.core.statistics.abstention import ErrorRate
from raphe.core.statistics.calibration import Method
from raphe.tasks.units.ensemble.bundle import CONFIG, GRAPH, INPUTS, KIND, PROBABILITY
from raphe.tasks.units.ensemble.classifier_graph import networks_graph, simple_graph
from raphe.tasks.units.ensemble.methods import methods_text
from raphe.tasks.units.ensemble.model_card import unit_card
from raphe.tasks.units.features.training_domain import training_domain
from raphe.tasks.units.metrics.verdicts import Verdicts, scores
from raphe.tasks.units.training.cross_fit import cross_fitted
from raphe.tasks.units.training.data import UnitData
from raphe.tasks.units.training.held_out import settled
from raphe.tasks.units.training.module import UnitModule, unseen_probability
from raphe.tasks.units.training.simple_classifiers import KERNEL, LOGISTIC, fit_simple

PREDICT = ("raphe", "predict", "FOLDER", "--bundle")
AGREEMENT = 1e-3  # of a probability, graph against what it was made of
NETWORK = "network"
Classifier = Literal["auto", "network", "logistic", "kernel"]
NAMES = {"network": NETWORK, "logistic": LOGISTIC, "kernel": KERNEL}


@dataclass(frozen=True)
class Chosen:
    """What the bundle uses."""

    name: str
    unseen: np.ndarray  # (N, C): what it said of units that it had not seen
    graph: bytes
    n_networks: int


def export(
    runs: Sequence[TrainedRun],
    data: UnitData,
    settings: str,
    provenance: Mapping[str, Any],
    out: Path,
    overwrite: bool = False,
    classifier: Classifier = "auto",
    calibration: Method = "temperature",
    error_rate: ErrorRate = 0.05,
) -> Exported:
    """Write the bundle of what calls units best: the networks of all folds, or a simple classifier.

    A simple one is fitted anew, to all units. Calibration and "not sure" band are settled on what
    was said of each unit by classifiers that had not seen it.

    Args:
        runs: finished, of one store and split; the networks of all of them vote.
        data: what they were trained on.
        settings: theirs as YAML, for the bundle.
        provenance: facts for the manifest.
        out: folder to make.
        overwrite: replace a bundle that stands at `out`.
        classifier: auto takes the one whose balanced accuracy is best, of equals the simpler.
        calibration, error_rate: see UnitEvaluation.

    Raises:
        RapheError: where `out` may not be replaced, a run diverged, or graph and classifier differ.
    """
    if classifier not in get_args(Classifier):
        raise SettingError(
            f"export.classifier={classifier}: expected {', '.join(get_args(Classifier))}"
        )
    check_ranges(export, locals(), "export")
    with BundleWriter(out, overwrite) as writer, threadpool_limits(1):
        models = [_opened(run) for run in runs]
        unseen = _all_unseen(models, data, classifier)
        verdicts = {name: Verdicts(said, data.label, data.fold) for name, said in unseen.items()}
        name = max(verdicts, key=lambda name: verdicts[name].fold_balanced_accuracy)
        chosen = _chosen(name, unseen[name], models, data)
        decision = settled(chosen.unseen, data, calibration, error_rate)
        scored = scores(verdicts[name], data.store.classes, data.groups)
        facts: dict[str, Any] = {
            "note": data.note_of_networks,
            "leak": data.leak,
            "classifier": name,
            "classes": list(data.store.classes),
            "n_of_class": np.bincount(data.label, minlength=len(data.store.classes)).tolist(),
            "layout": data.layout.facts(),
            "split": data.split,
            "n_folds": data.n_folds,
            "n_networks": chosen.n_networks,
            "decision": decision.facts(),
            "domain": training_domain(data.inputs, data.layout, data.fold),
            "compared": {
                name: of_method.fold_balanced_accuracy for name, of_method in verdicts.items()
            },
            "figures": {
                figure.name: {
                    "value": _or_none(figure.estimate.value),
                    "low": _or_none(figure.estimate.low),
                    "high": _or_none(figure.estimate.high),
                    "over": figure.over,
                }
                for figure in scored
            },
            "provenance": dict(provenance),
        }
        methods = methods_text(facts, settings)
        files = {
            GRAPH: chosen.graph,
            CONFIG: settings.encode(),
            METHODS: methods.encode(),
            CARD: unit_card(facts, methods).encode(),
        }
        bundle = writer.finish(KIND, files, facts).path
    balanced = facts["figures"]["balanced_accuracy"]["value"]
    return Exported(
        bundle=bundle,
        summary=f"{bundle}: {name} of {counted('class', len(facts['classes']), 'classes')}, "
        f"balanced accuracy {balanced:.3f} of units that it had not seen\n\n"
        f"next: {printed_command(*PREDICT, bundle)}",
        metrics={"test/cells/balanced_accuracy": balanced},
        loader=pyfunc.__name__,
    )


def _opened(run: TrainedRun) -> UnitModule:
    module = load_module(UnitModule, run.checkpoint, str(run)).eval()
    if not all(bool(torch.isfinite(value).all()) for value in module.state_dict().values()):
        raise SettingError(f"{run}: its weights are not finite; {OF_A_RUN}")
    return module


def _all_unseen(
    models: Sequence[UnitModule], data: UnitData, classifier: Classifier
) -> dict[str, np.ndarray]:
    """What each classifier that is asked for says of units that it has not seen, the simple first:
    of equals the first is taken."""
    asked = [LOGISTIC, KERNEL, NETWORK] if classifier == "auto" else [NAMES[classifier]]
    n_classes, dims = len(data.store.classes), data.layout.dims
    unseen = {}
    for name in asked:
        if name == NETWORK:
            unseen[name] = np.mean(
                [unseen_probability(model, data.batch()) for model in models], axis=0
            )
        else:
            unseen[name], _ = cross_fitted(
                name, data.inputs, data.label, data.fold, dims, n_classes
            )
    return unseen


def _chosen(name: str, unseen: np.ndarray, models: Sequence[UnitModule], data: UnitData) -> Chosen:
    if name == NETWORK:
        graph = networks_graph(models)
        said = np.mean([_of_all(model, data) for model in models], axis=0)
        n_networks = sum(len(model.fold_of_member) for model in models)
    else:
        fitted = fit_simple(
            name, data.inputs, data.label, data.layout.dims, len(data.store.classes)
        )
        graph, said, n_networks = simple_graph(fitted), fitted.probability(data.inputs), 0
    session = GraphSession(graph, "the bundle", [INPUTS], [PROBABILITY])
    answers = session.run({INPUTS: data.inputs.astype(np.float32)})[0]
    require_agreement(answers, said, AGREEMENT, name, "a probability")
    return Chosen(name, unseen, graph, n_networks)


@torch.inference_mode()
def _of_all(model: UnitModule, data: UnitData) -> np.ndarray:
    inputs, _, _ = data.batch()
    said: np.ndarray = model(inputs).double().mean(dim=0).numpy()
    return said


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
