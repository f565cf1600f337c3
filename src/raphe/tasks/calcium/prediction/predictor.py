"""A bundle of rate networks as Python uses it: traces in, spikes a second out.

N traces, T frames, K spikes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.prediction.infer_rates import Inferrer
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import NEUROPIL, TraceOptions, TraceSet

IN_MEMORY = Path("traces")  # what messages name where there is no file


@dataclass(frozen=True, eq=False)
class RatePrediction:
    """Rates of N traces in each of their T frames, and how far the networks disagree."""

    names: tuple[str, ...]
    rate_hz: float  # frames a second
    rate_per_s: np.ndarray  # float32 (N, T), spikes/s: NaN where a trace is missing or left out
    spread_per_s: np.ndarray  # float32 (N, T), the networks' standard deviation
    left_out: dict[str, str]  # by name, why a trace has no rate
    unlike: dict[str, tuple[str, ...]]  # by name, in what a trace is unlike those of training
    warnings: tuple[str, ...]  # what must be known beside all rates

    def spike_times_s(self, trace: int) -> np.ndarray:
        """Times of discrete spikes of one trace, by its number: float64 (K,), from its start."""
        return spike_times_s(np.nan_to_num(self.rate_per_s[trace]), self.rate_hz)


class RatePredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None is one a core. Raises BundleError."""

    def __init__(self, path: Path | str, threads: int | None = None) -> None:
        self._bundle = RateBundle.open(path, threads)
        super().__init__(self._bundle.bundle)

    def predict(
        self,
        traces: Path | str | np.ndarray,
        rate_hz: float | None = None,
        *,
        layout: str | None = None,
        variable: str | None = None,
        neuropil: float = NEUROPIL,
        conditioning: Conditioning | None = None,
    ) -> RatePrediction:
        """The rate of every trace; all of them are held in memory.

        Args:
            traces: an array (N, T), or (T,) of one trace; or a file, or a folder of Suite2p.
            rate_hz: frames a second, where the file does not hold it.
            layout: of a matrix, "traces-time" or "time-traces".
            variable: the array to take, of a file that holds several.
            neuropil: the share of Suite2p's surround to take off.
            conditioning: in place of that of training.

        Raises:
            RecordingError: what cannot be read, or is not clear without one of these arguments.
        """
        opened = _open(traces, TraceOptions(rate_hz, layout, variable, neuropil))
        inferrer = Inferrer(self._bundle, conditioning)
        inferred = list(inferrer.traces(opened))
        return RatePrediction(
            names=opened.names,
            rate_hz=opened.rate_hz,
            rate_per_s=np.stack([trace.rate_per_s for trace in inferred]),
            spread_per_s=np.stack([trace.spread_per_s for trace in inferred]),
            left_out={trace.name: trace.left_out for trace in inferred if trace.left_out},
            unlike={trace.name: trace.unlike for trace in inferred if trace.unlike},
            warnings=tuple(inferrer.warnings(opened)),
        )


def _open(traces: Path | str | np.ndarray, options: TraceOptions) -> TraceSet:
    if isinstance(traces, (str, Path)):
        return read_traces(traces, options)
    if options.rate_hz is None:
        raise RecordingError("traces in memory: expected rate_hz, their frames a second, got none")
    return TraceSet.from_matrix(IN_MEMORY, np.asarray(traces), options.rate_hz, options.layout)


load = RatePredictor  # by which name raphe.load_bundle finds it
