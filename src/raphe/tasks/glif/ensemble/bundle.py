"""An exported posterior that infers with onnxruntime alone: no torch, no sbi, no Lightning.

B traces, T samples, P quantities, S samples of a posterior, M members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from raphe.core.bundles.bundle import Bundle, open_bundle
from raphe.core.bundles.onnx_session import processor_session
from raphe.core.errors import SettingError
from raphe.tasks.glif.features.least_squares import LeastSquaresEstimate, estimate_quantities
from raphe.tasks.glif.features.training_domain import unlike
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler

KIND = "glif/posterior"
GRAPH, CONFIG = "posterior_{}.onnx", "config.yaml"  # a graph for each member
# Inputs of a graph, and its output; traces only where the network reads them.
TRACES, FEATURES, CENTRE, SPREAD, NOISE = "traces", "features", "centre", "spread", "noise"
DRAWS = "draws"
NEEDED = {"level", "scaler", "n_members", "least_samples", "domain", "experiment"}


class PosteriorDraws(NamedTuple):
    """Of B traces."""

    samples: np.ndarray  # float64 (S, B, P): quantities in SI units
    unlike: list[list[str]]  # of each trace, what no simulated one has


class PosteriorGraph:
    """A loaded ONNX graph of a member; `threads` of None is one a core."""

    def __init__(self, graph: bytes, threads: int | None = None) -> None:
        self._session = processor_session(graph, threads)
        self._reads_traces = TRACES in {each.name for each in self._session.get_inputs()}

    def draw(
        self, traces: np.ndarray, estimate: LeastSquaresEstimate, noise: np.ndarray
    ) -> np.ndarray:
        """The draws float32 (S, B, P), standardised, that normal noise float32 (S, B, P) becomes.

        Args:
            traces: float32 (B, 2, T) in mV and pA, NaN in dead time.
            estimate: of these traces by least squares.
            noise: of mean 0 and deviation 1.
        """
        inputs = {
            FEATURES: estimate.features,
            CENTRE: estimate.centre,
            SPREAD: estimate.spread,
            NOISE: noise,
        }
        if self._reads_traces:
            inputs[TRACES] = traces
        return self._session.run([DRAWS], inputs)[0]


@dataclass(frozen=True)
class PosteriorBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    members: list[PosteriorGraph] = field(repr=False)

    @classmethod
    def open(cls, path: Path | str, threads: int | None = None) -> "PosteriorBundle":
        """Open a bundle and check its hashes. Raises BundleError."""
        bundle = open_bundle(path, KIND, NEEDED)
        files = [bundle.file(GRAPH.format(m)) for m in range(bundle.manifest["n_members"])]
        return cls(bundle, [PosteriorGraph(file.read_bytes(), threads) for file in files])

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def level(self) -> int:
        """Of the model, 1 to 5."""
        return self.manifest["level"]

    @property
    def scaler(self) -> PriorScaler:
        """From what its graphs draw to SI units."""
        mean, deviation = (np.array(self.manifest["scaler"][n]) for n in ("mean", "deviation"))
        return PriorScaler(self.level, mean, deviation)

    @property
    def longest_s(self) -> float:
        """Of the traces trained on."""
        return self.manifest["experiment"]["length_s"][1]

    @property
    def least_samples(self) -> int:
        """Of a trace that its networks can read."""
        return self.manifest["least_samples"]

    def infer(
        self, traces: np.ndarray, rate_hz: float, n_samples: int, rng: np.random.Generator
    ) -> PosteriorDraws:
        """Draw n_samples from the posterior of each trace, every member its share of them.

        `traces` are float32 (B, 2, T): voltage in mV, NaN in dead time, and current in pA. Raises
        SettingError for another shape, or traces too short for the networks.
        """
        if traces.ndim != 3 or traces.shape[1] != 2 or traces.shape[2] < self.least_samples:
            raise SettingError(
                f"traces: expected (B, 2, T), voltage and current, of {self.least_samples} samples "
                f"or more, got {traces.shape}"
            )
        scaler = self.scaler
        estimate = estimate_quantities(traces, rate_hz, scaler)
        noise = rng.standard_normal((n_samples, *estimate.centre.shape), dtype=np.float32)
        shares = np.array_split(noise, len(self.members))
        draws = np.concatenate(
            [
                member.draw(traces, estimate, share)
                for member, share in zip(self.members, shares, strict=True)
                if len(share)
            ]
        )
        mixed = rng.permutation(draws)  # so that the first few are of every member
        domain = self.manifest["domain"]
        return PosteriorDraws(
            scaler.values(mixed.astype(np.float64)),
            [unlike(features, domain) for features in estimate.features],
        )
