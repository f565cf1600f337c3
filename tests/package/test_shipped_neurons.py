"""The bundle of neuron parameters that comes with raphe: whole, small, used where none is named."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe import cli
from raphe.core.bundles.bundle import check_bundle
from raphe.core.bundles.shipped import is_shipped, shipped_bundle
from raphe.tasks.glif.features.reproduction import limits_at
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ, simulate
from raphe.tasks.glif.synthetic.quantities import neurons_of
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

MOST_BYTES = 600_000
BUNDLE = shipped_bundle("glif")
TRUE = {"capacitance": 80.0, "resistance": 230.0, "rest": -70.0, "threshold": 26.0}
VALUES = np.array([80e-12, 230e6, -70e-3, 26e-3, 3e-3])
WITHOUT_TORCH = """
import sys
for name in (
    "torch", "sbi", "mlflow", "hydra", "pytorch_lightning", "sklearn", "onnx", "matplotlib",
):
    sys.modules[name] = None  # an import of it fails
from raphe.cli import main
sys.exit(main(sys.argv[1:]))
"""


def sweep(level: int) -> tuple[np.ndarray, np.ndarray]:
    """Voltage in V, NaN in dead time, and current in A of 1 s: a test pulse and a noisy step."""
    middle = typical_prior(level).values(np.zeros((1, len(typical_prior(level).quantiles))))
    middle[0, : len(VALUES)] = VALUES
    neuron, rest_v = neurons_of(level, middle)
    rng = np.random.default_rng(0)
    current = np.zeros(round(SIMULATED_HZ))
    current[200:400] = 50e-12
    walk = np.cumsum(rng.normal(size=len(current) - 1000))
    current[1000:] = 1.7 * VALUES[3] / VALUES[1] * (1 + 0.2 * (walk - walk.mean()) / walk.std())
    voltage = simulate(neuron, current, 1 / SIMULATED_HZ).voltage_v[0] + rest_v[0]
    return voltage + 5e-5 * rng.normal(size=len(voltage)), current


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of a neuron with the TRUE parameters, as `raphe predict` takes them."""
    folder = tmp_path_factory.mktemp("sweep")
    for name, samples in zip(("voltage", "current"), sweep(1), strict=True):
        np.save(folder / f"{name}.npy", samples)
    return [str(folder / "voltage.npy"), "--stimulus", str(folder / "current.npy"),
            "--rate", str(SIMULATED_HZ), "--task", "glif"]  # fmt: skip


def test_it_is_whole_and_small_and_made_of_no_cells_table() -> None:
    bundle = check_bundle(BUNDLE)
    assert is_shipped(BUNDLE) and bundle.manifest["n_cells"] == 0
    assert bundle.manifest["note"].startswith("Simulated neurons of typical parameters")
    assert {file.name for file in BUNDLE.iterdir()} == {*bundle.manifest["files"], "manifest.json"}
    assert sum(file.stat().st_size for file in BUNDLE.iterdir()) < MOST_BYTES
    for file in BUNDLE.iterdir():
        content = file.read_bytes()
        assert not any(word in content for word in (b"/tmp", b"/home", b"/root", b"file:"))


def test_its_figures_are_those_of_the_card() -> None:
    bundle = check_bundle(BUNDLE)
    card = bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    for name in ("prior", "unseen_family"):
        figures = bundle.manifest["figures"][name]
        for quantity in ("capacitance", "resistance", "rest", "threshold"):
            assert figures[f"cells/r2_{quantity}"] > 0.99
            assert f"{figures[f'cells/r2_{quantity}']:.4f}" in card
    finest, *_ = bundle.manifest["misfit_limits_mv"]["voltage"]
    assert f"more than {finest[1]:.2g} mV at 20 kHz" in card and finest[0] == 0.05


def test_parameters_come_from_one_command_without_torch_or_a_figure(
    files: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "neurons"
    command = [sys.executable, "-c", WITHOUT_TORCH, "predict", *files, "--out", str(out)]
    command.append("--no-figure")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "bundle: the one that comes with raphe (content hash" in done.stderr
    with (out / "parameters.csv").open(encoding="utf-8") as file:
        rows = {row["quantity"]: row for row in csv.DictReader(file)}
    assert not list(out.glob("predictive*"))
    for name, value in TRUE.items():
        assert float(rows[name]["median_lab"]) == pytest.approx(value, rel=0.02), name
        assert rows[name]["unlike_simulated"] == ""


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_a_cell_of_another_level_is_marked(level: int) -> None:
    bundle = raphe.load_bundle(task="glif", threads=1)
    voltage, current = sweep(level)
    (posterior,) = bundle.predict(voltage, current, SIMULATED_HZ, n_samples=100).posteriors
    limits = limits_at(bundle.manifest["misfit_limits_mv"], SIMULATED_HZ)
    assert max(posterior.misfits_mv[name] / limits[name] for name in limits) > 1
    assert any("of the inferred neuron" in sentence for sentence in posterior.unlike)


@pytest.mark.ci
def test_a_fit_of_too_low_a_level_says_that_its_threshold_does_not_hold(tmp_path: Path) -> None:
    """A spike raises the threshold of level 2 by more than the noise of 0.05 mV moves it."""
    for level in (1, 2):
        voltage, current = sweep(level)
        np.save(tmp_path / "v.npy", voltage)
        np.save(tmp_path / "c.npy", current)
        given = [str(tmp_path / "v.npy"), "--stimulus", str(tmp_path / "c.npy"), "--rate", "20000"]
        out = tmp_path / f"fit{level}"
        assert cli.main(["fit", *given, "--level", "1", "--out", str(out)]) == 0
        said = (out / "fit.json").read_text(encoding="utf-8")
        assert ("this cell is none of that level" in said) == (level == 2)


def test_a_clipped_voltage_and_current_have_their_sentences(files, tmp_path: Path, capsys) -> None:
    voltage, current = sweep(1)
    high, most = np.nanquantile(voltage, 0.97), np.quantile(current, 0.95)
    np.save(tmp_path / "voltage.npy", np.minimum(voltage, high))
    np.save(tmp_path / "current.npy", np.minimum(current, most))
    given = [str(tmp_path / "voltage.npy"), "--stimulus", str(tmp_path / "current.npy")]
    given += files[3:5]
    for words in (["predict", *given, "--task", "glif"], ["fit", *given, "--level", "1"]):
        assert cli.main([*words, "--out", str(tmp_path / words[0])]) == 0
        told = "".join(capsys.readouterr())
        assert f"the voltage stays at exactly −{abs(1e3 * high):.1f} mV, its largest value" in told
        assert "the current stays at exactly" in told
