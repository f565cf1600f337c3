"""Elephant's published networks in a bundle, run with onnxruntime alone: no torch.

T samples at 100 Hz, M networks, W samples of a window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.bundle import CARD, Bundle, fitting_together, open_bundle
from raphe.core.bundles.manifest import AT_LEAST_ONE, COUNT, TEXT, BundleKind, facts
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.ranges import check_ranges
from raphe.core.threads import Threads, threads_of_process
from raphe.tasks.calcium.recordings.sampling import z_scored

GRAPH = "model.onnx"
INPUT, OUTPUT = "calcium", "z_scores"  # of the graph
KIND = BundleKind(
    "calcium/elephant",
    files=(GRAPH, CARD),
    may_hold=(),
    manifest=facts(
        {"note": TEXT, "n_members": AT_LEAST_ONE, "window": AT_LEAST_ONE, "before": COUNT}
    ),
)
CHUNK = 4096  # samples told at once; the values of more would leave the cache


@dataclass(frozen=True)
class ElephantBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    graph: GraphSession = field(repr=False)
    threads: int = 1  # of the processor: so many traces are inferred at once

    @classmethod
    def open(
        cls, path: Path | str, threads: Threads | None = None, content_hash: str | None = None
    ) -> "ElephantBundle":
        """Open a bundle and check its hashes, see `open_bundle`; `threads` of None: all it may use.

        Raises BundleError, or SettingError for a number of threads that cannot be.
        """
        check_ranges(cls.open, {"threads": threads})
        bundle = open_bundle(path, KIND, content_hash)
        graph = GraphSession(
            bundle.file(GRAPH).read_bytes(), bundle.path, [INPUT], [OUTPUT], 1, keeps_memory=False
        )
        opened = cls(bundle, graph, threads or threads_of_process())
        with fitting_together(bundle):
            answer = opened._said(np.zeros(opened.manifest["window"], np.float32))
            if answer.shape != (1,) or opened.manifest["before"] >= opened.manifest["window"]:
                raise ValueError("the graph does not answer a window with one number")
        return opened

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    def infer(self, samples: np.ndarray) -> np.ndarray:
        """The mean over the networks of a conditioned trace (T,): float32 (T,).

        A z-score of the trace's own rate. As in the original it is 0, the mean, where a window
        would reach beyond the trace, and for the last sample that it would fit.
        """
        window, before = self.manifest["window"], self.manifest["before"]
        calcium = z_scored(samples).astype(np.float32)
        answer = np.zeros(len(calcium), np.float32)
        n_told = len(calcium) - window
        for start in range(0, n_told, CHUNK):
            stop = min(start + CHUNK, n_told)
            answer[before + start : before + stop] = self._said(calcium[start : stop + window - 1])
        return answer

    def _said(self, calcium: np.ndarray) -> np.ndarray:
        """The mean over the networks at each of the windows in (T,): (T − W + 1,)."""
        answers = self.graph.run({INPUT: calcium[None]})[0]  # (M, 1, T − W + 1)
        mean: np.ndarray = answers[:, 0].mean(axis=0)
        return mean
