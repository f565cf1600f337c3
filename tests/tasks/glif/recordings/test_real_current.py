"""Injected currents from files, refused where unit, rate or samples are wrong."""

import datetime
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.tasks.glif.recordings.real_current import current_of_array, read_current


def write_nwb(path: Path, samples: np.ndarray, unit: str) -> Path:
    pynwb = pytest.importorskip("pynwb")
    now = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    file = pynwb.NWBFile("a cell", "cell", now)
    file.add_acquisition(pynwb.TimeSeries("injected", data=samples, unit=unit, rate=50_000.0))
    with pynwb.NWBHDF5IO(str(path), "w") as out:
        out.write(file)
    return path


def test_an_array_needs_its_rate(tmp_path: Path) -> None:
    np.save(tmp_path / "current.npy", np.array([0.0, 1e-10], np.float32))
    current, rate_hz = read_current(tmp_path / "current.npy", rate_hz=50_000)
    assert rate_hz == 50_000 and current.dtype == np.float64
    np.testing.assert_allclose(current, [0, 1e-10])
    with pytest.raises(RecordingError, match=r"current\.npy: an array holds no sampling rate"):
        read_current(tmp_path / "current.npy")


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.array([150.0]), "if it is in pA, multiply it by 1e-12"),
        (np.array([0.15]), "if it is in nA, multiply it by 1e-09"),
        (np.array([0.0, np.nan]), "expected finite samples, got nan at sample 1"),
        (np.zeros((2, 2)), r"expected samples \(N,\), got shape \(2, 2\)"),
        (np.array([]), "expected samples"),
    ],
)
def test_wrong_samples_are_refused(samples: np.ndarray, told: str) -> None:
    with pytest.raises(RecordingError, match=told):
        current_of_array(samples)


def test_an_nwb_file_says_unit_and_rate(tmp_path: Path) -> None:
    samples = np.linspace(0, 150, 100)
    current, rate_hz = read_current(write_nwb(tmp_path / "cell.nwb", samples, "pA"))
    assert rate_hz == 50_000
    np.testing.assert_allclose(current, samples * 1e-12, rtol=1e-6)


def test_a_voltage_is_no_current(tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "cell.nwb", np.linspace(0, 1, 100), "volts")
    with pytest.raises(RecordingError, match=r"expected a current \(A, .*\), got V"):
        read_current(path)
