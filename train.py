"""Train, test, track: `python train.py`; sweep: `python train.py -m 'model.kernel=range(1,33)'`."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while loading, Ctrl-C just ends

try:
    from raphe.harness.start.program import train
except ModuleNotFoundError as error:  # another Python than that of .venv
    sys.exit(
        f"error: {sys.executable} has no {error.name}: `make setup` installs into .venv, then run "
        "`.venv/bin/python train.py` or first `source .venv/bin/activate`"
    )

if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
