"""From settings to a tracked posterior, its bundle, and parameters of a new cell."""

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from raphe.cli import main
from raphe.tasks.glif.evaluation import evaluate
from raphe.tasks.glif.metrics.names import names
from raphe.tasks.glif.neurons.models import Neurons
from raphe.tasks.glif.neurons.neuron_config import from_config

pytestmark = pytest.mark.ci

SMALL = [
    "task=glif", "model.n_samples=100", "data.batches=20", "data.batch_size=32",
    "data.n_val=32", "data.n_test=64", "data.experiment.length_s=[0.5,0.6]",
    "trainer.accumulate_grad_batches=1",
    "trainer.max_epochs=2", "tracking.system_metrics_every_s=null", "threads=1",
]  # fmt: skip
TRUE = {"capacitance": 90.0, "resistance": 200.0, "rest": -72.0, "threshold": 28.0}


@pytest.fixture
def bundle(train_py, made_once, tracking_store) -> Path:
    """Made once."""

    def fill(folder: Path) -> None:
        tracking_store(folder / "mlruns")
        _train_and_export(train_py, folder)

    return made_once("glif-posterior", fill) / "bundle"


def _train_and_export(train_py, folder: Path) -> None:
    places = [f"data_root={folder / 'data'}", f"runs_root={folder / 'mlruns'}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "check_locally", partial(evaluate.check_locally, trials=3))
        assert train_py(*SMALL, "evaluate.local=2", *places) == 0
    client = MlflowClient(f"sqlite:///{folder / 'mlruns' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("glif")
    (run,) = client.search_runs([experiment.experiment_id])
    artifacts = {file.path for file in client.list_artifacts(run.info.run_id, "test")}
    tables = {"test/comparison.csv", "test/local_checks.csv"}
    assert {"test/recovery.png", "test/calibration.png", *tables} <= artifacts
    metrics = run.data.metrics
    assert (
        metrics["test/cells/r2_capacitance"] > 0.95
        and metrics["test/cells/explained_variance"] > 0.5
    )
    assert metrics["prior/n_cells"] == 64 and 0 <= metrics["prior/cells/local_rejected"] <= 1
    assert not [name for name in metrics if name not in names()]
    export = ["stage=export", f"export.sweep={run.info.run_id}", f"export.out={folder / 'bundle'}"]
    assert train_py("task=glif", *export, *places) == 0


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
    assert (out / "predictive.png").stat().st_size > 2_000
    with np.load(out / "posterior.npz") as file:
        assert file["samples"].shape == (1, 1000, 5)
    told = capsys.readouterr()
    assert "95 % intervals" in told.out
    prediction = json.loads((out / "prediction.json").read_text())
    assert prediction["n_inferred"] == 1 and prediction["bundle"]["name"] == bundle.name
    note = prediction["notes"][0]
    assert note.startswith("The networks were trained on simulated GLIF neurons of level 1: ")
    assert f"Note: {note}" in told.err
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "GLIF neuron of level 1" in card and "| capacitance |" in card


@pytest.fixture(params=["cell485513169_glif1_native", "cell327706437_glif1"])
def simulated_by_allensdk(reference, request) -> tuple[Neurons, dict[str, np.ndarray]]:
    return reference(request.param)


def test_allensdks_own_simulation_gives_its_parameters_back(
    simulated_by_allensdk, bundle: Path, tmp_path: Path
) -> None:
    neuron, arrays = simulated_by_allensdk
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


def test_a_trace_unlike_any_simulated_one_is_told(
    bundle: Path, cell: list[str], tmp_path: Path, capsys
) -> None:
    rng = np.random.default_rng(0)
    voltage = np.load(cell[0])
    np.save(cell[0], voltage + 3e-3 * rng.normal(size=len(voltage)))  # 3 mV of noise
    out = tmp_path / "out"
    assert main(["predict", *cell, "--bundle", str(bundle), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "95 % intervals, unlike what was simulated, to be taken with caution:" in shown.out
    above, _, _ = shown.err.partition(" above those of every simulated trace")
    assert above != shown.err and "noise" in above
    caption = (out / "predictive.caption.txt").read_text(encoding="utf-8")
    assert "Cell 0 is unlike what was simulated" in " ".join(caption.split())
    with np.load(out / "posterior.npz") as file:
        assert "noise" in file["unlike_simulated"][0]


def test_levels_are_fitted_without_a_bundle_and_the_one_that_is_enough_is_named(
    cell: list[str], tmp_path: Path, capsys
) -> None:
    out = tmp_path / "fit"
    assert main(["fit", *cell, "--out", str(out), "--for", "brian2"]) == 0
    with (out / "fitted_parameters.csv").open() as file:
        rows = {(row["level"], row["quantity"]): row for row in csv.DictReader(file)}
    for name, value in TRUE.items():
        assert float(rows["1", name]["median_lab"]) == pytest.approx(value, rel=0.01), name
        assert rows["1", name]["told_by_data"] == "yes"
    with (out / "levels.csv").open() as file:
        levels = list(csv.DictReader(file))
    assert [row["level"] for row in levels if row["chosen"] == "yes"] == ["1"]
    assert float(levels[0]["white_noise_mv"]) == pytest.approx(0.1, rel=0.1)
    neuron, _ = from_config(json.loads((out / "neuron_config.json").read_text()))
    assert neuron.resistance_ohm[0] == pytest.approx(200e6, rel=0.01)
    assert (out / "fit.png").stat().st_size > 2_000
    assert (out / "glif_brian2.py").exists()
    assert "resistance" in capsys.readouterr().out


def test_a_silent_cell_is_fitted_and_it_is_said_what_it_does_not_tell(
    cell: list[str], tmp_path: Path, capsys
) -> None:
    voltage, current = np.load(cell[0])[:2900], np.load(cell[2])[:2900]
    voltage = np.tile(voltage, 8)  # test pulses alone
    np.save(cell[0], voltage)
    np.save(cell[2], np.tile(current, 8))
    assert main(["fit", *cell, "--out", str(tmp_path / "fit")]) == 0
    told = capsys.readouterr().out
    assert "The cell did not fire" in told
    assert "Not told by this stimulus (0 spikes)" in told
