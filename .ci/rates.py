"""The bundle of spike rates that comes with raphe, made anew, from synthetic traces alone.

python .ci/rates.py                  train two networks, and write them into the package: 10 minutes
python .ci/rates.py --export SCORES  export them again, which are trained, with what they reach

SCORES is a table of neurons' scores of benchmarks/calcium.py --bundle BUNDLE --scaled, the sets'
files as one, with the counts of seconds beside it: rates are scaled by it.
Seeds are fixed, so that the same code makes the same networks on the same machine. What was trained
is kept below data/shipped_rates; without an option that is removed first.
"""

import shutil
import sys
from pathlib import Path

from shipping import PROJECT, export, train_anew

from raphe.tasks.calcium.metrics.known_neurons import seconds_beside

HOME = PROJECT / "data" / "shipped_rates"
SCORES = "neurons.csv"
# The rest is as conf/experiment/calcium_synthetic.yaml has it.
TRAINED = ("experiment=calcium_synthetic", "model.members=2")


def main(arguments: list[str]) -> int:
    step, scores = (*arguments, "")[0], arguments[1:]
    if (step, len(scores)) not in (("", 0), ("--export", 1)):
        print(__doc__, file=sys.stderr)
        return 2
    if not step:
        train_anew(HOME, *TRAINED)
    export(HOME, "calcium", *ground_truth(scores))
    return 0


def ground_truth(scores: list[str]) -> list[str]:
    """The setting by which rates are scaled, if there are scores."""
    if not scores:
        return []
    shutil.copyfile(scores[0], HOME / SCORES)
    shutil.copyfile(seconds_beside(Path(scores[0])), seconds_beside(HOME / SCORES))
    return [f"export.ground_truth={SCORES}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
