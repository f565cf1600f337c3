"""Start a Hydra program: what a user can mend is told in one line, and the exit code says so."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from raphe.harness.start.explain import RunFailed, user_line
from raphe.harness.sweeps.callback import SweepCallback

FULL_ERROR = "HYDRA_FULL_ERROR"  # in the environment: a user asks for tracebacks
INTERRUPTED_EXIT = 130  # the shell's own code for Ctrl-C


def launch(main: Callable[[], None]) -> int:
    """Run `main` (decorated by hydra.main); return the exit code.

    0: done. 1: a setting, the data or a member of a sweep failed. 130: interrupted.
    """
    SweepCallback.exit_code = 0
    wants_traceback = FULL_ERROR in os.environ
    os.environ.setdefault(FULL_ERROR, "1")  # errors reach us instead of Hydra's own printing
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        main()
    except KeyboardInterrupt:
        return _interrupted()
    except RunFailed as failure:
        return _failed(failure.error, wants_traceback)
    except Exception as error:
        SweepCallback.end_running("FAILED")
        return _failed(error, wants_traceback)
    finally:
        if not wants_traceback:  # nor does the next program of this process
            del os.environ[FULL_ERROR]
    return SweepCallback.exit_code


def _failed(error: Exception, wants_traceback: bool) -> int:
    line = user_line(error)
    if line is None or wants_traceback:
        raise error from None
    print(f"error: {line}", file=sys.stderr)
    return 1


def _interrupted() -> int:
    SweepCallback.end_running("KILLED")
    print("interrupted: run the same command again to go on from here", file=sys.stderr)
    return INTERRUPTED_EXIT


def _as_interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
