"""What a registered model carries: all that predicting imports, nothing of how it was trained."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from paths import PROJECT
from raphe.core.bundles import pyfunc
from raphe.core.bundles.predictor import predictor_module
from raphe.harness import model_code
from raphe.harness.model_code import ModelCode

TASKS = ("celltype", "calcium", "glif")
FILES = {
    "__init__": "",
    "asked": "import numpy, json\nfrom raphe.room import near\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    import torch\n    from raphe import training",
    "room/__init__": "",
    "room/near": "def read():\n    import pynwb\n    from raphe.room.far import read\n"
    "try:\n    import scipy.signal\nexcept ImportError:\n    scipy = None",
    "room/far": "import onnxruntime",
    "room/apart": "import torch",
    "training": "import torch",
}


def code_of(task: str) -> ModelCode:
    return ModelCode.of([pyfunc.__name__, predictor_module(f"{task}/kind")])


def test_imports_are_followed_wherever_they_stand(tmp_path: Path, monkeypatch) -> None:
    for name, text in FILES.items():
        file = tmp_path / "raphe" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(model_code, "_root", lambda: tmp_path / "raphe")
    code = ModelCode.of(["raphe.asked", "a.task.of.others"])
    assert set(code.files) == {
        "raphe", "raphe.asked", "raphe.room", "raphe.room.near", "raphe.room.far",
    }  # fmt: skip
    assert code.packages == {"numpy", "scipy"}  # what a function asks for is not required
    assert code.requirements() == [f"{name}=={version(name)}" for name in ("numpy", "scipy")]
    also = ModelCode.of(["raphe.asked", "raphe.room.far"])
    assert set(also.files) == set(code.files) and also.packages == {*code.packages, "onnxruntime"}
    package = code.copy(tmp_path / "copy")
    assert (package / "room" / "far.py").read_text() == FILES["room/far"]
    assert len(list(package.rglob("*.py"))) == 5


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_small_and_knows_no_other_task(task: str) -> None:
    code = code_of(task)
    n_bytes = sum(file.stat().st_size for file in code.files.values())
    assert n_bytes < 1_000_000  # the page's views are among it
    assert not code.packages & {"torch", "mlflow", "hydra", "sklearn", "pandas", "matplotlib"}
    tasks = {name.split(".")[2] for name in code.files if name.startswith("raphe.tasks.")}
    assert tasks == {task}
    for layer in ("harness", "serve", "cli", f"tasks.{task}.training", f"tasks.{task}.commands"):
        assert not [name for name in code.files if name.startswith(f"raphe.{layer}")]


@pytest.mark.ci
@pytest.mark.parametrize("task", TASKS)
def test_what_is_carried_can_be_imported_alone(task: str, tmp_path: Path) -> None:
    """With the packages that it requires, which are told by what was loaded."""
    code = code_of(task)
    package = code.copy(tmp_path)
    script = f"""
import importlib, json, sys
from importlib.util import find_spec
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path[:] = [path for path in sys.path if "src" not in path.split("/")]
assert find_spec("raphe") is None
sys.path.insert(0, {str(tmp_path)!r})
for name in {[pyfunc.__name__, predictor_module(f"{task}/kind")]!r}:
    assert importlib.import_module(name).__file__.startswith({str(package)!r})
print(json.dumps(sorted(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    loaded = {name.partition(".")[0] for name in json.loads(answer.stdout)}
    assert code.packages <= loaded
    carried = {name for name in json.loads(answer.stdout) if name.partition(".")[0] == "raphe"}
    assert carried <= set(code.files)
    assert not loaded & {"torch", "mlflow", "hydra", "sklearn", "pandas", "matplotlib"}


def test_nothing_is_loaded_from_a_registry_which_runs_the_code_that_lies_there() -> None:
    sources = [path.read_text() for path in (PROJECT / "src" / "raphe").rglob("*.py")]
    assert len(sources) > 300 and not [text for text in sources if ".load_model(" in text]
