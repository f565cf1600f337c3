"""SLURM's queue, asked by its own commands, which need no accounting database."""

import os
import re
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from raphe.core.errors import RapheError, SettingError
from raphe.core.extras import install
from raphe.core.sentences import first_line
from raphe.harness.database.address import sqlite_file

ANSWER_S = 60.0
LARGEST_ARRAY = 1000  # of SLURM's default, where it does not say
GONE = "Invalid job id"  # what squeue says once it has forgotten all that it was asked for
ENDING = {"COMPLETING", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT"}
ENDS = {
    "OUT_OF_MEMORY": "ran out of memory; give it more with hydra.launcher.mem_gb",
    "TIMEOUT": "ran out of time; give it more with hydra.launcher.timeout_min",
    "NODE_FAIL": "was lost with its node",
    "CANCELLED": "was cancelled",
    "PREEMPTED": "was preempted",
    "DEADLINE": "missed its deadline",
    "BOOT_FAIL": "was lost with its node, which did not start",
}


class SlurmError(RapheError):
    """A command of SLURM's failed."""


@dataclass(frozen=True)
class JobArray:
    """Members of a sweep that SLURM has as the tasks of one array, in their order."""

    job: str  # SLURM's number
    first: int  # number of the first member
    n: int

    @property
    def members(self) -> range:
        return range(self.first, self.first + self.n)

    def job_of(self, member: int) -> str:
        """As SLURM calls it, "12_3"; of a job that is no array "12"."""
        return f"{self.job}_{member - self.first}" if self.n > 1 else self.job

    def __str__(self) -> str:
        return f"{self.job}:{self.first}:{self.n}"

    @classmethod
    def read(cls, text: str) -> "tuple[JobArray, ...]":
        """As a parent run's tag has several, "12:0:1000 13:1000:600"."""
        parts = (entry.split(":") for entry in text.split())
        return tuple(cls(job, int(first), int(n)) for job, first, n in parts)


def jobs_of(arrays: Iterable[JobArray]) -> dict[int, str]:
    """Each member's job by the member's number."""
    return {member: array.job_of(member) for array in arrays for member in array.members}


@dataclass(frozen=True)
class Queued:
    state: str  # PENDING, RUNNING, …
    reason: str  # why it waits, as SLURM has it in a word


def queued(arrays: Sequence[JobArray]) -> dict[str, Queued]:
    """The jobs that SLURM has not done with. Raises SlurmError where it gives no answer."""
    ids = ",".join(array.job for array in arrays)
    try:
        listed = _ask("squeue", "--noheader", "--array", f"--jobs={ids}", "--format=%i|%T|%r")
    except SlurmError as error:
        if GONE in str(error):
            return {}
        raise
    rows = [line.split("|", 2) for line in listed.splitlines() if line.count("|") > 1]
    return {job.strip(): Queued(state, reason.strip()) for job, state, reason in rows}


def unfinished(arrays: Sequence[JobArray]) -> list[str]:
    """The jobs that wait or are at work; none where there is no SLURM to ask."""
    try:
        jobs = queued(arrays)
    except SlurmError:
        return []
    return [job for job, entry in jobs.items() if entry.state not in ENDING]


def end_of(job: str) -> str:
    """What SLURM still knows of how a job ended, as the rest of a sentence about it."""
    try:
        facts = _ask("scontrol", "--oneliner", "show", "job", job)
    except SlurmError:  # it forgets them after minutes
        return "ended"
    state, code = (re.search(rf"\b{name}=(\S+)", facts) for name in ("JobState", "ExitCode"))
    known = state[1] if state else ""
    if known in ENDS:
        return ENDS[known]
    status, signal = code[1].split(":") if code else ("0", "0")
    if signal != "0":
        return f"was killed by signal {signal}"
    return f"ended with exit code {status}"


def cancel(arrays: Sequence[JobArray]) -> None:
    """Raises SlurmError."""
    _ask("scancel", *(array.job for array in arrays))


def largest_array() -> int:
    """How many tasks an array may have on this cluster."""
    with_size = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config"))
    return max(1, int(with_size[1]) - 1) if with_size else LARGEST_ARRAY


def require_submitit(told: str = "hydra/launcher=slurm") -> None:
    """Raise SettingError where the package that writes the jobs is not installed."""
    if find_spec("submitit") is None:
        raise SettingError(
            f"{told}: this needs the package submitit, which is not installed: {install('slurm')}"
        )


def require_server(uri: str | None, settings: Mapping[str, object]) -> None:
    """Refuse runs in SQLite where members may be on other machines than this one.

    Args:
        uri: where runs are tracked, None for the SQLite file of the folder of runs.
        settings: of the launcher.
    """
    if uri is not None and sqlite_file(uri) is None:
        return
    sbatch = settings.get("sbatch")
    nodelist = sbatch.get("nodelist") if isinstance(sbatch, Mapping) else None
    words = [f"--partition={settings['partition']}"] if settings.get("partition") else []
    words += [f"--nodes={nodelist}"] if nodelist else []
    hosts = set(_ask("sinfo", "--noheader", "--Node", "--format=%n", *words).split())
    if elsewhere := sorted(host for host in hosts if not _is_same(host, socket.gethostname())):
        raise _several_hosts(elsewhere)


def require_server_on_node(uri: str | None) -> None:
    """As require_server, once a member is where it is."""
    launched_on = os.environ.get("SLURM_SUBMIT_HOST", "")
    here = socket.gethostname()
    is_file = uri is None or sqlite_file(uri) is not None
    if is_file and not _is_same(launched_on, here):
        raise _several_hosts([here])


def _is_same(one: str, other: str) -> bool:
    """Whether two names are of one machine, with or without its domain; case does not count."""
    return one.partition(".")[0].casefold() == other.partition(".")[0].casefold()


def _several_hosts(hosts: Sequence[str]) -> SettingError:
    more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
    return SettingError(
        f"hydra/launcher=slurm: members would write to SQLite from other machines ({hosts[0]}"
        f"{more}), which it cannot serve; start an MLflow server that all of them reach and name "
        "it with tracking.uri=http://HOST:5000"
    )


def _ask(*words: str) -> str:
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER_S)
    except FileNotFoundError:
        raise SlurmError(
            f"{words[0]}: there is no such command here; this needs a machine of a SLURM cluster"
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{words[0]}: gave no answer within {ANSWER_S:g} s") from None
    if answer.returncode:
        raise SlurmError(f"{words[0]}: {first_line(Exception(answer.stderr.strip()))}")
    return answer.stdout
