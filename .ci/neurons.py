"""The bundle of neuron parameters that comes with raphe, made anew, from simulated neurons alone.

python .ci/neurons.py            train a network, and write it into the package
python .ci/neurons.py --export   export it again, which is trained

The neurons are typical ones: no table of fitted cells is read. Each experiment shows twice the
default's neurons, for some more epochs of twice as many steps, behind which the loss no longer fell
(17 minutes of a processor); the card's figures say what that comes to. Seeds are fixed, so that the
same code makes the same network on the same machine. What was trained is kept below
data/shipped_neurons; without an option that is removed first.
"""

import sys

from shipping import PROJECT, export, train_anew

HOME = PROJECT / "data" / "shipped_neurons"
# The rest is as conf/task/glif.yaml has it.
TRAINED = (
    "task=glif", "data.batch_size=32", "trainer.max_epochs=14", "trainer.accumulate_grad_batches=2",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--export"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        train_anew(HOME, *TRAINED)
    export(HOME, "glif")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
