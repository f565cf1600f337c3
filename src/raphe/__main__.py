"""`python -m raphe` is the command `raphe`."""

import signal
import sys


def main() -> int:
    """Load what the command line needs, and run it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while loading, Ctrl-C just ends
    from raphe.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
