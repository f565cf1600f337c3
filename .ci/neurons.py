"""The bundle of neuron parameters that comes with raphe, made anew, from simulated neurons alone.

python .ci/neurons.py            train a network, and write it into the package
python .ci/neurons.py --export   export it again, which is trained

The neurons are typical ones: no table of fitted cells is read. It is trained for a third of the
default's epochs, of twice as many steps each, behind which the loss no longer fell; the card's
figures say what that comes to. Seeds are fixed, so that the same code makes the same network on the
same machine. What was trained is kept below data/shipped_neurons; without an option that is removed
first.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from raphe.core.bundles.shipped import TASKS

PROJECT = Path(__file__).resolve().parents[1]
HOME = PROJECT / "data" / "shipped_neurons"
BUNDLE = TASKS / "glif" / "shipped"
EXPERIMENT = "tracking.experiment=shipped"
TRAINED = (  # the rest is as conf/task/glif.yaml has it
    "task=glif", "trainer.max_epochs=4", "trainer.accumulate_grad_batches=2", "seed=42",
    "threads=1", "baselines=false", "tracking.system_metrics_every_s=null", EXPERIMENT,
)  # fmt: skip


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--export"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        raphe("train", *TRAINED)
    raphe(
        *("train", "stage=export", "task=glif", EXPERIMENT, "export.out=bundle"),
        *("export.overwrite=true", "export.register_as=null"),
    )
    shutil.rmtree(BUNDLE, ignore_errors=True)
    shutil.move(HOME / "bundle", BUNDLE)
    return 0


def raphe(*words: str) -> None:
    """In a folder whose name no bundle tells."""
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run([sys.executable, "-m", "raphe", *words], cwd=HOME, env=settings, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
