"""The table and the figure of a store's cells, and the commands that make them."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from raphe.cli import main
from raphe.tasks.celltype.evaluation.features_figure import features_figure, separation
from raphe.tasks.celltype.features.cell_features import cell_features, features_csv
from raphe.tasks.celltype.features.waveform_features import waveform_features
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

TIME_MS = np.arange(160) / 40


def shape(at_ms: float) -> np.ndarray:
    """A trough at this time and a peak 0.95 ms later."""
    trough, peak = (TIME_MS - at_ms) / 0.1, (TIME_MS - at_ms - 0.95) / 0.3
    return -80 * np.exp(-(trough**2)) + 20 * np.exp(-(peak**2))


SHAPE = shape(1.05)


@pytest.fixture
def spikes(tmp_path):
    """Four cells of two classes: cells differ in gain; the last is cut off after its peak."""
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", ("SER", "NSER"), 160) as writer:
        for number in range(4):
            whole = SHAPE if number < 3 else shape(2.98)
            noisy = (1 + 0.1 * number) * whole + rng.normal(0, 2, (50, 160))
            cell = Cell(f"c{number}", number % 2, "2026-01-02", f"m{number}")
            writer.add(cell, noisy.astype(np.float32), 20_000 * np.arange(50))
        return open_spikes(writer.finish(40_000.0, "pA", {"note": "made up"}))


def test_the_mean_spike_is_measured(spikes):
    features = cell_features(spikes)
    whole = waveform_features(spikes.read(np.arange(50)).mean(axis=0)[None], 40_000.0)
    np.testing.assert_allclose(features.values[0, :8], whole.values[0], rtol=1e-5)
    np.testing.assert_allclose(features.values[:, 8], 2.0)
    np.testing.assert_allclose(features.values[:3, 3], [80, 88, 96], rtol=0.02)
    assert features.n_spikes.tolist() == [50] * 4


def test_the_table_names_units_and_says_what_is_missing(spikes):
    rows = list(csv.DictReader(io.StringIO(features_csv(cell_features(spikes)))))
    assert [row["cell_id"] for row in rows] == ["c0", "c1", "c2", "c3"]
    assert (rows[1]["label"], rows[1]["animal"], rows[1]["n_spikes"]) == ("NSER", "m1", "50")
    assert float(rows[0]["amplitude_pA"]) == pytest.approx(80, rel=0.02)
    assert rows[0]["missing"] == ""
    assert rows[3]["recovery_slope_pA_per_ms"] == ""
    assert rows[3]["missing"].startswith("recovery_slope: less than 0.1 ms")


def test_the_figure_shows_every_cell_once(spikes):
    features = cell_features(spikes)
    figure = features_figure(features, "These are made up.")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    labels = [axes.get_ylabel() for axes in panels]
    assert labels[0] == "UDI (ms)" and "Amplitude (pA)" in labels
    assert "Trough-to-peak time (ms)" not in labels  # the same as the UDI
    assert {"Half-width (ms)", "CV of interspike\nintervals"} <= set(labels)
    assert "asymmetry: (B − A) / (B + A)" in figure.caption
    slope = panels[labels.index("Recovery slope (pA/ms)")]
    assert [tick.get_text() for tick in slope.get_xticklabels()] == ["SER\nn = 2", "NSER\nn = 1"]
    dots = np.concatenate([line.get_ydata() for line in slope.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(dots), np.sort(features.values[:3, 5]))
    assert figure.caption.endswith("These are made up.")


def test_separation_is_how_often_the_first_class_has_more(spikes):
    """Gains 1.0 and 1.2 are SER, 1.1 and 1.3 NSER: of four pairs of cells SER wins one."""
    features = cell_features(spikes)
    column = features.columns.index("amplitude_pA")
    assert separation(features, column).value == 0.25
    assert separation(features, column).low < 0.25 < separation(features, column).high
    of_three = replace(features, classes=("SER", "NSER", "other"))
    assert separation(of_three, column) is None


def test_the_command_writes_table_and_figure(spikes, tmp_path, capsys):
    table, figure = tmp_path / "features.csv", tmp_path / "features.png"
    assert main(["features", str(spikes.path), str(table), "--figure", str(figure)]) == 0
    captured = capsys.readouterr()
    assert "4 cells, 10 features" in captured.out
    assert "1 cell without every feature" in captured.err
    assert table.read_text().startswith("cell_id,label,day,animal,n_spikes,udi_ms,")
    assert figure.stat().st_size > 2_000


def test_the_command_explains(capsys):
    assert main(["features", "--explain"]) == 0
    assert "peak_to_trough_duration" in capsys.readouterr().out
    assert main(["features", "store"]) == 1
    assert "pass both, or --explain" in capsys.readouterr().err


def test_windows_go_from_files_to_a_table(tmp_path, capsys):
    later = 2 * SHAPE + 40 * np.exp(-(((TIME_MS - 2.6) / 0.3) ** 2))  # another cell, no copy
    np.save(tmp_path / "w.npy", np.stack([SHAPE, later, 3 * SHAPE]))
    (tmp_path / "u.csv").write_text("type,mouse\nA,m1\nB+,m1\nC,m2\n")
    paths = [str(tmp_path / name) for name in ("w.npy", "u.csv", "store")]
    options = ["--rate-hz", "40000", "--unit", "uV", "--label-column", "type", "--animal-column"]
    merged = [*options, "mouse", "--merge", "B+=B", "--classes", "B,A"]
    assert main(["import", "windows", *paths, *merged]) == 0
    out = capsys.readouterr().out
    assert "2 windows of 2 cells, 160 samples, 4 ms at 40 kHz" in out
    assert "B: 1 window of 1 cell" in out and "left out: 1 labelled C" in out
    assert main(["features", paths[2], str(tmp_path / "f.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "f.csv").open()))
    assert [row["label"] for row in rows] == ["A", "B"]
    assert float(rows[1]["amplitude_uV"]) == pytest.approx(160, rel=0.01)
    assert rows[0]["firing_rate_hz"] == ""
    with pytest.raises(SystemExit):
        main(["import", "windows", *paths, *options, "mouse", "--merge", "B"])
    assert "expected OLD=NEW, got 'B'" in capsys.readouterr().err
