"""Files as pynwb writes them."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.tasks.units.recordings.read_units import read_units

pynwb = pytest.importorskip("pynwb")


def written(path: Path, waveforms: np.ndarray | None, rate_hz: float | None = None) -> Path:
    """Three units, of which the last has no spike."""
    file = pynwb.NWBFile("units", "one", datetime(2026, 1, 1, tzinfo=timezone.utc))
    rng = np.random.default_rng(0)
    file.units = pynwb.misc.Units(name="units", description="made up", waveform_rate=rate_hz)
    for number in range(3):
        times_s = np.sort(rng.uniform(0, 60, 200 if number < 2 else 0))
        more = {} if waveforms is None else {"waveform_mean": waveforms[number]}
        file.add_unit(spike_times=times_s, id=10 + number, **more)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def test_units_have_waveforms_on_their_largest_channel_and_firing(tmp_path: Path) -> None:
    waveforms = np.zeros((3, 20, 4))
    waveforms[:, 8, :] = -np.array([1.0, 2.0, 9.0, 3.0])
    read = read_units(written(tmp_path / "units.nwb", waveforms, 30_000.0))
    assert [fact.unit_id for fact in read.units.facts] == ["10", "11", "12"]
    assert read.units.rate_hz == 30_000 and not read.are_clusters
    assert (read.units.waveforms.min(axis=1) == -9).all()
    assert read.units.present.tolist() == [[True] * 3, [True] * 3, [True, False, False]]


def test_without_waveforms_a_unit_without_spikes_is_left_out(tmp_path: Path) -> None:
    read = read_units(written(tmp_path / "units.nwb", None))
    assert len(read.units) == 2 and len(read.left_out) == 1
    assert read.remarks[0] == "there is no waveform_mean, so units are told by firing alone"


def test_what_is_no_table_of_units_is_refused(tmp_path: Path) -> None:
    file = pynwb.NWBFile("none", "two", datetime(2026, 1, 1, tzinfo=timezone.utc))
    with pynwb.NWBHDF5IO(str(tmp_path / "none.nwb"), "w") as io:
        io.write(file)
    with pytest.raises(RecordingError, match="expected a table /units, found none"):
        read_units(tmp_path / "none.nwb")
    (tmp_path / "cut.nwb").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(RecordingError, match="expected an HDF5 file that is whole"):
        read_units(tmp_path / "cut.nwb")


def test_a_column_labels_and_the_subject_is_the_animal(tmp_path: Path) -> None:
    file = pynwb.NWBFile(
        "units", "three", datetime(2026, 1, 1, tzinfo=timezone.utc), session_id="day 1"
    )
    file.subject = pynwb.file.Subject(subject_id="M7", species="Mus musculus")
    file.add_unit_column("cell_type", "opto-tagged")
    file.add_unit_column("layer", "NaN: not known")
    for number, (cell_type, layer) in enumerate((("PV", 5.0), ("SST", np.nan))):
        spikes = np.arange(9) / (70 + number)
        file.add_unit(spike_times=spikes, cell_type=cell_type, layer=layer)
    with pynwb.NWBHDF5IO(str(tmp_path / "units.nwb"), "w") as io:
        io.write(file)
    read = read_units(tmp_path / "units.nwb", label="cell_type")
    assert [(fact.label, fact.animal, fact.session) for fact in read.units.facts] == [
        ("PV", "M7", "day 1"), ("SST", "M7", "day 1"),
    ]  # fmt: skip
    layers = read_units(tmp_path / "units.nwb", label="layer").units.facts
    assert [fact.label for fact in layers] == ["5", ""]
    for name in ("kind", "spike_times"):
        with pytest.raises(RecordingError, match=f"column {name} .* there are cell_type"):
            read_units(tmp_path / "units.nwb", label=name)
