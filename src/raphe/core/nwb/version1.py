"""Series of NWB 1.0 files, as the Allen Cell Types Database hands them out, by h5py.

pynwb reads NWB 2 alone. The layout: /acquisition/timeseries/NAME and /stimulus/presentation/NAME
are groups of `data` (with the attributes conversion and unit), `num_samples` and `starting_time`
(with the attribute rate) or `timestamps`; a sweep of the Allen Institute is called Sweep_N in both.
/epochs/Sweep_N/response and …/stimulus hold the same groups, as `timeseries`, and tell the number
of a sweep that is called otherwise; /epochs/Experiment_N/stimulus tells where one that was stopped
ends (idx_start, count): AllenSDK takes nothing behind for recorded, nor is it read here.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.nwb.clock import Clock
from raphe.core.nwb.contents import Contents
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
    word,
)

SECTIONS = {  # as NWB 2 calls them
    "acquisition/timeseries": ACQUIRED,
    "stimulus/presentation": STIMULUS,
    "stimulus/templates": TEMPLATE,
}
EPOCH_PARTS = {"response": ACQUIRED, "stimulus": STIMULUS}
UNITS_OF_KINDS = {  # where a file states none
    "CurrentClampSeries": "V", "IZeroClampSeries": "V", "VoltageClampStimulusSeries": "V",
    "VoltageClampSeries": "A", "CurrentClampStimulusSeries": "A",
}  # fmt: skip
ELECTRODES = "general/intracellular_ephys"
EXPERIMENT = re.compile("Experiment_([0-9]{1,9})")
SWEEP = re.compile(r"(?:Sweep_([0-9]{1,9})|data_([0-9]{1,9})_(?:AD|DA)[0-9]+)")  # Allen, MIES


def read_contents(path: Path, version: str) -> Contents:
    """All series of samples; they stay on disk, and the file open as long as they are kept.

    Raises RecordingError.
    """
    this = f"{path}: this is NWB {version}"
    try:
        file = h5py.File(path, "r", rdcc_nbytes=NO_CACHE)
        in_si = _is_in_si(file)
        sole_electrode = _sole_electrode(file)
        columns: list[Series] = []
        left_out: dict[str, str] = {}
        series = list(_series(file))
        ends = dict(_ends(file))
        if not any(place.startswith(ACQUIRED) for place, _, _ in series):
            raise RecordingError(
                f"{this}, expected it to have acquisition/timeseries, or epochs/Sweep_N with a "
                "response, got neither"
            )
        for place, group, sweep in series:
            data = group.get("data")
            fault = fault_of_data(data) if isinstance(data, h5py.Dataset) else "has no data"
            if fault:
                left_out[place] = fault
            elif 0 in data.shape:
                left_out[place] = "holds no samples"
            else:
                columns += _columns(path, this, place, group, sweep, sole_electrode, in_si, ends)
    except RecordingError:
        raise
    except Exception as error:  # h5py raises whatever the library does
        raise RecordingError(f"{this}, which cannot be read{reason(error)}") from error
    return Contents(path, version, tuple(columns), (), left_out)


def _series(file: h5py.File) -> Iterator[tuple[str, h5py.Group, int | None]]:
    """Place, group and number of the sweep of each series, that of epochs before the name's."""
    in_epochs = {_address(group): (kind, name) for kind, name, group in _of_epochs(file)}
    found = set()
    for section, place in SECTIONS.items():
        for name, group in _groups(file.get(section)):
            found.add(_address(group))
            _, epoch = in_epochs.get(_address(group), ("", ""))
            yield f"{place}/{name}", group, _sweep_number(epoch or name)
    for kind, epoch, group in _of_epochs(file):
        if _address(group) not in found:
            yield f"{EPOCH_PARTS[kind]}/{epoch}", group, _sweep_number(epoch)


def _of_epochs(file: h5py.File) -> Iterator[tuple[str, str, h5py.Group]]:
    """Response and stimulus of each sweep that epochs name."""
    for epoch, parts in _groups(file.get("epochs")):
        for kind in EPOCH_PARTS:
            group = parts.get(f"{kind}/timeseries")
            if isinstance(group, h5py.Group) and _sweep_number(epoch) is not None:
                yield kind, epoch, group


def _ends(file: h5py.File) -> Iterator[tuple[int, int]]:
    """Of sweeps the sample at which their experiment ended."""
    for epoch, parts in _groups(file.get("epochs")):
        experiment = EXPERIMENT.fullmatch(epoch)
        first, count = (_scalar(parts.get(f"stimulus/{name}")) for name in ("idx_start", "count"))
        if experiment and first >= 0 and count >= 1 and math.isfinite(first + count):
            yield int(experiment[1]), int(first + count)


def _groups(holder: Any) -> Iterator[tuple[str, h5py.Group]]:
    for name in holder if isinstance(holder, h5py.Group) else ():
        member = holder.get(name)
        if isinstance(member, h5py.Group):
            yield name, member


def _address(group: h5py.Group) -> int:
    return h5py.h5o.get_info(group.id).addr


def _sweep_number(name: str) -> int | None:
    sweep = SWEEP.fullmatch(name)
    return int(sweep[1] or sweep[2]) if sweep else None


def _columns(
    path: Path,
    this: str,
    place: str,
    group: h5py.Group,
    sweep: int | None,
    sole_electrode: str | None,
    in_si: bool,
    ends: Mapping[int, int],
) -> Iterator[Series]:
    data, name, kind = group["data"], place.rpartition("/")[2], _kind(group)
    n_samples, n_columns = data.shape[0], data.shape[1] if data.ndim == 2 else 1
    gain = 1.0 if in_si else _number(data.attrs.get("conversion", 1.0))
    fault, clock = "", Clock(place, n_samples, 1.0, 0.0)
    try:
        end = n_samples if sweep is None else ends.get(sweep, n_samples)
        clock = _clock(f"{this}, {place}", group, n_samples, end)
        if scale_fault := fault_of_scale(gain, 0.0):
            fault = f"{this}, {place}: {scale_fault}"
    except RecordingError as error:
        fault = str(error)
    electrode = _text(group.get("electrode_name")) or sole_electrode
    for number in range(n_columns):
        yield Series(
            place=place,
            name=name if n_columns == 1 else f"{name}[{number}]",
            kind=kind,
            electrode=electrode if n_columns == 1 else None,
            sweep=sweep,
            unit=plain_unit(data.attrs.get("unit", "")) or UNITS_OF_KINDS.get(kind, ""),
            gain=gain,
            offset=0.0,
            samples=StoredColumn(path, place, data, number),
            clock=clock,
            fault=fault,
            bias_a=bias_in_a(_scalar(group.get("bias_current"))),
        )


def _clock(where: str, group: h5py.Group, n_samples: int, end: int) -> Clock:
    """Of the samples up to `end`."""
    start = group.get("starting_time")
    if isinstance(start, h5py.Dataset) and "rate" in start.attrs:
        counted = group.get("num_samples")
        if isinstance(counted, h5py.Dataset) and _number(counted[()]) != n_samples:
            raise RecordingError(
                f"{where}: expected num_samples to be that of its data, {n_samples}, got "
                f"{_number(counted[()]):g}: the file is cut"
            )
        n_samples = min(n_samples, end)
        return Clock.of_rate(where, n_samples, _number(start.attrs["rate"]), _number(start[()]))
    times = group.get("timestamps")
    if isinstance(times, h5py.Dataset):
        return Clock.of_times(where, n_samples, times)
    raise RecordingError(
        f"{where}: expected a starting_time with a rate, or timestamps, got neither"
    )


def _is_in_si(file: h5py.File) -> bool:
    """Whether samples are in V and A whatever `conversion` says.

    They are in files of the Allen Institute's pipeline before its version 1.1, as AllenSDK knows.
    """
    facts = file.get("general/generated_by")
    if not isinstance(facts, h5py.Dataset):
        return False
    words = [word(fact) for fact in np.ravel(facts[()]).tolist()]
    version = dict(zip(words[::2], words[1::2], strict=False)).get("version", "")
    parts = re.match(r"(\d+)\.(\d+)", version)
    return parts is not None and (int(parts[1]), int(parts[2])) < (1, 1)


def _sole_electrode(file: h5py.File) -> str | None:
    """The only electrode's name."""
    electrodes = file.get(ELECTRODES)
    names = list(electrodes) if isinstance(electrodes, h5py.Group) else []
    names = [name for name in names if isinstance(electrodes.get(name), h5py.Group)]
    return names[0] if len(names) == 1 else None


def _kind(group: h5py.Group) -> str:
    """The last of its ancestry, "CurrentClampSeries"."""
    ancestry = np.ravel(group.attrs.get("ancestry", ["TimeSeries"])).tolist()
    return word(ancestry[-1]) if ancestry else "TimeSeries"


def _text(item: Any) -> str:
    return word(item[()]) if isinstance(item, h5py.Dataset) else ""


def _scalar(item: Any) -> float:
    return _number(item[()]) if isinstance(item, h5py.Dataset) else float("nan")


def _number(value: Any) -> float:
    try:
        return float(np.ravel(value)[0])
    except (TypeError, ValueError, IndexError, OverflowError):
        return float("nan")
