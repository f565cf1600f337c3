"""All members of a RateEnsemble as one ONNX graph, written node by node.

N traces, T samples, S = T / 4 steps, C channels, M members.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from raphe.tasks.calcium.rate_bundle import INPUT, OUTPUT
from raphe.tasks.calcium.rate_net import EPSILON, RARE, STRIDE, Block, RateEnsemble, RateNet

OPSET = 17
IR_VERSION = 8  # of the file, the one that came with opset 17


def rate_graph(ensemble: RateEnsemble) -> bytes:
    """The file of a graph from z-scored calcium (N, T) to expected spikes (M, N, T), float32."""
    graph = _Graph()
    steps = graph.add("Reshape", [INPUT, graph.shape("steps", 0, -1, STRIDE)])
    steps = graph.add("Transpose", [steps], perm=[0, 2, 1])  # (N, 4, S)
    first = graph.constant("first_axis", np.array([0]))
    stacked = [
        graph.add("Unsqueeze", [_member(graph, f"member{index}", net, steps), first])
        for index, net in enumerate(ensemble.members)
    ]
    gain = graph.constant("gain", ensemble.gain[:, None, None].numpy())
    graph.add("Mul", [graph.add("Concat", stacked, axis=0), gain], output=OUTPUT)
    return graph.file([INPUT, ["N", "T"]], [OUTPUT, [len(ensemble.members), "N", "T"]])


def _member(graph: "_Graph", name: str, net: RateNet, steps: str) -> str:
    """Expected spikes (N, T) from steps (N, 4, S)."""
    x = graph.add("Relu", [graph.conv(f"{name}.first", net.first, steps)])
    for index, block in enumerate(net.blocks):
        x = _block(graph, f"{name}.blocks.{index}", block, x)
    x = graph.add("Relu", [graph.conv(f"{name}.dense", net.dense, x)])
    x = graph.conv(f"{name}.readout", net.readout, x)  # (N, 4, S)
    x = graph.add("Add", [x, graph.constant(f"{name}.rare", np.float32(RARE))])
    x = graph.add("Transpose", [graph.add("Softplus", [x])], perm=[0, 2, 1])
    return graph.add("Reshape", [x, graph.shape(f"{name}.samples", 0, -1)])


def _block(graph: "_Graph", name: str, block: Block, x: str) -> str:
    h = graph.add("Relu", [graph.conv(f"{name}.wide", block.wide, x)])  # (N, C, S)
    mean = graph.add("ReduceMean", [h], axes=[2])  # (N, C, 1)
    centred = graph.add("Sub", [h, mean])
    variance = graph.add("ReduceMean", [graph.add("Mul", [centred, centred])], axes=[2])
    epsilon = graph.constant(f"{name}.epsilon", np.float32(EPSILON))
    deviation = graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])
    seen = graph.add("Flatten", [graph.add("Concat", [mean, deviation], axis=1)])  # (N, 2 C)
    seen = graph.add("Relu", [graph.linear(f"{name}.summary", block.summary, seen)])
    both = graph.linear(f"{name}.adapt", block.adapt, seen)  # (N, 2 C)
    both = graph.add("Reshape", [both, graph.shape(f"{name}.both", 0, 2, -1, 1)])
    scale, shift = (
        graph.add("Gather", [both, graph.constant(f"{name}.{way}", np.array(way))], axis=1)
        for way in (0, 1)
    )  # (N, C, 1) each
    one = graph.constant(f"{name}.one", np.float32(1))
    h = graph.add("Mul", [h, graph.add("Add", [scale, one])])
    h = graph.conv(f"{name}.mix", block.mix, graph.add("Add", [h, shift]))
    return graph.add("Add", [x, h])


class _Graph:
    """Nodes and constants as they are added; each node's output is named after it and a number."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def shape(self, name: str, *sizes: int) -> str:
        """Sizes to reshape to: 0 keeps an axis, −1 takes what is left."""
        return self.constant(name, np.array(sizes))

    def add(
        self, kind: str, inputs: list[str], output: str | None = None, **settings: object
    ) -> str:
        """Add a node of one output and return that output's name."""
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    def conv(self, name: str, layer: object, x: str) -> str:
        (pad,), (dilation,) = layer.padding, layer.dilation
        return self.add(
            "Conv", [x, *self._weights(name, layer)], pads=[pad, pad], dilations=[dilation]
        )

    def linear(self, name: str, layer: object, x: str) -> str:
        return self.add("Gemm", [x, *self._weights(name, layer)], transB=1)

    def _weights(self, name: str, layer: object) -> list[str]:
        return [
            self.constant(f"{name}.{part}", getattr(layer, part).detach().numpy())
            for part in ("weight", "bias")
        ]

    def file(self, given: list, made: list) -> bytes:
        """The checked model as the bytes of an .onnx file."""
        graph = helper.make_graph(
            self._nodes,
            "raphe",
            [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, given[1])],
            [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, made[1])],
            self._constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="raphe",
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)
