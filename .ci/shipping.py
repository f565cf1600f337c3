"""What the makers of the bundles that come with raphe share: train, export, put in place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from raphe.core.bundles.shipped import TASKS

PROJECT = Path(__file__).resolve().parents[1]
EXPERIMENT = "tracking.experiment=shipped"
COMMON = (
    "seed=42", "threads=1", "baselines=false", "tracking.system_metrics_every_s=null", EXPERIMENT,
)  # fmt: skip


def train_anew(home: Path, *settings: str) -> None:
    """In an empty folder, with the settings that all have."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    _raphe(home, "train", *settings, *COMMON)


def export(home: Path, task: str, *settings: str) -> None:
    """Into the package, in place of the bundle of this task that is there."""
    _raphe(
        home,
        *("train", "stage=export", f"task={task}", EXPERIMENT, "export.out=bundle"),
        *("export.overwrite=true", "export.register_as=null", *settings),
    )
    bundle = TASKS / task / "shipped"
    shutil.rmtree(bundle, ignore_errors=True)
    shutil.move(home / "bundle", bundle)


def _raphe(home: Path, *words: str) -> None:
    """In a folder whose name no bundle tells."""
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run([sys.executable, "-m", "raphe", *words], cwd=home, env=settings, check=True)
