"""The house: every module is reached, rooms are small and in order, tests mirror them.

A module is reached from what a user starts: the command line and the commands that it declares,
train.py, `import raphe`, the settings' `_target_`s and the notebooks; benchmarks and tests are not.
"""

import ast
import importlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest
import pytorch_lightning as pl
from hydra import compose, initialize_config_dir
from hydra.experimental.callback import Callback as HydraCallback
from numba.core.event import Listener as CompilerListener
from rich.progress import ProgressColumn

from paths import CONF, PROJECT
from raphe.cli import declared_commands

SOURCE = PROJECT / "src"
TASKS = SOURCE / "raphe" / "tasks"
MOST_FILES, MOST_LINES = 15, 400  # of a room without its __init__.py, of a file
MOST_ARROWS = {
    "celltype": 60,
    "calcium": 45,
    "glif": 45,
    "units": 45,
}  # between rooms: pairs with an import
DOTTED = re.compile(r"raphe(\.\w+)+")
WORD, NAMES_ONLY = re.compile(r"\w+"), re.compile(r"[\w.:]+")  # of a string that names code
FRAMEWORK = (
    pl.LightningModule,
    pl.LightningDataModule,
    pl.Callback,
    HydraCallback,
    ProgressColumn,
    CompilerListener,
)
WRITES_IN_PLACE = {  # whole files are written by raphe.core.files.atomic; these grow or are scratch
    "raphe.serve.files.archive": "what was in a zip that was sent, likewise",
    "raphe.serve.bodies": "what a request sends, in a scratch folder of its own",
    "raphe.tasks.units.prediction.annotations": "a copy in a folder that is not at its path yet",
    "raphe.tasks.calcium.prediction.growing_files": "files that grow, to be gone on with",
    "raphe.tasks.celltype.prediction.shares.verdict_shares": "likewise",
    "raphe.harness.spread.local": "what a job prints, as it prints it",
    "raphe.harness.database.spool": "a file that grows by a line, and what that line names",
}
WRITERS = {  # of a path; of an opened file they are welcome
    "numpy": ("save", "savez", "savez_compressed", "savetxt"), "torch": ("save",),
    "shutil": ("copy", "copy2", "copyfile", "copytree", "move"), "os": ("rename", "replace"),
    "tempfile": ("TemporaryDirectory", "NamedTemporaryFile", "mkdtemp", "mkstemp"),
    "filelock": ("FileLock",),
}  # fmt: skip
CALLED_BY_NAME = {  # and by whom
    "_load_pyfunc": "MLflow, where a registered model is served",
    "predict_all": "whoever uses raphe.load_bundle",
    "record_metrics": "MLflow's thread that samples the load of the machine",
    "push": "whoever streams frames to a bundle",
    "to_launch": "raphe's sweeper, which Hydra looks for in hydra_plugins",
    "read_config": "tests: the simulator is held against published neurons",
    "equal_spikes": "a benchmark of the simulator's precisions",
}


def module_files(source: Path) -> dict[str, Path]:
    """Every module below `source` by its dotted name; a package is its __init__.py."""
    modules = {}
    for file in sorted((source / "raphe").rglob("*.py")):
        parts = file.relative_to(source).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return modules


class Reading(NamedTuple):
    """What the tests want to know of a module: read once, as its nodes are many."""

    imports: tuple[str, ...]  # dotted names
    named: frozenset[str]
    defined: tuple[str, ...]  # as they are called in the module
    writes: tuple[tuple[int, str], ...]  # see bare_writes


@cache
def read(module: str, file: Path) -> Reading:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    return Reading(
        tuple(imports_of(nodes, package)),
        frozenset(names_in(nodes)),
        tuple(name for node in tree.body for name in definitions(node)),
        tuple(bare_writes(nodes)),
    )


def nodes_of(code: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(code))


def imports_of(nodes: Iterable[ast.AST], package: str = "") -> Iterator[str]:
    """Dotted names that code imports, at the top of a file, in a function or by a whole string."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [base])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value.partition(":")[0]
            if DOTTED.fullmatch(name):
                yield name


def modules_named(names: Iterable[str], modules: dict[str, Path]) -> set[str]:
    """Those of the modules that dotted names mean, and the packages around them."""
    named = set()
    for name in names:
        parts = name.split(".")
        prefixes = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        named |= prefixes & set(modules)
    return named


def unreached(source: Path, roots: Iterable[str]) -> list[str]:
    """Modules that none of the roots (dotted names) imports, however far away."""
    modules = module_files(source)
    waiting, reached = modules_named(roots, modules), set()
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= modules_named(read(module, modules[module]).imports, modules) - reached
    return sorted(set(modules) - reached)


def unnamed(source: Path) -> list[str]:
    """Definitions that neither source, settings, train.py nor a notebook names, but frameworks do.

    Two definitions of one name count as one; a name within its own definition counts.
    """
    named: set[str] = set()
    defined: dict[str, str] = {}  # dotted name → name
    for module, file in module_files(source).items():
        found = read(module, file)
        named |= found.named
        defined |= {f"{module}.{name}": name.rpartition(".")[2] for name in found.defined}
    others = [*CONF.rglob("*.yaml"), PROJECT / "train.py", *PROJECT.glob("notebooks/*.ipynb")]
    for file in others:
        named |= set(WORD.findall(file.read_text(encoding="utf-8")))
    named |= {name for base in FRAMEWORK for name in dir(base)} | set(CALLED_BY_NAME)
    return sorted(
        dotted
        for dotted, name in defined.items()
        if name not in named and not name.startswith("__")
    )


def names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that code uses, also in strings of names alone."""
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and NAMES_ONLY.fullmatch(node.value)
        ):
            yield from WORD.findall(node.value)


def definitions(node: ast.AST) -> Iterator[str]:
    """Names that a statement of a module defines, and the methods of a class."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    if isinstance(node, ast.ClassDef):
        yield from (f"{node.name}.{m.name}" for m in node.body if isinstance(m, ast.FunctionDef))
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = (name for target in targets for name in ast.walk(target))
        yield from (name.id for name in names if isinstance(name, ast.Name))


def entry_points() -> Iterator[str]:
    yield from ("raphe", "raphe.__main__")
    for declared in declared_commands():
        yield declared.command.declared_by.partition(":")[0]
    # Hydra loads all that lies in the second folder.
    for file in (PROJECT / "train.py", *(SOURCE / "hydra_plugins").glob("*.py")):
        yield from imports_of(nodes_of(file.read_text(encoding="utf-8")))
    for file in CONF.rglob("*.yaml"):
        yield from (match.group() for match in DOTTED.finditer(file.read_text(encoding="utf-8")))
    for notebook in (PROJECT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                lines = "".join(cell["source"]).splitlines()
                code = "\n".join("" if line.startswith(("%", "!")) else line for line in lines)
                yield from imports_of(nodes_of(code))


def bare_writes(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Lines and calls that write a file in its place: half of it stays after a kill."""
    modules: dict[str, str] = {}  # by the name that a file gives them
    functions: dict[str, tuple[str | None, str]] = {}
    calls: list[ast.Call] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            functions |= {
                alias.asname or alias.name: (node.module, alias.name) for alias in node.names
            }
        elif isinstance(node, ast.Call):
            calls.append(node)
    for call in calls:
        if isinstance(call.func, ast.Attribute):
            name = call.func.attr
            module = modules.get(getattr(call.func.value, "id", ""), "")
        else:
            module, name = functions.get(getattr(call.func, "id", ""), ("", ""))
        called = name or getattr(call.func, "id", "")
        is_opened = bool(call.args) and getattr(call.args[0], "id", "") in ("file", "content")
        if (
            called in ("write_text", "write_bytes", "to_csv", "dump")
            or (name in WRITERS.get(module or "", ()) and not is_opened)
            or (called in ("open", "File") and not is_opened and _opens_to_write(call))
            # Of text it takes two.
            or (called in ("rename", "replace") and not module and len(call.args) == 1)
        ):
            yield call.lineno, called


def _opens_to_write(call: ast.Call) -> bool:
    values = (*call.args, *(keyword.value for keyword in call.keywords))
    texts = [getattr(value, "value", None) for value in values]
    return any(
        isinstance(text, str) and set(text) <= set("rwaxbt+") and set(text) & set("wax+")
        for text in texts
    )


def room_arrows(source: Path, task: str) -> set[tuple[str, str]]:
    """Pairs of a task's rooms, the first of which imports the second."""
    modules, prefix = module_files(source), f"raphe.tasks.{task}."
    arrows = set()
    for module, file in modules.items():
        if module.startswith(prefix):
            own = module.removeprefix(prefix).split(".")[0]
            rooms = {
                name.removeprefix(prefix).split(".")[0]
                for name in modules_named(read(module, file).imports, modules)
                if name.startswith(prefix)
            }
            arrows |= {(own, room) for room in rooms - {own}}
    return arrows


def test_every_module_is_reached_from_what_a_user_starts() -> None:
    assert unreached(SOURCE, entry_points()) == []


def test_a_module_that_only_a_test_imports_would_be_told(tmp_path: Path) -> None:
    files = {
        "__init__": "",
        "cli": "def run():\n    from raphe.room import first",
        "room/__init__": "",
        "room/first": "from . import second\nLATER = 'raphe.room.third:run'",
        "room/second": "",
        "room/third": "",
        "room/planted": "import raphe.cli",
        "other/__init__": "",
        "other/planted": "",
    }
    for name, code in files.items():
        file = tmp_path / "raphe" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
    assert unreached(tmp_path, ["raphe.cli"]) == [
        "raphe.other",
        "raphe.other.planted",
        "raphe.room.planted",
    ]


def test_every_definition_is_named_outside_the_tests() -> None:
    assert unnamed(SOURCE) == []


def test_a_definition_that_only_a_test_names_would_be_told(tmp_path: Path) -> None:
    code = """
PLANTED, LIMIT = 1, 2
def run(): return Used().work()
class Used:
    def work(self): return LIMIT
    def planted(self): return self.planted
    def training_step(self): "which Lightning calls"
class Planted: pass
if __name__ == "__main__": run()
"""
    (tmp_path / "raphe").mkdir()
    (tmp_path / "raphe" / "cli.py").write_text(code)
    assert unnamed(tmp_path) == ["raphe.cli.PLANTED", "raphe.cli.Planted"]


def test_rooms_and_files_are_small() -> None:
    n_files: dict[str, int] = defaultdict(int)
    for file in SOURCE.rglob("*.py"):
        n_lines = len(file.read_text(encoding="utf-8").splitlines())
        assert n_lines <= MOST_LINES, f"{file.relative_to(SOURCE)} has {n_lines} lines"
        n_files[str(file.parent.relative_to(SOURCE))] += file.name != "__init__.py"
    full = {room: n for room, n in n_files.items() if n > MOST_FILES}
    assert not full


def test_files_are_written_whole_or_not_at_all() -> None:
    written = {
        f"{module}, line {line}: {call}"
        for module, file in module_files(SOURCE).items()
        if not module.startswith("raphe.core.files.") and module not in WRITES_IN_PLACE
        for line, call in read(module, file).writes
    }
    assert not written
    modules = module_files(SOURCE)
    for module in WRITES_IN_PLACE:
        assert read(module, modules[module]).writes, f"{module} is no exception any more"


def test_what_writes_a_file_in_its_place_would_be_told() -> None:
    code = """
import numpy as np, shutil
from tempfile import TemporaryDirectory as Folder
from os import replace
path.write_text("")
open(path, "w")
path.open(mode="ab")
h5py.File(path, "r+")
np.savez(path, a=1)
shutil.copyfile(a, b)
Folder()
replace(a, b)
path.rename(other)
json.dump(x, f)
# none of these:
open(path); path.open("rb"); "a".replace("a", "b"); np.savez(file, a=1); np.load(path)
replace_all(a, b); config.open("settings"); cell.replace(label=1)
"""
    assert [line for line, _ in bare_writes(nodes_of(code))] == [*range(5, 15)]


@pytest.mark.parametrize("task", MOST_ARROWS)
def test_rooms_of_a_task_know_few_others_and_stand_in_no_circle(task: str) -> None:
    arrows = room_arrows(SOURCE, task)
    assert 10 < len(arrows) <= MOST_ARROWS[task], sorted(arrows)
    below = defaultdict(set)
    for room, other in arrows:
        below[room].add(other)
    try:
        list(TopologicalSorter(below).static_order())
    except CycleError as error:
        pytest.fail(f"{task}: its rooms import each other in a circle: {error.args[1]}")


def test_every_task_has_a_limit_of_arrows() -> None:
    assert {file.parent.name for file in TASKS.glob("*/__init__.py")} == set(MOST_ARROWS)


def test_tests_stand_in_rooms_that_there_are() -> None:
    for area in ("core", "harness", *(f"tasks/{task}" for task in MOST_ARROWS)):
        rooms = {path.name for path in (SOURCE / "raphe" / area).iterdir() if path.is_dir()}
        tested = {file.parent for file in (PROJECT / "tests" / area).rglob("test_*.py")}
        for folder in tested:
            own = folder.relative_to(PROJECT / "tests" / area).parts
            assert not own or own[0] in rooms, f"{folder}: there is no room of that name"


@pytest.mark.parametrize("task", sorted(file.stem for file in (CONF / "task").glob("*.yaml")))
def test_what_a_task_names_in_its_settings_is_there(task: str) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides=[f"task={task}"])
    for section in ("data", "model", "evaluate"):
        module, _, name = config[section]["_target_"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), section
