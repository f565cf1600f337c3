"""A tuned bundle as an ONNX graph: that of the bundle before, its calibration, and the head.

N units, D numbers a unit, C classes.
"""

import numpy as np
from onnx import TensorProto

from raphe.core.statistics.calibration import Calibration
from raphe.tasks.units.ensemble.bundle import INPUTS, PROBABILITY
from raphe.tasks.units.ensemble.classifier_graph import ClassifierGraph
from raphe.tasks.units.tuning.anchored import FARTHEST, LEAST_PROBABILITY, Head

BEFORE = "before."  # begins the names of what the bundle before has
SMALLEST = 1e-30  # probability whose logarithm float32 has


def tuned_graph(before: bytes, calibration: Calibration, head: Head) -> bytes:
    """Inputs (N, D) in, probabilities (N, C) out, as `head` says of the calibrated ones."""
    graph = ClassifierGraph()
    (stated,) = graph.include(before, BEFORE)
    n_classes = len(head.offset)
    log_p = graph.add("Log", [graph.add("Max", [stated, graph.value(SMALLEST)])])
    log_p = graph.add("Mul", [log_p, graph.value(calibration.slope)])
    if calibration.offset:
        log_p = graph.add("Add", [log_p, graph.value(calibration.offset)])
    calibrated = graph.add("Softmax", [log_p], axis=1)
    log_p = graph.add("Log", [graph.add("Max", [calibrated, graph.value(LEAST_PROBABILITY)])])
    scaling = head.scaling
    numbers = graph.add("Cast", [INPUTS], to=TensorProto.FLOAT)
    joined = graph.add("Concat", [log_p, numbers], axis=1)
    missing = graph.add("IsNaN", [joined])
    known = graph.add("Where", [missing, graph.value(scaling.mean), joined])
    scaled = graph.add("Sub", [known, graph.value(scaling.mean)])
    scaled = graph.add("Div", [scaled, graph.value(scaling.spread)])
    scaled = graph.add("Clip", [scaled, graph.value(-FARTHEST), graph.value(FARTHEST)])
    features = graph.add("Mul", [scaled, graph.value(scaling.weight)])
    logits = graph.add("MatMul", [features, graph.value(head.weight)])
    logits = graph.add("Add", [logits, graph.value(head.offset)])
    kept = graph.add("Mul", [log_p, graph.value(head.slope)])
    graph.add("Softmax", [graph.add("Add", [logits, kept])], PROBABILITY, axis=1)
    return graph.classifier(len(scaling.mean) - n_classes, n_classes)


def log_probability(probability: np.ndarray) -> np.ndarray:
    """Of what a bundle says (N, C), as the graph has it."""
    return np.log(np.maximum(probability, LEAST_PROBABILITY))
