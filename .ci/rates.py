"""The bundle of spike rates that comes with raphe, made anew: trained on synthetic traces alone.

python .ci/rates.py                   train, export, write it into the package: ten minutes
python .ci/rates.py --export          export anew the networks that are trained already
python .ci/rates.py --export SCORES   and tell what they reach: a table of neurons' scores, of
                                      benchmarks/calcium.py --bundle, the sets' files as one

Its seed is fixed, so that the same code makes the same networks on the same machine. What was
trained is kept below data/shipped_rates; without --export that is removed first.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from raphe.core.bundles.shipped import TASKS

PROJECT = Path(__file__).resolve().parents[1]
HOME = PROJECT / "data" / "shipped_rates"
BUNDLE = TASKS / "calcium" / "shipped"
SCORES = "neurons.csv"
TRAINING = (  # the rest is as conf/experiment/calcium_synthetic.yaml has it
    "experiment=calcium_synthetic", "model.members=2", "seed=42", "threads=1", "baselines=false",
    "tracking.experiment=shipped", "tracking.system_metrics_every_s=null",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    train, scores = not arguments, arguments[1:]
    if arguments[:1] not in ([], ["--export"]) or len(scores) > 1:
        print(__doc__, file=sys.stderr)
        return 2
    if train:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir(parents=True)
        raphe("train", *TRAINING)
    settings = []
    if scores:
        shutil.copyfile(scores[0], HOME / SCORES)
        settings = [f"export.ground_truth={SCORES}"]
    raphe(
        *("train", "stage=export", "task=calcium", "tracking.experiment=shipped"),
        *("export.out=bundle", "export.register_as=null", *settings),
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
