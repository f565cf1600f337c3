"""`import raphe`: light, and every name it promises is there, documented and typed."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import raphe
from paths import PROJECT
from raphe.core import extras
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.manifest import BundleKind
from raphe.core.files.store import StoreWriter
from raphe.tasks.calcium.prediction.predictor import RatePrediction
from raphe.tasks.celltype.prediction.predictor import CellTypePredictor
from raphe.tasks.celltype.stores.spike_store import ARRAYS_READ
from raphe.tasks.celltype.verdicts.verdict import CellVerdict
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.prediction.predictor import PosteriorPrediction


def run(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not answer.returncode, answer.stderr
    return answer.stdout


def test_it_is_light() -> None:
    new = "import sys; old = set(sys.modules); import raphe; print(*set(sys.modules) - old)"
    roots = {name.partition(".")[0] for name in run(new).split()}
    assert roots - set(sys.stdlib_module_names) == {"raphe"}


def test_no_name_loads_torch() -> None:
    loaded = run(
        "import sys, raphe; [getattr(raphe, name) for name in raphe.__all__]\n"
        "print(sorted({'torch', 'mlflow', 'hydra', 'sklearn', 'numba'} & set(sys.modules)))"
    )
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("name", raphe.__all__)
def test_what_is_promised_is_there_and_documented(name: str) -> None:
    value = getattr(raphe, name)
    assert name in dir(raphe)
    assert isinstance(value, str) or inspect.getdoc(value)


def test_nothing_else_is_shown() -> None:
    assert dir(raphe) == sorted(raphe.__all__)


def test_the_docstring_names_what_there_is() -> None:
    """Each name of its example is one of raphe, an answer's or an array that a store has."""
    example = raphe.__doc__
    assert set(re.findall(r"raphe\.(\w+)", example)) <= set(raphe.__all__)
    assert re.findall(r'arrays\["(\w+)"\]', example) == [ARRAYS_READ[0]]
    answers = {
        "verdict": CellVerdict,
        "bundle": CellTypePredictor,
        "predict(traces, rate_hz=30)": RatePrediction,
        "predict(voltage_v, current_a, rate_hz=50_000)": PosteriorPrediction,
        "posteriors[0]": Posterior,
        "store": raphe.Store,
    }
    for owner, kind in answers.items():
        names = re.findall(rf"\b{re.escape(owner)}\.(\w+)", example)
        assert names
        members = {*dir(kind), *getattr(kind, "__dataclass_fields__", ())}
        assert set(names) <= members, (owner, names)


@pytest.mark.parametrize(
    ("take", "noun"),
    [
        (raphe.load_bundle, "a bundle"),
        (raphe.open_store, "a store"),
        (raphe.check_store, "a store"),
        (raphe.read_abf, "an ABF file"),
        (raphe.read_nwb, "an NWB file"),
    ],
)
@pytest.mark.parametrize("path", [None, 3])
def test_what_is_no_path_is_told(take, noun: str, path: object) -> None:
    with pytest.raises(TypeError, match=f"expected the path of {noun}, a str or Path, got {path}"):
        take(path)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'raphe' has no attribute 'load_bundel'"):
        raphe.load_bundel  # noqa: B018


def test_types_are_told() -> None:
    lazy = set(raphe.__all__) - {"__version__", "load_bundle"}
    assert lazy == {name for names in raphe._HOMES.values() for name in names}
    source = (PROJECT / "src/raphe/__init__.py").read_text()
    checked = source[source.index("if TYPE_CHECKING:") : source.index("__all__ =")]
    assert lazy <= set(re.findall(r"\w+", checked))
    assert (PROJECT / "src/raphe/py.typed").exists()


@pytest.mark.parametrize(
    "name",
    [name for name in raphe.__all__ if name.endswith("Error")],
)
def test_every_error_is_a_raphe_error(name: str) -> None:
    assert issubclass(getattr(raphe, name), raphe.RapheError)


def test_a_store_is_arrays(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", {"trace": ((3,), "float32")}) as writer:
        writer.append(trace=np.arange(6, dtype=np.float32).reshape(2, 3))
        writer.finish({"kind": "calcium/traces"})
    store = raphe.open_store(tmp_path / "store")
    np.testing.assert_array_equal(store.arrays["trace"], [[0, 1, 2], [3, 4, 5]])


def test_no_bundle_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(raphe.BundleError, match="there is no bundle here"):
        raphe.load_bundle(tmp_path / "none")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("octopus/ensemble", "no task of this raphe predicts with"),
        ("celltype.ensemble", "kind must match pattern"),
        ("../..", "kind must match pattern"),
        ("", "kind must be longer"),
    ],
)
def test_a_bundle_of_no_task_is_told(tmp_path: Path, kind: str, told: str) -> None:
    with BundleWriter(tmp_path / "bundle") as writer:
        writer.finish(BundleKind(kind, (CARD,), (), {}), {CARD: b""}, {})
    with pytest.raises(raphe.BundleError, match=told):
        raphe.load_bundle(tmp_path / "bundle")


def test_a_missing_extra_is_named() -> None:
    sentence = extras.missing_extra(ModuleNotFoundError(name="torch.nn"))
    assert sentence.endswith("pip install 'raphe[train]'")
    assert extras.missing_extra(ModuleNotFoundError(name="raphe.nowhere")) is None


DISTRIBUTIONS = {  # that are not called as the package they hold
    "hydra": "hydra-core",
    "oasis": "oasis-deconv",
    "omegaconf": None,  # of hydra-core
    "pytorch_lightning": "pytorch-lightning",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def test_extras_bring_what_they_are_told_to_bring() -> None:
    text = (PROJECT / "pyproject.toml").read_text()
    for extra, packages in extras.PACKAGES.items():
        start = text.index(f"\n{extra} = [")
        brought = text[start : text.index("]\n", start)]
        for package in packages:
            distribution = DISTRIBUTIONS.get(package, package)
            assert distribution is None or f'"{distribution}>=' in brought, (extra, package)
