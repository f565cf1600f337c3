"""A fitted classifier as an ONNX graph: inputs (N, D) in, probabilities (N, C) out.

M networks, H hidden units a branch, L landmarks of a kernel.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto
from sklearn.kernel_approximation import Nystroem

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.tasks.units.ensemble.bundle import INPUTS, PROBABILITY
from raphe.tasks.units.network.unit_net import FARTHEST
from raphe.tasks.units.training.module import UnitModule
from raphe.tasks.units.training.simple_classifiers import Fitted


def networks_graph(models: Sequence[UnitModule]) -> bytes:
    """All networks of all runs, whose probabilities are averaged."""
    graph = ClassifierGraph()
    missing = graph.add("IsNaN", [INPUTS])  # (N, D)
    known = graph.add("Where", [missing, graph.value(0.0), INPUTS])
    joined = ""
    for number, model in enumerate(models):
        answer = _of_run(graph, f"run{number}", model, known, missing)
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

    def part(self, x: str, axis: int, begin: int, end: int) -> str:
        """Columns of an axis."""
        return self.add("Slice", [x, *(self.value([n], np.int64) for n in (begin, end, axis))])

    def classifier(self, n_inputs: int, n_classes: int) -> bytes:
        """The file, once INPUTS were read and PROBABILITY was given."""
        return self.file({INPUTS: ["n", n_inputs]}, {PROBABILITY: ["n", n_classes]})


def _of_run(graph: ClassifierGraph, name: str, model: UnitModule, known: str, missing: str) -> str:
    """The mean probability (N, C) of a run's networks, as UnitNet has it."""
    state = {key: value.detach().cpu().numpy() for key, value in model.net.state_dict().items()}

    def constant(key: str) -> str:
        return graph.constant(f"{name}.{key}", state[key])

    scaled = graph.add("Sub", [known, constant("mean")])  # (M, N, D)
    scaled = graph.add("Div", [scaled, constant("scale")])
    scaled = graph.add("Clip", [scaled, graph.value(-FARTHEST), graph.value(FARTHEST)])
    begin, hidden, logits = 0, [], constant("bias")
    for number, width in enumerate(model.net.dims):
        branch, end = f"branches.{number}", begin + width
        block = graph.part(scaled, 2, begin, end)
        lacks = graph.add("Cast", [graph.part(missing, 1, begin, end)], to=TensorProto.FLOAT)
        lacks = graph.add("ReduceMax", [lacks], axes=[1], keepdims=1)  # (N, 1)
        weight = graph.add("Sub", [graph.value(1.0), lacks])
        of_branch = graph.add("MatMul", [block, constant(f"{branch}.weight")])
        of_branch = _gelu(graph, graph.add("Add", [of_branch, constant(f"{branch}.bias")]))
        hidden.append(graph.add("Mul", [of_branch, weight]))
        linear = graph.add("MatMul", [block, constant(f"{branch}.linear")])
        logits = graph.add("Add", [logits, graph.add("Mul", [linear, weight])])
        begin = end
    fused = graph.add("Concat", hidden, axis=2)
    logits = graph.add("Add", [logits, graph.add("MatMul", [fused, constant("output")])])
    return graph.add("ReduceMean", [graph.add("Softmax", [logits], axis=2)], axes=[0], keepdims=0)


def _gelu(graph: ClassifierGraph, x: str) -> str:
    share = graph.add("Erf", [graph.add("Div", [x, graph.value(2**0.5)])])
    share = graph.add("Add", [share, graph.value(1.0)])
    return graph.add("Mul", [graph.add("Mul", [x, share]), graph.value(0.5)])


def _kernel(graph: ClassifierGraph, nystroem: Nystroem, x: str) -> str:
    """exp(−γ d²) to each landmark, whitened: (N, L)."""
    landmarks = np.asarray(nystroem.components_, np.float64)
    own = graph.add("ReduceSum", [graph.add("Mul", [x, x]), graph.value([1], np.int64)], keepdims=1)
    theirs = graph.value((landmarks**2).sum(axis=1)[None])
    both = graph.add("MatMul", [x, graph.value(2 * landmarks.T)])
    squared = graph.add("Sub", [graph.add("Add", [own, theirs]), both])
    near = graph.add("Exp", [graph.add("Mul", [squared, graph.value(-nystroem.gamma)])])
    return graph.add("MatMul", [near, graph.value(np.asarray(nystroem.normalization_).T)])
