"""What a job said last, from the file of all that it printed."""

import re
from pathlib import Path

from raphe.core.sentences import first_line, printable

LONGEST = 300  # letters
# Lines of the package that starts jobs, and of SLURM about how a task ended, which it knows better.
_NOT_ITS_OWN = re.compile(
    r"submitit |slurmstepd: error: \*\*\* "
    r"|srun: (error: \S+: tasks? [\d,-]+: |Force Terminated |Job step aborted|Terminating )"
)


def said_last(log: Path) -> str:
    """The last line of a log and its place, as the end of a sentence; "" of no log."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    said = [line for line in lines if line.strip() and not _NOT_ITS_OWN.match(line)]
    last = f", having said “{first_line(Exception(said[-1]), LONGEST)}”" if said else ""
    return printable(f"{last}; see {log}")
