"""A TraceEncoder as nodes of an ONNX graph.

B traces, T samples, C channels, S steps, H units, F features.
"""

import math

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor, nn

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.tasks.glif.network.trace_encoder import (
    CURRENT_SPREAD_PA,
    VOLTAGE_CENTRE_MV,
    VOLTAGE_SPREAD_MV,
    TraceEncoder,
)

GATES = [0, 3, 1, 2]  # torch's i, f, g, o in ONNX's order i, o, f, g


def add_encoder(graph: OnnxGraph, encoder: TraceEncoder, traces: str) -> str:
    """Features (B, F) of traces (B, 2, T) in mV and pA, NaN in dead time."""
    sizes = graph.constant("encoder.channels", np.array([1, 1]))
    voltage, current = graph.add_many(
        "Split", [traces, sizes], ["encoder.voltage", "encoder.current"], axis=1
    )  # (B, 1, T) each
    dead = graph.add("IsNaN", [voltage])
    is_dead = graph.add("Cast", [dead], to=TensorProto.FLOAT)
    zero = graph.constant("encoder.zero", np.float32(0))
    scaled = graph.add("Where", [dead, zero, _scaled_voltage(graph, "encoder.all", voltage)])
    spread = graph.constant("encoder.spread_pa", np.float32(CURRENT_SPREAD_PA))
    current = graph.add("Div", [current, spread])
    x = graph.add("Concat", [scaled, current, is_dead], axis=1)  # (B, 3, T)
    for index, (convolution, norm) in enumerate(
        zip(encoder.convolutions, encoder.norms, strict=True)
    ):
        name = f"encoder.convolution{index}"
        weights = convolution.weight.detach().numpy(), convolution.bias.detach().numpy()
        x = graph.conv(name, x, *weights, strides=list(convolution.stride))
        x = _normalised(graph, f"{name}.norm", norm, gelu(graph, name, x))
    x = _lstm(graph, encoder.lstm, x)  # (B, S, 2 H)
    norm = encoder.norm
    affine = [_constant(graph, f"encoder.norm.{p}", getattr(norm, p)) for p in ("weight", "bias")]
    x = graph.add("LayerNormalization", [x, *affine], axis=-1, epsilon=norm.eps)
    attention = _constant(graph, "encoder.attention.weight", encoder.attention.weight.T)
    # Its bias is the same in every step: the softmax over steps takes it out.
    weight = graph.add("Softmax", [graph.add("MatMul", [x, attention])], axis=1)
    pooled = graph.add("MatMul", [graph.add("Transpose", [weight], perm=[0, 2, 1]), x])
    pooled = graph.add("Flatten", [pooled], axis=1)  # (B, heads × 2 H)
    mean = graph.add("ReduceMean", [x], axes=[1], keepdims=0)
    extremes = _extremes(graph, voltage, dead, is_dead)
    seen = graph.add("Concat", [pooled, mean, extremes], axis=1)
    return linear(graph, "encoder.readout", encoder.readout, seen)


def linear(graph: OnnxGraph, name: str, layer: nn.Linear, x: str) -> str:
    """A linear layer of (B, C)."""
    weights = [_constant(graph, f"{name}.{p}", getattr(layer, p)) for p in ("weight", "bias")]
    return graph.add("Gemm", [x, *weights], transB=1)


def gelu(graph: OnnxGraph, name: str, x: str) -> str:
    """x Φ(x), of any shape."""
    root, one, half = (
        graph.constant(f"{name}.gelu{number}", np.float32(value))
        for number, value in enumerate((math.sqrt(2), 1, 0.5))
    )
    tail = graph.add("Add", [graph.add("Erf", [graph.add("Div", [x, root])]), one])
    return graph.add("Mul", [graph.add("Mul", [x, tail]), half])


def _normalised(graph: OnnxGraph, name: str, norm: nn.GroupNorm, x: str) -> str:
    """One group of all channels of (B, C, T)."""
    mean = graph.add("ReduceMean", [x], axes=[1, 2])  # (B, 1, 1)
    x = graph.add("Sub", [x, mean])
    variance = graph.add("ReduceMean", [graph.add("Mul", [x, x])], axes=[1, 2])
    epsilon = graph.constant(f"{name}.epsilon", np.float32(norm.eps))
    x = graph.add("Div", [x, graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])])
    x = graph.add("Mul", [x, _constant(graph, f"{name}.weight", norm.weight[:, None])])
    return graph.add("Add", [x, _constant(graph, f"{name}.bias", norm.bias[:, None])])


def _lstm(graph: OnnxGraph, lstm: nn.LSTM, x: str) -> str:
    """States (B, S, 2 H) of (B, C, S), forward before backward."""

    def stacked(name: str) -> Tensor:
        """Both directions' weights (2, 4 H, …), gates in ONNX's order."""
        sides = (getattr(lstm, f"{name}_l0{side}") for side in ("", "_reverse"))
        return torch.stack([side.unflatten(0, (4, -1))[GATES].flatten(0, 1) for side in sides])

    biases = torch.cat([stacked("bias_ih"), stacked("bias_hh")], dim=1)  # (2, 8 H)
    weights = [
        _constant(graph, "encoder.lstm.input", stacked("weight_ih")),
        _constant(graph, "encoder.lstm.recurrent", stacked("weight_hh")),
        _constant(graph, "encoder.lstm.bias", biases),
    ]
    x = graph.add("Transpose", [x], perm=[2, 0, 1])  # (S, B, C)
    x = graph.add(
        "LSTM", [x, *weights], hidden_size=lstm.hidden_size, direction="bidirectional"
    )  # (S, 2, B, H)
    x = graph.add("Transpose", [x], perm=[2, 0, 1, 3])  # (B, S, 2, H)
    sizes = graph.shape("encoder.states", 0, 0, 2 * lstm.hidden_size)
    return graph.add("Reshape", [x, sizes])


def _extremes(graph: OnnxGraph, voltage: str, dead: str, is_dead: str) -> str:
    """As trace_encoder's: (B, 4), of voltages (B, 1, T) that are not NaN throughout."""
    low, high = (
        graph.constant(f"encoder.{name}", np.float32(bound))
        for name, bound in (("highest", np.inf), ("lowest", -np.inf))
    )
    largest = graph.add("ReduceMax", [graph.add("Where", [dead, high, voltage])], axes=[2])
    smallest = graph.add("ReduceMin", [graph.add("Where", [dead, low, voltage])], axes=[2])
    at = graph.constant("encoder.first_sample", np.array([0]))
    first = graph.add("Gather", [voltage, at], axis=2)
    centre = graph.constant("encoder.centre_mv", np.float32(VOLTAGE_CENTRE_MV))
    first = graph.add("Where", [graph.add("IsNaN", [first]), centre, first])
    values = graph.add("Concat", [largest, smallest, first], axis=2)  # (B, 1, 3)
    values = _scaled_voltage(graph, "encoder.extremes", values)
    share = graph.add("ReduceMean", [is_dead], axes=[2])
    return graph.add("Flatten", [graph.add("Concat", [values, share], axis=2)], axis=1)


def _scaled_voltage(graph: OnnxGraph, name: str, voltage: str) -> str:
    centre, spread = (
        graph.constant(f"{name}.{part}", np.float32(value))
        for part, value in (("centre", VOLTAGE_CENTRE_MV), ("spread", VOLTAGE_SPREAD_MV))
    )
    return graph.add("Div", [graph.add("Sub", [voltage, centre]), spread])


def _constant(graph: OnnxGraph, name: str, value: Tensor) -> str:
    return graph.constant(name, np.ascontiguousarray(value.detach().numpy()))
