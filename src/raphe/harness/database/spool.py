"""What a run has to say while its server stays away: kept on disk, in the order of its calls.

    RUNS_ROOT/unsent/RUN_ID/server.txt     the address, without passwords
                            calls.jsonl    a call of MlflowClient's a line, with its arguments
                            000007/…       the files of the call in line 7, counted from 0
                            sent.json      how many of them the server has, see sending.py

Nothing in it is code: lines hold numbers, texts and MLflow's own records of them by name.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
    RunData,
    RunTag,
)

from raphe.core.errors import SettingError
from raphe.core.files.atomic import make_folder, reporting, write_file
from raphe.core.files.locks import lock_file
from raphe.harness.database.address import shown
from raphe.harness.database.patience import OutOfPatience, PatientClient

UNSENT = "unsent"  # folder of a folder of runs, one in it for each run
CALLS, SERVER, LOCK = "calls.jsonl", "server.txt", "lock"
FILES = "files"  # stands for the folder of a call's files among its arguments
RECORDS = {
    kind.__name__: kind
    for kind in (Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param)
}
WRITES = {
    *("log_batch", "log_inputs", "log_outputs", "finalize_logged_model", "set_tag"),
    *("log_text", "log_artifacts", "create_logged_model", "set_terminated"),
}
Call = tuple[str, list[Any], dict[str, Any]]


def unsent_folder(runs_root: Path, run_id: str) -> Path:
    """Where a run keeps what its server is not told; there is one only where it kept anything."""
    return runs_root / UNSENT / run_id


class SpoolingClient:
    """A client of one run, which keeps on disk what its server cannot be told within its patience.

    From then on nothing is asked of the server until the run ends; then once more.

    Args:
        client: which waits for a server, for as long as it is patient.
        run_id: of the run, which the server knows.
        runs_root: folder of runs, in which `unsent` is made where it is needed.
    """

    def __init__(self, client: PatientClient, run_id: str, runs_root: Path) -> None:
        self._client, self._run_id = client, run_id
        self._folder = unsent_folder(runs_root, run_id)
        self._lock = lock_file(self._folder / LOCK)
        self._is_away, self._n_calls = False, 0
        self._known: Run | None = None
        self._tags: dict[str, str] = {}
        self._params: dict[str, str] = {}

    @property
    def unsent(self) -> Path | None:
        """The folder of what the server was not told; None where it has all."""
        return self._folder if self._is_away else None

    @property
    def direct(self) -> PatientClient:
        """For what is not worth keeping."""
        return self._client

    def get_run(self, run_id: str) -> Run:
        """As the server has it; while it is away as it would."""
        if not self._is_away:
            with suppress(OutOfPatience):
                self._known = self._client.get_run(run_id)
                return self._known
            self._begin()
        if self._known is None:
            raise OutOfPatience(f"{shown(self._client.tracking_uri)} does not answer")
        data = self._known.data
        params = [Param(*item) for item in (data.params | self._params).items()]
        tags = [RunTag(*item) for item in (data.tags | self._tags).items()]
        return Run(self._known.info, RunData(data._metric_objs, params, tags))

    def __getattr__(self, name: str) -> Any:
        if name not in WRITES:
            return getattr(self._client, name)
        return lambda *arguments, **named: self._write(name, list(arguments), named)

    def _write(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        self._remember(name, arguments, named)
        if not self._is_away:
            with suppress(OutOfPatience):
                return getattr(self._client, name)(*arguments, **named)
        if not self._is_away:
            self._begin()
        answer = self._keep(name, arguments, named)
        if name == "set_terminated":
            self._end()
        return answer

    def _remember(self, name: str, arguments: list[Any], named: Mapping[str, Any]) -> None:
        if name == "set_tag":
            self._tags[arguments[1]] = arguments[2]
        for param in named.get("params", ()):
            self._params[param.key] = param.value

    def _begin(self) -> None:
        self._is_away = True
        make_folder(self._folder)
        self._lock.acquire()
        write_file(self._folder / SERVER, shown(self._client.tracking_uri))
        self._n_calls = sum(1 for _ in calls_of(self._folder))  # of an earlier attempt

    def _keep(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        files, answer = self._folder / f"{self._n_calls:06}", None
        shutil.rmtree(files, ignore_errors=True)  # of a call whose line was never written
        if name == "log_text":
            _, text, place = arguments
            make_folder((files / place).parent)
            write_file(files / place, text)
            name, arguments = "log_artifacts", [self._run_id, {FILES: files.name}]
        elif name == "log_artifacts":
            with reporting(files):
                shutil.copytree(arguments[1], files)
            arguments[1] = {FILES: files.name}
        elif name == "create_logged_model":
            answer = _Model(f"unsent-{self._n_calls}")
            named["unsent_id"] = answer.model_id
        elif name == "set_terminated":
            named["end_time"] = int(time.time() * 1000)
        line = json.dumps([name, _plain(arguments), _plain(named)])
        _append(self._folder / CALLS, line)
        self._n_calls += 1
        return answer

    def _end(self) -> None:
        """Let others send it, and do it now where the server is back."""
        from raphe.harness.database.sending import send

        self._lock.release()
        with suppress(OutOfPatience):
            send(self._client, self._folder)
            self._is_away = False


class _Model:
    """A model that the server has not given a number to."""

    def __init__(self, model_id: str) -> None:
        self.model_id = model_id


def calls_of(folder: Path) -> Iterator[Call]:
    """The calls that a run's folder holds; of a process that was killed not the one it was at.

    Raises SettingError for a line that is none.
    """
    path = folder / CALLS
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole, _, _ = text.rpartition("\n")
    for number, line in enumerate(whole.splitlines()):
        try:
            name, arguments, named = json.loads(line)
            if name not in WRITES:
                raise ValueError(f"a call {name}")
            yield name, _entities(arguments, folder), _entities(named, folder)
        except (ValueError, TypeError, KeyError) as error:
            raise SettingError(
                f"{path}: line {number + 1}: expected a call that was kept for a tracking server, "
                f"got {error}; the file was changed or damaged: what lies beside it can still be "
                "looked at"
            ) from None


def _append(path: Path, line: str) -> None:
    """Add a whole line, in place of one that was cut: its process was killed, or the disk full."""
    with reporting(path), path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read() != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _plain(value: Any) -> Any:
    """As JSON has it: a record of MLflow's is {its kind: its properties}."""
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if type(value).__name__ in RECORDS:
        return {type(value).__name__: {name: _plain(entry) for name, entry in value}}
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return value


def _entities(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_entities(entry, folder) for entry in value]
    if not isinstance(value, dict):
        return value
    if list(value) == [FILES]:
        return str(folder / Path(value[FILES]).name)
    kind = RECORDS.get(next(iter(value), ""))
    if kind is not None and len(value) == 1:
        (properties,) = value.values()
        return kind(**_entities(properties, folder))
    return {name: _entities(entry, folder) for name, entry in value.items()}
