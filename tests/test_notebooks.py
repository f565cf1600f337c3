"""The notebooks run, define nothing, and are kept with the outputs of a run on simulated data."""

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from paths import PROJECT
from waiting import HANG_S

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 600_000  # of all together: a clone carries every version of them
MACHINE = r"(?<![\w.])/(?:bin|home|lib|mnt|private|root|tmp|usr|Users|var|work)/|[A-Z]:\\"
DEEPEST = 4  # names of an import, as in raphe.harness.sweeps.finding
PARAMETERS = [
    "task=glif", "model.n_samples=100", "data.batches=4", "data.batch_size=16", "data.n_val=16",
    "data.n_test=32", "data.experiment.length_s=[0.5,0.6]", "trainer.accumulate_grad_batches=1",
    "trainer.max_epochs=1",
]  # fmt: skip


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read(name: str) -> NotebookNode:
    return nbformat.read(PROJECT / "notebooks" / f"{name}.ipynb", as_version=4)


def run(name: str, parameters: str, folder: Path) -> NotebookNode:
    """Run a notebook with other parameters than it has; its cells give what the kept ones show."""
    notebook = read(name)
    (own,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    own.source = parameters
    client = NotebookClient(
        notebook,
        startup_timeout=HANG_S,
        timeout=HANG_S,
        resources={"metadata": {"path": str(folder)}},
    )
    done = client.execute()
    assert list(map(shown, code_cells(done))) == list(map(shown, code_cells(read(name))))
    return done


def shown(cell: NotebookNode) -> list[str]:
    """The kinds of a cell's tables and pictures."""
    return [kind for output in cell.outputs for kind in sorted(output.get("data", {}))]


def printed(notebook: NotebookNode) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def tables(notebook: NotebookNode) -> str:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.get("data", {}).get("text/plain", "") for output in outputs)


def pictures(notebook: NotebookNode) -> int:
    """How many pictures came, none of them blank."""
    images = [
        base64.b64decode(output["data"]["image/png"])
        for cell in code_cells(notebook)
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert all(matplotlib.image.imread(io.BytesIO(png)).std() > 0.01 for png in images)
    return len(images)


def test_every_task_has_one() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert names == ["parameters", "rates", "recording", "sweep", "verdict"]
    assert sum(path.stat().st_size for path in NOTEBOOKS) < MOST_BYTES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_defines_nothing_and_imports_from_few_levels(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in code_cells(notebook):
        assert not re.search(r"\b(def|class|lambda)\b", cell.source)
        for module in re.findall(r"(?:from|import) (raphe[\w.]*)", cell.source):
            assert module.count(".") < DEEPEST, module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_with_the_outputs_of_one_run(path: Path) -> None:
    cells = code_cells(nbformat.read(path, as_version=4))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", output
            shown_as = {"text": output.get("text", ""), **output.get("data", {})}
            text = "\n".join(str(words) for kind, words in shown_as.items() if "image" not in kind)
            assert not re.search(MACHINE, text), re.search(MACHINE, text)
    assert pictures(nbformat.read(path, as_version=4)) >= 1


@pytest.mark.ci
def test_recording_counts_the_spikes_of_a_simulated_cell(tmp_path: Path) -> None:
    done = run("recording", "recordings, folder, cell_number = None, 'here', 0", tmp_path)
    text = printed(done)
    assert "60 s at 40000 Hz in pA" in text and "amplitude (pA)" in tables(done)
    n, rate_hz = (
        int(re.search(r"; (\d+) spikes of", text)[1]),
        float(re.search(r"([\d.]+) Hz, CV", text)[1]),
    )
    assert rate_hz == pytest.approx(n / 60, rel=0.2)


@pytest.mark.ci
def test_recording_stops_at_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "own" / "SER").mkdir(parents=True)
    (tmp_path / "own" / "SER" / "A140313#073.abf").write_bytes(b"no recording")
    with pytest.raises(Exception, match="AssertionError"):
        run("recording", "recordings, folder, cell_number = 'own', 'here', 0", tmp_path)


@pytest.mark.ci
def test_sweep_shows_every_member(bundle: Path, home: Path, tmp_path: Path) -> None:
    done = run("sweep", f"runs_root = {str(home / 'mlruns')!r}\nrun_id = None", tmp_path)
    assert "2 finished runs" in printed(done)
    assert re.search(r"^3 .*^20 ", tables(done), re.MULTILINE | re.DOTALL)
    assert re.search(r"model.kernel = (3|20), kept at epoch [12]\n", printed(done))


@pytest.mark.ci
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


@pytest.fixture
def exported(train_py: Callable[..., int], tracking_store: Callable, tmp_path: Path) -> Callable:
    """Train with small settings and export; gives the folder with `data` and `bundle`."""

    def export(task: str, *settings: str) -> Path:
        places = [
            f"data_root={tmp_path / 'data'}",
            f"runs_root={tracking_store(tmp_path / 'runs')}",
        ]
        options = ["tracking.system_metrics_every_s=null", "threads=1", *places]
        assert train_py(*settings, *options) == 0
        out = f"export.out={tmp_path / 'bundle'}"
        assert train_py(f"task={task}", "stage=export", out, *places) == 0
        return tmp_path

    return export


@pytest.mark.ci
def test_rates_are_told_of_simulated_neurons_and_remarks_of_bad_ones(tmp_path: Path) -> None:
    parameters = "traces, rate_hz, bundle, folder, n_shown = None, 30.0, None, 'here', 3"
    done = run("rates", parameters, tmp_path)
    rows = tables(done)
    for remark in ("no event above", "left out: constant", "denoised", "30 frames blanked"):
        assert remark in rows
    found = re.search(r"the correlation is (0\.\d+) on average", printed(done))
    assert float(found[1]) > 0.4 and "what to expect: a correlation" in printed(done)


@pytest.mark.ci
def test_parameters_have_intervals_beside_the_truth(exported: Callable) -> None:
    folder = exported("glif", *PARAMETERS)
    done = run(
        "parameters",
        f"bundle = {str(folder / 'bundle')!r}\nvoltage = current = None\nrate_hz = 50_000.0",
        folder,
    )
    assert re.search(r"capacitance +\S+ +\S+ +\S+ +pF +90.0", tables(done))
    assert re.search(r"^\d of 5 true values lie outside their 95 % interval", printed(done), re.M)
