"""A file of traces that is open in the page: each is inferred when it is looked at."""

import io
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import numpy as np
from matplotlib.figure import Figure

from raphe.core.bundles.answers import prediction_json
from raphe.core.bundles.bundle import METHODS
from raphe.core.bundles.fields import shown as word_shown
from raphe.core.bundles.opened_file import Changes, OpenedFile, Taken, require_unchanged
from raphe.core.bundles.predictor import json_values
from raphe.core.bundles.view import Plot, Take, View
from raphe.core.errors import SettingError
from raphe.core.figure_style import figure_pdf
from raphe.core.files.csv_text import csv_text
from raphe.tasks.calcium.metrics.rates_figure import ExampleTrace, rates_figure
from raphe.tasks.calcium.prediction.infer_rates import Inferrer
from raphe.tasks.calcium.prediction.rate_files import csv_parts
from raphe.tasks.calcium.prediction.rate_folder import COLUMNS
from raphe.tasks.calcium.prediction.trace_view import (
    RATE,
    TRACE,
    ShownTrace,
    rate_plot,
    trace_plot,
    trace_view,
)
from raphe.tasks.calcium.recordings.sampling import RATE_HZ
from raphe.tasks.calcium.recordings.screening import screened
from raphe.tasks.calcium.recordings.trace_set import TraceSet

# Of all traces, as networks read them at 100 Hz: 30 min of one take a second or two.
AT_ONCE_SAMPLES = 2**16  # are inferred as the file is opened
MOST_SAMPLES = 2**23  # a file of all rates is made of, in a minute or two
KEPT_FRAMES = 2**21  # of traces whose rates are held
BYTES_A_FRAME = 16  # of a kept one: a sample, its rate and its spread
NOT_IN_A_NAME = re.compile(r"[^\w.-]")  # of a file, as a trace's name may have it
MOST_ROWS = 500  # of the table that is shown
UNCHANGEABLE = "a rate is inferred from the whole trace; leave them out"
CSV, NPY, JSON, PDF, TEXT = (
    "text/csv", "application/octet-stream", "application/json", "application/pdf", "text/markdown",
)  # fmt: skip
OF_ALL = (
    Take("rates.csv", "Rates of all traces (CSV)"),
    Take("spread.csv", "Spread of the networks, all traces (CSV)"),
    Take("rates.npy", "Rates of all traces (NPY)"),
    Take("spread.npy", "Spread of the networks, all traces (NPY)"),
    Take("traces.csv", "Table of all traces (CSV)"),
)
OF_ONE = (Take("trace.json", "This trace (JSON)"), Take("trace.pdf", "Figure of this trace (PDF)"))
METHODS_TAKE = Take("methods.md", "Text for the methods section")


class OpenedTraces(OpenedFile):
    """Traces in memory, and an opened bundle's inference of those that were looked at.

    `say` gives sentences that were made for the command line as the page has them.
    """

    def __init__(self, inferrer: Inferrer, traces: TraceSet, say: Callable[[str], str]) -> None:
        assert traces.n_bytes is not None
        self._inferrer, self._bundle, self._traces, self._say = (
            inferrer, inferrer.bundle, traces, say
        )  # fmt: skip
        self._places = {name: place for place, name in enumerate(traces.names)}
        self._shown: OrderedDict[int, ShownTrace] = OrderedDict()
        self._rows: dict[int, tuple[str, ...]] = {}
        if self._n_samples <= AT_ONCE_SAMPLES:
            for place in range(len(traces)):
                self._infer(place)

    @property
    def n_bytes(self) -> int:
        kept = len(self._shown) * self._traces.n_samples
        return (self._traces.n_bytes or 0) + BYTES_A_FRAME * kept

    def view(self, item: str | None, changes: Changes) -> View:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._infer(self._place(item))
        note = self._bundle.manifest["note"]
        warnings = [w for w in self._inferrer.warnings(self._traces) if w != note]
        rows = [self._rows[place] for place in sorted(self._rows)][:MOST_ROWS]
        return trace_view(
            shown,
            self._bundle,
            [f"{self._say(warning)}." for warning in warnings],
            bool(self._inferrer.unlike_rate(self._traces)),
            rows,
            self._takes(shown),
            self._are_few,
        )

    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._infer(self._place(item))
        if name == TRACE:
            return trace_plot(shown, span, points)
        if name == RATE and not shown.inferred.left_out:
            return rate_plot(shown, self._bundle.networks, span, points)
        raise SettingError(f"{word_shown(name)}: there is no such plot of this trace")

    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._infer(self._place(item))
        if name not in {take.name for take in self._takes(shown)}:
            raise SettingError(f"{word_shown(name)}: there is no such file of this trace")
        stem = self._traces.path.stem
        if name in {take.name for take in OF_ALL}:
            kind = CSV if name.endswith(".csv") else NPY
            return Taken(f"{stem}_{name}", kind, self._of_all(name))
        if name == METHODS_TAKE.name:
            return Taken(name, TEXT, self._bundle.bundle.file(METHODS).read_bytes())
        named = f"{stem}_{NOT_IN_A_NAME.sub('_', shown.name)}{name.removeprefix('trace')}"
        if name.endswith(".pdf"):
            return Taken(named, PDF, figure_pdf(lambda: _figure(shown)))
        return Taken(named, JSON, self._json(shown).encode())

    def _place(self, item: str | None) -> int:
        place = 0 if item is None else self._places.get(item)
        if place is None:
            raise SettingError(f"{word_shown(item)}: there is no such trace in this file")
        return place

    def _infer(self, place: int) -> ShownTrace:
        if place in self._shown:
            self._shown.move_to_end(place)
            return self._shown[place]
        inferred = self._inferrer.trace(self._traces, place)
        inferred = replace(inferred, left_out=self._say(inferred.left_out))
        samples = self._traces.read(place, place + 1)[0]
        if not inferred.left_out:
            samples = screened(samples, self._traces.rate_hz).samples
        shown = ShownTrace(self._traces, place, samples.astype(np.float64), inferred)
        self._shown[place] = shown
        self._rows[place] = shown.row
        most = max(1, KEPT_FRAMES // self._traces.n_samples)
        while len(self._shown) > most:
            self._shown.popitem(last=False)
        return shown

    @property
    def _are_few(self) -> bool:
        """Whether all traces can be inferred for one file."""
        return self._n_samples <= MOST_SAMPLES

    @property
    def _n_samples(self) -> float:
        """Of all traces at 100 Hz."""
        return len(self._traces) * self._traces.n_samples / self._traces.rate_hz * RATE_HZ

    def _takes(self, shown: ShownTrace) -> list[Take]:
        takes = [] if shown.inferred.left_out else [*OF_ONE]
        if self._are_few:
            takes += OF_ALL
        if METHODS in self._bundle.manifest["files"]:
            takes.append(METHODS_TAKE)
        return takes

    def _of_all(self, name: str) -> bytes:
        """A file of all traces, which are inferred now if they were not."""
        inferred = [self._infer(place).inferred for place in range(len(self._traces))]
        if name == "traces.csv":
            return csv_text(COLUMNS, (self._rows[place] for place in sorted(self._rows))).encode()
        of_trace = attrgetter("spread_per_s" if name.startswith("spread") else "rate_per_s")
        values = np.stack([of_trace(trace) for trace in inferred])
        if name.endswith(".csv"):
            return b"".join(csv_parts(values, self._traces.names))
        content = io.BytesIO()
        np.save(content, values)
        return content.getvalue()

    def _json(self, shown: ShownTrace) -> str:
        inferred = shown.inferred
        curation = self._traces.curation
        return prediction_json(
            self._bundle.bundle,
            map(self._say, self._inferrer.warnings(self._traces)),
            **json_values(
                {
                    "traces": self._traces.path.name,
                    "trace": inferred.name,
                    "frames_per_s": self._traces.rate_hz,
                    "rate_per_s": inferred.rate_per_s,
                    "spread_per_s": inferred.spread_per_s,
                    "first_frame_s": self._traces.begins_s,
                    "spike_times_s": self._traces.begins_s + shown.spike_times_s,
                    "no_event": inferred.no_event,
                    "mean_rate_per_s": inferred.mean_rate,
                    "noise_percent_per_sqrt_hz": inferred.noise,
                    "expected_correlation": inferred.expected_correlation,
                    "single_spike_percent": inferred.single_spike.percent,
                    "unlike": inferred.unlike,
                    "bridged": inferred.bridged,
                    "dff": self._inferrer.dff,
                    **vars(self._inferrer.timing),
                    "is_cell": None if curation is None else curation.is_cell[shown.place],
                }
            ),
        )


def _figure(shown: ShownTrace) -> Figure:
    inferred = shown.inferred
    rates = inferred.rate_per_s, inferred.spread_per_s
    example = ExampleTrace(shown.name, shown.samples, *rates, shown.spike_times_s)
    return rates_figure([example], shown.rate_hz)
