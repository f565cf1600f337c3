"""From a tracked sweep to verdicts: the command line, MLflow and the ONNX file say the same."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from pathlib import Path

import mlflow
import numpy as np
import onnxruntime
import pytest

from http_caller import answering
from paths import PROJECT
from raphe import cli, load_bundle
from raphe.serve.limits import Limits
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
    bundle: Path,
    recording: Path,
    windows: np.ndarray,
    tracking_uri: str,
    tmp_path: Path,
    monkeypatch,
) -> None:
    session = onnxruntime.InferenceSession(bundle / GRAPH)
    by_onnx, _ = session.run(None, {"current_pa": windows})
    ensemble = Ensemble.open(bundle)
    np.testing.assert_allclose(ensemble.predict(windows).ensemble, by_onnx, rtol=0, atol=1e-6)

    monkeypatch.setattr(sys, "path", list(sys.path))  # MLflow adds to it
    model = mlflow.pyfunc.load_model("models:/celltype@champion")
    samples, rate_hz = samples_of(recording)
    asked = {"samples": samples, "rate_hz": rate_hz, "unit": "pA", "cell_id": "mine"}
    by_recording, by_windows, refused = model.predict(
        [asked, {"windows": windows.tolist()}, {"windows": windows[:, :100].tolist()}]
    )
    assert by_recording["verdict"] == by_windows["verdict"]
    assert by_recording["cell_id"] == "mine" and by_recording["n_spikes"] == len(windows)
    assert refused == {"error": f"bundle: expected windows (N, 160) in pA, got ({len(windows)}, 100"
                                "); cut the spikes as the manifest's window says"}  # fmt: skip

    out = tmp_path / "verdicts"
    assert cli.main(["predict", str(recording), "--bundle", str(bundle), "--out", str(out)]) == 0
    (verdict,) = json.loads((out / "verdicts.json").read_text())["cells"]
    of_cell = ensemble.decision.calibration(by_onnx.mean(axis=0, keepdims=True))[0]
    assert verdict["n_spikes"] == len(windows)
    for name, expected in zip(ensemble.classes, of_cell, strict=True):
        assert verdict["probability"][name] == pytest.approx(expected, abs=1e-5)
        assert by_recording["probability"][name] == pytest.approx(expected, abs=1e-5)
        assert by_windows["probability"][name] == pytest.approx(expected, abs=1e-5)


@pytest.fixture
def model_folder(tracking_uri: str) -> Path:
    """The registered model as MLflow hands it out."""
    return Path(mlflow.artifacts.download_artifacts("models:/celltype@champion"))


def test_a_registered_model_requires_no_raphe_of_a_package_index(model_folder: Path) -> None:
    lines = (model_folder / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\d.]+", line) for line in lines)
    names = {line.partition("==")[0] for line in lines}
    assert {"mlflow", "numpy", "onnxruntime", "scipy"} <= names
    assert not names & {"raphe", "torch", "pytorch-lightning", "hydra-core", "scikit-learn"}
    environment = (model_folder / "python_env.yaml").read_text()
    assert "raphe" not in environment and "-r requirements.txt" in environment


def test_a_registered_model_carries_the_code_that_it_needs(
    model_folder: Path, recording: Path, tmp_path: Path
) -> None:
    """Where no other raphe can be imported it gives a verdict, with the packages it requires."""
    code = model_folder / "code"
    files = [file for file in code.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 1_000_000
    assert not [file for file in files if "training" in file.parts or file.suffix != ".py"]
    samples, rate_hz = samples_of(recording)
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps([{"samples": samples, "rate_hz": rate_hz, "unit": "pA"}]))
    script = f"""
import json, sys
from importlib.util import find_spec
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path[:] = [path for path in sys.path if "src" not in path.split("/")]
assert find_spec("raphe") is None
sys.path.insert(0, {str(code)!r})
from raphe.core.bundles import pyfunc
assert pyfunc.__file__.startswith({str(code)!r})
model = pyfunc._load_pyfunc({str(next((model_folder / "data").iterdir()))!r})
(verdict,) = model.predict(json.load(open({str(asked)!r})))
print(json.dumps([verdict, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
    answer = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    verdict, loaded = json.loads(answer.stdout)
    assert verdict["n_spikes"] > 0 and set(verdict["probability"]) == {"SER", "NSER"}
    assert not {"torch", "mlflow", "hydra", "sklearn", "pandas", "matplotlib"} & set(loaded)


def samples_of(recording: Path) -> tuple[list[float], float]:
    opened = read_recording(recording, None, None)
    return opened.sweeps[0].read().tolist(), opened.rate_hz


@pytest.fixture
def as_written(home: Path, bundle: Path, tmp_path: Path) -> Callable[..., AbstractContextManager]:
    """Run the first block of the guide to serving whose last line begins so, as a reader would."""
    (tmp_path / "mlruns").symlink_to(home / "mlruns")
    (tmp_path / "verdict-bundle").symlink_to(bundle)
    text = (PROJECT / "docs" / "how_to" / "serve.md").read_text(encoding="utf-8")

    def serve(begin: str, *options: str) -> AbstractContextManager:
        block = re.findall(rf"^```sh\n((?:[^`]*\n)?{begin}.*)\n```$", text, re.M)[0]
        before, _, last = f"\n{block.partition('  #')[0]}".rpartition("\n")
        command = ["bash", "-c", f'cd {tmp_path}\n{before}\nexec {last} "$@"', "bash", *options]
        binaries = str(Path(sys.executable).parent)
        environment = {
            **os.environ,
            "PATH": os.pathsep.join([binaries, os.environ["PATH"]]),
            "PYTHONPATH": str(PROJECT / "src"),
        }
        return serving(command, tmp_path / "serve.log", environment)

    return serve


def ask(url: str, body: bytes, kind: str) -> dict:
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=HANG_S) as answer:
        return json.load(answer)


@pytest.mark.ci
def test_mlflow_serves_verdicts_by_the_line_of_the_guide(
    as_written, bundle: Path, recording: Path
) -> None:
    samples, rate_hz = samples_of(recording)
    cell = {"samples": samples, "rate_hz": rate_hz, "unit": "pA", "cell_id": "mine"}
    body = json.dumps({"dataframe_records": [cell, {"windows": [[0.0] * 100] * 50}]}).encode()
    with as_written("mlflow models serve", "--workers=1") as address:
        verdict, refused = ask(f"{address}/invocations", body, "application/json")["predictions"]
    expected = load_bundle(bundle).predict(recording)
    assert (verdict["verdict"], verdict["n_spikes"]) == (expected.verdict, expected.n_spikes)
    assert verdict["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert refused["error"].startswith("bundle: expected windows (N, 160) in pA, got (50, 100)")


@pytest.mark.slow
def test_raphe_serves_verdicts_by_the_line_of_the_guide(
    as_written, bundle: Path, recording: Path
) -> None:
    content, expected = recording.read_bytes(), load_bundle(bundle).predict(recording)
    with as_written("raphe serve") as address, ThreadPoolExecutor(4) as callers:
        url = f"{address}/predict/file?name=any.abf"
        verdicts = list(
            callers.map(lambda _: ask(url, content, "application/octet-stream"), range(6))
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(url, content[: len(content) // 2], "application/octet-stream")
        told = json.load(refused.value)["error"]
        page = urllib.request.urlopen(f"{address}/api", timeout=HANG_S).read().decode()
    for verdict in verdicts:
        assert verdict["verdict"] == expected.verdict
        assert verdict["probability"] == pytest.approx(expected.probability, abs=1e-5)
    assert refused.value.code == 422 and told.startswith("any.abf: ")
    assert "calibrated where `calibrated` says so" in page and str(bundle) not in page


@pytest.mark.ci
def test_nwb_is_served_and_leaves_nothing_open(
    bundle: Path, recording: Path, tmp_path: Path
) -> None:
    """pynwb holds a file open as long as its samples; /proc tells where there is one."""
    pynwb = pytest.importorskip("pynwb")
    samples, rate_hz = samples_of(recording)
    current = pynwb.TimeSeries(
        name="current", data=np.array(samples) * 1e-12, unit="amperes", rate=rate_hz
    )
    whole = pynwb.NWBFile("a cell", "c", datetime(2026, 1, 1, tzinfo=timezone.utc))
    whole.add_acquisition(current)
    with pynwb.NWBHDF5IO(str(tmp_path / "cell.nwb"), "w") as file:
        file.write(whole)
    content, expected = (tmp_path / "cell.nwb").read_bytes(), load_bundle(bundle).predict(recording)
    with answering(load_bundle(bundle), Limits()) as caller:
        answers = [caller.post("/predict/file?name=a.nwb", content).json for _ in range(3)]
    for answer in answers:
        assert (answer["verdict"], answer["n_spikes"]) == (expected.verdict, expected.n_spikes)
    for link in Path("/proc/self/fd").glob("*"):
        with suppress(FileNotFoundError):  # that of the folder itself
            assert "recording.nwb" not in str(link.readlink())
