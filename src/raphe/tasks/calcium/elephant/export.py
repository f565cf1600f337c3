"""A bundle of Elephant's published networks, all in one ONNX graph that is written node by node.

Every layer runs once over a whole trace, and what pooling would skip is kept: a pair is pooled at
each sample, so that the layers after it reach over two samples a step, and after the second pooling
over four. N traces, T samples, M networks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from raphe.core.bundles import cards
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.onnx_graph import OnnxGraph, require_agreement
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.sentences import counted
from raphe.tasks.calcium.elephant.bundle import GRAPH, INPUT, KIND, OUTPUT
from raphe.tasks.calcium.elephant.network import (
    AFTER,
    BEFORE,
    DENSE,
    POOL,
    STEPS,
    WINDOW,
    ElephantNet,
)
from raphe.tasks.calcium.elephant.weights_import import ElephantFileError, read_elephant
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, z_scored

AGREEMENT = 1e-4  # of a z-score, graph against torch
N_SAMPLES = 1000  # of the trace that they are compared on
NOTE = (
    "These are Elephant's own numbers (Rupprecht and Gerhard 2017), {mean}: z-scores of each "
    "trace's rate, 0 its mean and 1 a standard deviation above, not spikes/s, so that no neuron's "
    f"rate can be told from another's; the first {BEFORE / RATE_HZ:g} s and the last "
    f"{AFTER / RATE_HZ:g} s are 0, as published."
)
CARD_TEXT = """\
The networks of Rupprecht and Gerhard (2017), Spikefinder-Elephant, with the weights in the files
below, as their authors published them. What they were trained on, and under which licence the
weights stand, their authors say; raphe has not trained them, and promises nothing of them.

`model.onnx` takes `calcium` (N × T, float32, z-scored, 100 Hz) and gives `z_scores` (networks × N
× T − 127): the first of a trace is of its sample 32. `manifest.json` has the SHA-256 of every
file."""


def import_elephant(files: Sequence[Path], out: Path, overwrite: bool = False) -> Path:
    """Write a bundle of the networks in `files`, whose mean it says, and return its path.

    Raises:
        ElephantFileError: as read_elephant, or a file that is named twice.
        StoreError: something that may not be replaced stands at `out`.
    """
    networks = [_of_file(file) for file in files]
    hashes = list(map(sha256_of, files))
    if len(set(hashes)) < len(files):
        raise ElephantFileError(f"{out}: expected different files of weights, got one twice")
    with BundleWriter(out, overwrite) as writer:
        graph = elephant_graph(networks)
        _verify(graph, networks, out)
        mean = "of one network" if len(files) == 1 else f"the mean of {len(files)} networks"
        named = [
            f"{file.name} (SHA-256 {of_file})" for file, of_file in zip(files, hashes, strict=True)
        ]
        facts: dict[str, Any] = {
            "note": NOTE.format(mean=mean),
            "n_members": len(files),
            "window": WINDOW,
            "before": BEFORE,
            "rate_hz": RATE_HZ,
            "provenance": {"weights": named},
        }
        title = f"# Elephant, as published: {counted('network', len(files))}"
        sources = cards.provenance(facts["provenance"])
        text = cards.card([title, cards.note(facts["note"]), CARD_TEXT, sources, cards.WHOSE])
        return writer.finish(KIND, {GRAPH: graph, CARD: text.encode()}, facts).path


def _of_file(file: Path) -> ElephantNet:
    network = ElephantNet()
    network.load_state_dict(read_elephant(file))
    return network


def _verify(graph: bytes, networks: Sequence[ElephantNet], out: Path) -> None:
    """Refuse a graph that does not say what its networks do. Raises BundleError."""
    trace = z_scored(np.random.default_rng(0).normal(size=N_SAMPLES)).astype(np.float32)[None]
    from_graph = GraphSession(graph, out, [INPUT], [OUTPUT], threads=1).run({INPUT: trace})[0]
    with torch.inference_mode():
        told = [network(torch.from_numpy(trace)).numpy() for network in networks]
    require_agreement(from_graph, np.stack(told), AGREEMENT, str(out), "a z-score")


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
