"""MLflow's page over the runs of a folder, opened where the runs are."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from raphe.core.errors import SettingError
from raphe.harness.database.address import address_of
from raphe.harness.database.folder import require_runs

HOST, DEFAULT_PORT = "127.0.0.1", 5000
MODEL_TRAINING = "workflowType=machine_learning"  # else the page is that of language models
START_S, POLL_S = 120.0, 0.2
QUIET = {  # beside what raphe.harness sets
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "PYTHONWARNINGS": "ignore",
}


def link(address: str, experiment_id: str, run_id: str | None = None) -> str:
    """The page of an experiment's runs, or of one; MLflow's own front page shows none of them."""
    runs = f"{address}/#/experiments/{experiment_id}/runs"
    return f"{runs}{f'/{run_id}' if run_id else ''}?{MODEL_TRAINING}"


def comparison_link(address: str, experiment_id: str, sweep_id: str) -> str:
    """The members of a sweep in the order of what is swept, as sweeps.comparison has them shown."""
    view = f"viewStateShareKey={sweep_id}&compareRunsMode=CHART"
    return f"{link(address, experiment_id)}&{view}"


def local_address(port: int = DEFAULT_PORT) -> str:
    """Where `raphe ui` shows its page."""
    return f"http://{HOST}:{port}"


def show(runs_root: Path, port: int, experiment: str | None) -> int:
    """Serve the page until it is interrupted; the exit code.

    `experiment` is opened; None: the one that a run was tracked in last. Raises SettingError.
    """
    database = require_runs(runs_root)
    _require_free(port)
    os.environ.update(QUIET)
    # These take seconds to import.
    from raphe.harness.database.opening import OPTION, open_to_read, reaching
    from raphe.harness.registry import experiment_to_show, newest_sweep

    client = open_to_read(runs_root, None)
    with reaching(client.tracking_uri, OPTION):
        experiment_id = experiment_to_show(client, experiment)
        sweep_id = newest_sweep(client, experiment_id)
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1"]
    command += ["--host", HOST, "--port", str(port)]
    command += ["--backend-store-uri", address_of(database.absolute())]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server ends, too
    with subprocess.Popen(command) as server:
        try:
            _wait_until_open(server, port)
            print(f"runs: {link(local_address(port), experiment_id)}")
            if sweep_id is not None:
                compared = comparison_link(local_address(port), experiment_id, sweep_id)
                print(f"newest sweep, compared: {compared}")
            print("Ctrl-C ends the page", flush=True)
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
