"""A fitted classifier as an ONNX graph: inputs (N, D) in, probabilities (N, C) out.

L landmarks of a kernel.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.kernel_approximation import Nystroem

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.core.firing.branch_graph import branch_logits
from raphe.tasks.units.ensemble.bundle import INPUTS, PROBABILITY
from raphe.tasks.units.training.module import UnitModule
from raphe.tasks.units.training.simple_classifiers import Fitted


def networks_graph(models: Sequence[UnitModule]) -> bytes:
    """All networks of all runs, whose probabilities are averaged."""
    graph = ClassifierGraph()
    joined = ""
    for number, model in enumerate(models):
        answer = _of_run(graph, f"run{number}", model)
        joined = graph.add("Add", [joined, answer]) if joined else answer
    graph.add("Mul", [joined, graph.value(1 / len(models))], PROBABILITY)
    return graph.classifier(sum(models[0].net.dims), len(models[0].hparams.classes))


def simple_graph(fitted: Fitted) -> bytes:
    """A logistic regression, on the numbers or on a kernel's."""
    steps = dict(fitted.model.steps)
    scaler, regression = steps["branchscaler"], steps["logisticregression"]
    graph = ClassifierGraph()
    mean = graph.value(scaler.mean_)
    known = graph.add("Where", [graph.add("IsNaN", [INPUTS]), mean, INPUTS])
    x = graph.add("Div", [graph.add("Sub", [known, mean]), graph.value(scaler.scale_)])
    if "nystroem" in steps:
        x = _kernel(graph, steps["nystroem"], x)
    coefficients, intercept = regression.coef_, regression.intercept_
    if len(coefficients) == 1:  # of two classes scikit-learn keeps the log odds of the second
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercept = np.append(0, intercept)
    logits = graph.add("MatMul", [x, graph.value(coefficients.T)])
    logits = graph.add("Add", [logits, graph.value(intercept)])
    graph.add("Softmax", [logits], PROBABILITY, axis=1)
    return graph.classifier(len(scaler.mean_), fitted.n_classes)


class ClassifierGraph(OnnxGraph):
    """Constants are named by their number."""

    def __init__(self) -> None:
        super().__init__()
        self._n_values = 0

    def value(self, value: Any, dtype: type = np.float32) -> str:
        self._n_values += 1
        return self.constant(f"value_{self._n_values}", np.asarray(value, dtype))

    def classifier(self, n_inputs: int, n_classes: int) -> bytes:
        """The file, once INPUTS were read and PROBABILITY was given."""
        return self.file({INPUTS: ["n", n_inputs]}, {PROBABILITY: ["n", n_classes]})


def _of_run(graph: ClassifierGraph, name: str, model: UnitModule) -> str:
    """The mean probability (N, C) of a run's networks, as UnitNet has it."""
    state = {key: value.detach().cpu().numpy() for key, value in model.net.state_dict().items()}
    logits = branch_logits(graph, name, state, model.net.dims, INPUTS)
    return graph.add("ReduceMean", [graph.add("Softmax", [logits], axis=2)], axes=[0], keepdims=0)


def _kernel(graph: ClassifierGraph, nystroem: Nystroem, x: str) -> str:
    """exp(−γ d²) to each landmark, whitened: (N, L)."""
    landmarks = np.asarray(nystroem.components_, np.float64)
    own = graph.add("ReduceSum", [graph.add("Mul", [x, x]), graph.value([1], np.int64)], keepdims=1)
    theirs = graph.value((landmarks**2).sum(axis=1)[None])
    both = graph.add("MatMul", [x, graph.value(2 * landmarks.T)])
    squared = graph.add("Sub", [graph.add("Add", [own, theirs]), both])
    near = graph.add("Exp", [graph.add("Mul", [squared, graph.value(-nystroem.gamma)])])
    return graph.add("MatMul", [near, graph.value(np.asarray(nystroem.normalization_).T)])
