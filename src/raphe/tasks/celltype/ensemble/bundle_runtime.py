"""An exported ensemble that predicts with onnxruntime alone: no torch, no Lightning, no MLflow.

N spikes, T samples of a window, M members, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import safe_open

from raphe.core.bundles.bundle import Bundle, BundleError, open_bundle
from raphe.core.bundles.onnx_session import processor_session
from raphe.core.errors import SettingError
from raphe.tasks.celltype.metrics.decision import Decision
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows

KIND = "celltype/ensemble"
GRAPH, WEIGHTS, CONFIG = "model.onnx", "weights.safetensors", "config.yaml"
INPUT, OUTPUTS = "current_pa", ("probability", "member_probability")  # of the graph
NEEDED = {
    "members",
    "classes",
    "window",
    "training",
    "note",
    "not_sure",
    "mix",
    "validation",
    "between_days",
}
SPIKES_AT_ONCE = 256  # few enough that a layer's features stay in the processor's cache


class Probabilities(NamedTuple):
    """What an ensemble says of N spikes; not calibrated, which is done for whole cells."""

    ensemble: np.ndarray  # float32 (N, C): the members' mean, each by its weight
    members: np.ndarray  # float32 (M, N, C)


class EnsembleGraph:
    """A loaded ONNX graph of an ensemble; `threads` of None is one a core."""

    def __init__(self, graph: bytes, threads: int | None = None) -> None:
        self._session = processor_session(graph, threads)
        self.n_samples = self._session.get_inputs()[0].shape[1]
        self.n_members, _, self.n_classes = self._session.get_outputs()[1].shape

    def predict(self, windows: np.ndarray) -> Probabilities:
        """Probabilities of windows (N, T) in pA, in blocks: memory does not grow with N beyond
        the windows and the answer."""
        ensemble = np.empty((len(windows), self.n_classes), np.float32)
        members = np.empty((self.n_members, len(windows), self.n_classes), np.float32)
        for start in range(0, len(windows), SPIKES_AT_ONCE):
            block = slice(start, start + SPIKES_AT_ONCE)
            current_pa = np.ascontiguousarray(windows[block], np.float32)
            ensemble[block], members[:, block] = self._session.run(OUTPUTS, {INPUT: current_pa})
        return Probabilities(ensemble, members)


@dataclass(frozen=True)
class Member:
    """One network of the ensemble, as the manifest has it."""

    name: str  # prefix of its weights in weights.safetensors
    label: str  # what tells it from the others, as "k=20 seed=3" or the name of its file
    origin: str  # the run or the file that it comes from
    kernel: int
    columns: int
    times: int  # it counts so often in the ensemble's mean


@dataclass(frozen=True)
class Ensemble:
    """An opened bundle, ready to predict."""

    bundle: Bundle
    members: tuple[Member, ...]
    graph: EnsembleGraph = field(repr=False)

    @classmethod
    def open(cls, path: Path | str, threads: int | None = None) -> "Ensemble":
        """Open a bundle and check its hashes. Raises BundleError."""
        bundle = open_bundle(path, KIND, NEEDED)
        members = tuple(Member(**facts) for facts in bundle.manifest["members"])
        return cls(bundle, members, EnsembleGraph(bundle.file(GRAPH).read_bytes(), threads))

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest["classes"])

    @cached_property
    def cut(self) -> Cut | GivenWindows:
        """How its spikes are cut; what its windows are like where they were cut elsewhere."""
        window = self.manifest["window"]
        if window["cut"] is None:
            return GivenWindows(window["n_samples"], window["rate_hz"], window["unit"])
        return Cut(**window["cut"])

    def predict(self, windows: np.ndarray) -> Probabilities:
        """Probabilities of windows (N, T) in pA. Raises SettingError for another shape."""
        windows, n_samples = np.asarray(windows), self.graph.n_samples
        if windows.ndim != 2 or windows.shape[1] != n_samples:
            raise SettingError(
                f"{self.bundle.path}: expected windows (N, {n_samples}) in "
                f"{self.manifest['window']['unit']}, got {windows.shape}; cut the spikes as the "
                "manifest's window says"
            )
        return self.graph.predict(windows)

    @cached_property
    def decision(self) -> Decision:
        """How a cell is decided on from the probabilities of its spikes. Raises BundleError."""
        try:
            return Decision.from_facts(self.manifest)
        except KeyError as missing:
            raise BundleError(
                f"{self.bundle.path}: its manifest holds no {missing.args[0]}, an earlier raphe "
                "wrote it; export it again"
            ) from None

    def state(self, member: Member) -> dict[str, np.ndarray]:
        """A member's weights, float32, by their names and in their shapes in CellTypeNet."""
        prefix = f"{member.name}."
        with safe_open(self.bundle.file(WEIGHTS), "numpy") as file:
            keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118, no dict
            return {key.removeprefix(prefix): file.get_tensor(key) for key in keys}
