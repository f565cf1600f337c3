"""An exported posterior that infers with onnxruntime alone: no torch, no sbi, no Lightning.

B traces, T samples, P quantities, S samples of a posterior, M members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

from raphe.core.bundles.bundle import CARD, METHODS, Bundle, fitting_together, open_bundle
from raphe.core.bundles.manifest import (
    AT_LEAST_ONE,
    NUMBER,
    POSITIVE,
    TEXT,
    BundleKind,
    by_name,
    exactly,
    facts,
    list_of,
)
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.errors import SettingError
from raphe.core.threads import threads_of_process
from raphe.tasks.glif.features.least_squares import LeastSquaresEstimate, estimate_quantities
from raphe.tasks.glif.features.reproduction import (
    LEVEL,
    MISFITS,
    limits_at,
    misfits,
    not_reproduced,
)
from raphe.tasks.glif.features.training_domain import NAMES, unlike
from raphe.tasks.glif.synthetic.prior import read_prior
from raphe.tasks.glif.synthetic.prior_scaler import PriorScaler
from raphe.tasks.glif.synthetic.quantities import quantities

# A graph for each member.
GRAPH, CONFIG, PRIOR = "posterior_{}.onnx", "config.yaml", "prior.json"
# Inputs of a graph, and its output; traces only where the network reads them.
TRACES, FEATURES, CENTRE, SPREAD, NOISE = "traces", "features", "centre", "spread", "noise"
DRAWS = "draws"
MOST_MEMBERS = 1000
KIND = BundleKind(
    "glif/posterior",
    files=(GRAPH, CARD),
    may_hold=(CONFIG, PRIOR, METHODS),
    manifest=facts(
        {
            "note": TEXT,
            "level": {"type": "integer", "minimum": 1, "maximum": 5},
            "n_members": {**AT_LEAST_ONE, "maximum": MOST_MEMBERS},
            "scaler": exactly({"mean": list_of(NUMBER, 1), "deviation": list_of(POSITIVE, 1)}),
            "least_samples": AT_LEAST_ONE,
            "domain": by_name(list_of(NUMBER, 2, 2)),
            "experiment": facts({"length_s": list_of(POSITIVE, 2, 2)}),
        },
        {"misfit_limits_mv": exactly(dict.fromkeys(MISFITS, list_of(list_of(POSITIVE, 2, 2), 1)))},
    ),
)


class PosteriorDraws(NamedTuple):
    """Of B traces."""

    samples: np.ndarray  # float64 (S, B, P): quantities in SI units
    unlike: list[list[str]]  # of each trace, what no simulated one has
    misfits_mv: list[dict[str, float]]  # of each trace by name, see `reproduction`; at level 1


class PosteriorGraph:
    """A loaded ONNX graph of a member, `where` for sentences; `threads` of None: all it may use.

    Raises BundleError.
    """

    def __init__(
        self, graph: bytes, threads: int | None = None, where: object = "the ensemble"
    ) -> None:
        inputs = (FEATURES, CENTRE, SPREAD, NOISE)
        self._session = GraphSession(graph, where, inputs, [DRAWS], threads)
        self._reads_traces = TRACES in self._session.inputs

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
        return self._session.run(inputs)[0]


@dataclass(frozen=True)
class PosteriorBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    members: list[PosteriorGraph] = field(repr=False)
    threads: int | None = None  # of what is estimated by least squares; None: numba's own

    @classmethod
    def open(
        cls, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> "PosteriorBundle":
        """Open a bundle and check its hashes, see `open_bundle`. Raises BundleError."""
        bundle = open_bundle(path, KIND, content_hash)
        files = [bundle.file(GRAPH.format(m)) for m in range(bundle.manifest["n_members"])]
        members = [PosteriorGraph(file.read_bytes(), threads, bundle.path) for file in files]
        opened = cls(bundle, members, threads or threads_of_process())
        with fitting_together(bundle):
            opened._try()
        return opened

    def _try(self) -> None:
        """Draw twice from each member for estimates at the prior's mean."""
        n_quantities = len(quantities(self.level))
        scaler = self.scaler
        if {len(scaler.mean), len(scaler.deviation)} != {n_quantities}:
            raise ValueError(f"the scaler is not of level {self.level}'s {n_quantities} quantities")
        if tuple(self.manifest["domain"]) != NAMES:
            raise ValueError("the domain is not of the features that are compared")
        zeros = np.zeros((1, n_quantities), np.float32)
        features = np.zeros((1, len(NAMES)), np.float32)
        traces = np.zeros((1, 2, self.least_samples), np.float32)
        noise = np.zeros((2, 1, n_quantities), np.float32)
        for member in self.members:
            draws = member.draw(traces, LeastSquaresEstimate(zeros, zeros + 1, features), noise)
            if draws.shape != noise.shape:
                raise ValueError(f"a graph draws {draws.shape} where {noise.shape} is due")

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def note(self) -> str:
        """What must be known beside everything that it infers."""
        return (
            f"The networks were trained on simulated GLIF neurons of level {self.level}: what they "
            "say of a cell are the parameters of the model neuron that behaves most like it, "
            "however unlike the model the cell is."
        )

    @property
    def level(self) -> int:
        """Of the model, 1 to 5."""
        return self.manifest["level"]

    @property
    def scaler(self) -> PriorScaler:
        """From what its graphs draw to SI units."""
        mean, deviation = (np.array(self.manifest["scaler"][n]) for n in ("mean", "deviation"))
        return PriorScaler(self.level, mean, deviation)

    def prior_draws(self, n: int) -> np.ndarray:
        """Quantities of n neurons as training drew them: float64 (n, P) in SI units.

        Of a bundle without its prior, normal ones of the same mean and deviation.
        Raises SettingError for a prior that cannot be read.
        """
        rng = np.random.default_rng(0)
        if PRIOR in self.manifest["files"]:
            return read_prior(self.bundle.file(PRIOR)).draw(n, rng)
        return self.scaler.values(rng.standard_normal((n, len(quantities(self.level)))))

    def misfit_limits_mv(self, rate_hz: float) -> dict[str, float]:
        """By name what nearly no simulated trace exceeds; none where it was not measured."""
        return limits_at(self.manifest.get("misfit_limits_mv", {}), rate_hz)

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
        if self.threads is not None:  # in this thread, whichever opened the bundle
            numba.set_num_threads(min(self.threads, numba.config.NUMBA_NUM_THREADS))
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
        samples = scaler.values(mixed.astype(np.float64))
        domain = self.manifest["domain"]
        said = [unlike(features, domain) for features in estimate.features]
        found: list[dict[str, float]] = [{} for _ in said]
        if self.level == LEVEL:
            off = misfits(traces, rate_hz, np.median(samples, axis=0)).tolist()
            found = [dict(zip(MISFITS, each, strict=True)) for each in off]
        for sentences, each in zip(said, found, strict=True):
            sentences += not_reproduced(each, self.misfit_limits_mv(rate_hz))
        return PosteriorDraws(samples, said, found)
