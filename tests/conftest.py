"""Fixtures of all tests, and what holds for each: one thread, no deadline, slow files first."""

import os

# Read when the libraries load, and by the processes that tests start.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"
# MLflow's servers start processes beside, which take seconds to load and do nothing here.
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"

import gc
import math
import runpy
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from copy import deepcopy
from functools import cache, partialmethod
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.plugins.config_source import ConfigResult
from hypothesis import HealthCheck, settings
from matplotlib.figure import Figure
from omegaconf import DictConfig

from page_browser import chromium, open_page, serve_at  # noqa: F401
from paths import CONF, PROJECT, REAL_DATA
from raphe.core import figure_style
from raphe.harness.launchers import local
from raphe.harness.settings import overrides

# A test may take as long as the machine needs; what a fixture made stays as it is for all examples.
settings.register_profile(
    "raphe",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("raphe")

TESTS = PROJECT / "tests"
ID_LENGTH = 60
COARSE_DPI = 60

# Libraries and collected tests stay: Python would look through millions of objects for garbage.
gc.disable()


def pytest_collection_finish() -> None:
    """From here on garbage is sought among what tests make."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what touches the real data; of the tests that are left to be run, files with slow ones
    first, so that no worker waits.

    Of those that share the sweep in `home` one is the very first, and the others are behind the
    slow ones: beside it they would wait for it.
    """
    for item in items:
        module = getattr(item, "module", None)
        if "real_data" in item.fixturenames or hasattr(module, "REAL_DATA"):
            item.add_marker("real_data")
    yield
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    sharing = dict.fromkeys(item.path for item in items if "small_sweep" in item.fixturenames)
    first, *late = sharing or [None]
    items.sort(key=lambda item: (item.path != first, item.path not in slow, item.path in late))


def pytest_make_parametrize_id(val: object) -> str | None:
    """Settings, shapes and command lines name their test; what is long is counted."""
    if isinstance(val, dict):
        name = " ".join(f"{key}={value}" for key, value in val.items())
    elif isinstance(val, (list, tuple)) and all(isinstance(v, (str, int, float)) for v in val):
        name = " ".join(map(str, val))
    else:
        return None
    return name if 0 < len(name) <= ID_LENGTH and name.isprintable() else None


@pytest.fixture(scope="session", autouse=True)
def coarse_pictures() -> Iterator[None]:
    """Pixels take most of the time of a picture, and no test looks at as many as a reader does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure_style, "DOTS_PER_IN", COARSE_DPI)
        yield


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Whatever the test before has set: two threads of each worker wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def real_data() -> Callable[..., Path]:
    """Path of a file of the real data, which no clone holds; skips the test where it is absent."""

    def find(*parts: str) -> Path:
        path = REAL_DATA.joinpath(*parts)
        if not path.exists():
            pytest.skip(f"real data absent: {path}")
        return path

    return find


@pytest.fixture(scope="session")
def made_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], object]], Path]:
    """Folder of a name, filled by the first process of this test run that asks for it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, whole = shared / name, shared / f"{name}.whole"
        with FileLock(shared / f"{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return make


@pytest.fixture(scope="session", autouse=True)
def settings_read_once() -> Iterator[None]:
    """Hydra parses the dozen files of conf/ for each command, and `check` composes the defaults of
    a choice of groups for each, .1 s of CPU: what does not change is kept for a whole process."""
    read, compose = FileConfigSource.load_config, overrides.compose
    files: dict[tuple[str, ...], ConfigResult] = {}
    composed: dict[tuple[str, ...], DictConfig] = {}
    lasting = (str(CONF), str(TESTS))  # and not in a folder that a test made

    def read_once(source: FileConfigSource, config_path: str) -> ConfigResult:
        if not source.path.startswith(lasting):
            return read(source, config_path)
        key = (source.provider, source.path, config_path)
        if key not in files:
            files[key] = read(source, config_path)
        return deepcopy(files[key])

    def compose_once(name: str, chosen: Sequence[str] = (), **options: bool) -> DictConfig:
        folders = [text for text in chosen if text.startswith("hydra.searchpath")]
        if not all(str(TESTS) in folder for folder in folders):
            return compose(name, chosen, **options)
        if tuple(chosen) not in composed:
            composed[tuple(chosen)] = compose(name, chosen, **options)
        return deepcopy(composed[tuple(chosen)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileConfigSource, "load_config", read_once)
        patch.setattr(overrides, "compose", compose_once)
        yield


@pytest.fixture(scope="session")
def migrations_read_once() -> Iterator[None]:
    """MLflow loads its dozens of migrations for each database that it opens, to know the last."""
    from mlflow.store.db import utils

    with pytest.MonkeyPatch.context() as patch:
        read = cache(utils._get_latest_schema_revision)
        patch.setattr(utils, "_get_latest_schema_revision", read)
        yield


@pytest.fixture(scope="session")
def tracking_store(
    made_once: Callable[..., Path], migrations_read_once: None
) -> Callable[[Path], Path]:
    """Begin an empty tracking store in a folder: MLflow takes seconds to make one, a copy none."""

    def fill(folder: Path) -> None:
        from mlflow import MlflowClient

        MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").search_experiments()

    def begin(runs_root: Path) -> Path:
        runs_root.mkdir(parents=True)
        shutil.copy(made_once("empty-tracking-store", fill) / "mlflow.db", runs_root)
        return runs_root

    return begin


@pytest.fixture
def places(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> list[str]:
    """Settings: the data and the runs of train.py below the test's folder."""
    return [f"data_root={tmp_path / 'data'}", f"runs_root={tracking_store(tmp_path / 'mlruns')}"]


def _save_coarsely(figure: Figure, path: Path, *, save: Callable[..., None], **options) -> None:
    """In half the time, also where a task saves its own."""
    save(figure, path, **{**options, "dpi": COARSE_DPI})


@pytest.fixture
def coarse_figures(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager]:
    """While a run's figures are drawn in half the time, see _save_coarsely."""

    @contextmanager
    def patched() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Figure, "savefig", partialmethod(_save_coarsely, save=Figure.savefig))
            patch.setattr(figure_style, "_save_pages", lambda figures, path: None)
            yield

    return patched


@pytest.fixture
def train_py(
    monkeypatch: pytest.MonkeyPatch, coarse_figures: Callable[[], AbstractContextManager]
) -> Iterator[Callable[..., int]]:
    """Run the real train.py in this process with these arguments; returns the exit code.

    Members of a sweep are trained here too, one after the other, unless the arguments say else.
    """
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr(local, "FEWEST", math.inf)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: str) -> int:
        os.environ.pop("HYDRA_FULL_ERROR", None)
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
        with pytest.raises(SystemExit) as leaving, coarse_figures():
            runpy.run_path(str(PROJECT / "train.py"), run_name="__main__")
        return leaving.value.code

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def small_sweep() -> list[str]:
    """The settings of the sweep in `home` but its kernels and its places."""
    simulation = {"n_ser": 9, "n_nser": 9, "days": 3, "duration_s": 5}
    small = [f"prepare.simulation.{name}={value}" for name, value in simulation.items()]
    return [*small, "trainer.max_epochs=2", "data.batch_size=16", "model.filters=[8,16]"]


@pytest.fixture
def home(
    train_py: Callable[..., int],
    made_once: Callable[..., Path],
    tracking_store: Callable,
    small_sweep: list[str],
) -> Path:
    """Data, runs and `bundle` of a sweep over two kernels, registered as celltype@champion; what
    the sweep told is in `told.txt`."""

    def fill(folder: Path) -> None:
        runs_root = tracking_store(folder / "mlruns")
        places = [f"data_root={folder / 'data'}", f"runs_root={runs_root}"]
        with (folder / "told.txt").open("w") as told, redirect_stdout(told):
            assert train_py("-m", "model.kernel=3,20", *places, *small_sweep) == 0
        export = ["stage=export", f"export.out={folder / 'bundle'}", "export.members=all"]
        assert train_py(*export, *places) == 0

    return made_once("celltype-champion", fill)


@pytest.fixture
def bundle(home: Path) -> Path:
    return home / "bundle"
