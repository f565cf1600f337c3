"""A member of a sweep that begins while the server is away: it waits, and is trained in the end."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from raphe.core.errors import SettingError
from raphe.harness.database import opening, patience
from raphe.harness.database.patience import OutOfPatience
from raphe.harness.tracking import PARENT_TAG, Tracker
from stalling_server import StallingServer

SERVER_AT = "http://127.0.0.1:9"  # where nobody listens


@pytest.fixture
def server(
    tracking_store: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> StallingServer:
    """What clients of SERVER_AT reach."""
    database = MlflowClient(f"sqlite:///{tracking_store(tmp_path / 'server') / 'mlflow.db'}")
    server = StallingServer(database, SERVER_AT)
    monkeypatch.setattr(
        opening, "MlflowClient", lambda uri: server if uri == SERVER_AT else MlflowClient(uri)
    )
    return server


def test_a_member_waits_for_a_server_that_the_sweep_has_reached(
    server: StallingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_s: list[float] = []

    def sleep(seconds: float) -> None:
        waited_s.append(seconds)
        server.is_away = len(waited_s) < 3

    monkeypatch.setattr(patience.time, "sleep", sleep)
    server.is_away = True
    Tracker("e", tmp_path, SERVER_AT, has_answered=True).begin("run", {})
    assert waited_s == [1, 2, 4]

    server.is_away = True
    with pytest.raises(OutOfPatience, match=rf"{SERVER_AT} has not answered \(refused\)"):
        Tracker("e", tmp_path, SERVER_AT, patience_s=0, has_answered=True)
    with pytest.raises(SettingError, match="got no answer from"):  # a wrong address is told at once
        Tracker("e", tmp_path, SERVER_AT)
    assert len(waited_s) == 3


@pytest.mark.ci
def test_members_that_could_not_begin_are_trained_by_the_same_command(
    server: StallingServer, train, runs, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    assert train("model.degree=1,2", multirun=True) == 0
    expected = values(runs().client)
    capfd.readouterr()

    monkeypatch.setattr(opening, "_require_answer", lambda uri, named_by: None)
    sweep = ["model.degree=1,2", f"tracking.uri={SERVER_AT}", "tracking.patience_s=0"]
    server.away_at = "create_logged_model"  # the first has been trained by then
    assert train(*sweep, multirun=True) == 1
    told = capfd.readouterr().err
    sentence = f"tracking: {SERVER_AT} has not answered (refused); see to it and run the same"
    assert f"error: model.degree=2: {sentence} command again to go on" in told
    assert "model.degree=1: trained to its end, while" in told

    server.away_at, server.is_away = None, False
    assert train(*sweep, multirun=True) == 0
    assert "1 of 2 members had finished before" in capfd.readouterr().out
    assert values(server.database) == expected


def values(client: MlflowClient) -> dict[str, dict[str, float]]:
    """The metrics of finished members, by what they vary."""
    experiment = client.get_experiment_by_name("toy").experiment_id
    runs = client.search_runs([experiment], "attributes.status = 'FINISHED'")
    members = [run for run in runs if PARENT_TAG in run.data.tags]
    assert len(members) == 2
    return {run.data.params["model.degree"]: run.data.metrics for run in members}
