"""The notebooks run, define nothing, and are kept without output."""

import base64
import io
import json
import re
from pathlib import Path

import matplotlib.image
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from paths import PROJECT
from waiting import HANG_S

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(name: str, parameters: str, folder: Path) -> NotebookNode:
    """Run a notebook with other parameters than it has."""
    notebook = nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)
    (own,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    own.source = parameters
    client = NotebookClient(
        notebook,
        startup_timeout=HANG_S,
        timeout=HANG_S,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def printed(notebook: NotebookNode) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def tables(notebook: NotebookNode) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.get("data", {}).get("text/plain", "") for output in outputs)


def figures(notebook: NotebookNode) -> int:
    """How many pictures came, none of them blank."""
    found = [
        base64.b64decode(output["data"]["image/png"])
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert all(matplotlib.image.imread(io.BytesIO(png)).std() > 0.01 for png in found)
    return len(found)


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["recording", "sweep", "verdict"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_defines_nothing_and_is_kept_without_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        assert not cell.outputs and cell.execution_count is None
        assert not re.search(r"\b(def|class|lambda)\b", cell.source)


def test_recording_counts_the_spikes_of_a_simulated_cell(tmp_path: Path) -> None:
    done = run("recording", "path = None", tmp_path)
    text = printed(done)
    assert "60.0 s at 40000 Hz in pA" in text
    rate_hz, n = (
        float(re.search(r"([\d.]+) Hz, CV", text)[1]),
        int(re.search(r"(\d+) spikes", text)[1]),
    )
    assert rate_hz == pytest.approx(n / 60, rel=0.2)
    assert figures(done) == 3


def test_recording_reads_a_real_file(real_data, tmp_path: Path) -> None:
    path = real_data("abf", "File_axon_7.abf")
    with pytest.raises(Exception, match="RecordingError"):  # it has no current channel in pA
        run("recording", f"path = {str(path)!r}", tmp_path)


@pytest.mark.slow
def test_sweep_shows_every_member(bundle: Path, home: Path, tmp_path: Path) -> None:
    done = run("sweep", f"runs_root = {str(home / 'mlruns')!r}\nrun_id = None", tmp_path)
    assert "2 finished runs" in printed(done) and "simulated" in printed(done)
    assert re.search(r"^3 .*^20 ", tables(done), re.MULTILINE | re.DOTALL)
    assert re.search(r"model.kernel = (3|20)\n", printed(done))
    assert figures(done) == 2


@pytest.mark.slow
def test_verdict_says_what_the_command_says(bundle: Path, home: Path, tmp_path: Path) -> None:
    from raphe import cli

    recordings = sorted(home.glob("data/celltype/*/recordings-original/SER/*.abf"))[:2]
    paths = [str(path) for path in recordings]
    done = run("verdict", f"bundle = {str(bundle)!r}\nrecordings = {paths}", tmp_path)
    command = ["predict", *paths, "--bundle", str(bundle), "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--no-pages"]) == 0
    cells = json.loads((tmp_path / "out" / "verdicts.json").read_text())["cells"]
    assert len(cells) == 2
    for cell in cells:
        assert f"{cell['probability']['SER']:.3f}" in tables(done)
    assert figures(done) == 2
