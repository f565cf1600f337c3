"""The bundle of spike rates that comes with raphe, made anew, from synthetic traces alone.

python .ci/rates.py                    train two networks, and one that learns what they say, and
                                       write that into the package: half an hour
python .ci/rates.py --ensemble SCORES  tell what the two reach, which are trained, and the one anew
python .ci/rates.py --export [SCORES]  export the one again, which is trained, and what it reaches

SCORES is a table of neurons' scores of benchmarks/calcium.py --bundle …/bundle --scaled, the sets'
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
OF_BOTH = "seed=42", "threads=1", "baselines=false", "tracking.system_metrics_every_s=null"
TWO, ONE = "shipped_ensemble", "shipped"  # experiments
ENSEMBLE = (  # the rest is as conf/experiment/calcium_synthetic.yaml has it
    "experiment=calcium_synthetic", "model.members=2", f"tracking.experiment={TWO}",
)  # fmt: skip
LEARNER = (
    "experiment=calcium_distilled", "data.teacher.bundle=ensemble", f"tracking.experiment={ONE}",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    step, scores = (*arguments, "")[0], arguments[1:]
    if step not in ("", "--ensemble", "--export") or len(scores) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    if not step:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        raphe("train", *ENSEMBLE, *OF_BOTH)
    if step != "--export":
        export(TWO, "ensemble", scores)
        raphe("train", *LEARNER, *OF_BOTH)
    export(ONE, "bundle", scores if step == "--export" else [])
    shutil.rmtree(BUNDLE, ignore_errors=True)
    shutil.move(HOME / "bundle", BUNDLE)
    return 0


def export(experiment: str, out: str, scores: list[str]) -> None:
    settings = []
    if scores:
        shutil.copyfile(scores[0], HOME / SCORES)
        shutil.copyfile(seconds_beside(Path(scores[0])), seconds_beside(HOME / SCORES))
        settings = [f"export.ground_truth={SCORES}"]
    raphe(
        *("train", "stage=export", "task=calcium", f"tracking.experiment={experiment}"),
        *(f"export.out={out}", "export.overwrite=true", "export.register_as=null", *settings),
    )


def raphe(*words: str) -> None:
    """In a folder whose name no bundle tells."""
    settings = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    subprocess.run([sys.executable, "-m", "raphe", *words], cwd=HOME, env=settings, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
