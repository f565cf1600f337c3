"""The draws of a PosteriorNet as one ONNX graph, written node by node.

It turns normal noise into draws: the flow backwards. Of each step the first half of the quantities
depends on the context alone, so that its splines are computed once a trace, not once a draw.

B traces, T samples, F features, P quantities, Q of a half, C context, S draws, K bins, U units.
"""

import math

import numpy as np
from onnx import TensorProto
from torch import nn

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.tasks.glif.ensemble.bundle import CENTRE, DRAWS, FEATURES, NOISE, SPREAD, TRACES
from raphe.tasks.glif.ensemble.encoder_graph import add_encoder, gelu, linear
from raphe.tasks.glif.features.least_squares import N_FEATURES
from raphe.tasks.glif.network.posterior_net import (
    FARTHEST_LOG_SCALE,
    FARTHEST_MIX,
    FARTHEST_SHIFT,
    FLOW_BINS,
    LEAST_SLOPE,
    SPLINE_BOUND,
    WIDER,
    WIDEST,
    FlowStep,
    PosteriorNet,
)

STEEPEST = -math.log(LEAST_SLOPE)  # logarithm of a spline's steepest slope


def posterior_graph(net: PosteriorNet) -> bytes:
    """The file of a graph from traces (B, 2, T) in mV and pA, where the net reads them, features
    (B, F), centre and spread (B, P) and noise (S, B, P) to draws (S, B, P), standardised."""
    graph = OnnxGraph()
    n_quantities = net.correction[1].out_features // 2
    inputs: dict[str, list[int | str]] = {
        FEATURES: ["B", N_FEATURES],
        CENTRE: ["B", n_quantities],
        SPREAD: ["B", n_quantities],
        NOISE: ["S", "B", n_quantities],
    }
    x = FEATURES
    if net.encoder is not None:
        inputs |= {TRACES: ["B", 2, "T"]}
        x = graph.add("Concat", [x, add_encoder(graph, net.encoder, TRACES)], axis=1)
    for index, layer in enumerate(net.context):
        name = f"context.{index}"
        x = linear(graph, name, layer, x) if isinstance(layer, nn.Linear) else gelu(graph, name, x)
    middle, scale = _moved(graph, net, x)
    draws = NOISE
    for index, step in reversed(list(enumerate(net.flow_steps()))):
        draws = _step_backwards(graph, f"step{index}", step, draws, x)
    draws = _mixed(graph, net, x, draws)
    draws = graph.add("Mul", [draws, scale])
    graph.add("Add", [draws, middle], output=DRAWS)
    return graph.file(inputs, {DRAWS: ["S", "B", n_quantities]})


def _moved(graph: OnnxGraph, net: PosteriorNet, context: str) -> tuple[str, str]:
    """As PosteriorNet._moved."""
    x = linear(graph, "correction", net.correction[1], gelu(graph, "correction", context))
    halves = graph.constant(
        "correction.halves", np.array([net.correction[1].out_features // 2] * 2)
    )
    shift, log_scale = graph.add_many("Split", [x, halves], ["shift", "log_scale"], axis=1)
    shift = _saturated(graph, "shift", shift, FARTHEST_SHIFT)
    log_scale = _saturated(graph, "log_scale", log_scale, FARTHEST_LOG_SCALE)
    log_scale = graph.add("Add", [log_scale, _scalar(graph, "wider", WIDER)])
    wide = graph.add("Mul", [SPREAD, graph.add("Exp", [log_scale])])
    share = graph.add("Div", [wide, _scalar(graph, "widest", WIDEST)])
    square = graph.add("Mul", [share, share])
    root = graph.add("Sqrt", [graph.add("Add", [square, _scalar(graph, "moved.one", 1)])])
    middle = graph.add("Add", [CENTRE, graph.add("Mul", [shift, SPREAD])])
    return middle, graph.add("Div", [wide, root])


def _mixed(graph: OnnxGraph, net: PosteriorNet, context: str, draws: str) -> str:
    """Draws (S, B, P) with their correlations, in the quantities' order: as PosteriorNet._mixed."""
    n = len(net.order)
    rows, columns = np.tril_indices(n, -1)
    layer = net.mixing[1]
    weight, bias = np.zeros((n * n, layer.in_features), np.float32), np.zeros(n * n, np.float32)
    weight[rows * n + columns] = layer.weight.detach().numpy()
    bias[rows * n + columns] = layer.bias.detach().numpy()
    entries = [graph.constant("mixing.weight", weight), graph.constant("mixing.bias", bias)]
    below = graph.add("Gemm", [gelu(graph, "mixing", context), *entries], transB=1)
    below = _saturated(graph, "mixing", below, FARTHEST_MIX)
    mixed = graph.add("Reshape", [below, graph.shape("mixing.matrix", -1, n, n)])
    mixed = graph.add("Add", [mixed, graph.constant("mixing.one", np.eye(n, dtype=np.float32))])
    length = graph.add("ReduceL2", [mixed], axes=[2], keepdims=1)
    mixed = graph.add("Transpose", [graph.add("Div", [mixed, length])], perm=[0, 2, 1])
    back = graph.constant("mixing.order", np.argsort(net.order))
    mixed = graph.add("Gather", [mixed, back], axis=2)
    draws = graph.add("Transpose", [draws], perm=[1, 0, 2])  # (B, S, P)
    return graph.add("Transpose", [graph.add("MatMul", [draws, mixed])], perm=[1, 0, 2])


def _saturated(graph: OnnxGraph, name: str, x: str, limit: float) -> str:
    bound = _scalar(graph, f"{name}.limit", limit)
    return graph.add("Mul", [graph.add("Tanh", [graph.add("Div", [x, bound])]), bound])


def _step_backwards(graph: OnnxGraph, name: str, step: FlowStep, y: str, context: str) -> str:
    """Quantities (S, B, P) before a step, of those behind it y (S, B, P) and the context (B, C)."""
    n_quantities = len(step.first) + len(step.second)
    entry, first_bias = step.weights[0], step.biases[0]
    of_context = graph.add(
        "Gemm",
        [
            context,
            graph.constant(f"{name}.context", np.ascontiguousarray(entry[:, n_quantities:].T)),
            graph.constant(f"{name}.bias", first_bias),
        ],
    )  # (B, U)
    solved: list[str] = []
    for half, columns in (("first", step.first), ("second", step.second)):
        total = of_context
        if half == "second":
            weight = np.ascontiguousarray(entry[:, step.first].T)
            seen = graph.add("MatMul", [solved[0], graph.constant(f"{name}.entry", weight)])
            total = graph.add("Add", [seen, of_context])  # (S, B, U)
        shapes = _perceptron(graph, f"{name}.{half}", step, columns, total)
        sizes = [0] * (1 if half == "first" else 2) + [len(columns), 3 * FLOW_BINS - 1]
        shapes = graph.add("Reshape", [shapes, graph.shape(f"{name}.{half}.shapes", *sizes)])
        picked = graph.add("Gather", [y, graph.constant(f"{name}.{half}.columns", columns)], axis=2)
        solved.append(_spline_backwards(graph, f"{name}.{half}", picked, shapes, len(sizes)))
    order = np.argsort(np.concatenate([step.first, step.second]))
    joined = graph.add("Concat", solved, axis=2)
    return graph.add("Gather", [joined, graph.constant(f"{name}.order", order)], axis=2)


def _perceptron(
    graph: OnnxGraph, name: str, step: FlowStep, columns: np.ndarray, total: str
) -> str:
    """What the layers behind the first make of its sums (…, U), of these quantities alone."""
    weights, biases = step.weights[1:], step.biases[1:]
    per_quantity = 3 * FLOW_BINS - 1
    rows = (columns[:, None] * per_quantity + np.arange(per_quantity)).ravel()
    weights, biases = [*weights[:-1], weights[-1][rows]], [*biases[:-1], biases[-1][rows]]
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        x = graph.add("Relu", [total])
        weight_t = graph.constant(f"{name}.weight{layer}", np.ascontiguousarray(weight.T))
        total = graph.add("MatMul", [x, weight_t])
        total = graph.add("Add", [total, graph.constant(f"{name}.bias{layer}", bias)])
    return total


def _spline_backwards(graph: OnnxGraph, name: str, y: str, shapes: str, rank: int) -> str:
    """Where monotone rational-quadratic splines (Durkan et al. 2019) are y (S, B, Q).

    `shapes` (…, Q, 3 K − 1) of this rank holds the logits of K widths and K heights and the
    logarithms of the K − 1 inner slopes. Beyond ± SPLINE_BOUND a spline is the identity.
    """
    parts = graph.constant(f"{name}.parts", np.array([FLOW_BINS, FLOW_BINS, FLOW_BINS - 1]))
    widths, heights, slopes = graph.add_many(
        "Split", [shapes, parts], [f"{name}.{p}" for p in ("widths", "heights", "slopes")], axis=-1
    )
    x_left, x_right = _knots(graph, f"{name}.x", widths)
    y_left, y_right = _knots(graph, f"{name}.y", heights)
    slopes = graph.add("Exp", [_limited(graph, f"{name}.slopes", slopes, STEEPEST)])
    outer = _scalar(graph, f"{name}.outer_slope", 1)
    slope_left, slope_right = (
        graph.add("Pad", [slopes, _pads(graph, f"{name}.{side}", rank, at), outer])
        for side, at in (("left", rank - 1), ("right", 2 * rank - 1))
    )
    last = graph.constant(f"{name}.last", np.array([-1]))
    y_bin = graph.add("Unsqueeze", [y, last])  # (S, B, Q, 1)
    inside = graph.add(
        "And",
        [graph.add("Less", [y_left, y_bin]), graph.add("LessOrEqual", [y_bin, y_right])],
    )
    inside = graph.add("Cast", [inside], to=TensorProto.FLOAT)  # (S, B, Q, K): 1 in the bin of y

    def pick(of_bins: str) -> str:
        """What the bin of y has, (S, B, Q)."""
        return graph.add("ReduceSum", [graph.add("Mul", [inside, of_bins]), last], keepdims=0)

    x_0, width = pick(x_left), pick(graph.add("Sub", [x_right, x_left]))
    y_0, height = pick(y_left), pick(graph.add("Sub", [y_right, y_left]))
    slope_0, slope_1 = pick(slope_left), pick(slope_right)
    two, four = _scalar(graph, f"{name}.two", 2), _scalar(graph, f"{name}.four", 4)
    # The root of a quadratic: the share of the bin's width at which the spline is y.
    mean = graph.add("Div", [height, width])
    bend = graph.add("Sub", [graph.add("Add", [slope_0, slope_1]), graph.add("Mul", [two, mean])])
    above = graph.add("Sub", [y, y_0])
    bent = graph.add("Mul", [above, bend])
    a = graph.add("Mul", [height, graph.add("Sub", [mean, slope_0])])
    a = graph.add("Add", [a, bent])
    b = graph.add("Sub", [graph.add("Mul", [height, slope_0]), bent])
    c = graph.add("Mul", [mean, above])  # negated
    root = graph.add("Mul", [graph.add("Mul", [four, a]), c])
    root = graph.add("Sqrt", [graph.add("Add", [graph.add("Mul", [b, b]), root])])
    share = graph.add("Div", [graph.add("Mul", [two, c]), graph.add("Add", [b, root])])
    x = graph.add("Add", [x_0, graph.add("Mul", [share, width])])
    n_bins = graph.add("ReduceSum", [inside, last], keepdims=0)  # 1, or 0 beyond the bound
    is_inside = graph.add("Greater", [n_bins, _scalar(graph, f"{name}.half", 0.5)])
    return graph.add("Where", [is_inside, x, y])


def _knots(graph: OnnxGraph, name: str, logits: str) -> tuple[str, str]:
    """Where each of K bins begins and ends, (…, Q, K), of logits likewise."""
    logits = _limited(graph, name, logits, STEEPEST / 2)
    shares = graph.add("Softmax", [logits], axis=-1)
    axis = graph.constant(f"{name}.axis", np.array(-1))
    span = _scalar(graph, f"{name}.span", 2 * SPLINE_BOUND)
    bound = _scalar(graph, f"{name}.bound", SPLINE_BOUND)
    left, right = (
        graph.add("Sub", [graph.add("Mul", [span, so_far]), bound])
        for so_far in (
            graph.add("CumSum", [shares, axis], exclusive=1),
            graph.add("CumSum", [shares, axis]),
        )
    )
    return left, right


def _limited(graph: OnnxGraph, name: str, x: str, limit: float) -> str:
    """x / (1 + |x / limit|), whose size stays below the limit."""
    share = graph.add("Abs", [graph.add("Div", [x, _scalar(graph, f"{name}.limit", limit)])])
    return graph.add("Div", [x, graph.add("Add", [share, _scalar(graph, f"{name}.one", 1)])])


def _pads(graph: OnnxGraph, name: str, rank: int, at: int) -> str:
    """One value more at one end of the last axis."""
    pads = np.zeros(2 * rank, np.int64)
    pads[at] = 1
    return graph.constant(f"{name}.pads", pads)


def _scalar(graph: OnnxGraph, name: str, value: float) -> str:
    return graph.constant(name, np.float32(value))
