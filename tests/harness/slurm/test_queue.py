"""SLURM's answers without a SLURM: hosts, jobs that are gone, sentences."""

import socket
from pathlib import Path

import pytest

from raphe.core.errors import SettingError
from raphe.harness.slurm import queue, waiting
from raphe.harness.slurm.queue import JobArray, SlurmError
from raphe.harness.slurm.waiting import MISSED, Watch

ARRAYS = JobArray.read("12:0:3 13:3:1")


def test_members_have_the_jobs_of_their_arrays() -> None:
    assert " ".join(map(str, ARRAYS)) == "12:0:3 13:3:1"
    assert queue.jobs_of(ARRAYS) == {0: "12_0", 1: "12_1", 2: "12_2", 3: "13"}


@pytest.mark.parametrize(
    ("uri", "nodes", "refused"),
    [
        (None, [socket.gethostname()], False),
        (None, [f"{socket.gethostname().swapcase()}.lab"], False),
        (None, [socket.gethostname(), "node7"], True),
        ("sqlite:////shared/mlflow.db", ["node7"], True),
        ("http://mlflow.lab:5000", ["node7"], False),
    ],
)
def test_sqlite_is_for_one_host(monkeypatch, uri: str | None, nodes, refused: bool) -> None:
    asked = []
    monkeypatch.setattr(queue, "_ask", lambda *words: asked.append(words) or "\n".join(nodes))
    settings = {"partition": "long", "sbatch": {"nodelist": "node[7-9]"}}
    if not refused:
        queue.require_server(uri, settings)
        return
    with pytest.raises(SettingError, match=r"\(node7\), which it cannot serve; start an MLflow"):
        queue.require_server(uri, settings)
    assert {"--partition=long", "--nodes=node[7-9]"} <= set(asked[0])


def test_a_member_on_another_host_refuses_sqlite_too(monkeypatch) -> None:
    monkeypatch.setenv("SLURM_SUBMIT_HOST", f"{socket.gethostname().upper()}.lab")
    queue.require_server_on_node(None)
    monkeypatch.setenv("SLURM_SUBMIT_HOST", "login")
    queue.require_server_on_node("https://mlflow.lab")
    with pytest.raises(SettingError, match="which it cannot serve"):
        queue.require_server_on_node(None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("JobState=OUT_OF_MEMORY ExitCode=0:125", "ran out of memory; give it more with"),
        ("JobState=FAILED ExitCode=0:9", "was killed by signal 9"),
        ("JobState=FAILED ExitCode=1:0", "ended with exit code 1"),
        ("JobState=NODE_FAIL ExitCode=0:0", "was lost with its node"),
    ],
)
def test_how_a_job_ended(monkeypatch, said: str, told: str) -> None:
    monkeypatch.setattr(queue, "_ask", lambda *words: f"JobId=12 {said} Reason=None")
    assert queue.end_of("12_0").startswith(told)


def test_a_job_is_lost_once_it_is_missed_some_times_and_not_while_slurm_is_silent(
    monkeypatch, capsys
) -> None:
    answers = ["12_0|RUNNING|None\n12_1|PENDING|PartitionTimeLimit\n13|RUNNING|None\n"] * MISSED

    def ask(*words: str) -> str:
        if not answers:
            raise SlurmError("squeue: unable to contact the controller")
        return answers.pop()

    monkeypatch.setattr(queue, "_ask", ask)
    watch = Watch(ARRAYS)
    assert [watch.lost(ended={0}) for _ in range(MISSED)] == [[], [], [2]]
    assert watch.lost(ended={0}) == []
    told = capsys.readouterr().err
    assert told.count("job 12_1 waits: PartitionTimeLimit") == 1
    assert "a job that dies is not seen until it answers" in told


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("PartitionDown", "job 12_0 and 2 others wait: PartitionDown\n"),
        ("PartitionConfig", "wait: PartitionConfig; that does not pass by itself: end the jobs"),
        ("QOSMaxCpuPerJobLimit", "; that does not pass by itself"),
        ("JobHeldUser", "; `scontrol release 12_0` lets it go"),
        ("Priority", ""),
    ],
)
def test_why_jobs_wait_is_told_once_for_all_of_them(monkeypatch, capsys, reason, told) -> None:
    rows = [f"12_{number}|PENDING|{reason}" for number in range(3)]
    monkeypatch.setattr(queue, "_ask", lambda *words: "\n".join(rows))
    watch = Watch(ARRAYS)
    for _ in range(2):
        watch.lost(ended={3})
        rows[0], rows[1] = rows[1], rows[0]
    said = capsys.readouterr().err
    assert told in said and said.count(reason) == bool(told)


def test_who_cannot_wait_any_more_cancels_the_jobs(monkeypatch, capsys) -> None:
    submission = pytest.importorskip("raphe.harness.slurm.submission")
    asked = []
    monkeypatch.setattr(queue, "_ask", lambda *words: asked.append(words) or "")
    with pytest.raises(OSError), submission.cancelled_unless_done(ARRAYS):
        raise OSError("No space left on device")
    assert asked == [("scancel", "12", "13")]
    assert "4 jobs of SLURM's (12 13) cancelled" in capsys.readouterr().err


def test_squeue_that_has_forgotten_all_is_no_fault(monkeypatch) -> None:
    def ask(*words: str) -> str:
        raise SlurmError("squeue: slurm_load_jobs error: Invalid job id specified")

    monkeypatch.setattr(queue, "_ask", ask)
    assert queue.queued(ARRAYS) == {} and queue.unfinished(ARRAYS) == []


def test_what_a_lost_job_said_last(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(waiting, "end_of", lambda job: "ended with exit code 1")
    log = tmp_path / waiting.LOGS / "12_1_0_log.err"
    log.parent.mkdir()
    log.write_text(
        "Traceback\nModuleNotFoundError: No module named 'raphe'\n\nsubmitit ERROR\n"
        "slurmstepd: error: *** STEP 9.0 ON node7 CANCELLED AT 2026-11-30T11:35:01 ***\n"
        "srun: Force Terminated StepId=9.0\nsrun: error: node7: task 0: Exited with exit code 1\n"
    )
    assert waiting._why("12_1", tmp_path) == (
        "its SLURM job 12_1 ended with exit code 1, having said “ModuleNotFoundError: No module "
        f"named 'raphe'”; see {log}"
    )
