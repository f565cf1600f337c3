"""NWB files as programs write them, for tests: NWB 2 by pynwb, 1.0 by h5py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from raphe.core.nwb.clock import Clock
from raphe.core.nwb.contents import Contents, TableRow
from raphe.core.nwb.series import Series, StoredColumn

SECTIONS = {"acquisition": "acquisition", "stimulus": "stimulus/presentation",
            "template": "stimulus/templates", "processing": "processing/ecephys"}  # fmt: skip
IN_VOLTS = ("CurrentClampSeries", "IZeroClampSeries", "VoltageClampStimulusSeries")


@dataclass
class Entry:
    """A series of an NWB 2 file; `electrode` is that of an icephys series."""

    kind: str  # "CurrentClampSeries"
    name: str
    data: np.ndarray
    electrode: int | None = 0
    start_s: float = 0.0
    sweep: int | None = None
    where: str = "acquisition"  # or "stimulus", "template", "processing"
    facts: Mapping[str, Any] = field(default_factory=dict)

    def series(self) -> Series:
        """As a reader finds it in a file, without one; of one column."""
        place, n = f"{SECTIONS[self.where]}/{self.name}", len(self.data)
        times = self.facts.get("timestamps")
        unit = "V" if self.kind in IN_VOLTS else "A"
        return Series(
            place, self.name, self.kind,
            electrode=None if self.kind == "TimeSeries" else f"electrode_{self.electrode}",
            sweep=self.sweep,
            unit=self.facts.get("unit", unit),
            gain=self.facts.get("conversion", 1.0), offset=0.0,
            samples=StoredColumn(Path("a.nwb"), place, self.data, 0),
            clock=Clock.of_rate(place, n, self.facts.get("rate", 1e4), self.start_s)
            if times is None else Clock.of_times(place, n, times),
        )  # fmt: skip


def contents(entries: Sequence[Entry], rows: Sequence[TableRow] = ()) -> Contents:
    """A file of these entries, without one."""
    series = tuple(entry.series() for entry in entries)
    return Contents(Path("a.nwb"), "2.7.0", series, tuple(rows))


def write_nwb(
    path: Path,
    entries: Sequence[Entry],
    rows: Sequence[Mapping[str, Any]] = (),
    simultaneous: Sequence[Sequence[int]] = (),
    rate_hz: float = 10_000.0,
    n_sites: int = 0,
    with_schema: bool = False,
) -> Path:
    """Write the entries; `rows` of the intracellular table name them: {"response": "v", …}.

    `n_sites`: rows of the table of extracellular electrodes, for facts `{"sites": [1, 0]}`.
    """
    import pynwb

    file = pynwb.NWBFile("a cell", path.stem, datetime(2026, 1, 1, tzinfo=timezone.utc))
    device = file.create_device(name="amplifier")
    if n_sites:
        group = file.create_electrode_group("shank", "a shank", "cortex", device)
        for _ in range(n_sites):
            file.add_electrode(group=group, location="cortex")
    series = {}
    for entry in entries:
        facts = {"rate": rate_hz, "starting_time": entry.start_s, **entry.facts}
        if facts["rate"] is None:
            del facts["rate"], facts["starting_time"]
        if "sites" in facts:
            facts["electrodes"] = file.create_electrode_table_region(facts.pop("sites"), "sites")
        elif entry.kind != "TimeSeries":
            facts |= {"electrode": _electrode(file, device, entry.electrode), "gain": 1.0}
            if entry.sweep is not None:
                facts["sweep_number"] = np.uint64(entry.sweep)
        kinds = vars(pynwb.icephys) | vars(pynwb.ecephys) | vars(pynwb)
        made = kinds[entry.kind](name=entry.name, data=entry.data, **facts)
        series[entry.name] = made
        if entry.where == "processing":
            if not file.processing:
                file.create_processing_module("ecephys", "filtered")
            file.processing["ecephys"].add(made)
        else:
            {"acquisition": file.add_acquisition, "stimulus": file.add_stimulus,
             "template": file.add_stimulus_template}[entry.where](made)  # fmt: skip
    for row in rows:
        named = {key: series[value] if isinstance(value, str) else value
                 for key, value in row.items()}  # fmt: skip
        file.add_intracellular_recording(electrode=_electrode(file, device, 0), **named)
    for recordings in simultaneous:
        file.add_icephys_simultaneous_recording(recordings=np.asarray(recordings))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file, cache_spec=with_schema)
    return path


def _electrode(file: Any, device: Any, number: int | None) -> Any:
    name = f"electrode_{number or 0}"
    if name in file.icephys_electrodes:
        return file.icephys_electrodes[name]
    return file.create_icephys_electrode(name=name, description="pipette", device=device)


def write_nwb1(
    path: Path,
    sweeps: Mapping[int, tuple[np.ndarray, np.ndarray | None]],
    rate_hz: float = 10_000.0,
    conversion: float = 1.0,
    pipeline: str | None = None,
) -> Path:
    """Write voltages and currents by sweep, as the Allen Cell Types Database lays them out.

    Samples are divided by `conversion`; `pipeline` is the version of what wrote the file.
    """
    with h5py.File(path, "w") as file:
        file["nwb_version"] = np.bytes_("NWB-1.0.5")
        file["identifier"] = np.bytes_(path.stem)
        file["general/intracellular_ephys/Electrode 1/description"] = np.bytes_("patch")
        if pipeline is not None:
            file["general/generated_by"] = np.array([b"pipeline", b"x", b"version",
                                                     pipeline.encode()])  # fmt: skip
        for number, (voltage, current) in sweeps.items():
            start_s = 3.0 * number
            for section, samples, unit in (
                ("acquisition/timeseries", voltage, b"V"), ("stimulus/presentation", current, b"A"),
            ):  # fmt: skip
                if samples is None:
                    continue
                group = file.create_group(f"{section}/Sweep_{number}")
                group.attrs["ancestry"] = np.array([b"TimeSeries", b"PatchClampSeries",
                                                    b"CurrentClampSeries"])  # fmt: skip
                data = group.create_dataset("data", data=samples / conversion, chunks=True,
                                            compression="gzip")  # fmt: skip
                data.attrs.update({"conversion": conversion, "resolution": 0.0, "unit": unit})
                group["num_samples"] = len(samples)
                group["starting_time"] = start_s
                group["starting_time"].attrs.update({"rate": rate_hz, "unit": b"Seconds"})
                group["electrode_name"] = np.bytes_("Electrode 1")
                kind = "response" if unit == b"V" else "stimulus"
                epoch = file.require_group(f"epochs/Sweep_{number}/{kind}")
                epoch["timeseries"] = h5py.SoftLink(f"/{section}/Sweep_{number}")
                epoch["idx_start"], epoch["count"] = 0, len(samples)
    return path


def write_fluorescence(
    path: Path,
    series: Mapping[str, np.ndarray],
    start_s: float = 0.0,
    accepted: Sequence[bool] = (),
    times_s: np.ndarray | None = None,
    n_regions: int | None = None,
) -> Path:
    """An NWB file of imaging: regions 10, 11 …, from (T, N) by "Container/series"."""
    import pynwb
    from pynwb import ophys

    file = pynwb.NWBFile("a mouse", path.stem, datetime(2026, 1, 2, tzinfo=timezone.utc))
    device = file.create_device(name="microscope")
    channel = ophys.OpticalChannel(name="green", description="g", emission_lambda=500.0)
    plane = file.create_imaging_plane(
        name="plane", optical_channel=channel, description="p", device=device,
        excitation_lambda=920.0, indicator="GCaMP6f", location="V1",
    )  # fmt: skip
    module = file.create_processing_module("ophys", "calcium")
    found = ophys.PlaneSegmentation(name="cells", description="c", imaging_plane=plane)
    n_regions = n_regions or next(iter(series.values())).shape[1]
    for number in range(n_regions):
        found.add_roi(image_mask=np.eye(4), id=10 + number)
    if accepted:
        found.add_column("Accepted", "by hand", data=list(accepted))
    module.add(ophys.ImageSegmentation(plane_segmentations=[found]))
    region = found.create_roi_table_region(region=list(range(n_regions)), description="all of them")
    clock = {"rate": 30.0, "starting_time": start_s} if times_s is None else {
        "timestamps": times_s
    }  # fmt: skip
    containers = {}
    for place, data in series.items():
        container, name = place.split("/")
        if container not in containers:
            containers[container] = getattr(ophys, container)()
            module.add(containers[container])
        containers[container].add_roi_response_series(
            ophys.RoiResponseSeries(name=name, data=data, rois=region, unit="n.a.", **clock)
        )
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path
