"""Train, test, track: `python train.py`; sweep: `python train.py -m 'model.kernel=range(1,33)'`."""

import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while loading, Ctrl-C just ends

from raphe.harness.program import train

if __name__ == "__main__":
    sys.exit(train(sys.argv[1:]))
