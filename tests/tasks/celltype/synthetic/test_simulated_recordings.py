"""Simulated recordings as files: readable, labelled, reproducible, and cut as they were meant."""

import csv
import datetime
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import neo
import numpy as np
import pyabf
import pytest

from raphe.core.abf.reader import read_abf
from raphe.core.errors import SettingError, StoreError
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.recordings.file_names import CLASSES, parse_cell_id
from raphe.tasks.celltype.recordings.labels import CELL_TABLE
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from raphe.tasks.celltype.synthetic import simulated_recordings
from raphe.tasks.celltype.synthetic.simulated_cell import RATE_HZ
from raphe.tasks.celltype.synthetic.simulated_recordings import (
    PA_PER_BIT,
    SETTINGS_FILE,
    Simulation,
    simulate,
    simulate_cell,
    simulate_day,
)

SMALL = Simulation(n_ser=4, n_nser=3, days=2, duration_s=2.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return simulate(tmp_path_factory.mktemp("simulated") / "small", SMALL)


def read_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / CELL_TABLE).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files_and_table_agree(folder):
    rows = read_rows(folder)
    assert sorted(row["file"] for row in rows) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.abf")
    )
    assert [row["label"] for row in rows] == ["SER"] * 4 + ["NSER"] * 3
    assert len({row["cell_id"] for row in rows}) == 7
    for row in rows:
        assert row["file"].split("/")[0] == row["label"]
        cell_id, day = parse_cell_id(Path(row["file"]).name)
        assert (cell_id, day) == (row["cell_id"], datetime.date.fromisoformat(row["day"]))
    for day in {row["day"] for row in rows}:  # both classes, one animal
        same = [row for row in rows if row["day"] == day]
        assert {row["label"] for row in same} == set(CLASSES)
        assert len({row["animal"] for row in same}) == 1


def test_each_file_is_the_cell_that_was_simulated_in_three_readers(folder):
    counts = dict.fromkeys(CLASSES, 0)
    for row in read_rows(folder):
        cell = simulate_cell(SMALL, row["label"], counts[row["label"]])
        counts[row["label"]] += 1
        path = folder / row["file"]
        recording = read_abf(path)
        by_pyabf = pyabf.ABF(path)
        by_neo = neo.AxonIO(str(path)).read_block().segments[0].analogsignals[0]
        assert (recording.rate_hz, recording.unit) == (RATE_HZ, "pA")
        assert (by_pyabf.sampleRate, by_pyabf.adcUnits) == (RATE_HZ, ["pA"])
        assert (by_neo.sampling_rate.magnitude, str(by_neo.units.dimensionality)) == (RATE_HZ, "pA")
        assert recording.cell_id == row["cell_id"] == cell.cell_id
        assert abs(cell.traits.shape.udi_ms - float(row["udi_ms"])) < 1e-4
        for samples in (recording.sweeps[0].read(), by_pyabf.sweepY, by_neo.magnitude[:, 0]):
            np.testing.assert_allclose(samples, cell.samples, atol=0.51 * PA_PER_BIT)


@pytest.mark.parametrize("nonhomogeneous", [False, True])
def test_nearly_every_spike_is_cut_exactly_once(nonhomogeneous):
    simulation = Simulation(duration_s=10.0, nonhomogeneous=nonhomogeneous)
    n_spikes = n_once = n_false = 0
    for label in CLASSES:
        for index in range(30):
            cell = simulate_cell(simulation, label, index)
            recording = Recording.from_array(cell.samples, RATE_HZ, "pA", cell.cell_id)
            cut_s = cut_spikes(recording, Cut()).trigger / RATE_HZ
            whole = (cell.times_s > 0.002) & (cell.times_s < simulation.duration_s - 0.004)
            hits = np.abs(cut_s - cell.times_s[whole, None]) < 0.0005  # (spikes, windows)
            n_spikes += whole.sum()
            n_once += (hits.sum(axis=1) == 1).sum()
            near = np.abs(cut_s - cell.times_s[:, None]) < 0.0005
            n_false += (~near.any(axis=0)).sum()
    assert n_spikes > 1_500
    assert n_once > 0.99 * n_spikes
    assert n_false < 0.001 * n_spikes


def test_cut_spikes_show_the_interval_in_the_table():
    """Peak to peak in each cell's mean spike, where the window holds both peaks."""
    simulation = Simulation(duration_s=10.0)
    errors_ms = []
    for label in CLASSES:
        for index in range(15):
            cell = simulate_cell(simulation, label, index)
            recording = Recording.from_array(cell.samples, RATE_HZ, "pA", cell.cell_id)
            mean = cut_spikes(recording, Cut()).waveforms.mean(axis=0)
            trough = mean.argmin()
            measured_ms = mean[trough:].argmax() / RATE_HZ * 1000
            if cell.traits.shape.udi_ms < 2.5:
                errors_ms.append(measured_ms - cell.traits.shape.udi_ms)
    assert np.median(np.abs(errors_ms)) < 0.05
    assert abs(np.median(errors_ms)) < 0.03


def test_a_cell_depends_on_neither_number_nor_order_nor_process():
    few, many = Simulation(n_ser=2, n_nser=2), Simulation(n_ser=300, n_nser=40)
    alone = simulate_cell(few, "NSER", 1)
    np.random.seed(0)  # noqa: NPY002 - the global state must not matter
    simulate_cell(many, "SER", 200)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        others = list(pool.map(simulate_cell, repeat(many), ["NSER", "SER"], [1, 1]))
    for other in (simulate_cell(many, "NSER", 1), others[0]):
        assert other.cell_id == alone.cell_id and other.traits == alone.traits
        assert other.samples.tobytes() == alone.samples.tobytes()
    assert others[1].samples.tobytes() != alone.samples.tobytes()


def test_same_seed_same_files_other_seed_other_files(folder, tmp_path):
    again = simulate(tmp_path / "again", SMALL)
    for path in [*folder.rglob("*.abf"), folder / CELL_TABLE]:
        assert path.read_bytes() == (again / path.relative_to(folder)).read_bytes()
    other = simulate_cell(Simulation(seed=1), "SER", 0)
    assert other.samples.tobytes() != simulate_cell(Simulation(seed=42), "SER", 0).samples.tobytes()


def test_days_of_the_two_sets_are_apart():
    largest = Simulation(days=100)
    days, other = (
        [simulate_day(simulation, index) for index in range(100)]
        for simulation in (largest, Simulation(days=100, nonhomogeneous=True))
    )
    assert len({day.date for day in days}) == len({day.date for day in other}) == 100
    assert not {day.date for day in days} & {day.date for day in other}
    assert not {day.noise for day in days} & {day.noise for day in other}


def test_companion_is_a_third_on_unseen_days():
    companion = Simulation(n_ser=100, n_nser=50, days=10, seed=7).companion()
    assert companion == Simulation(34, 17, 4, seed=7, nonhomogeneous=True)


def test_folder_says_what_it_is_and_that_it_says_nothing_of_biology(folder):
    facts = json.loads((folder / SETTINGS_FILE).read_text())
    assert "nothing about biology" in (folder / "note.txt").read_text()
    assert Simulation(**facts) == SMALL


def test_failed_run_leaves_nothing(tmp_path, monkeypatch):
    written = []

    def fails_at_the_third(path, *args, **settings):
        written.append(path)
        if len(written) == 3:
            raise OSError("No space left on device")

    monkeypatch.setattr(simulated_recordings, "write_abf", fails_at_the_third)
    with pytest.raises(StoreError, match="is full"):
        simulate(tmp_path / "new", SMALL)
    assert len(written) == 3 and not list(tmp_path.iterdir())


def test_only_a_simulation_is_replaced_and_only_when_asked(tmp_path):
    tiny = Simulation(1, 1, 1, duration_s=1.0)
    folder = simulate(tmp_path / "tiny", tiny)
    with pytest.raises(StoreError, match="--overwrite"):
        simulate(folder, tiny)
    simulate(folder, Simulation(2, 1, 1, duration_s=1.0), overwrite=True)
    assert len(read_rows(folder)) == 3
    (mine := folder / "SER" / "A260105#1000.abf").write_text("precious")
    with pytest.raises(StoreError, match=r"holds SER/A260105#1000.abf, which raphe did not write"):
        simulate(folder, tiny, overwrite=True)
    mine.unlink()
    (folder / "simulation.json").write_text('{"of": "another program"}')
    with pytest.raises(StoreError, match="does not hold the settings of a simulation"):
        simulate(folder, tiny, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(StoreError, match="not replaced"):
        simulate(tmp_path / "mine", tiny, overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_ser": 0}, "n_ser=0: expected a whole number from 1 up, got 0"),
        ({"days": 101}, "days=101: expected a whole number from 1 to 100, got 101"),
        ({"duration_s": 0.1}, "duration_s=0.1: expected a number from 1 to 1800 s, got 0.1"),
        ({"n_nser": 500, "days": 1}, "days: 1 day can hold 499 cells of each class at most"),
        ({"seed": -1}, "seed=-1: expected a whole number from 0 up, got -1"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Simulation(**settings)


def test_recording_numbers_of_a_full_day_are_all_different():
    full = Simulation(n_ser=499, n_nser=499, days=1, duration_s=1.0)
    numbers = {simulate_cell(full, label, i).cell_id for label in CLASSES for i in range(0, 499, 6)}
    assert len(numbers) == 2 * len(range(0, 499, 6))
