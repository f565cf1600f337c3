"""A small store of labelled traces, random recordings, and a bundle of small networks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.protocol import Exported, TrainedRun
from raphe.tasks.calcium.ensemble.export import export
from raphe.tasks.calcium.stores.trace_store import (
    CalciumStore,
    LabelledRecording,
    open_traces,
    write_traces,
)
from raphe.tasks.calcium.synthetic.simulated_recordings import Simulation, simulate
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import RateModule


def _labelled(name: str, n: int, seed: int) -> LabelledRecording:
    """Spikes that raise a noisy, decaying trace."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(0.03, n)
    spikes[n // 2] += 1
    decay = np.exp(-np.arange(200) / 40)
    calcium = np.convolve(spikes, decay)[:n] + 0.1 * rng.normal(size=n)
    return LabelledRecording(
        name, name.split("/")[0], name, calcium.astype(np.float32), spikes, 30.0
    )


@pytest.fixture(scope="session")
def labelled() -> Callable[[str, int, int], LabelledRecording]:
    """A recording of a name, a length in samples and a seed."""
    return _labelled


@pytest.fixture(scope="session")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three datasets, a, b and c, of 4, 5 and 3 recordings of different length."""
    counts = {"a": 4, "b": 5, "c": 3}
    names = [f"{dataset}/{index}" for dataset, count in counts.items() for index in range(count)]
    recordings = [_labelled(name, 400 + 37 * seed, seed) for seed, name in enumerate(names)]
    return write_traces(tmp_path_factory.mktemp("calcium") / "store", recordings, {})


@pytest.fixture
def store(store_path: Path) -> CalciumStore:
    return open_traces(store_path)


def _rate_module(seed: int) -> RateModule:
    """Untrained, but with members of different gain that adapt to a trace."""
    torch.manual_seed(seed)
    module = RateModule(members=2, channels=8, dilations=(1, 2))
    for member in module.net.members:
        for block in member.blocks:
            torch.nn.init.normal_(block.adapt.weight, std=0.3)
    module.net.gain[:] = torch.tensor([0.5, 2.0])
    return module


@pytest.fixture(scope="session")
def rate_module() -> Callable[[int], RateModule]:
    return _rate_module


@pytest.fixture(scope="session")
def rate_data(tmp_path_factory: pytest.TempPathFactory) -> RateData:
    """Two simulated datasets, the second held out."""
    store = tmp_path_factory.mktemp("traces") / "store"
    write_traces(store, simulate(Simulation(2, 3, 30.0)), {"note": "These are simulated."})
    data = RateData(store, held_out="sim2")
    data.setup()
    return data


@pytest.fixture(scope="session")
def exported(rate_data: RateData) -> Callable[[Path], Exported]:
    """Export the modules of seeds 0 and 1 to folder / "out"."""

    def write(folder: Path) -> Exported:
        runs = [
            TrainedRun(
                f"run{seed}",
                f"seed={seed}",
                write_checkpoint(_rate_module(seed), folder / f"{seed}.ckpt"),
            )
            for seed in (0, 1)
        ]
        return export(runs, rate_data, "seed: 0\n", {"sweep": "abc"}, folder / "out")

    return write


@pytest.fixture(scope="session")
def rate_bundle(exported, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("bundle")).bundle


@pytest.fixture(scope="session")
def fluorescence() -> Callable[..., Path]:
    """Writes an NWB file of regions 10, 11 …, from (T, N) by "Container/series"."""

    def write(
        path: Path,
        series: Mapping[str, np.ndarray],
        start_s: float = 0.0,
        accepted: Sequence[bool] = (),
        times_s: np.ndarray | None = None,
        n_regions: int | None = None,
    ) -> Path:
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
        region = found.create_roi_table_region(
            region=list(range(n_regions)), description="all of them"
        )
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

    return write
