"""All members of a RateEnsemble as one ONNX graph, written node by node.

It answers as the network does, in the order of operations that onnxruntime is fastest at: a
convolution over time is one over an image of height 1, for which it has kernels in blocks; a mean
over time is a product of matrices; and the scale and shift of a trace go into the weights of the
layer that follows, once, in place of every step.

N traces, T samples, S = T / 4 steps, C channels, H heads, M members.
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from raphe.core.bundles.onnx_graph import OnnxGraph, Shape
from raphe.tasks.calcium.ensemble.bundle import FRAME_RATE, INPUT, OUTPUT
from raphe.tasks.calcium.network.rate_net import (
    EPSILON,
    LARGEST_WEIGHT,
    RARE,
    STRIDE,
    AdaptiveBlock,
    RateEnsemble,
    RateNet,
)


def rate_graph(ensemble: RateEnsemble) -> bytes:
    """The file of a graph from calcium (N, T) and the logarithm of its frame rate (N, 1), see
    NetworkInput, to expected spikes (M H, N, T), float32."""
    graph = OnnxGraph()
    latency = ensemble.members[0].latency
    samples = graph.add("Asinh", [INPUT]) if latency is None else _awaited(graph, latency * STRIDE)
    steps = graph.add("Reshape", [samples, graph.shape("steps", 0, -1, STRIDE)])
    steps = graph.add("Transpose", [steps], perm=[0, 2, 1])  # (N, 4, S)
    frame_rate = graph.add("Unsqueeze", [FRAME_RATE, graph.constant("last_axis", np.array([2]))])
    heads = [
        _member(graph, f"member{index}", net, steps, frame_rate)
        for index, net in enumerate(ensemble.members)
    ]
    gain = graph.constant("gain", ensemble.gain[:, None, None].numpy())
    expected = graph.add("Concat", heads, axis=0)
    power = graph.constant("gain_power", ensemble.gain_power.numpy())
    of_rate = graph.add("Exp", [graph.add("Mul", [FRAME_RATE, power])])  # (N, 1)
    graph.add("Mul", [graph.add("Mul", [expected, gain]), of_rate], output=OUTPUT)
    inputs: dict[str, Shape] = {INPUT: ["N", "T"], FRAME_RATE: ["N", 1]}
    return graph.file(inputs, {OUTPUT: [len(ensemble.gain), "N", "T"]})


def _member(graph: OnnxGraph, name: str, net: RateNet, steps: str, frame_rate: str) -> str:
    """Expected spikes (H, N, T) from steps (N, 4, S) and the frame rate's logarithm (N, 1, 1)."""
    causal = net.latency is not None
    x = _conv(graph, f"{name}.first", net.first, steps, causal)
    x = graph.add("Add", [x, _pointwise(graph, f"{name}.rate", net.frame_rate, frame_rate)])
    x = graph.add("Relu", [x])
    for index, block in enumerate(net.blocks):
        x = _block(graph, f"{name}.blocks.{index}", block, x)
    x = graph.add("Relu", [_conv(graph, f"{name}.dense", net.dense, x)])
    x = _conv(graph, f"{name}.readout", net.readout, x)  # (N, 4 H, S)
    if net.latency:
        ends = (np.array([at]) for at in (net.latency, np.iinfo(np.int64).max, 2))
        parts = ("start", "stop", "axis")
        cut = [graph.constant(f"{name}.{part}", end) for part, end in zip(parts, ends, strict=True)]
        x = graph.add("Slice", [x, *cut])
    x = graph.add("Add", [x, graph.constant(f"{name}.rare", np.float32(RARE))])
    by_head = graph.shape(f"{name}.heads", 0, net.heads, STRIDE, -1)
    x = graph.add("Reshape", [graph.add("Softplus", [x]), by_head])  # (N, H, 4, S)
    x = graph.add("Transpose", [x], perm=[1, 0, 3, 2])
    return graph.add("Reshape", [x, graph.shape(f"{name}.samples", 0, 0, -1)])


def _block(graph: OnnxGraph, name: str, block: AdaptiveBlock, x: str) -> str:
    h = graph.add("Relu", [_conv(graph, f"{name}.wide", block.wide, x, block.causal)])  # (N, C, S)
    weight = graph.add("Tanh", [_product(graph, f"{name}.weight", block.weight, h)[1]])
    largest = graph.constant(f"{name}.largest", np.float32(LARGEST_WEIGHT))
    weight = graph.add("Exp", [graph.add("Mul", [weight, largest])])  # (N, 1, S)
    seen = graph.add("Concat", [*_mean_and_deviation(graph, name, h, weight, block.causal)], axis=1)
    seen = graph.add("Relu", [_pointwise(graph, f"{name}.summary", block.summary, seen)])
    both = _pointwise(graph, f"{name}.adapt", block.adapt, seen)  # (N, 2 C, 1), causal: (N, 2 C, S)
    scale, shift = _halves(graph, both, name, len(block.adapt.bias))
    scale = graph.add("Add", [scale, graph.constant(f"{name}.one", np.float32(1))])
    if block.causal:
        h = graph.add("Add", [graph.add("Mul", [h, scale]), shift])
        return graph.add("Add", [x, _conv(graph, f"{name}.mix", block.mix, h)])
    scale = graph.add("Reshape", [scale, graph.shape(f"{name}.row", 0, 1, -1)])  # (N, 1, C)
    mix, level = _product(graph, f"{name}.mix", block.mix, shift)  # (C, C) and (N, C, 1)
    h = graph.add("MatMul", [graph.add("Mul", [mix, scale]), h])  # (N, C, C) · (N, C, S)
    return graph.add("Add", [x, graph.add("Add", [h, level])])


def _awaited(graph: OnnxGraph, n_samples: int) -> str:
    """The input (N, T) as z-scores so far, its last sample held for what a latency waits."""
    axis = graph.constant("trace_axis", np.array([1]))
    x = graph.add("Unsqueeze", [INPUT, axis])  # (N, 1, T)
    zero, unity = (graph.constant(f"trace.{n}s", np.float32(n)) for n in (0, 1))
    alike = graph.add("Add", [graph.add("Mul", [x, zero]), unity])
    mean, deviation = _mean_and_deviation(graph, "trace", x, alike, so_far=True)
    x = graph.add("Div", [graph.add("Sub", [x, mean]), deviation])
    x = graph.add("Squeeze", [x, axis])
    pads = graph.constant("held", np.array([0, 0, 0, n_samples]))
    return graph.add("Pad", [x, pads], mode="edge")


def _mean_and_deviation(
    graph: OnnxGraph, name: str, x: str, weight: str, so_far: bool
) -> tuple[str, str]:
    """As rate_net.mean_and_deviation, of (N, C, S) and weights (N, 1, S)."""
    epsilon = graph.constant(f"{name}.epsilon", np.float32(EPSILON))
    if so_far:
        axis = graph.constant(f"{name}.time", np.array(2))
        total = graph.add("CumSum", [weight, axis])
        sums = [
            graph.add("CumSum", [graph.add("Mul", [weight, each]), axis])
            for each in (x, graph.add("Mul", [x, x]))
        ]
        mean, square = (graph.add("Div", [each, total]) for each in sums)
        variance = graph.add("Sub", [square, graph.add("Mul", [mean, mean])])
        variance = graph.add("Relu", [variance])
    else:
        axes = graph.constant(f"{name}.time", np.array([2]))
        share = graph.add("Div", [weight, graph.add("ReduceSum", [weight, axes])])
        share = graph.add("Reshape", [share, graph.shape(f"{name}.column", 0, -1, 1)])  # (N, S, 1)
        mean = graph.add("MatMul", [x, share])  # (N, C, 1)
        centred = graph.add("Sub", [x, mean])
        variance = graph.add("MatMul", [graph.add("Mul", [centred, centred]), share])
    return mean, graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])


def _conv(graph: OnnxGraph, name: str, layer: nn.Conv1d, x: str, causal: bool = False) -> str:
    (pad,), (dilation,) = layer.padding, layer.dilation
    pads = [0, pad, 0, 0 if causal else pad]
    height = graph.constant(f"{name}.height", np.array([2]))
    weight, bias = _array(layer.weight[:, :, None]), _array(layer.bias)
    x = graph.add("Unsqueeze", [x, height])  # (N, C, 1, S)
    x = graph.conv(name, x, weight, bias, pads=pads, dilations=[1, dilation])
    return graph.add("Squeeze", [x, height])


def _product(graph: OnnxGraph, name: str, layer: nn.Conv1d, x: str) -> tuple[str, str]:
    """The matrix of a convolution of width 1, and its answer to (N, C, S)."""
    matrix = graph.constant(f"{name}.weight", _array(layer.weight[..., 0]))
    bias = graph.constant(f"{name}.bias", _array(layer.bias[:, None]))
    return matrix, graph.add("Add", [graph.add("MatMul", [matrix, x]), bias])


def _pointwise(graph: OnnxGraph, name: str, layer: nn.Linear, x: str) -> str:
    """A linear layer across the channels of (N, C, S)."""
    return graph.conv(name, x, _array(layer.weight[..., None]), _array(layer.bias))


def _halves(graph: OnnxGraph, x: str, name: str, n_channels: int) -> Sequence[str]:
    """The first and the last half of the channels of (N, C, S)."""
    sizes = graph.constant(f"{name}.halves", np.array([n_channels // 2] * 2))
    return graph.add_many("Split", [x, sizes], [f"{name}.scale", f"{name}.shift"], axis=1)


def _array(weights: Tensor) -> np.ndarray:
    return weights.detach().numpy()
