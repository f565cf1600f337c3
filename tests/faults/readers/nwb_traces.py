"""NWB files of fluorescence: regions, a clock with a gap, cells and rejected ones."""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from faults.reader import Reader
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

FRAMES, N = 300, 3


def seeds(folder: Path) -> Sequence[Path]:
    traces = np.random.default_rng(0).normal(1, 0.1, (FRAMES, N))
    times_s = np.arange(FRAMES) / 30 + 4.0 * (np.arange(FRAMES) >= 200)
    return (
        _written(folder / "clocked.nwb", {"DfOverF/dff": traces}, {"rate": 30.0}),
        _written(
            folder / "timed.nwb",
            {"Fluorescence/F": traces.astype(np.float32), "Fluorescence/Fneu": traces / 2},
            {"timestamps": times_s},
        ),
    )


def _written(path: Path, series: dict[str, np.ndarray], clock: dict[str, object]) -> Path:
    """Of (T, N) by "Container/series"."""
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
    cells = ophys.PlaneSegmentation(name="cells", description="c", imaging_plane=plane)
    for number in range(N):
        cells.add_roi(image_mask=np.eye(4), id=10 + number)
    cells.add_column("Accepted", "by hand", data=[True, False, True])
    module.add(ophys.ImageSegmentation(plane_segmentations=[cells]))
    regions = cells.create_roi_table_region(region=list(range(N)), description="all of them")
    containers = {}
    for place, data in series.items():
        container, name = place.split("/")
        if container not in containers:
            containers[container] = getattr(ophys, container)()
            module.add(containers[container])
        containers[container].add_roi_response_series(
            ophys.RoiResponseSeries(name=name, data=data, rois=regions, unit="n.a.", **clock)
        )
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(file)
    return path


def read(path: Path) -> int:
    try:
        traces = read_traces(path)
    except RecordingError as error:
        if "--variable" not in str(error):
            raise
        traces = read_traces(path, TraceOptions(variable="processing/ophys/Fluorescence/F"))
    return traces.read().nbytes


READER = Reader(".nwb", seeds, read, (RecordingError,))
