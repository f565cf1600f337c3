"""Training for the benchmark of calcium: each fold by the project's own commands, piece by piece.

    FOLDER/RECIPE/recipe.json             what it is trained with, and a hash of the code
    FOLDER/RECIPE/traces                  all sets as one store
    FOLDER/RECIPE/synthetic/mlruns        trained once: synthetic traces alone, no recording seen
    FOLDER/RECIPE/folds/NAME/mlruns       one fold, the sets that it leaves out neither trained
    FOLDER/RECIPE/folds/NAME/bundle       nor validated on
    FOLDER/RECIPE/folds/NAME/scores.csv
    FOLDER/RECIPE/left_out_by_set.csv     for the card: raphe train stage=export export.left_out=…

Whatever stands there is used again. A piece that was interrupted goes on from its last epoch.
"""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from calcium_sets import write_store
from machine import REPOSITORY

CALCIUM = REPOSITORY / "src" / "raphe" / "tasks" / "calcium"
ROOMS = ("recordings", "stores", "synthetic", "features", "network", "training", "ensemble")
RAPHE = (sys.executable, "-m", "raphe")
TO_STOP_S = 120  # for a run that is told to stop: it ends its step and writes what it has
SYNTHETIC = ("experiment=calcium_synthetic",)  # validated on simulated recordings
FOLD = ("task=calcium", "data.pretrain_epochs=0", "trainer.max_epochs=15", "baselines=false")


def code_hash() -> str:
    """Of the code that makes a fold's networks: with another, folds are no longer alike."""
    files = sorted(file for room in ROOMS for file in (CALCIUM / room).glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


class OutOfTimeError(Exception):
    """The minutes that were given are over; what was made so far is kept."""


@dataclass(frozen=True)
class Recipe:
    """Settings of `raphe train`, beyond those that the experiments have."""

    name: str = "default"
    both: tuple[str, ...] = ()  # of both trainings, as what shapes the network
    synthetic: tuple[str, ...] = ()
    fold: tuple[str, ...] = ()


class Clock:
    """How much is left of the minutes that one call may take."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes

    def run(self, *command: object) -> None:
        """Run a command within what is left. Raises OutOfTimeError, SystemExit."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        words = [*map(str, command)]
        with subprocess.Popen(words, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
            try:
                code = process.wait(left)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)  # as Ctrl-C: the last epoch is kept
                try:
                    process.wait(TO_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise OutOfTimeError from None
        if code:
            sys.exit(f"{' '.join(words)}: failed, see above")


@dataclass(frozen=True)
class Folds:
    """The folds of one recipe in a folder."""

    recipe: Recipe
    folder: Path
    clock: Clock

    @property
    def home(self) -> Path:
        return self.folder.absolute() / self.recipe.name

    @property
    def store(self) -> Path:
        return self.home / "traces"

    def begin(self, files: Mapping[str, Path]) -> None:
        """Note the recipe, and write the store. Raises SystemExit for another of its name."""
        facts = asdict(self.recipe) | {"sets": list(files), "code": code_hash()}
        noted, text = self.home / "recipe.json", json.dumps(facts, indent=1)
        if noted.exists() and noted.read_text() != text:
            was = json.loads(noted.read_text())
            changed = [name for name, value in json.loads(text).items() if was.get(name) != value]
            sys.exit(
                f"{self.home}: was begun with another {' and '.join(changed)}; give these another "
                "--recipe, or remove the folder"
            )
        self.home.mkdir(parents=True, exist_ok=True)
        noted.write_text(text)
        if not self.store.exists():
            for line in write_store(dict(files), self.store).left_out:
                print(f"left out {line}")

    def synthetic(self) -> Path:
        """The checkpoint that every fold begins from, trained on synthetic traces alone."""
        runs = self.home / "synthetic" / "mlruns"
        settings = (*SYNTHETIC, *self.recipe.both, *self.recipe.synthetic)
        self._train(runs, f"data_root={self.home / 'simulated'}", *settings)
        (checkpoint,) = runs.rglob("model.ckpt")
        return checkpoint

    def bundle(self, name: str, datasets: Sequence[str]) -> Path:
        """The bundle of a fold, which leaves these data sets out."""
        home = self.home / "folds" / name
        out = home / "bundle"
        if not out.exists():
            settings = (
                *(*FOLD, *self.recipe.both, *self.recipe.fold),
                f"data.store={self.store}",
                f"data.held_out={'+'.join(datasets)}",
                f"model.weights={self.synthetic()}",
            )
            self._train(home / "mlruns", *settings)
            where = "--runs", home / "mlruns", "--experiment", "calcium", "--out", out
            self.clock.run(*RAPHE, "export", *where, "--no-register")
        return out

    def _train(self, runs: Path, *settings: object) -> None:
        finished = runs.parent / "trained"
        if not finished.exists():
            self.clock.run(*RAPHE, "train", *settings, f"runs_root={runs}")
            finished.touch()
