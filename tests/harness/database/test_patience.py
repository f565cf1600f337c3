"""A tracking server that stalls: waited for, for as long as was said, and for nothing else."""

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, RESOURCE_DOES_NOT_EXIST
from requests.exceptions import ConnectionError as NoConnection

from raphe.harness.database import patience
from raphe.harness.database.patience import PatientClient, tried

SILENT = MlflowException("API request failed with exception Max retries exceeded")
UNKNOWN = MlflowException("no such run", error_code=RESOURCE_DOES_NOT_EXIST)


class Client:
    """Raises what it is given, in turn, then answers."""

    tracking_uri = "http://me:SECRET@mlflow.lab:5000"

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), []

    def log_text(self, *arguments: object, **named: object) -> str:
        self.calls.append((arguments, named))
        if self.errors:
            raise self.errors.pop(0)
        return "kept"


@pytest.fixture(autouse=True)
def waited_s(monkeypatch) -> list[float]:
    """A clock of its own."""
    waited: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", waited.append)
    monkeypatch.setattr(patience.time, "monotonic", lambda: sum(waited))
    return waited


def test_a_server_that_comes_back_has_lost_nothing(waited_s, capsys) -> None:
    client = Client(SILENT, NoConnection("refused"), SILENT)
    assert PatientClient(client).log_text("run", name="a.txt") == "kept"
    assert client.calls == [(("run",), {"name": "a.txt"})] * 4
    assert waited_s == [1, 2, 4]
    told = capsys.readouterr().err
    assert told.count("does not answer") == 1 and "waited for up to 600 s" in told
    assert "answers again after 7 s" in told and "SECRET" not in told


def test_a_server_whose_connections_are_all_taken_is_waited_for(waited_s) -> None:
    """As when many clients write at once: MLflow calls it a bad request."""
    busy = MlflowException(
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
        error_code=BAD_REQUEST,
    )
    assert PatientClient(Client(busy)).log_text("run") == "kept" and waited_s == [1]
    with pytest.raises(MlflowException, match="no such column"):
        PatientClient(Client(MlflowException("no such column", error_code=BAD_REQUEST))).log_text()


def test_patience_ends_with_the_error(waited_s) -> None:
    client = PatientClient(Client(*[NoConnection("refused")] * 99), patience_s=10)
    for _ in range(2):  # the second time without waiting
        with pytest.raises(MlflowException, match="refused"):
            client.log_text()
    assert waited_s == [1, 2, 4]


def test_a_refusal_is_told_at_once(waited_s) -> None:
    with pytest.raises(MlflowException, match="no such run"):
        PatientClient(Client(UNKNOWN)).log_text()
    assert waited_s == []


def test_what_reaches_the_server_by_itself_is_as_patient(waited_s) -> None:
    """As MLflow's own functions for files and models, which are given no client."""
    silent = [SILENT, SILENT]

    def download(name: str) -> str:
        if silent:
            raise silent.pop()
        return f"{name} is here"

    client = PatientClient(Client())
    assert client.tracking_uri == Client.tracking_uri
    assert tried(client, download, name="model") == "model is here" and waited_s == [1, 2]
    silent.append(SILENT)
    with pytest.raises(MlflowException):  # of a database on this machine nothing is waited for
        tried(Client(), download, name="model")
