"""`raphe ui`: MLflow's page over a folder of runs, and the link that shows them."""

import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from raphe import cli
from raphe.core.errors import SettingError
from raphe.harness.database.opening import open_to_read
from raphe.harness.registry import experiment_to_show, newest_sweep
from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.tracking import SWEEP_TAG, VIEW_TAG
from raphe.harness.ui import link, local_address
from waiting import HANG_S


@pytest.fixture
def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture
def tracked(tmp_path: Path, tracking_store: Callable[[Path], Path]) -> Path:
    """A folder of runs: an experiment of an earlier run, and one of a later."""
    runs_root = tracking_store(tmp_path / "mlruns")
    client = open_to_read(runs_root, None)
    for number, name in enumerate(("later", "earlier")):
        experiment = client.create_experiment(name, artifact_location=(runs_root / name).as_uri())
        client.create_run(experiment, start_time=1000 - number)
    return runs_root


def test_the_experiment_of_the_newest_run_is_shown_or_the_one_that_is_named(tracked: Path) -> None:
    client = open_to_read(tracked, None)
    later, earlier = (client.get_experiment_by_name(name) for name in ("later", "earlier"))
    assert experiment_to_show(client, None) == later.experiment_id
    assert experiment_to_show(client, "earlier") == earlier.experiment_id
    with pytest.raises(SettingError, match="--experiment x: there is no such; there are Default, "):
        experiment_to_show(client, "x")


def test_the_newest_sweep_is_one_whose_members_compare_not_the_folds_of_a_cross_validation(
    tracked: Path,
) -> None:
    client = open_to_read(tracked, None)
    experiment_id = client.get_experiment_by_name("later").experiment_id

    def begin(kind: Kind, start_time: int) -> str:
        tags = {SWEEP_TAG: kind.tag, KIND_TAG: kind.tag}
        run_id = client.create_run(experiment_id, start_time=start_time, tags=tags).info.run_id
        client.set_experiment_tag(experiment_id, VIEW_TAG + run_id, "{}")
        return run_id

    begin(Kind.FOLDS, 3000)
    assert newest_sweep(client, experiment_id) is None
    sweep = begin(Kind.SETTINGS, 2000)
    assert newest_sweep(client, experiment_id) == sweep


def test_a_busy_port_and_a_folder_without_runs_are_one_sentence(tracked: Path, capsys) -> None:
    def told(*arguments: str) -> str:
        assert cli.main(["ui", *arguments]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        line = told("--runs", str(tracked), "--port", str(port))
        assert line.startswith(f"error: --port {port}: another program listens there")
    assert "expected a number from 1 to 65535" in told("--runs", str(tracked), "--port", "0")
    assert "there are no tracked runs here" in told("--runs", str(tracked / "nowhere"))


@pytest.mark.slow
def test_the_page_opens_at_the_printed_link_and_ends_with_the_command(
    tracked: Path, free_port: int
) -> None:
    command = [sys.executable, "-m", "raphe.cli", "ui", "--runs", str(tracked)]
    with subprocess.Popen(
        [*command, "--port", str(free_port)], stdout=subprocess.PIPE, text=True
    ) as page:
        try:
            printed = next(line for line in page.stdout if line.startswith("runs: "))
            shown = experiment_to_show(open_to_read(tracked, None), None)
            assert printed == f"runs: {link(local_address(free_port), shown)}\n"
            with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=HANG_S) as answer:
                assert "MLflow" in answer.read().decode()
        finally:
            page.terminate()
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", free_port)) != 0
