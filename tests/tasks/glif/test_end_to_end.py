"""From settings to a tracked posterior, its bundle, and parameters of a new cell."""

import csv
import json
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from raphe.cli import main
from raphe.core.errors import RecordingError
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.neuron_config import from_config
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.prediction.network_input import cell_faults, network_input
from raphe.tasks.glif.recordings.cell_files import Signal, read_cell_traces
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.simulated_experiments import Experiment, measure
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

SMALL = [
    "task=glif", "model.n_samples=100", "data.batches=20", "data.batch_size=32",
    "data.n_val=32", "data.n_test=64", "data.experiment.length_s=[0.5,0.6]",
    "trainer.accumulate_grad_batches=1",
    "trainer.max_epochs=2", "tracking.system_metrics_every_s=null", "threads=1",
]  # fmt: skip
TRUE = {"capacitance": 90.0, "resistance": 200.0, "rest": -72.0, "threshold": 28.0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("posterior")


@pytest.fixture
def bundle(train_py, home: Path) -> Path:
    """Made once."""
    if not (home / "bundle").exists():
        _train_and_export(train_py, home)
    return home / "bundle"


def _train_and_export(train_py, folder: Path) -> None:
    places = [f"data_root={folder / 'data'}", f"runs_root={folder / 'mlruns'}"]
    assert train_py(*SMALL, *places) == 0
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("glif")
    (run,) = client.search_runs([experiment.experiment_id])
    made = {one.path for one in client.list_artifacts(run.info.run_id, "test")}
    assert {"test/recovery.png", "test/calibration.png", "test/comparison.csv"} <= made
    metrics = run.data.metrics
    assert metrics["test/r2_capacitance"] > 0.95 and metrics["test/explained_variance"] > 0.5
    assert metrics["prior/n_cells"] == 64
    export = ["stage=export", f"export.sweep={run.info.run_id}", f"export.out={folder / 'bundle'}"]
    assert train_py("task=glif", *export, *places) == 0


@pytest.fixture
def cell(tmp_path: Path) -> list[str]:
    """A neuron that fires under a step, at 50 kHz, as arrays in SI units."""
    neuron = Neurons(
        1, capacitance_f=90e-12, resistance_ohm=200e6, threshold_v=28e-3, dead_time_s=4e-3
    )
    current = np.zeros(30_000)
    current[500:1000] = 50e-12
    current[3000:] = 1.4 * 28e-3 / 200e6
    voltage = simulate(neuron, current, 1 / 50_000).voltage_v[0] - 0.072
    rng = np.random.default_rng(0)
    np.save(tmp_path / "voltage.npy", voltage + 1e-4 * rng.normal(size=len(voltage)))
    np.save(tmp_path / "current.npy", current)
    return [str(tmp_path / "voltage.npy"), "--stimulus", str(tmp_path / "current.npy"),
            "--rate", "50000"]  # fmt: skip


@pytest.mark.slow
def test_a_new_cell_gets_parameters_a_configuration_and_a_figure(
    bundle: Path, cell: list[str], tmp_path: Path, capsys
) -> None:
    out = tmp_path / "out"
    code = main(["predict", *cell, "--bundle", str(bundle), "--out", str(out)])
    assert code == 0, capsys.readouterr()
    with (out / "parameters.csv").open() as file:
        rows = {row["quantity"]: row for row in csv.DictReader(file)}
    for name, value in TRUE.items():
        assert float(rows[name]["median_lab"]) == pytest.approx(value, rel=0.1), name
        assert float(rows[name]["low_95_si"]) < float(rows[name]["high_95_si"])
    neuron, _ = from_config(json.loads((out / "neuron_config.json").read_text()))
    assert neuron.resistance_ohm[0] == pytest.approx(200e6, rel=0.1)
    assert (out / "predictive.png").stat().st_size > 10_000
    with np.load(out / "posterior.npz") as file:
        assert file["samples"].shape == (1, 1000, 5)
    assert "95 % intervals" in capsys.readouterr().out
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "GLIF neuron of level 1" in card and "| capacitance |" in card


@pytest.mark.slow
@pytest.mark.parametrize("case", ["cell485513169_glif1_native", "cell327706437_glif1"])
def test_allensdks_own_simulation_gives_its_parameters_back(
    bundle: Path, reference, case: str, tmp_path: Path
) -> None:
    neuron, arrays = reference(case)
    np.save(tmp_path / "voltage.npy", 1e3 * arrays["voltage"])
    np.save(tmp_path / "current.npy", 1e12 * arrays["stimulus"])
    command = ["predict", str(tmp_path / "voltage.npy"), "--unit", "mV", "--relative-to-rest",
               "--stimulus", str(tmp_path / "current.npy"), "--stimulus-unit", "pA", "--rate",
               str(1 / float(arrays["dt"])), "--bundle", str(bundle), "--out",
               str(tmp_path / "out"), "--samples", "15"]  # fmt: skip
    assert main(command) == 0
    inferred, _ = from_config(json.loads((tmp_path / "out" / "neuron_config.json").read_text()))
    with np.load(tmp_path / "out" / "posterior.npz") as file:
        rest_v = np.median(file["samples"][0, :, file["quantities"].tolist().index("rest")])
    assert abs(rest_v) < 5e-4  # told from rest, as it was put in
    for name in ("capacitance_f", "resistance_ohm", "threshold_v"):
        assert getattr(inferred, name)[0] == pytest.approx(getattr(neuron, name)[0], rel=0.03), name


@pytest.mark.slow
def test_one_bad_cell_stops_no_other(bundle: Path, cell: list[str], tmp_path: Path, capsys) -> None:
    voltage = np.load(cell[0])
    np.save(cell[0], np.stack([voltage, np.full_like(voltage, np.nan), voltage]))
    out = tmp_path / "out"
    assert main(["predict", *cell, "--bundle", str(bundle), "--out", str(out)]) == 1
    shown = capsys.readouterr()
    assert (
        "parameters of 2 of 3 cells" in shown.out
        and "cell 1: expected a voltage, got no finite" in shown.err
    )


@pytest.mark.slow
def test_a_trace_unlike_any_simulated_one_is_told(
    bundle: Path, cell: list[str], tmp_path: Path, capsys
) -> None:
    rng = np.random.default_rng(0)
    voltage = np.load(cell[0])
    np.save(cell[0], voltage + 3e-3 * rng.normal(size=len(voltage)))  # 3 mV of noise
    out = tmp_path / "out"
    assert main(["predict", *cell, "--bundle", str(bundle), "--out", str(out)]) == 0
    assert "noise above that of every simulated trace" in capsys.readouterr().err


WRONG = {
    "no rate": (["--rate"], "name it with --rate"),
    "mV": (["--unit", "mV"], r"median of -120 to -20 mV, got -0\.0\d+ mV; .*--unit V"),
    "pA": (["--stimulus-unit", "pA"], "peak lies between 1 pA and 20 nA, got 1.96e-22 A"),
    "kHz": (["--rate", "50"], "--rate 50: expected 1000 to 1000000 Hz; 50 kHz are --rate 50000"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_units_and_a_missing_rate_are_told(cell: list[str], case: str) -> None:
    options, message = WRONG[case]
    units = {"--unit": "V", "--stimulus-unit": "A"} | dict(zip(options[::2], options[1::2],
                                                              strict=False))  # fmt: skip
    with pytest.raises(RecordingError, match=message):
        read_cell_traces(
            Signal(Path(cell[0]), units["--unit"]),
            Signal(Path(cell[2]), units["--stimulus-unit"]),
            {"no rate": None, "kHz": 50}.get(case, 50_000),
        )


def _save(cell: list[str], which: int, array: np.ndarray) -> tuple[Signal, Signal]:
    np.save(cell[which], array)
    return Signal(Path(cell[0]), "V"), Signal(Path(cell[2]), "A")


def test_what_no_membrane_does_is_told(cell: list[str]) -> None:
    voltage, current = np.load(cell[0]), np.load(cell[2])
    for array, message in (
        (1e3 * voltage, "got -5.* mV; if it is in mV, pass --unit mV"),
        (voltage + 0.072, "pass --relative-to-rest"),
        (np.where(np.arange(len(voltage)) == 9, 0.02, voltage), "pass --cut-spikes"),
        (voltage[:-1], "expected a current of 29999 samples for each of the 1 voltages"),
        (np.full_like(voltage, np.nan), "expected a voltage, got no finite sample"),
    ):
        with pytest.raises(RecordingError, match=message):
            read_cell_traces(*_save(cell, 0, array), 50_000)
    with pytest.raises(RecordingError, match=r"between 1 pA and 20 nA, got 1\d\d A; correct"):
        np.save(cell[0], voltage)
        read_cell_traces(*_save(cell, 2, 1e12 * current), 50_000)


def test_one_odd_cell_of_several_is_left_out_by_itself(cell: list[str]) -> None:
    voltage = np.load(cell[0])
    spiking = np.where(np.arange(len(voltage)) == 9, 0.02, voltage)
    cells = read_cell_traces(*_save(cell, 0, np.stack([voltage, spiking])), 50_000)
    faults = cell_faults(cells, least_samples=1)
    assert list(faults) == [1] and "pass --cut-spikes" in faults[1]
    with pytest.raises(RecordingError, match=r"more cells than samples, .* transpose it"):
        read_cell_traces(*_save(cell, 0, voltage[:, None]), 50_000)
    with pytest.raises(RecordingError, match=r"up to 15000 mV; leave --relative-to-rest out"):
        relative = np.where(np.arange(len(voltage)) < 20_000, 0.0, 15.0)  # mV taken for V
        read_cell_traces(*_save(cell, 0, relative), 50_000, relative_to_v=-0.073)


def test_an_nwb_file_gives_its_response_and_its_stimulus(tmp_path: Path, cell: list[str]) -> None:
    pynwb = pytest.importorskip("pynwb")
    voltage, current = np.load(cell[0]), np.load(cell[2])
    file = pynwb.NWBFile("a cell", "1", datetime(2026, 1, 1, tzinfo=timezone.utc))
    device = file.create_device(name="amplifier")
    electrode = file.create_icephys_electrode(
        name="pipette", description="whole-cell", device=device
    )
    facts = {"electrode": electrode, "gain": 1.0, "rate": 50_000.0}
    response = pynwb.icephys.CurrentClampSeries(
        name="response", data=1e3 * voltage, conversion=1e-3, **facts
    )
    stimulus = pynwb.icephys.CurrentClampStimulusSeries(
        name="stimulus", data=1e12 * current, conversion=1e-12, **facts
    )
    file.add_acquisition(response)
    file.add_stimulus(stimulus)
    path = tmp_path / "cell.nwb"
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    cells = read_cell_traces(Signal(path, "V"), Signal(path, "A"), None)
    np.testing.assert_allclose(cells.voltage_v[0], voltage, rtol=1e-6)
    np.testing.assert_allclose(cells.current_a[0], current, rtol=1e-6, atol=1e-18)
    assert cells.rate_hz == 50_000


def test_a_voltage_told_from_rest_is_moved(cell: list[str]) -> None:
    sources = _save(cell, 0, np.load(cell[0]) + 0.072)
    cells = read_cell_traces(*sources, 50_000, relative_to_v=-0.073)
    assert np.nanmedian(cells.voltage_v[0, :400]) == pytest.approx(-0.073, abs=1e-4)
    assert cells.rest_added_v == -0.073


def test_a_long_trace_is_read_from_the_rest_before_it_fires() -> None:
    """Two epochs of current: a quiet one at 2 s, one with spikes at 6 s."""
    n = round(10 * SIMULATED_HZ)
    voltage, current = np.full((1, n), -0.07), np.zeros((1, n))
    current[:, 40_000:70_000] = current[:, 120_000:180_000] = 1e-10
    voltage[:, 130_000:130_080] = voltage[:, 140_000:140_080] = np.nan
    traces, rate_hz, begins_s = network_input(CellTraces(voltage, current, SIMULATED_HZ), 2.5)
    assert traces.shape == (1, 2, 50_000) and rate_hz == SIMULATED_HZ
    assert begins_s[0] == pytest.approx(6 - 0.02)
    assert np.isnan(traces[0, 0]).sum() == 160 and not traces[0, 1, :400].any()
    current[:, 40_000:] = 1e-10  # never at rest again: only the first onset will do
    _, _, begins_s = network_input(CellTraces(voltage, current, SIMULATED_HZ), 2.5)
    assert begins_s[0] == pytest.approx(2 - 0.02)


def test_faster_recordings_are_thinned() -> None:
    batch = measure(typical_prior(1), Experiment(keep_every=(1,)), 2, seed=0, number=0)
    voltage, current = 1e-3 * batch.traces[:, 0].astype(float), 1e-12 * batch.traces[:, 1]
    fast = CellTraces(np.repeat(voltage, 5, axis=1), np.repeat(current, 5, axis=1), 100_000)
    traces, rate_hz, _ = network_input(fast, 60.0)
    assert rate_hz == SIMULATED_HZ
    np.testing.assert_allclose(traces, batch.traces, rtol=1e-5)


def test_faults_are_named() -> None:
    rng = np.random.default_rng(0)
    voltage = -0.07 + 1e-4 * rng.normal(size=(6, 10_000))
    current = np.full((6, 10_000), 1e-10)
    voltage[0, 7] = np.inf
    voltage[1, :6000] = np.nan
    current[2, 3] = np.nan
    voltage[4, 2000:4000] = np.nan
    voltage[5, 2000:2200] = np.nan  # a dead time of 10 ms
    faults = cell_faults(CellTraces(voltage, current, SIMULATED_HZ), least_samples=1)
    assert faults == {
        0: "infinite voltage at sample 7",
        1: "60 % of its voltage is NaN",
        2: "the current is not finite at sample 3",
        4: "100 ms of its voltage are NaN in one stretch; cut it there",
    }
    short = CellTraces(voltage[3:4, :100], current[3:4, :100], SIMULATED_HZ)
    assert cell_faults(short, 710) == {0: "5 ms are too short, 200 ms are needed"}
    slow = CellTraces(voltage[3:4, :500], current[3:4, :500], rate_hz=1000)
    assert cell_faults(slow, 710) == {0: "500 ms are too short, 710 ms are needed"}
    assert cell_faults(slow, 1) == {}
