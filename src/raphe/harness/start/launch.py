"""Start a Hydra program: what a user can mend is told in one line, and the exit code says so."""

import os
import sys
from collections.abc import Callable

from raphe.core.ending import GOES_ON, interrupted, interruptible
from raphe.core.sentences import printable
from raphe.harness.start.explain import RunFailed, user_line
from raphe.harness.sweeps.callback import SweepCallback

FULL_ERROR = "HYDRA_FULL_ERROR"  # in the environment: a user asks for tracebacks


def launch(main: Callable[[], None]) -> int:
    """Run `main` (decorated by hydra.main); return the exit code.

    0: done. 1: a setting, the data or a member of a sweep failed. 130: interrupted (143 by
    SIGTERM).
    """
    SweepCallback.exit_code = 0
    wants_traceback = FULL_ERROR in os.environ
    os.environ.setdefault(FULL_ERROR, "1")  # errors reach us instead of Hydra's own printing
    try:
        with interruptible():
            try:
                main()
            except KeyboardInterrupt:
                SweepCallback.end_running("KILLED")
                raise
    except KeyboardInterrupt as interruption:
        return interrupted(interruption, GOES_ON)
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
    print(f"error: {printable(line)}", file=sys.stderr)
    return 1
