"""What runs kept while their server stayed away is sent, in its order, each call once."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric
from mlflow.exceptions import MlflowException

from raphe.core.errors import SettingError
from raphe.core.files import leavings
from raphe.core.files.atomic import write_file
from raphe.core.files.locks import lock_file
from raphe.core.sentences import counted, first_line
from raphe.harness.database.address import HIDDEN, shown, without_credentials
from raphe.harness.database.patience import PatientClient, may_pass
from raphe.harness.database.spool import LOCK, SERVER, UNSENT, Call, calls_of

SENT = "sent.json"
LINE_LENGTH = 160


@dataclass(frozen=True)
class Unsent:
    """The runs of a folder that a server has not been told all of."""

    folders: tuple[Path, ...]  # of those that have ended, or were broken off
    at_work: int  # runs that are still being trained
    elsewhere: dict[str, int]  # how many are for another server, by its address

    @classmethod
    def of(cls, runs_root: Path, uri: str) -> "Unsent":
        """Those for the server at this address, whoever logs in there."""
        ended, at_work, elsewhere = [], 0, dict[str, int]()
        for file in sorted((runs_root / UNSENT).glob(f"*/{SERVER}")):
            address = file.read_text(encoding="utf-8").strip()
            if _server(address) != _server(shown(uri)):
                elsewhere[address] = elsewhere.get(address, 0) + 1
            elif _is_held(file.parent):
                at_work += 1
            else:
                ended.append(file.parent)
        return cls(tuple(ended), at_work, elsewhere)

    def told(self) -> Iterator[str]:
        """Sentences about what is not sent now."""
        if self.at_work:
            yield f"{counted('run', self.at_work)} still at work, which will send what it kept"
        for address, n in self.elsewhere.items():
            yield f"{counted('run', n)} kept for {address}: name that one with --uri"


@dataclass(frozen=True)
class Sending:
    """What became of the runs that were to be sent."""

    n_runs: int  # that the server has now
    refused: tuple[str, ...]  # a sentence about each that it will not take, which stays here


def send_all(client: MlflowClient | PatientClient, runs_root: Path, uri: str) -> Sending:
    """Send what is kept for this server by runs that are not at work.

    One that the server refuses, as its run was deleted there, or whose file is damaged, keeps no
    other back. Raises MlflowException where the server does not answer; what it took is not sent
    again.
    """
    folders, refused = Unsent.of(runs_root, uri).folders, []
    for folder in folders:
        try:
            send(client, folder)
        except SettingError as error:
            refused.append(f"run {folder.name}: {error}")
        except MlflowException as error:
            if may_pass(error):
                raise
            why = without_credentials(first_line(error, LINE_LENGTH)).rstrip(".")
            refused.append(
                f"run {folder.name}: the server does not take it ({why}); if it is not wanted any "
                f"more, remove {folder}"
            )
    return Sending(len(folders) - len(refused), tuple(refused))


def send(client: MlflowClient | PatientClient, folder: Path) -> None:
    """Send what one run kept, and remove it."""
    with lock_file(folder / LOCK).acquire():
        _send(client, folder)
    leavings.remove(folder)


def _send(client: MlflowClient | PatientClient, folder: Path) -> None:
    progress = folder / SENT
    state: dict[str, Any] = {"sent": 0, "models": {}}
    if progress.exists():
        state = json.loads(progress.read_text())
    for number, call in enumerate(calls_of(folder)):
        if number >= state["sent"]:
            _repeat(client, call, state["models"])
            state["sent"] = number + 1
            write_file(progress, json.dumps(state))


def _repeat(client: MlflowClient | PatientClient, call: Call, models: dict[str, str]) -> None:
    """One call; a model that was given a stand-in for its number is called by its own."""
    name, arguments, named = call
    stand_in = named.pop("unsent_id", None)
    if name == "finalize_logged_model":
        arguments[0] = models.get(arguments[0], arguments[0])
    if name == "log_outputs":
        arguments[1] = [
            LoggedModelOutput(models.get(output.model_id, output.model_id), output.step)
            for output in arguments[1]
        ]
    if "metrics" in named:
        named["metrics"] = [_of_model(metric, models) for metric in named["metrics"]]
    answer = getattr(client, name)(*arguments, **named)
    if stand_in is not None:
        models[stand_in] = answer.model_id


def _of_model(metric: Metric, models: dict[str, str]) -> Metric:
    model_id = models.get(metric.model_id, metric.model_id)
    return Metric(metric.key, metric.value, metric.timestamp, metric.step, model_id)


def _server(address: str) -> str:
    """An address without who logs in."""
    return re.sub(rf"(?<=://){re.escape(HIDDEN)}@", "", address).rstrip("/")


def _is_held(folder: Path) -> bool:
    """Whether a process is at work on the run."""
    try:
        with lock_file(folder / LOCK).acquire(blocking=False):
            return False
    except Timeout:
        return True
