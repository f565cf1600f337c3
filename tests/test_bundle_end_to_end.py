"""From a tracked sweep to verdicts: the command line, MLflow and the ONNX file say the same."""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import onnxruntime
import pytest

from raphe import cli
from raphe.tasks.celltype.ensemble.bundle_runtime import GRAPH, Ensemble
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.spikes.cutting import cut_spikes
from waiting import HANG_S, serving


@pytest.fixture
def tracking_uri(home: Path) -> Iterator[str]:
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{home / 'mlruns' / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(before)


@pytest.fixture
def recording(bundle: Path, home: Path) -> Path:
    return sorted(home.glob("data/celltype/*/recordings-original/SER/*.abf"))[0]


@pytest.fixture
def windows(recording: Path) -> np.ndarray:
    return cut_spikes(read_recording(recording, None, None), Cut()).waveforms


def test_command_line_pyfunc_and_onnx_give_the_same_numbers(
    bundle: Path, recording: Path, windows: np.ndarray, tracking_uri: str, tmp_path: Path
) -> None:
    session = onnxruntime.InferenceSession(bundle / GRAPH)
    by_onnx, _ = session.run(None, {"current_pa": windows})
    ensemble = Ensemble.open(bundle)
    np.testing.assert_allclose(ensemble.predict(windows).ensemble, by_onnx, rtol=0, atol=1e-6)

    model = mlflow.pyfunc.load_model("models:/celltype@champion")
    by_pyfunc = model.predict(windows)
    for c, name in enumerate(ensemble.classes):
        np.testing.assert_allclose(by_pyfunc[name], by_onnx[:, c], rtol=0, atol=1e-6)

    assert (
        cli.main(["predict", str(recording), "--bundle", str(bundle), "--out", str(tmp_path)]) == 0
    )
    (verdict,) = json.loads((tmp_path / "verdicts.json").read_text())["cells"]
    of_cell = ensemble.decision.calibration(by_onnx.mean(axis=0, keepdims=True))[0]
    assert verdict["n_spikes"] == len(windows)
    for name, expected in zip(ensemble.classes, of_cell, strict=True):
        assert verdict["probability"][name] == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def served(bundle: Path, tracking_uri: str, tmp_path: Path) -> Iterator[str]:
    """Address of `mlflow models serve`, as a user starts it in the project's environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/celltype@champion"]
    environment = {**os.environ, "PATH": path, "MLFLOW_TRACKING_URI": tracking_uri}
    with serving(
        [*command, "--env-manager=local", "--workers=1"], tmp_path / "serve.log", environment
    ) as address:
        yield address


def ask(address: str, windows: np.ndarray) -> dict:
    body = json.dumps({"inputs": windows.tolist()}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/invocations", body, headers)
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        return json.load(answer)["predictions"]


@pytest.mark.slow
def test_mlflow_serves_the_champion_over_http(
    served: str, bundle: Path, windows: np.ndarray
) -> None:
    answer = ask(served, windows[:5])
    ensemble = Ensemble.open(bundle)
    expected = ensemble.predict(windows[:5]).ensemble
    for c, name in enumerate(ensemble.classes):
        np.testing.assert_allclose(answer[name], expected[:, c], rtol=0, atol=1e-6)
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(served, windows[:5, :100])
    assert refused.value.code == 400 and b"160" in refused.value.read()
