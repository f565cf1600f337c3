"""All members of an ensemble as one ONNX graph, written node by node.

N spikes, T samples of a window, D numbers of a cell's firing, M members, C classes, F filters, L
samples left.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.core.firing.branch_graph import branch_logits
from raphe.tasks.celltype.ensemble.bundle_runtime import FIRING_INPUT, INPUT, OUTPUTS
from raphe.tasks.celltype.features.firing_inputs import DIMS
from raphe.tasks.celltype.network.firing_net import FiringNet
from raphe.tasks.celltype.network.kernel_size import POOL
from raphe.tasks.celltype.network.net import NORM_EPSILON, PUBLISHED_CLASSES, CellTypeNet

ENSEMBLE, MEMBERS = OUTPUTS
BRANCHES = "firing."  # before the weights that look at firing


def ensemble_graph(
    nets: Sequence[CellTypeNet], weights: Sequence[float], as_published: bool = False
) -> bytes:
    """The file of a graph from `current_pa` to the probabilities of every member and of all.

    Input: float32 (N, T) in pA; where a member looks at the cell's firing also `firing` (N, D), NaN
    where it is not known. Outputs: `probability` (N, C), the mean over members by their
    weights, and `member_probability` (M, N, C); each is `CellTypeNet.class_probability`.

    Args:
        nets: the members, all for windows of the same T and for the same C classes.
        weights: of the members in the mean; they are scaled to sum to 1.
        as_published: each is `CellTypeNet.probabilities` instead.
    """
    graph = OnnxGraph()
    standardised = _standardise(graph)
    shares = (np.asarray(weights) / np.sum(weights)).astype(np.float32)
    first = graph.constant("first_axis", np.array([0]))
    stacked = [
        graph.add(
            "Unsqueeze", [_member(graph, f"member{index}", net, standardised, as_published), first]
        )
        for index, net in enumerate(nets)
    ]
    graph.add("Concat", stacked, output=MEMBERS, axis=0)  # M × (1, N, C) → (M, N, C)
    weighted = graph.add("Mul", [MEMBERS, graph.constant("weights", shares[:, None, None])])
    graph.add("ReduceSum", [weighted, first], output=ENSEMBLE, keepdims=0)
    n_classes = nets[0].dense.out_features
    inputs: dict[str, list[int | str]] = {INPUT: ["N", nets[0].n_samples]}
    if any(isinstance(net, FiringNet) for net in nets):
        inputs[FIRING_INPUT] = ["N", sum(DIMS)]
    return graph.file(
        inputs,
        {ENSEMBLE: ["N", n_classes], MEMBERS: [len(nets), "N", n_classes]},
    )


def _standardise(graph: OnnxGraph) -> str:
    """Layer norm over time before its scale and shift, which differ between members: (N, T).

    Not as LayerNormalization: some runtimes take the variance as a difference of two large numbers
    there, which would lose a spike on a large baseline. The mean of such a baseline is itself
    rounded, so the rest of it goes in a second step.
    """
    centred = _centre(graph, _centre(graph, INPUT))
    variance = graph.add("ReduceMean", [graph.add("Mul", [centred, centred])], axes=[1])
    epsilon = graph.constant("norm_epsilon", np.float32(NORM_EPSILON))
    deviation = graph.add("Sqrt", [graph.add("Add", [variance, epsilon])])
    return graph.add("Div", [centred, deviation])


def _centre(graph: OnnxGraph, x: str) -> str:
    return graph.add("Sub", [x, graph.add("ReduceMean", [x], axes=[1])])


def _member(
    graph: OnnxGraph, name: str, net: CellTypeNet, standardised: str, as_published: bool
) -> str:
    """Probability of each class (N, C) from the standardised windows (N, T)."""
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    weight = {
        key: graph.constant(f"{name}.{key}", value)
        for key, value in state.items()
        if not key.startswith(BRANCHES)
    }
    x = graph.add("Mul", [standardised, weight["norm.weight"]])
    x = graph.add("Add", [x, weight["norm.bias"]])
    # Images of one row: runtimes have faster convolutions for these than for sequences.
    image = graph.constant(f"{name}.image", np.array([-1, 1, 1, net.n_samples]))
    x = graph.add("Reshape", [x, image])  # (N, T) → (N, 1, 1, T)
    for layer in ("conv1", "conv2"):
        x = graph.add("Conv", [x, weight[f"{layer}.weight"], weight[f"{layer}.bias"]])
        x = graph.add("Relu", [x])  # before the pooling, where runtimes merge it with the Conv
        x = graph.add("MaxPool", [x], kernel_shape=[1, POOL], strides=[1, POOL])  # (N, F, 1, L)
    if net.columns == 2:
        x = graph.add("Max", [x, graph.constant(f"{name}.time", _time_features(net))])
    x = graph.add("Flatten", [x])  # (N, F₂, 1, L) → (N, F₂ · L)
    logits = graph.add("Gemm", [x, weight["dense.weight"], weight["dense.bias"]], transB=1)
    if isinstance(net, FiringNet):
        of_firing = branch_logits(graph, f"{name}.firing", _of_branches(state), DIMS, FIRING_INPUT)
        first = graph.constant(f"{name}.firing.first", np.array([0]))
        logits = graph.add("Add", [logits, graph.add("Squeeze", [of_firing, first])])
    if net.dense.out_features == PUBLISHED_CLASSES:
        if as_published:
            return graph.add("Sigmoid", [logits])
        # The logarithms of their sigmoids.
        logits = graph.add("Neg", [graph.add("Softplus", [graph.add("Neg", [logits])])])
    return graph.add("Softmax", [logits], axis=1)


def _of_branches(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A FiringNet's weights that look at firing, by their names in BranchNet."""
    return {
        key.removeprefix(BRANCHES): value
        for key, value in state.items()
        if key.startswith(BRANCHES)
    }


@torch.no_grad()
def _time_features(net: CellTypeNet) -> np.ndarray:
    """What the time column brings to the last pooling, the same for every spike: (1, F₂, 1, L)."""
    features = net.branch(net.time_s[None]).relu()  # (1, L, F₂)
    return features.transpose(1, 2)[:, :, None].numpy()
