"""An exported ensemble of RateNets that infers with onnxruntime alone: no torch, no Lightning.

N traces, T samples at 100 Hz, M members.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from raphe.core.bundles.bundle import CARD, METHODS, Bundle, fitting_together, open_bundle
from raphe.core.bundles.manifest import (
    AT_LEAST_ONE,
    FLAG,
    NUMBER,
    POSITIVE,
    TEXT,
    BundleKind,
    by_name,
    exactly,
    facts,
    list_of,
    or_none,
)
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.ranges import check_ranges
from raphe.core.threads import Threads, threads_of_process
from raphe.tasks.calcium.ensemble.silence import has_event, shown_at_once
from raphe.tasks.calcium.features.network_input import (
    NetworkInput,
    frame_rate_hz,
    in_noise_units,
    network_input,
)
from raphe.tasks.calcium.features.rises import CLEAR, Bins, Rises, in_bins, rises_of
from raphe.tasks.calcium.metrics.expectation import Group
from raphe.tasks.calcium.metrics.rate_factors import SCALE, TRUE_OVER_SAID
from raphe.tasks.calcium.metrics.rate_scale import RateScale, scale_from
from raphe.tasks.calcium.metrics.second_counts import CountEnds, ends_of
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, even_in_bins

GRAPH, CONFIG = "model.onnx", "config.yaml"
INPUT, FRAME_RATE, OUTPUT = "calcium", "log_frame_rate", "expected_spikes"  # of the graph
LOW_AND_HIGH = list_of(NUMBER, 2, 2)
GROUND_TRUTH, GROUPS = "ground_truth", "groups"  # what neurons of known spikes tell, see below
ERRORS = "errors"  # and how far what is said of them was off
DISTILLED = "distilled"  # of which ensemble, where one network learned what several say
KIND = BundleKind(
    "calcium/rates",
    files=(GRAPH, CARD),
    may_hold=(CONFIG, METHODS),
    manifest=facts(
        {
            "note": TEXT,
            "n_members": AT_LEAST_ONE,
            "conditioning": exactly({"baseline_s": or_none(POSITIVE), "normalise": FLAG}),
            "domain": by_name(LOW_AND_HIGH),
            "frame_hz": list_of(POSITIVE, 2, 2),
        },
        may={
            GROUND_TRUTH: facts(
                {
                    GROUPS: list_of(
                        exactly(
                            {
                                "noise": LOW_AND_HIGH,
                                "frame_hz": LOW_AND_HIGH,
                                "n": AT_LEAST_ONE,
                                "n_datasets": AT_LEAST_ONE,
                                "correlation": NUMBER,
                                "low": or_none(NUMBER),
                                "high": or_none(NUMBER),
                            }
                        )
                    )
                }
            )
        },
    ),
)
STRIDE = 4  # samples: T is a multiple of it


class Rates(NamedTuple):
    """What an ensemble says of a trace, in spikes/s: 0 where no event stands out of its noise."""

    mean: np.ndarray  # float32 (T,), of the members
    spread: np.ndarray  # float32 (T,), their standard deviation
    bins: Bins  # of the trace, in units of its noise
    steepest: float  # rise in it, in deviations of such rises of its noise

    @property
    def stands_out(self) -> bool:
        """Whether anything rises as neither noise nor drift nor hum does."""
        return self.steepest >= CLEAR


class RateGraph:
    """A loaded ONNX graph of an ensemble, `where` for sentences. Raises BundleError.

    A run takes one thread, and several may run at once: a trace a thread.
    """

    def __init__(self, graph: bytes, where: object = "the ensemble") -> None:
        self._session = GraphSession(
            graph, where, [INPUT, FRAME_RATE], [OUTPUT], threads=1, keeps_memory=False
        )

    def expected(self, shown: NetworkInput) -> np.ndarray:
        """Spikes expected in each sample of a trace (M, T), by each member.

        Raises BundleError.
        """
        calcium, log_frame_rate = shown
        x = np.pad(calcium, (0, -len(calcium) % STRIDE), mode="edge")[None]
        return self.of_batch(x, log_frame_rate[None])[:, 0, : len(calcium)]

    def of_batch(self, calcium: np.ndarray, log_frame_rate: np.ndarray) -> np.ndarray:
        """The same of traces (N, T) at once, T a multiple of 4, and frame rates (N, 1): (M, N, T).

        Raises BundleError.
        """
        return self._session.run({INPUT: calcium, FRAME_RATE: log_frame_rate})[0]


@dataclass(frozen=True)
class RateBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    graph: RateGraph = field(repr=False)
    threads: int = 1  # of the processor: so many traces are inferred at once

    @classmethod
    def open(
        cls, path: Path | str, threads: Threads | None = None, content_hash: str | None = None
    ) -> "RateBundle":
        """Open a bundle and check its hashes, see `open_bundle`; `threads` of None: all it may use.

        Raises BundleError, or SettingError for a number of threads that cannot be.
        """
        check_ranges(cls.open, {"threads": threads})
        bundle = open_bundle(path, KIND, content_hash)
        graph = RateGraph(bundle.file(GRAPH).read_bytes(), bundle.path)
        opened = cls(bundle, graph, threads or threads_of_process())
        with fitting_together(bundle):
            opened._try()
        return opened

    def _try(self) -> None:
        """Infer a flat trace of one second."""
        flat = network_input(np.zeros(round(RATE_HZ)), RATE_HZ / 4)
        shape = (self.manifest["n_members"], *flat.samples.shape)
        if (got := self.graph.expected(flat).shape) != shape:
            raise ValueError(f"the graph answers with {got} where {shape} is due")
        _ = self.conditioning, self.rate_factors, self.count_ends

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def networks(self) -> str:
        """Those that the spread is of, as "4 networks"; "" of a single one."""
        distilled, n = self.manifest.get(DISTILLED), self.manifest["n_members"]
        if distilled is not None:
            return f"{distilled['members']} networks (as one that learned from them says)"
        return f"{n} networks" if n > 1 else ""

    @property
    def conditioning(self) -> Conditioning:
        """How traces are made ready for it."""
        return Conditioning(**self.manifest["conditioning"])

    @property
    def domain(self) -> Mapping[str, Any]:
        """What the traces of training were like, see training_domain."""
        return self.manifest["domain"]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """What to expect of rates, by noise and frame rate; () where it was not given any."""
        of_known = self.manifest.get(GROUND_TRUTH, {GROUPS: ()})
        return tuple(Group(**group) for group in of_known[GROUPS])

    @property
    def frame_hz(self) -> tuple[float, float]:
        """The slowest and the fastest imaging of training."""
        slowest, fastest = self.manifest["frame_hz"]
        return slowest, fastest

    def knows_rate(self, rate_hz: float) -> bool:
        """Whether training had imaging as fast and as slow; the networks see no more than 100 Hz of
        any."""
        slowest, fastest = self.frame_hz
        return slowest <= min(rate_hz, RATE_HZ) <= fastest

    @property
    def rate_factors(self) -> tuple[float, float] | None:
        """Between which factors of a said mean rate the true one lies, of 90 % of the cells that
        networks trained alike had not seen; None where that is not known."""
        ends = [(r["low"], r["high"]) for r in self._errors if r["measure"] == TRUE_OVER_SAID]
        return ends[0] if ends else None

    @cached_property
    def count_ends(self) -> tuple[CountEnds, ...]:
        """Between which ends the spikes of a second lie, by how many are said, of 90 % of such
        seconds of those cells; () where that is not known."""
        return tuple(ends_of(self._errors))

    @property
    def _errors(self) -> Sequence[Mapping[str, Any]]:
        """Of cells that were left out of training, or that it never saw."""
        left_out = (self.manifest.get("left_out") or {}).get("rows", [])
        is_told = any(row["measure"] == TRUE_OVER_SAID for row in left_out)
        return left_out if is_told else self.manifest.get(GROUND_TRUTH, {}).get(ERRORS, [])

    @property
    def _scale(self) -> RateScale:
        """By what the graph's answer is more than what its networks say, see export."""
        return scale_from(self.manifest.get(GROUND_TRUTH, {}).get(SCALE))

    def infer(self, samples: np.ndarray, imaging_hz: float) -> Rates:
        """Rates of a conditioned trace (T,) at 100 Hz, which was imaged at `imaging_hz`."""
        frame_hz = frame_rate_hz(samples, imaging_hz)
        bins = in_bins(in_noise_units(samples, frame_hz))
        mean, spread = np.zeros((2, len(samples)), np.float32)
        rises = rises_of(bins)
        if rises.steepest < CLEAR:
            return Rates(mean, spread, bins, rises.steepest)
        scale = self._scale.at(frame_hz)
        for seen, said in self._stretches(rises, len(samples)):
            part = in_noise_units(samples[seen], frame_hz)
            rates = even_in_bins(self.graph.expected(part)) * RATE_HZ
            rates = rates[:, said.start - seen.start : said.stop - seen.start]
            if has_event(rates.mean(axis=0) / scale):
                mean[said], spread[said] = rates.mean(axis=0), rates.std(axis=0)
        return Rates(mean, spread, bins, rises.steepest)

    def _stretches(self, rises: Rises, n_samples: int) -> Iterator[tuple[slice, slice]]:
        """As shown_at_once; a causal network is shown all, as it has not seen what comes."""
        if self.manifest.get("latency_s") is None:
            yield from shown_at_once(rises, n_samples)
        else:
            yield slice(0, n_samples), slice(0, n_samples)
