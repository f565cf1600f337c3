"""A small ensemble trained on simulated cells, and new cells of new days to judge with it.

    python benchmarks/simulated_ensemble.py

Made as a user makes it: `raphe simulate`, `extract`, `train -m`, `export`. Recordings, store and
trained networks are kept under `--folder`, in a folder named after seeds and sizes, and used again
from there; the bundle is exported anew each time, as what is in it is what benchmarks are about.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from machine import REPOSITORY

FOLDER = REPOSITORY / "data" / "simulated_ensemble"
RAPHE = (sys.executable, "-m", "raphe.cli")


@dataclass(frozen=True)
class Training:
    """What the ensemble is trained on, and how."""

    cells: int = 300  # half of each class
    days: int = 20
    seed: int = 42
    kernels: tuple[int, ...] = (20, 22, 24)
    epochs: int = 6
    split: str = "cell"

    @property
    def name(self) -> str:
        kernels = "-".join(map(str, self.kernels))
        split = f"by-{self.split}-k{kernels}-{self.epochs}-epochs"
        return f"seed{self.seed}-{self.cells}-cells-{self.days}-days-{split}"


@dataclass(frozen=True)
class SimulatedEnsemble:
    """The folder of one `Training`; whatever is missing in it is made when it is asked for."""

    training: Training = Training()
    folder: Path = FOLDER

    @property
    def home(self) -> Path:
        return self.folder.absolute() / self.training.name

    @property
    def store(self) -> Path:
        """The spikes of the training's cells; validation and test cells are among them."""
        path = self.home / "spikes"
        if not path.exists():
            recordings = self.home / "recordings"
            simulated(recordings, self.training.cells, self.training.days, self.training.seed)
            _run(*RAPHE, "extract", recordings, path)
        return path

    @property
    def runs(self) -> Path:
        """The tracked sweep."""
        path, finished = self.home / "mlruns", self.home / "trained"
        if not finished.exists():
            values = ",".join(map(str, self.training.kernels))
            command = [sys.executable, "train.py", "-m", f"model.kernel={values}"]
            settings = {
                "data.store": self.store,
                "data.split": self.training.split,
                "trainer.max_epochs": self.training.epochs,
                "runs_root": path,
                "baselines": "false",
            }
            _run(*command, *(f"{name}={value}" for name, value in settings.items()))
            finished.touch()
        return path

    def bundle(self, out: Path | None = None, error_rate: float = 0.05) -> Path:
        """Export all of the sweep's networks to `out`, over a bundle that stands there.

        `error_rate` is the wanted share of cells that are called wrong.
        """
        out = out or self.home / "bundle"
        settings = {
            "runs_root": self.runs,
            "export.out": out,
            "export.members": "all",
            "export.error_rate": error_rate,
            "export.register_as": "null",
            "export.overwrite": "true",
        }
        given = (f"{name}={value}" for name, value in settings.items())
        _run(sys.executable, "train.py", "stage=export", *given)
        return out

    def new_cells(self, cells: int = 300, days: int = 20, seed: int = 987) -> Path:
        """Recordings of other cells on other days than training had: a folder as simulated."""
        assert seed != self.training.seed
        name = f"new-cells-seed{seed}-{cells}-cells-{days}-days"
        return simulated(self.folder.absolute() / name, cells, days, seed)


def simulated(folder: Path, cells: int, days: int, seed: int) -> Path:
    """Recordings as of `raphe simulate`, half of each class, unless the folder stands there."""
    if not folder.exists():
        classes = "--n-ser", cells // 2, "--n-nser", cells - cells // 2
        _run(*RAPHE, "simulate", folder, *classes, "--days", days, "--seed", seed)
    return folder


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The option of every benchmark that judges with the ensemble."""
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        help=f"of simulated cells and trained networks ({FOLDER.relative_to(REPOSITORY)})",
    )


def _run(*command: object) -> None:
    subprocess.run([*map(str, command)], cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_folder(parser)
    parser.add_argument("--split", default="cell", choices=("cell", "day"))
    options = parser.parse_args()
    ensemble = SimulatedEnsemble(Training(split=options.split), options.folder)
    print("store:", ensemble.store)
    print("bundle:", ensemble.bundle())
    print("new cells:", ensemble.new_cells())


if __name__ == "__main__":
    main()
