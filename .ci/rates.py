"""The bundle of spike rates that comes with raphe, made anew, from synthetic traces alone.

python .ci/rates.py                  train two networks, and write them into the package: 10 minutes
python .ci/rates.py --export SCORES  export them again, which are trained, with what they reach

SCORES is a table of neurons' scores of benchmarks/calcium.py --bundle BUNDLE --scaled, the sets'
files as one, with the counts of seconds beside it: rates are scaled by it.
Seeds are fixed, so that the same code makes the same networks on the same machine. What was trained
is kept below data/shipped_rates; without an option that is removed first.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from raphe.core.bundles.shipped import TASKS
from raphe.tasks.calcium.metrics.known_neurons import seconds_beside

PROJECT = Path(__file__).resolve().parents[1]
HOME = PROJECT / "data" / "shipped_rates"
BUNDLE = TASKS / "calcium" / "shipped"
SCORES = "neurons.csv"
EXPERIMENT = "tracking.experiment=shipped"
TRAINED = (  # the rest is as conf/experiment/calcium_synthetic.yaml has it
    "experiment=calcium_synthetic", "model.members=2", "seed=42", "threads=1", "baselines=false",
    "tracking.system_metrics_every_s=null", EXPERIMENT,
)  # fmt: skip


def main(arguments: list[str]) -> int:
    step, scores = (*arguments, "")[0], arguments[1:]
    if (step, len(scores)) not in (("", 0), ("--export", 1)):
        print(__doc__, file=sys.stderr)
        return 2
    if not step:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        raphe("train", *TRAINED)
    export(scores)
    shutil.rmtree(BUNDLE, ignore_errors=True)
    shutil.move(HOME / "bundle", BUNDLE)
    return 0


def export(scores: list[str]) -> None:
    settings = []
    if scores:
        shutil.copyfile(scores[0], HOME / SCORES)
        shutil.copyfile(seconds_beside(Path(scores[0])), seconds_beside(HOME / SCORES))
        settings = [f"export.ground_truth={SCORES}"]
    raphe(
        *("train", "stage=export", "task=calcium", EXPERIMENT, "export.out=bundle"),
        *("export.overwrite=true", "export.register_as=null", *settings),
    )


def raphe(*words: str) -> None:
    """In a folder whose name no bundle tells."""
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run([sys.executable, "-m", "raphe", *words], cwd=HOME, env=settings, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
