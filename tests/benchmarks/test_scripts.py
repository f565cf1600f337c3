import re
import subprocess
import sys
from pathlib import Path

import pytest

from paths import PROJECT

BENCHMARKS = PROJECT / "benchmarks"
README = (BENCHMARKS / "README.md").read_text()
LISTED = re.findall(r"^\| `(\w+)\.py`", README, re.MULTILINE)
NOT_NEEDED = [
    "scipy", "hydra", "omegaconf", "mlflow", "pytorch_lightning", "torchmetrics", "sklearn",
    "pyabf", "numba", "onnx", "onnxruntime", "matplotlib", "h5py", "yaml", "filelock", "rich",
    "cloudpickle",
]  # fmt: skip
PEER_ANSWER = '{"seconds": [1.0, 1.0], "test_losses": [0.5], "versions": "Keras 0"}'


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_script_tells_its_options(name: str, run_script, capsys):
    with pytest.raises(SystemExit) as leaving:
        run_script(f"{name}.py", "--help")
    assert leaving.value.code == 0
    assert "--output" in capsys.readouterr().out


def test_every_benchmark_is_listed_and_run_by_make():
    files = BENCHMARKS.glob("*.py")
    scripts = {file.stem for file in files if "options_of(__doc__" in file.read_text()}
    assert set(LISTED) == scripts
    makefile = (BENCHMARKS.parent / "Makefile").read_text()
    run = re.search(r"^BENCHMARKS := (.+)$", makefile, re.MULTILINE)
    assert run is not None and set(run[1].split()) == scripts


def test_epoch_at_a_small_size(tmp_path: Path, run_script):
    peer = tmp_path / "python"
    peer.write_text(f"#!/bin/sh\necho '{PEER_ANSWER}'\n")
    peer.chmod(0o755)
    table = tmp_path / "epoch.md"
    options = ("--cells", 2, "--kernels", 1, "--seeds", 1)
    run_script("epoch.py", "--keras", peer, "--output", table, *options)
    assert "Keras 0" in table.read_text() and "| 1 |" in table.read_text()


def test_gpu_in_a_dry_run(tmp_path: Path, run_script):
    table = tmp_path / "gpu.md"
    small = ("--device", "cpu", "--spikes", 128, "--kernels", 1, 8, "--batches", 1)
    run_script("gpu.py", "--output", table, *small)
    text = table.read_text()
    assert text.count("| bank |") == text.count("| one by one |") == 8
    assert text.count(" | 0.0000 | ") == 8  # both ways have the processor's losses


def test_gpu_needs_torch_and_numpy_alone():
    program = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({NOT_NEEDED}))\n"  # None: importing them fails
        "sys.path.insert(0, '.')\n"
        "sys.argv = ['gpu.py', '--help']\n"
        f"runpy.run_path({str(BENCHMARKS / 'gpu.py')!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=BENCHMARKS, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_online_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "online.md"
    small = ("--cells", 3, "--duration-s", 6, "--per-class", 100, "--kernels", 1, "--repeats", 1)
    run_script("online.py", "--output", table, *small)
    assert "| 1 |" in table.read_text()


def test_synthesis_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "synthesis.md"
    small = ("--cells", 3, "--duration-s", 6, "--per-class", 500, "--repeats", 1)
    run_script("synthesis.py", "--output", table, "--scratch", tmp_path, *small)
    assert "1000 spikes" in table.read_text()
    assert not list(tmp_path.glob("tmp*"))


def test_whole_trace_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "whole.md"
    run_script(
        "whole_trace.py", "--output", table, "--samples", 300, "--repeats", 1, "--threads", 1
    )
    assert "| sliding window, batches of 256 | 1 |" in table.read_text()


@pytest.mark.ci
def test_glif_infer_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "infer.md"
    small = ("--cells", 2, "--draws", 10, "--repeats", 1, "--threads", 1, "--samples", 4000)
    run_script("glif_infer.py", "--output", table, *small)
    assert "| 1 s at 5 kHz, encoder and least squares |" in table.read_text()
    assert "64 × 4000 samples |" in table.read_text()


@pytest.mark.ci
def test_rates_at_a_small_size(tmp_path: Path, run_script):
    table = tmp_path / "rates.md"
    small = ("--few", 1, "--many", 3, "--minutes", 0.5, "--threads", 2, "--peer-many", 2)
    run_script("rates.py", "--output", table, *small)
    rows = ("raphe predict | 2 |", "CASCADE's network | 2 |", "networks |")
    assert all(f"| {row}" in table.read_text() for row in rows)


@pytest.mark.ci
def test_glif_bundle_at_a_small_size(tmp_path: Path, run_script, real_data):
    table = tmp_path / "bundle.md"
    cells = real_data("glif", "glif_cells.csv")
    run_script("glif_bundle.py", "--output", table, "--cells", 16, "--table", cells)
    text = table.read_text()
    assert "Models fitted to real cells" in text and text.count("| chirp | threshold | ") == 2


@pytest.mark.ci
def test_glif_local_at_a_small_size(tmp_path: Path, run_script, real_data):
    table = tmp_path / "local.md"
    cells = real_data("glif", "glif_cells.csv")
    small = ("--cells", 32, "--checked", 4, "--table", cells)
    run_script("glif_local.py", "--output", table, *small)
    text = table.read_text()
    assert text.count("| typical neurons | ") == 5 and "| 1.5 times as wide where a cell" in text


@pytest.mark.ci
def test_glif_misfit_at_a_small_size(tmp_path: Path, run_script, real_data):
    table = tmp_path / "misfit.md"
    cells = real_data("glif", "glif_cells.csv")
    run_script("glif_misfit.py", "--output", table, "--cells", 16, "--table", cells)
    text = table.read_text()
    assert "| 3, real cells' models | " in text and "| OU 0.5 mV, 10 ms | " in text
