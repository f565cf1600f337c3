"""Series of NWB 2 files, by pynwb's own objects. pynwb is an extra (raphe[nwb]).

N samples, C columns.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.extras import install
from raphe.core.nwb.clock import Clock
from raphe.core.nwb.contents import Contents, Part, TableRow
from raphe.core.nwb.regions import Regions, regions_of
from raphe.core.nwb.series import (
    ACQUIRED,
    NO_CACHE,
    STIMULUS,
    TEMPLATE,
    Series,
    StoredColumn,
    bias_in_a,
    fault_of_data,
    fault_of_scale,
    plain_unit,
    reason,
)
from raphe.core.recordings.units import unit_factor

ELECTRODES = ("PatchClampSeries", "ElectricalSeries")  # and their kin: an electrode's samples
NO_SAMPLES = ("IndexSeries", "AnnotationSeries", "ImageSeries", "IntervalSeries")  # and their kin
DEEPEST = 8  # containers within one another


def read_contents(path: Path, version: str) -> Contents:
    """All series of samples; they stay on disk, and the file open as long as they are kept.

    Raises RecordingError.
    """
    try:
        from pynwb import NWBHDF5IO
        from pynwb.base import TimeSeries
    except ImportError:
        raise RecordingError(
            f"{path}: reading NWB files needs pynwb, which is not installed: {install('nwb')}"
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on cached schemas and other releases of NWB
        try:
            file = h5py.File(path, "r", rdcc_nbytes=NO_CACHE)
            whole = NWBHDF5IO(file=file, mode="r", load_namespaces=True).read()
            objects = dict(_objects(whole, TimeSeries))
            tables = _TableRows(path, objects)
            rows = tuple(tables.read(whole))
        except RecordingError:
            raise
        except Exception as error:  # pynwb raises whatever h5py, hdmf or the schema does
            raise RecordingError(
                f"{path}: expected an NWB file, got one that pynwb cannot read{reason(error)}"
            ) from error
        return _contents(path, version, objects, rows)


def _objects(whole: Any, time_series: type) -> Iterator[tuple[str, Any]]:
    """Every time series with its place."""
    sections: dict[str, Mapping[str, Any]] = {
        ACQUIRED: whole.acquisition,
        STIMULUS: whole.stimulus,
        TEMPLATE: whole.stimulus_template,
        **{f"processing/{name}": module.data_interfaces for name, module in
           whole.processing.items()},
        "analysis": whole.analysis,
        "scratch": whole.scratch,
    }  # fmt: skip
    for section, members in sections.items():
        for name, member in members.items():
            yield from _within(f"{section}/{name}", member, time_series, DEEPEST)


def _within(place: str, item: Any, time_series: type, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(item, time_series):
        yield place, item
    elif depth:
        for child in getattr(item, "children", ()):
            yield from _within(f"{place}/{child.name}", child, time_series, depth - 1)


def _contents(
    path: Path, version: str, objects: Mapping[str, Any], rows: tuple[TableRow, ...]
) -> Contents:
    numbers = {row.response.place: row.sweep for row in rows if row.sweep is not None}
    n_rows = Counter(row.response.place for row in rows)
    columns: list[Series] = []
    left_out, others = _unknown(path, objects), {}
    regions: dict[str, Regions] = {}
    for place, series in objects.items():
        kinds = {kind.__name__ for kind in type(series).__mro__}
        data = getattr(series, "data", None)
        fault = fault_of_data(data)
        if kinds & set(NO_SAMPLES) or (fault and not kinds & set(ELECTRODES)):
            others[place] = fault or "holds no samples of a trace"
        elif data is None or fault or 0 in data.shape:
            left_out[place] = fault or "holds no samples"
        else:
            sweep = _whole_number(getattr(series, "sweep_number", None))
            if sweep is None and n_rows[place] == 1:
                sweep = numbers.get(place)
            columns += _columns(path, place, series, sweep)
            if of_series := regions_of(series):
                regions[place] = of_series
    return Contents(path, version, tuple(columns), rows, left_out, others, regions)


def _unknown(path: Path, objects: Mapping[str, Any]) -> dict[str, str]:
    """Acquired series and stimuli that pynwb passes over, by place the reason."""
    unknown = {}
    with h5py.File(path, "r") as file:
        for section in (ACQUIRED, STIMULUS):
            members = file.get(section)
            for name in members if isinstance(members, h5py.Group) else ():
                member, place = members.get(name), f"{section}/{name}"
                is_series = isinstance(member, h5py.Group) and "data" in member
                if is_series and place not in objects:
                    unknown[place] = "is of no kind that NWB knows"
    return unknown


def _columns(path: Path, place: str, series: Any, sweep: int | None) -> Iterator[Series]:
    """A column, with its fault if it has one, for each of a series' data (N,) or (N, C)."""
    where = f"{path}: {place}"
    data = series.data
    n_samples, n_columns = data.shape[0], data.shape[1] if len(data.shape) == 2 else 1
    fault, clock = "", Clock(where, n_samples, 1.0, 0.0)
    gains = np.full(n_columns, np.nan)
    electrodes: list[str | None] = [None] * n_columns
    offset, unit = 0.0, plain_unit(getattr(series, "unit", None))
    try:
        unit = _stated_unit(where, series, unit)
        electrodes = _electrodes(where, series, n_columns)
        gains, offset = _gains(where, series, n_columns), float(series.offset or 0.0)
        if series.rate is not None:
            clock = Clock.of_rate(where, n_samples, series.rate, series.starting_time)
        else:
            clock = Clock.of_times(where, n_samples, series.timestamps)
    except RecordingError as error:
        fault = str(error)
    except Exception as error:
        fault = f"{where} cannot be read{reason(error)}"
    for number in range(n_columns):
        scale_fault = fault_of_scale(float(gains[number]), offset)
        yield Series(
            place=place,
            name=series.name if n_columns == 1 else f"{series.name}[{number}]",
            kind=type(series).__name__,
            electrode=electrodes[number],
            sweep=sweep,
            unit=unit,
            gain=float(gains[number]),
            offset=offset,
            samples=StoredColumn(path, place, data, number),
            clock=clock,
            fault=fault or (scale_fault and f"{where}: {scale_fault}"),
            bias_a=bias_in_a(getattr(series, "bias_current", None)),
        )


def _stated_unit(where: str, series: Any, unit: str) -> str:
    """The unit that the file states, where pynwb puts that of the series' kind in its place."""
    attributes = getattr(series.data, "attrs", {})
    stated = plain_unit(attributes.get("unit", ""))
    if stated in ("", unit):
        return unit
    if unit_factor(stated, unit) is None or series.conversion != 1:
        raise RecordingError(
            f"{where}: expected its unit to be {unit or 'none'}, as of its kind, got {stated} with "
            f"a conversion of {series.conversion:g}; export it anew"
        )
    return stated


def _gains(where: str, series: Any, n_columns: int) -> np.ndarray:
    """float64 (C,): of the series times each channel's own."""
    gains = np.full(n_columns, float(series.conversion))
    own = getattr(series, "channel_conversion", None)
    if own is None:
        return gains
    own = np.asarray(own[:], np.float64)
    if own.shape != (n_columns,):
        raise RecordingError(
            f"{where}: expected a channel_conversion for each of its {n_columns} channels, got "
            f"shape {own.shape}"
        )
    return gains * own


def _electrodes(where: str, series: Any, n_columns: int) -> list[str | None]:
    """Of each column the electrode's name, or its row in the table of electrodes."""
    electrode = getattr(series, "electrode", None)
    if electrode is not None:
        return [str(electrode.name)] * n_columns
    region = getattr(series, "electrodes", None)
    if region is None:
        return [None] * n_columns
    rows = np.asarray(region.data[:]).ravel()
    if len(rows) != n_columns:
        raise RecordingError(
            f"{where}: expected an electrode for each of its {n_columns} channels, got {len(rows)}"
        )
    return [f"{region.table.name}[{row}]" for row in rows.tolist()]


def _whole_number(value: object) -> int | None:
    """A sweep's number; None for none, or what is no whole number."""
    try:
        number = float(value)  # type: ignore[arg-type]  # a file may hold anything
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if isfinite(number) and number == int(number) else None


class _TableRows:
    """Rows of the table of intracellular recordings."""

    def __init__(self, path: Path, objects: Mapping[str, Any]) -> None:
        self._path = path
        self._places = {id(series): place for place, series in objects.items()}

    def read(self, whole: Any) -> Iterator[TableRow]:
        table = getattr(whole, "intracellular_recordings", None)
        if table is None or not len(table):
            return
        categories = table.category_tables
        responses = categories["responses"]["response"]
        stimuli = categories["stimuli"]["stimulus"]
        sweeps = self._sweeps(whole)
        for row in range(len(table)):
            response, stimulus = self._part(responses[row]), self._part(stimuli[row])
            if response is not None:
                yield TableRow(response, stimulus, sweeps.get(row))

    def _part(self, reference: Any) -> Part | None:
        place = self._places.get(id(reference.timeseries))
        if place is None:
            return None
        first, n_samples = int(reference.idx_start), int(reference.count)
        n_held = int(reference.timeseries.data.shape[0])
        if first < 0 or n_samples < 1 or first + n_samples > n_held:
            raise RecordingError(
                f"{self._path}: its table of intracellular recordings names samples "
                f"{first} to {first + n_samples} of {place}, which has {n_held}"
            )
        return Part(place, first, n_samples)

    def _sweeps(self, whole: Any) -> dict[int, int]:
        """Of rows the number of their simultaneous recording."""
        table = getattr(whole, "icephys_simultaneous_recordings", None)
        if table is None or not len(table):
            return {}
        index = table["recordings"]
        rows, ends = np.asarray(index.target.data[:]), np.asarray(index.data[:])
        numbers = np.repeat(np.asarray(table.id[:]), np.diff(ends, prepend=0).clip(0))
        return dict(zip(rows.tolist(), numbers.tolist(), strict=False))
