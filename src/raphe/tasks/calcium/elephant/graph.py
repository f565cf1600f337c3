"""Elephant's networks as one ONNX graph, written node by node.

Every layer runs once over a whole trace, and what pooling would skip is kept: a pair is pooled at
each sample, so that the layers after it reach over two samples a step, and after the second pooling
over four. N traces, T samples, M networks.
"""

from collections.abc import Sequence

import numpy as np
from torch import nn

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.tasks.calcium.elephant.bundle import INPUT, OUTPUT
from raphe.tasks.calcium.elephant.network import DENSE, POOL, STEPS, WINDOW, ElephantNet


def elephant_graph(networks: Sequence[ElephantNet]) -> bytes:
    """The file of a graph from z-scored calcium (N, T) to z-scores (M, N, T − 127), float32."""
    graph = OnnxGraph()
    first, second = (graph.constant(f"axis{axis}", np.array([axis])) for axis in (0, 1))
    x = graph.add("Unsqueeze", [INPUT, second])  # → (N, 1, T)
    answers = []
    for number, network in enumerate(networks):
        answer = graph.add("Squeeze", [_network(graph, f"network{number}", network, x), second])
        answers.append(graph.add("Unsqueeze", [answer, first]))
    graph.add("Concat", answers, axis=0, output=OUTPUT)
    told = f"T - {WINDOW - 1}"
    return graph.file({INPUT: ["N", "T"]}, {OUTPUT: [len(networks), "N", told]})


def _network(graph: OnnxGraph, name: str, network: ElephantNet, x: str) -> str:
    x = graph.add("Relu", [_conv(graph, f"{name}.conv1", network.conv1, x)])  # → (N, 50, T − 40)
    x = _pooled(graph, _conv(graph, f"{name}.conv2", network.conv2, x), 1)  # → (N, 60, T − 61)
    x = _pooled(graph, _conv(graph, f"{name}.conv3", network.conv3, x, POOL), POOL)  # T − 75
    dense = network.dense.weight.detach().numpy()[..., None]
    bias = network.dense.bias.detach().numpy()
    x = graph.add("Relu", [graph.conv(f"{name}.dense", x, dense, bias)])  # → (N, 300, T − 75)
    readout = network.readout.weight.detach().numpy().reshape(1, STEPS, DENSE)  # time-major
    weight, bias = readout.transpose(0, 2, 1), network.readout.bias.detach().numpy()
    return graph.conv(f"{name}.readout", x, weight, bias, dilations=[POOL**2])  # (N, 1, T − 127)


def _conv(graph: OnnxGraph, name: str, layer: nn.Conv1d, x: str, dilation: int = 1) -> str:
    weight, bias = layer.weight.detach().numpy(), layer.bias
    assert bias is not None
    return graph.conv(name, x, weight, bias.detach().numpy(), dilations=[dilation])


def _pooled(graph: OnnxGraph, x: str, dilation: int) -> str:
    """The larger of each two that lie `dilation` apart, at least 0."""
    pooled = graph.add("MaxPool", [x], kernel_shape=[POOL], dilations=[dilation], strides=[1])
    return graph.add("Relu", [pooled])
