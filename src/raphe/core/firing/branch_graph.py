"""Branches of numbers as nodes of an ONNX graph: what BranchNet gives, without torch.

M members, N cells, D numbers a cell, C classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.core.firing.branch_net import FARTHEST


def branch_logits(
    graph: OnnxGraph, name: str, state: Mapping[str, np.ndarray], dims: Sequence[int], inputs: str
) -> str:
    """Logits (M, N, C) of inputs (N, D), NaN where a branch is missing; the node's name.

    Args:
        name: before those of all constants, for one network of the graph.
        state: the network's weights by their names in BranchNet.
        dims: how many numbers each branch has.
    """

    def constant(key: str) -> str:
        return graph.constant(f"{name}.{key}", state[key])

    def value(key: str, number: float) -> str:
        return graph.constant(f"{name}.{key}", np.float32(number))

    missing = graph.add("IsNaN", [inputs])  # (N, D)
    known = graph.add("Where", [missing, value("nothing", 0.0), inputs])
    lacks = graph.add("Cast", [missing], to=TensorProto.FLOAT)
    one = value("one", 1.0)
    scaled = graph.add("Sub", [known, constant("mean")])  # (M, N, D)
    scaled = graph.add("Div", [scaled, constant("scale")])
    scaled = graph.add("Clip", [scaled, value("least", -FARTHEST), value("most", FARTHEST)])
    begin, hidden, logits = 0, [], constant("bias")
    for number, width in enumerate(dims):
        branch, ends = f"branches.{number}", (begin, begin + width)
        block = _columns(graph, f"{name}.{branch}.block", scaled, 2, ends)
        of_block = _columns(graph, f"{name}.{branch}.lacks", lacks, 1, ends)
        weight = graph.add("Sub", [one, graph.add("ReduceMax", [of_block], axes=[1], keepdims=1)])
        of_branch = graph.add("MatMul", [block, constant(f"{branch}.weight")])
        of_branch = graph.add("Add", [of_branch, constant(f"{branch}.bias")])
        hidden.append(graph.add("Mul", [_gelu(graph, f"{name}.{branch}", of_branch), weight]))
        linear = graph.add("MatMul", [block, constant(f"{branch}.linear")])
        logits = graph.add("Add", [logits, graph.add("Mul", [linear, weight])])
        begin += width
    fused = graph.add("Concat", hidden, axis=2)
    return graph.add("Add", [logits, graph.add("MatMul", [fused, constant("output")])])


def _columns(graph: OnnxGraph, name: str, x: str, axis: int, ends: tuple[int, int]) -> str:
    where = [
        graph.constant(f"{name}.{key}", np.array([number]))
        for key, number in (("begin", ends[0]), ("end", ends[1]), ("axis", axis))
    ]
    return graph.add("Slice", [x, *where])


def _gelu(graph: OnnxGraph, name: str, x: str) -> str:
    """As torch's without an approximation: x (1 + erf(x / √2)) / 2."""
    root, one, half = (
        graph.constant(f"{name}.{key}", np.float32(number))
        for key, number in (("root", 2**0.5), ("one", 1.0), ("half", 0.5))
    )
    share = graph.add("Add", [graph.add("Erf", [graph.add("Div", [x, root])]), one])
    return graph.add("Mul", [graph.add("Mul", [x, share]), half])
