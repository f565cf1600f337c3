"""MLflow's page over the runs of a folder, opened where the runs are."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from raphe.core.errors import SettingError
from raphe.harness.runs_folder import require_runs

HOST = "127.0.0.1"
START_S, POLL_S = 120.0, 0.2
QUIET = {  # beside what raphe.harness sets
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def link(port: int, experiment_id: str, run_id: str | None = None) -> str:
    """The page of an experiment's runs, or of one; MLflow's own front page shows none of them."""
    runs = f"http://{HOST}:{port}/#/experiments/{experiment_id}/runs"
    return f"{runs}/{run_id}" if run_id else f"{runs}?workflowType=machine_learning"


def show(runs_root: Path, port: int, experiment: str | None) -> int:
    """Serve the page until it is interrupted; the exit code.

    `experiment` is opened; None: the one that a run was tracked in last. Raises SettingError.
    """
    database = require_runs(runs_root)
    _require_free(port)
    os.environ.update(QUIET)
    from raphe.harness.registry import experiment_to_show  # takes seconds to import

    experiment_id = experiment_to_show(runs_root, experiment)
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1"]
    command += ["--host", HOST, "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database.absolute()}"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends, too
    with subprocess.Popen(command) as server:
        try:
            _wait_until_open(server, port)
            print(f"runs: {link(port, experiment_id)}\nCtrl-C ends the page", flush=True)
            return server.wait()
        finally:
            server.terminate()


def _require_free(port: int) -> None:
    if not 0 < port < 2**16:
        raise SettingError(f"--port {port}: expected a number from 1 to 65535")
    if _is_open(port):
        raise SettingError(
            f"--port {port}: another program listens there; name a free one, as --port {port + 1}"
        )


def _is_open(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(POLL_S)
        return client.connect_ex((HOST, port)) == 0


def _wait_until_open(server: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + START_S
    while not _is_open(port):
        if server.poll() is not None or time.monotonic() > deadline:
            raise SettingError("MLflow's page did not start; the lines above say why")
        time.sleep(POLL_S)
