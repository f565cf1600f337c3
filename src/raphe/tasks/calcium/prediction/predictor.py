"""A bundle of rate networks as Python uses it: traces in, spikes a second out.

N traces, T frames, S whole seconds, K spikes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.opened_file import OpenedFile
from raphe.core.bundles.predictor import BundlePredictor, json_values, require_at_most
from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.kind import kind_of
from raphe.core.sentences import printable
from raphe.tasks.calcium.elephant.bundle import KIND as OF_ELEPHANT
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.features.unitary_amplitude import Amplitude
from raphe.tasks.calcium.features.unlike_calcium import unlike_as_a_whole
from raphe.tasks.calcium.metrics.expectation import sentence
from raphe.tasks.calcium.prediction.infer_rates import Inferrer, MeanRate
from raphe.tasks.calcium.prediction.rate_stream import SEEN_S, RateStream
from raphe.tasks.calcium.prediction.rate_timing import RateTiming
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.conditioning import Conditioning
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import (
    LAYOUTS,
    NEUROPIL,
    Layout,
    TraceOptions,
    TraceSet,
)

IN_MEMORY = Path("traces")  # what messages name where there is no file
LAYOUT = Field("layout", "text", f"of a matrix: {' or '.join(LAYOUTS)}", option="--layout")
RATE = Field("rate_hz", "number", "frames a second", needed=True, option="--rate")
DFF = Field(
    "dff",
    "flag",
    "the traces are fluorescence as it was measured: bring them to ΔF/F first",
    option="--dff",
)
TIMING = (
    Field(
        "shift_s",
        "number",
        "by how much to let the rates come later; below 0, earlier; at most 1",
        option="--shift",
    ),
    Field(
        "smooth_s",
        "number",
        "standard deviation of a Gaussian to smooth the rates by, 0.025 to 0.2",
        option="--smooth",
    ),
    Field(
        "causal",
        "flag",
        "smooth by the past half of the Gaussian alone",
        option="--causal",
    ),
)
# Of one call from elsewhere: its answer is a number for each frame, twice, and a trace is read at
# 100 Hz, whole. Of a file in the page all samples are held.
MOST_FRAMES, LONGEST_MIN, FASTEST_HZ = 2**21, 120, 1000
MOST_TRACES, MOST_HELD_FRAMES = 20_000, 2**26


@dataclass(frozen=True, eq=False)
class RatePrediction:
    """Rates of N traces in each of their T frames, and how far the networks disagree."""

    names: tuple[str, ...]  # (N,), of the traces
    rate_hz: float  # frames a second
    first_frame_s: float  # when the first frame was, on the file's own clock; 0 where it has none
    rate_per_s: np.ndarray  # float32 (N, T), spikes/s: NaN where a trace is missing or left out
    spread_per_s: np.ndarray  # float32 (N, T), the networks' standard deviation
    mean_rate_per_s: tuple[MeanRate | None, ...]  # (N,), between what ends; None of one left out
    count_in_1_s: np.ndarray  # float32 (N, S), spikes in each whole second, of the rate
    count_low_in_1_s: np.ndarray  # float32 (N, S), from how many, in nine of ten such seconds
    count_high_in_1_s: np.ndarray  # float32 (N, S), up to how many; both NaN: not known
    left_out: dict[str, str]  # by name, why a trace has no rate
    no_event: tuple[str, ...]  # names of traces of which nothing stands out of the noise
    unlike: dict[str, tuple[str, ...]]  # by name, in what a trace is unlike those of training
    bridged: dict[str, tuple[str, ...]]  # by name, frames that were taken as missing
    is_cell: tuple[bool, ...] | None  # (N,), by the file's curation; None where it has none
    noise_percent_per_sqrt_hz: np.ndarray  # float64 (N,), of ΔF/F as fractions; NaN: left out
    expected_correlation: np.ndarray  # float64 (N,), with the true spikes; NaN: cannot be told
    # (N,), ΔF/F of one spike, between what ends, of traces as fractions; NaN: cannot be told
    single_spike_percent: tuple[Amplitude, ...]
    to_expect: str  # what correlation to expect of all traces; "" where the bundle does not tell
    warnings: tuple[str, ...]  # what must be known beside all rates

    def spike_times_s(self, trace: int) -> np.ndarray:
        """Times of discrete spikes of one trace, by its number: float64 (K,), on the file's clock,
        or from the first frame where it has none."""
        from_0_s = spike_times_s(np.nan_to_num(self.rate_per_s[trace]), self.rate_hz)
        return self.first_frame_s + from_0_s


class RatePredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None: all it may use. Raises BundleError."""

    TITLE = "Spike rates from calcium traces"
    FIELDS = (
        Field("traces", "rows", "a list of frames for each neuron", needed=True),
        RATE,
        LAYOUT,
        DFF,
        *TIMING,
    )
    # A zip comes unpacked, as a folder; what others hold unpacked is looked at before.
    SUFFIXES = (
        ".npy", ".npz", ".csv", ".tsv", ".txt", ".mat", ".h5", ".hdf5", ".nwb", ".zip",
    )  # fmt: skip
    FILE_FIELDS = (
        Field(
            "rate_hz",
            "number",
            "frames a second, where the file does not hold it",
            option="--rate",
            needed_for=(".npy",),
        ),
        LAYOUT,
        Field(
            "variable",
            "text",
            "of a file with several arrays or series the one to take, by its name or its place",
            option="--variable",
        ),
        Field(
            "neuropil",
            "number",
            f"of Suite2p the share of the surround to take off ({NEUROPIL} if left out)",
            option="--neuropil",
        ),
        Field(
            "cells_only",
            "flag",
            "leave out what the file's curation calls no cell",
            option="--cells-only",
        ),
        DFF,
        *TIMING,
    )
    ANSWER = {  # noqa: RUF012
        "names": "of the traces",
        "rate_hz": "frames a second",
        "first_frame_s": "when the first frame was, on the file's own clock; 0 where it has none",
        "rate_per_s": "spikes/s in each frame of each trace, null where there is no rate",
        "spread_per_s": "the networks' standard deviation, spikes/s",
        "mean_rate_per_s": "of each trace its mean rate and the ends between which the true one "
        "lies (90 %), null where they are not known",
        "count_in_1_s": "spikes in each whole second of each trace, the sum of its rate",
        "count_low_in_1_s": "the true ones are from so many, in nine of ten such seconds …",
        "count_high_in_1_s": "… up to so many; both null where they are not known",
        "left_out": "by trace, why it has no rate",
        "no_event": "traces of which nothing stands out of the noise: their rate is 0",
        "unlike": "by trace, in what it is unlike those of training",
        "bridged": "by trace, frames that were taken as missing",
        "is_cell": "whether each trace is a cell, by the file's curation; null where it has none",
        "noise_percent_per_sqrt_hz": "of each trace, if it is ΔF/F as fractions",
        "expected_correlation": "of each trace's rate with the true spikes, by neurons of such "
        "noise and frame rate whose spikes are known; null where it cannot be told",
        "single_spike_percent": "how far one spike lifts each trace, if it is ΔF/F as fractions, "
        "and the ends between which the true value lies (90 %), null where it cannot be told",
        "to_expect": "what correlation to expect of all traces, a sentence",
        "warnings": "what must be known beside all rates",
    }

    def __init__(
        self, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> None:
        self._bundle = RateBundle.open(path, threads, content_hash)
        super().__init__(self._bundle.bundle)

    def predict(
        self,
        traces: Path | str | np.ndarray,
        rate_hz: float | None = None,
        *,
        layout: Layout | None = None,
        variable: str | None = None,
        neuropil: float | None = None,
        cells_only: bool = False,
        conditioning: Conditioning | None = None,
        dff: bool = False,
        shift_s: float = 0.0,
        smooth_s: float | None = None,
        causal: bool = False,
    ) -> RatePrediction:
        """The rate of every trace; all of them are held in memory.

        Args:
            traces: an array (N, T), or (T,) of one trace; or a file, or a folder of Suite2p.
            rate_hz: frames a second, where the file does not hold it.
            layout: of a matrix, "traces-time" or "time-traces".
            variable: the array to take, of a file that holds several.
            neuropil: the share of Suite2p's surround to take off; None is 0.7.
            cells_only: leave out regions that the file's curation calls no cells.
            conditioning: in place of that of training.
            dff: traces are fluorescence as it was measured; bring them to ΔF/F first.
            shift_s: by how much the rates come later, at most 1; below 0, earlier.
            smooth_s: standard deviation of a Gaussian to smooth the rates by, 0.025 to 0.2.
            causal: smooth by its past half alone, so that no rate tells of later frames.

        Raises:
            RecordingError: what cannot be read, or is not clear without one of these arguments.
            SettingError: one of the last three has another value.
        """
        timing = RateTiming(shift_s, smooth_s, causal)
        opened = _open(traces, TraceOptions(rate_hz, layout, variable, neuropil, cells_only))
        return self._infer(opened, Inferrer(self._bundle, conditioning, timing, dff))

    def stream(
        self, rate_hz: float, n_neurons: int, delay_s: float = 0.2, seen_s: float = SEEN_S
    ) -> RateStream:
        """Rates while frames still come, see RateStream.

        Args:
            rate_hz: frames a second.
            n_neurons: of each frame.
            delay_s: how long after a frame its rate is said; a shorter one tells less.
            seen_s: how much the network is shown of each neuron.

        Raises:
            SettingError: for a value that cannot be.
        """
        return RateStream(self._bundle, rate_hz, n_neurons, delay_s, seen_s)

    def example(self) -> dict[str, Any]:
        """One flat trace of 4 s: no rate can be told of it."""
        return {"traces": [[0.0] * 120], "rate_hz": 30.0}

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Rates of `traces` as JSON has them. Raises RapheError."""
        options, how = _options(values, self.FIELDS)
        return self._answer(options.pop("traces"), TraceOptions(**options), how)

    def answer_file(self, path: Path, values: Mapping[str, object]) -> dict[str, Any]:
        """Rates of the traces in a file as JSON has them. Raises RapheError."""
        options, how = _options(values, self.FILE_FIELDS)
        return self._answer(path, TraceOptions(**options), how)

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> OpenedFile:
        """See BundlePredictor: traces, of which each is inferred when it is looked at."""
        if beside:
            raise SettingError("expected no second file: traces of calcium need none")
        options, how = _options(values, self.FILE_FIELDS)
        traces = read_traces(path, TraceOptions(**options))
        _require_bearable(traces)
        require_at_most(MOST_TRACES, len(traces), "traces", "traces")
        require_at_most(MOST_HELD_FRAMES, len(traces) * traces.n_samples, "traces", "frames")
        traces = traces.held().named(printable(name))
        from raphe.tasks.calcium.prediction.opened_traces import OpenedTraces  # and matplotlib

        return OpenedTraces(Inferrer(self._bundle, **how), traces, self.sentence)

    def _answer(
        self, traces: Path | np.ndarray, options: TraceOptions, how: Mapping[str, Any]
    ) -> dict[str, Any]:
        opened = _open(traces, options)
        _require_bearable(opened)
        require_at_most(MOST_FRAMES, len(opened) * opened.n_samples, "traces", "frames")
        answer: dict[str, Any] = json_values(
            vars(self._infer(opened, Inferrer(self._bundle, **how)))
        )
        return answer

    @staticmethod
    def _infer(opened: TraceSet, inferrer: Inferrer) -> RatePrediction:
        inferred = list(inferrer.traces(opened))
        whole = unlike_as_a_whole(["; ".join(t.unlike) for t in inferred if not t.left_out])
        rising = [trace.noise for trace in inferred if not (trace.no_event or trace.unlike)]
        return RatePrediction(
            names=opened.names,
            rate_hz=opened.rate_hz,
            first_frame_s=opened.begins_s,
            rate_per_s=np.stack([trace.rate_per_s for trace in inferred]),
            spread_per_s=np.stack([trace.spread_per_s for trace in inferred]),
            mean_rate_per_s=tuple(trace.mean_rate for trace in inferred),
            count_in_1_s=np.stack([trace.counts.said for trace in inferred]),
            count_low_in_1_s=np.stack([trace.counts.low for trace in inferred]),
            count_high_in_1_s=np.stack([trace.counts.high for trace in inferred]),
            left_out={trace.name: trace.left_out for trace in inferred if trace.left_out},
            no_event=tuple(trace.name for trace in inferred if trace.no_event),
            unlike={trace.name: trace.unlike for trace in inferred if trace.unlike},
            bridged={trace.name: trace.bridged for trace in inferred if trace.bridged},
            is_cell=opened.curation.is_cell if opened.curation else None,
            noise_percent_per_sqrt_hz=np.array([trace.noise for trace in inferred]),
            expected_correlation=np.array([trace.expected_correlation for trace in inferred]),
            single_spike_percent=tuple(trace.single_spike.percent for trace in inferred),
            to_expect=sentence(inferrer.bundle.groups, rising, opened.rate_hz),
            warnings=(*inferrer.warnings(opened), *[f"{opened.path}: {whole}"] * bool(whole)),
        )


def _require_bearable(traces: TraceSet) -> None:
    """Refuse traces of which a single one would keep a server busy. Raises RecordingError."""
    require_at_most(FASTEST_HZ, traces.rate_hz, "rate_hz", "frames a second")
    minutes = traces.n_samples / traces.rate_hz / 60
    require_at_most(LONGEST_MIN, minutes, "traces", "minutes of a trace")


def _options(
    values: Mapping[str, object], fields: Iterable[Field]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that were given: those of traces, and an Inferrer's. Raises SettingError."""
    given = read_fields(values, fields)
    timing = {field.name: given.pop(field.name) for field in TIMING if field.name in given}
    return given, {"timing": RateTiming(**timing), DFF.name: given.pop(DFF.name, False)}


def _open(traces: Path | str | np.ndarray, options: TraceOptions) -> TraceSet:
    if isinstance(traces, (str, Path)):
        return read_traces(traces, options)
    if options.rate_hz is None:
        raise RecordingError("traces in memory: expected rate_hz, their frames a second, got none")
    return TraceSet.from_matrix(IN_MEMORY, _array(traces), options.rate_hz, options.layout)


def _array(traces: np.ndarray) -> np.ndarray:
    """What is in memory, masked samples as NaN. Raises RecordingError for rows unlike in length."""
    try:
        array = np.asanyarray(traces)
    except ValueError:
        raise RecordingError(
            "traces in memory: expected one array (traces, frames), got rows that differ in "
            "length; fill shorter ones up with NaN"
        ) from None
    if isinstance(array, np.ma.MaskedArray):
        return np.ma.filled(array.astype(np.float64), np.nan)
    return array


def load(
    path: Path | str, threads: int | None = None, content_hash: str | None = None
) -> RatePredictor:
    """By which name raphe.load_bundle finds it. Raises RapheError."""
    if kind_of(Path(path)) == OF_ELEPHANT.name:
        raise SettingError(
            f"{path}: holds networks of Elephant, whose numbers are z-scores and no rates; "
            "`raphe predict` writes them"
        )
    return RatePredictor(path, threads, content_hash)
