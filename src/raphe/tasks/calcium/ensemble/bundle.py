"""An exported ensemble of RateNets that infers with onnxruntime alone: no torch, no Lightning.

N traces, T samples at 100 Hz, M members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from raphe.core.bundles.bundle import Bundle, open_bundle
from raphe.core.bundles.onnx_session import processor_session
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, even_in_bins, z_scored

KIND = "calcium/rates"
GRAPH, CONFIG = "model.onnx", "config.yaml"
INPUT, OUTPUT = "calcium", "expected_spikes"  # of the graph
NEEDED = {"conditioning", "domain", "frame_hz", "note"}  # of the manifest
STRIDE = 4  # samples: T is a multiple of it


class Rates(NamedTuple):
    """What an ensemble says of a trace, in spikes per second."""

    mean: np.ndarray  # float32 (T,), of the members
    spread: np.ndarray  # float32 (T,), their standard deviation


class RateGraph:
    """A loaded ONNX graph of an ensemble; `threads` of None is one a core."""

    def __init__(self, graph: bytes, threads: int | None = None) -> None:
        self._session = processor_session(graph, threads, keeps_memory=False)

    def expected(self, calcium: np.ndarray) -> np.ndarray:
        """Spikes expected in each sample (M, N, T) of z-scored calcium (N, T)."""
        n_samples = calcium.shape[1]
        x = np.pad(calcium, [(0, 0), (0, -n_samples % STRIDE)], mode="edge").astype(np.float32)
        return self._session.run([OUTPUT], {INPUT: x})[0][..., :n_samples]


@dataclass(frozen=True)
class RateBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    graph: RateGraph = field(repr=False)

    @classmethod
    def open(cls, path: Path | str, threads: int | None = None) -> "RateBundle":
        """Open a bundle and check its hashes. Raises BundleError."""
        bundle = open_bundle(path, KIND, NEEDED)
        return cls(bundle, RateGraph(bundle.file(GRAPH).read_bytes(), threads))

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def conditioning(self) -> Conditioning:
        """How traces are made ready for it."""
        return Conditioning(**self.manifest["conditioning"])

    @property
    def domain(self) -> Mapping[str, Any]:
        """What the traces of training were like, see training_domain."""
        return self.manifest["domain"]

    @property
    def frame_hz(self) -> tuple[float, float]:
        """The slowest and the fastest imaging of training."""
        slowest, fastest = self.manifest["frame_hz"]
        return slowest, fastest

    def infer(self, samples: np.ndarray) -> Rates:
        """Rates of a conditioned trace (T,) at 100 Hz."""
        expected = self.graph.expected(z_scored(samples)[None])[:, 0]
        rates = even_in_bins(expected) * RATE_HZ
        return Rates(rates.mean(axis=0), rates.std(axis=0))
