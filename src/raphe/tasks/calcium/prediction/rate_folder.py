"""A folder of answers that grows trace by trace, and then appears at its path whole.

It grows under a hidden name beside its path, where a later call goes on after an interruption.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from raphe.core.bundles.answers import PREDICTION
from raphe.core.errors import StoreError
from raphe.core.figure_style import save_figure
from raphe.core.files.atomic import FolderBuilder, reporting, write_file
from raphe.core.files.csv_text import csv_line, csv_rows, damage_told
from raphe.core.files.folders import require_beginning
from raphe.core.files.outputs import figure_names
from raphe.core.files.path import refuse_inputs_within
from raphe.core.files.refusals import require_room
from raphe.core.nwb.writer import require_pynwb
from raphe.core.sentences import counted
from raphe.tasks.calcium.metrics.second_counts import whole_seconds
from raphe.tasks.calcium.prediction.growing_files import PROGRESS, GrowingFiles
from raphe.tasks.calcium.prediction.infer_rates import InferredTrace
from raphe.tasks.calcium.prediction.rate_files import (
    BYTES_PER_VALUE,
    NWB,
    WRITERS,
    Quantity,
    npy_header,
    write_nwb,
)
from raphe.tasks.calcium.recordings.stored_matrix import NpyMatrix, open_npy
from raphe.tasks.calcium.recordings.trace_set import Curation, TraceSet

TABLE, SPIKES = "traces.csv", "spikes.csv"
FIGURE, POPULATION = "traces.png", "population.png"
COLUMNS = (
    "trace",
    "cell",
    "status",
    "mean_rate_per_s",
    "mean_rate_low_per_s",
    "mean_rate_high_per_s",
    "mean_spread_per_s",
    "noise_percent_per_sqrt_hz",
    "expected_correlation",
    "single_spike_percent",
    "single_spike_low_percent",
    "single_spike_high_percent",
    "timing",
    "remark",
)
INFERRED, UNLIKE, LEFT_OUT = "inferred", "unlike training", "left out"  # status of a trace
NO_EVENT = "no event above the noise"  # begins the remark


@dataclass(frozen=True)
class Contents:
    """What such a folder holds of each trace."""

    what: str  # in words, the matrices
    matrices: Mapping[str, Quantity]  # by the stem of their files
    columns: tuple[str, ...]  # of the table

    @property
    def files(self) -> list[str]:
        """Of the matrices, while the folder grows."""
        return [f"{stem}.npy" for stem in self.matrices]


RATES = Contents(
    "spike rates",
    {
        "rates": Quantity(
            "inferred spike rate, the mean over the networks; NaN where there is none", "spikes/s"
        ),
        "spread": Quantity(
            "how far the networks disagree: the standard deviation of the rate", "spikes/s"
        ),
        "counts": Quantity(
            "spikes in each whole second, by the rate; NaN where there is none", "spikes", True
        ),
        "counts_low": Quantity(
            "from how many spikes on, in nine of ten such seconds; NaN: not known", "spikes", True
        ),
        "counts_high": Quantity(
            "up to how many spikes, in nine of ten such seconds; NaN: not known", "spikes", True
        ),
    },
    COLUMNS,
)
ELEPHANT = Contents(
    "Elephant's z-scores",
    {
        "elephant": Quantity(
            "what Elephant's networks say, their mean: a z-score of each trace's rate; NaN where "
            "there is none",
            "z-score",
        )
    },
    ("trace", "cell", "status", "noise_percent_per_sqrt_hz", "timing", "remark"),
)
NAMES = {  # of all that may stand in such a folder
    *(TABLE, SPIKES, PREDICTION, *figure_names(FIGURE), *figure_names(POPULATION), *PROGRESS),
    *(
        f"{stem}.{kind}"
        for contents in (RATES, ELEPHANT)
        for stem in contents.matrices
        for kind in BYTES_PER_VALUE
    ),
}
MADE_FROM = "made_from"  # in PREDICTION: the identity
REMEDY = "pass --overwrite to infer anew"
SPARE_BYTES = 2**25  # for the table and the figure


class RateFolder:
    """Take what is said of each trace in their order, then `finish`.

    Args:
        out: the folder to make.
        traces: whose answers it will hold.
        contents: what of each.
        identity: of what is inferred from what, and how.
        kind: of the files of matrices, "npy", "nwb" or one of WRITERS.
        spikes: also keep discrete spike times.
        overwrite: replace answers that stand at `out`, and drop unfinished ones of another
            identity.
        inputs: what is read, which must not lie in `out`.

    Raises:
        StoreError: when something that may not be replaced stands at `out`, the disk has no room,
            or as GrowingFiles.
        SettingError: an input lies in `out`.
    """

    def __init__(
        self,
        out: Path,
        traces: TraceSet,
        contents: Contents,
        identity: str,
        kind: str = "npy",
        spikes: bool = False,
        overwrite: bool = False,
        inputs: Iterable[Path] = (),
    ) -> None:
        refuse_inputs_within(out, inputs)
        if kind == NWB:
            require_pynwb(str(out))
        self._builder = FolderBuilder(out, TABLE, overwrite, _own_names, kept=True)
        self.path, self.folder = self._builder.path, self._builder.folder
        self.names, self.kind, self._traces = traces.names, kind, traces
        self._contents = contents
        beginnings = {TABLE: _line(contents.columns)} | {
            name: npy_header(len(traces), self._n_values(quantity))
            for name, quantity in zip(contents.files, contents.matrices.values(), strict=True)
        }
        if spikes:
            beginnings[SPIKES] = _line(("trace", "time_s"))
        try:
            with reporting(self.path):
                self._require_room()
                self.files = GrowingFiles(self.folder, identity, beginnings, overwrite)
        except BaseException:
            with suppress(OSError):  # it holds what an earlier call has done
                self.folder.rmdir()
            raise

    def __enter__(self) -> "RateFolder":
        return self

    def __exit__(self, *exception: Any) -> None:
        if exception[0] is not None:
            with suppress(OSError):  # of a full disk, which a write has told
                self.files.note()
        self.files.close()

    @property
    def next_cell(self) -> str:
        """Whether the next trace to be added is a cell, see `cell_word`."""
        return cell_word(self._traces.curation, self.files.done)

    def add(
        self,
        values: Sequence[np.ndarray],
        row: Sequence[str],
        spike_times_s: Iterable[float] = (),
    ) -> None:
        """Append one trace: its row (T,), or (S,) of seconds, of each matrix, its row of the table,
        times of spikes."""
        begin = _line((row[0], "")).decode().rstrip()
        item = {
            **{
                name: of_trace.astype("<f4").tobytes()
                for name, of_trace in zip(self._contents.files, values, strict=True)
            },
            TABLE: _line(row),
            SPIKES: "".join(f"{begin}{time:.3f}\n" for time in spike_times_s).encode(),
        }
        with reporting(self.path):
            self.files.append({name: item[name] for name in self.files.names})

    def rows(self) -> list[dict[str, str]]:
        """The table so far, a row a trace."""
        self.files.note()
        with damage_told(self.folder / TABLE, StoreError, REMEDY):
            return list(csv_rows(self.folder / TABLE))

    def rates(self, index: int) -> tuple[np.ndarray, ...]:
        """Of a trace its row (T,) or (S,) of each matrix, once all traces are there."""
        files = (open_npy(self.folder / name) for name in self._contents.files)
        return tuple(file[index : index + 1][0] for file in files)

    def finish(self, figures: Mapping[str, Figure], prediction: str) -> None:
        """Bring the matrices into their format, and give the folder its name.

        `figures` by the names of their files; `prediction` is the text of prediction.json.
        """
        assert self.files.done == len(self.names)
        with reporting(self.path):
            rows = self.rows()
            for name, figure in figures.items():
                save_figure(figure, self.folder / name)
            matrices = {
                stem: self._matrix(f"{stem}.npy")
                for stem, quantity in self._contents.matrices.items()
                if self._n_values(quantity)
            }
            if self.kind == NWB:
                described = {
                    stem: (self._contents.matrices[stem], matrix)
                    for stem, matrix in matrices.items()
                }
                path = self.folder / f"{next(iter(matrices))}.{NWB}"
                write_nwb(described, path, rows, self._traces, self._contents.what)
            elif self.kind in WRITERS:
                for stem, matrix in matrices.items():
                    path = self.folder / f"{stem}.{self.kind}"
                    WRITERS[self.kind](matrix, path, self.names)
            write_file(self.folder / PREDICTION, prediction)
            self.files.close()
            self._builder.commit()
            converted = () if self.kind == "npy" else self._contents.files
            for name in (*converted, *PROGRESS):
                (self.path / name).unlink(missing_ok=True)

    def _matrix(self, name: str) -> NpyMatrix:
        """Of traces and frames, or seconds, on disk."""
        matrix = open_npy(self.folder / name)
        assert isinstance(matrix, NpyMatrix)
        return matrix

    def _n_values(self, quantity: Quantity) -> int:
        """Of a trace."""
        n_frames = self._traces.n_samples
        return whole_seconds(n_frames, self._traces.rate_hz) if quantity.of_seconds else n_frames

    def _require_room(self) -> None:
        n_values = len(self.names) * sum(map(self._n_values, self._contents.matrices.values()))
        there = sum(path.stat().st_size for path in self.folder.glob("*"))
        wanted = BYTES_PER_VALUE[self.kind] * n_values + SPARE_BYTES - there
        what = f"{self._contents.what} of {counted('trace', len(self.names))} as {self.kind}"
        require_room(self.path, wanted, what, "choose another --out")


def finished_rows(
    out: Path, contents: Contents, identity: str, kind: str
) -> list[dict[str, str]] | None:
    """The table of a folder that holds these very answers already; None where there is none.

    Args:
        out: where it would be.
        contents, identity, kind: see RateFolder.
    """
    names = (TABLE, *(f"{stem}.{kind}" for stem in list(contents.matrices)[:1]))
    try:
        made_from = json.loads((out / PREDICTION).read_bytes())[MADE_FROM]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if made_from != identity or not all((out / name).is_file() for name in names):
        return None
    with damage_told(out / TABLE, StoreError, REMEDY):
        return list(csv_rows(out / TABLE))


def _own_names(out: Path) -> set[str]:
    require_beginning(out / TABLE, f"{COLUMNS[0]},")
    return NAMES


def cell_word(curation: Curation | None, place: int) -> str:
    """Whether a trace is a cell by the file's curation, in a word; "" without one."""
    return "" if curation is None else ("no", "yes")[curation.is_cell[place]]


def table_row(trace: InferredTrace, cell: str) -> tuple[str, ...]:
    """What the table says of a trace, by COLUMNS."""
    if trace.left_out:
        return trace.name, cell, LEFT_OUT, *[""] * (len(COLUMNS) - 4), trace.left_out
    assert trace.mean_rate is not None
    values = (
        *trace.mean_rate,
        np.nanmean(trace.spread_per_s),
        trace.noise,
        trace.expected_correlation,
        *trace.single_spike.percent,
    )
    numbers = ("" if np.isnan(value) else f"{value:.4g}" for value in values)
    status = UNLIKE if trace.unlike else INFERRED
    remark = "; ".join((*[NO_EVENT] * trace.no_event, *trace.unlike, *trace.bridged))
    return trace.name, cell, status, *numbers, trace.timing, remark


def _line(values: Iterable[str]) -> bytes:
    return csv_line(values).encode()
