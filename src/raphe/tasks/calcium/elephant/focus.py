"""Training that leans towards the datasets a new one resembles (Rupprecht & Gerhard 2017)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.calcium.elephant.embedding import Embedding, retraining_weights
from raphe.tasks.calcium.elephant.embedding_file import open_embedding
from raphe.tasks.calcium.features.trace_statistics import SEGMENT, statistics
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS, Conditioning, fault
from raphe.tasks.calcium.recordings.read_csv import CHALLENGE
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.recordings.trace_set import TraceOptions, TraceSet


@dataclass(frozen=True)
class Focus:
    """The new recordings, and the embedding they are placed in; without both there is no focus.

    Args:
        traces: a file of the new recordings, see `read_traces`; their spikes are not needed.
        embedding: see `open_embedding`.
        files: what the file does not say of itself.
        conditioning: of its traces; the challenge's own files stay as they are.

    Raises:
        SettingError: when one of the two is given without the other.
    """

    traces: str | Path | None = None
    embedding: str | Path | None = None
    files: TraceOptions = field(default_factory=TraceOptions)
    conditioning: Conditioning = field(default_factory=Conditioning)

    def __post_init__(self) -> None:
        if (self.traces is None) != (self.embedding is None):
            missing = "traces" if self.traces is None else "embedding"
            raise SettingError(f"data.focus.{missing}: expected a path beside the other one's")

    def __bool__(self) -> bool:
        return self.traces is not None

    @property
    def _given(self) -> tuple[str | Path, str | Path]:
        assert self.traces is not None and self.embedding is not None  # or there is no focus
        return self.traces, self.embedding

    @cached_property
    def opened(self) -> TraceSet:
        """The new recordings. Raises RecordingError."""
        return read_traces(self._given[0], self.files)

    @cached_property
    def statistics(self) -> np.ndarray:
        """Statistics of the new recordings (n, 18); those with a fault, or too short, are left out.

        Raises RecordingError when none is left.
        """
        traces = self.opened
        is_ready = CHALLENGE.fullmatch(Path(self._given[0]).name)
        condition = AS_IT_IS if is_ready else self.conditioning
        rows = []
        for trace in traces:
            known = screened(trace.samples, traces.rate_hz).samples
            if not fault(known):
                conditioned = condition(known, traces.rate_hz)
                samples = conditioned.samples[~conditioned.missing]
                if len(samples) >= SEGMENT:
                    rows.append(statistics(samples))
        if not rows:
            raise RecordingError(
                f"{self.traces}: expected traces to place, every one has a fault or is shorter "
                f"than {SEGMENT / RATE_HZ} s"
            )
        return np.array(rows)

    @property
    def content_hash(self) -> str:
        """Of the new recordings' statistics and of the embedding."""
        embedding = open_embedding(self._given[1])
        facts = [embedding.names, embedding.confusion.tolist(), embedding.statistics.tolist()]
        text = json.dumps([self.statistics.tolist(), *facts])
        return hashlib.sha256(text.encode()).hexdigest()

    def embedding_without(self, held_out: Iterable[str]) -> Embedding:
        """The embedding less datasets held out, whose place was learnt from their spikes."""
        return open_embedding(self._given[1]).without(held_out)

    def weights(self, trained: Iterable[str], held_out: Iterable[str]) -> dict[str, float]:
        """How much each dataset that is trained on counts, the nearest 1.

        Raises:
            SettingError: a dataset is not in the embedding.
        """
        embedding = self.embedding_without(held_out)
        self._require(embedding, set(trained))
        distances = embedding.distances(embedding.place(self.statistics))
        return retraining_weights({name: distances[name] for name in trained})

    def _require(self, embedding: Embedding, trained: set[str]) -> None:
        unknown = trained - set(embedding.datasets)
        if unknown:
            raise SettingError(
                f"data.focus.embedding={self.embedding}: expected the datasets trained on, got "
                f"{', '.join(embedding.datasets)} without {', '.join(sorted(unknown))}; make one "
                "of this store with `raphe train task=elephant_embedding data.store=…`"
            )


def shares(weights: Mapping[str, float], n_windows: Mapping[str, int]) -> dict[str, float]:
    """The share of each dataset's windows that an epoch draws.

    As many of each as the smallest has, times its weight.
    """
    fewest = min(n_windows.values())
    return {name: weight * fewest / n_windows[name] for name, weight in weights.items()}
