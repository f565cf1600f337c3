"""Elephant's published weights (Keras 2.0 HDF5), and a bundle of them that infers.

The layers' names count through a session and differ from file to file: they are taken by order.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from raphe.core.bundles import cards
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.onnx_graph import require_agreement
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.errors import RapheError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.sentences import counted
from raphe.tasks.calcium.elephant.bundle import GRAPH, INPUT, KIND, OUTPUT
from raphe.tasks.calcium.elephant.graph import elephant_graph
from raphe.tasks.calcium.elephant.network import (
    AFTER,
    BEFORE,
    DENSE,
    FILTERS,
    KERNELS,
    STEPS,
    WINDOW,
    ElephantNet,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, z_scored

# Layers with weights, in their order: (name here, shapes of kernel and bias as Keras writes them).
LAYERS = (
    ("conv1", [(KERNELS[0], 1, FILTERS[0]), (FILTERS[0],)]),
    ("conv2", [(KERNELS[1], FILTERS[0], FILTERS[1]), (FILTERS[1],)]),
    ("conv3", [(KERNELS[2], FILTERS[1], FILTERS[2]), (FILTERS[2],)]),
    ("dense", [(FILTERS[2], DENSE), (DENSE,)]),
    ("readout", [(STEPS * DENSE, 1), (1,)]),
)
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


class ElephantFileError(RapheError):
    """A file holds no Keras weights, or those of another network."""


def import_elephant(files: Sequence[Path], out: Path, overwrite: bool = False) -> Path:
    """Write a bundle of the networks in `files`, whose mean it says, and return its path.

    Raises:
        ElephantFileError: as read_elephant, or a file that is named twice.
        StoreError: something that may not be replaced stands at `out`.
    """
    networks = [_network(file) for file in files]
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


def _network(file: Path) -> ElephantNet:
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


def read_elephant(path: Path) -> dict[str, Tensor]:
    """Return the weights of an ElephantNet that computes what the Keras network did.

    Raises:
        ElephantFileError: if the file is no HDF5 of Keras weights, or of another network; it names
            the layer and the shape that differ.
    """
    path = Path(path)
    if not path.is_file():
        raise ElephantFileError(f"{path}: expected a file of Keras weights (.h5), found none")
    try:
        with h5py.File(path, "r") as file:
            layers = [_arrays(file[name]) for name in file.attrs["layer_names"]]
    except (OSError, KeyError) as error:
        raise ElephantFileError(
            f"{path}: expected weights saved by Keras' save_weights: {error}"
        ) from error
    layers = [arrays for arrays in layers if arrays]  # poolings have none
    if len(layers) != len(LAYERS):
        raise ElephantFileError(
            f"{path}: expected {len(LAYERS)} layers with weights, got {len(layers)}"
        )
    state = {}
    for (name, shapes), arrays in zip(LAYERS, layers, strict=True):
        if (got := [array.shape for array in arrays]) != shapes:
            raise ElephantFileError(f"{path}: {name}: expected shapes {shapes}, got {got}")
        if not all(np.isfinite(array).all() for array in arrays):
            raise ElephantFileError(f"{path}: {name}: some weights are NaN or infinite")
        kernel, bias = arrays
        # (tap, in, out) → (out, in, tap); (in, out) → (out, in)
        state[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel.T))
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


def _arrays(layer: h5py.Group) -> list[np.ndarray]:
    return [layer[name][()].astype(np.float32) for name in layer.attrs["weight_names"]]
