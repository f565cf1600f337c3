"""Runs tracked with MLflow, in a local SQLite file or on a server. Registered models are in
registry.py, the search for a sweep in sweeps/finding.py; database/ opens what they are kept in."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from sys import intern

from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import (
    MLFLOW_GIT_COMMIT,
    MLFLOW_PARENT_RUN_ID,
    MLFLOW_RUN_NAME,
    MLFLOW_RUN_NOTE,
    MLFLOW_SOURCE_NAME,
    MLFLOW_SOURCE_TYPE,
)
from omegaconf import DictConfig

from raphe.core.errors import SettingError
from raphe.core.files import leavings
from raphe.core.sentences import counted, printable
from raphe.harness.database.address import (
    address_of,
    as_named,
    is_server,
    sqlite_file,
    without_credentials,
)
from raphe.harness.database.folder import DATABASE, given_runs, network_note
from raphe.harness.database.opening import open_to_write, reaching
from raphe.harness.database.patience import PATIENCE_S, PatientClient
from raphe.harness.database.relocation import ARTIFACTS
from raphe.harness.database.sending import send, send_all
from raphe.harness.database.spool import SpoolingClient, unsent_folder
from raphe.harness.process import no_garbage_sought
from raphe.harness.records.tracked_run import TrackedRun

TrackingError = MlflowException  # what any call here may raise

PAGE = 500  # runs that are read at once; MLflow takes some 100 kB for each while it reads
SOURCE_TAG = MLFLOW_SOURCE_NAME  # which command made a run
SOURCE = {SOURCE_TAG: "raphe train", MLFLOW_SOURCE_TYPE: "LOCAL"}
KEY_TAG = "raphe.key"
DATA_TAG = "raphe.data"
NOTE_TAG = "raphe.note"
CONTENTS_TAG = "raphe.contents"  # of the stores that a run reads, in words
SEEN_TAG = "raphe.seen_validation"  # of a run that was trained on what it was validated on, too
DESCRIPTION_TAG = MLFLOW_RUN_NOTE
GIT_COMMIT_TAG = MLFLOW_GIT_COMMIT
PARENT_TAG = MLFLOW_PARENT_RUN_ID
DRAWN_TAG = "raphe.drawn"  # of a run whose figures are among its artifacts
CHOSEN_TAG, CHOSEN_MARK = "raphe.chosen", "★ "  # by which rule; before the run's name
VIEW_TAG = "mlflow.sharedViewState."  # of an experiment
SWEEP_TAG = "raphe.sweep"  # of a parent run: what a repetition finds it by
PLANNED_TAG = "raphe.planned"  # how many members a parent run is to have


@dataclass(frozen=True)
class RunFacts:
    """What the tracking store holds of a run."""

    run_id: str
    status: str
    name: str  # without the mark of a chosen one
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    artifacts: str = ""  # address of its files


@dataclass
class Tracker:
    """The runs of one experiment.

    Args:
        experiment: name of the MLflow experiment.
        runs_root: folder of the SQLite file and of the artifacts.
        given_uri: an MLflow server instead, as `http://host:5000`.
        patience_s: how long a server is waited for that answered once and does not now.
        has_answered: whether it did so to another process of this command.

    Raises:
        SettingError: no server answers there.
        TrackingError: one that has answered stays away for longer.
    """

    experiment: str
    runs_root: Path
    given_uri: InitVar[str | None] = None
    patience_s: InitVar[float] = PATIENCE_S
    has_answered: InitVar[bool] = False
    uri: str = field(init=False)
    is_server: bool = field(init=False)
    _client: MlflowClient | PatientClient = field(init=False, repr=False)
    experiment_id: str = field(init=False, repr=False)

    def __post_init__(self, given_uri: str | None, patience_s: float, has_answered: bool) -> None:
        self.runs_root = self.runs_root.absolute()
        self._client = open_to_write(self.runs_root, given_uri, has_answered)
        self.is_server = is_server(given_uri)
        self.uri = address_of(self.runs_root / DATABASE) if given_uri is None else given_uri
        patient = None if sqlite_file(self.uri) else PatientClient(self._client, patience_s)
        if patient is not None and has_answered:
            self._client = patient
        with reaching(self.uri):
            self.experiment_id = self._find_or_create_experiment()
        self._client = patient or self._client

    @classmethod
    def from_settings(cls, config: DictConfig, is_first: bool = True) -> "Tracker":
        """As the settings say; the first process of a command says what is to be known of it."""
        given = config.tracking
        folder = Path(config.runs_root)
        tracker = cls(given.experiment, folder, given.uri, given.patience_s, not is_first)
        if is_first and given.uri is None and (note := network_note(tracker.runs_root)):
            print(note, file=sys.stderr)
        if is_first and isinstance(tracker._client, PatientClient):
            tracker._send_unsent()
        return tracker

    def _send_unsent(self) -> None:
        """What earlier runs could not tell this server: else they would be trained anew."""
        with reaching(self.uri):
            sending = send_all(self._client, self.runs_root, self.uri)
        place = without_credentials(self.uri)
        told = [f"kept here while {place} was away, and not sent: {why}" for why in sending.refused]
        if sending.n_runs:
            n_runs = counted("run", sending.n_runs)
            told.insert(0, f"{n_runs} kept here while {place} was away: now sent")
        for note in told:
            print(printable(f"note: {note}"), file=sys.stderr, flush=True)

    def _find_or_create_experiment(self) -> str:
        experiment = self._client.get_experiment_by_name(self.experiment)
        if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise SettingError(
                f"tracking.experiment={self.experiment}: was deleted; restore it with `mlflow "
                f"experiments restore -x {experiment.experiment_id}`, or name another"
            )
        if experiment is not None:
            return experiment.experiment_id
        artifacts = None
        if not self.is_server:
            artifacts = (self.runs_root / ARTIFACTS / self.experiment).as_uri()
        try:
            return self._client.create_experiment(self.experiment, artifact_location=artifacts)
        except MlflowException:  # by another process in the meantime
            experiment = self._client.get_experiment_by_name(self.experiment)
            if experiment is None:
                raise
            return experiment.experiment_id

    def begin(self, name: str, tags: Mapping[str, str]) -> "TrackedRun":
        run = self._client.create_run(
            self.experiment_id, tags={**SOURCE, **tags, MLFLOW_RUN_NAME: name}, run_name=name
        )
        return self.opened(run.info.run_id)

    def resume(self, run_id: str) -> "TrackedRun":
        """Go on with an interrupted run; what it has logged is not logged again. What it kept while
        its server was away is sent first."""
        if (kept := unsent_folder(self.runs_root, run_id)).exists():
            send(self._client, kept)
        self._client.update_run(run_id, status="RUNNING")
        return self.opened(run_id)

    def opened(self, run_id: str) -> "TrackedRun":
        """A run as it is, to add to."""
        if isinstance(self._client, PatientClient):
            client = SpoolingClient(self._client, run_id, self.runs_root)
            return TrackedRun(client, run_id, self.uri)
        return TrackedRun(self._client, run_id, self.uri)

    def facts_of(self, run: "TrackedRun") -> RunFacts:
        """As `get`; of a run that its server was not told all of, what is known here."""
        if run.unsent is None:
            return self.get(run.run_id)
        metrics = {name: history[max(history)] for name, history in run.logged.items() if history}
        return RunFacts(run.run_id, "FINISHED", "", {}, {}, metrics)

    def delete(self, run_id: str) -> None:
        self._client.delete_run(run_id)
        leavings.remove(unsent_folder(self.runs_root, run_id))

    def wait_no_more(self) -> None:
        """For a server that is away, as whoever waits has ended it."""
        if isinstance(self._client, PatientClient):
            self._client.wait_no_more()

    @property
    def client(self) -> MlflowClient | PatientClient:
        """For models and files, as patient as the tracker itself."""
        return self._client

    @property
    def options(self) -> list[object]:
        """What names these runs to a command, as ["--runs", folder]."""
        if self.is_server:
            return ["--uri", as_named(self.uri)]
        return given_runs(self.runs_root)

    def find(self, tags: Mapping[str, str]) -> list[RunFacts]:
        """Runs that carry all of `tags`, newest first."""
        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        facts: list[RunFacts] = []
        token = None
        while True:
            with no_garbage_sought():
                page = self._client.search_runs(
                    [self.experiment_id],
                    query,
                    max_results=PAGE,
                    order_by=["attributes.start_time DESC"],
                    page_token=token,
                )
                facts += map(_facts, page)
            if not (token := page.token):
                return facts

    def mark_chosen(self, chosen: RunFacts | None, among: Sequence[RunFacts], rule: str) -> None:
        """Mark one of a sweep's members, in its name and by a tag; take the mark off the others."""
        for run in among:
            is_chosen = chosen is not None and run.run_id == chosen.run_id
            if is_chosen:
                self._client.set_tag(run.run_id, CHOSEN_TAG, rule)
                self._client.update_run(run.run_id, name=CHOSEN_MARK + run.name)
            elif CHOSEN_TAG in run.tags:
                self._client.delete_tag(run.run_id, CHOSEN_TAG)
                self._client.update_run(run.run_id, name=run.name)

    def keep_view(self, key: str, text: str) -> None:
        """Keep a view of the experiment's runs, which MLflow's page opens at ui.view_link(…)."""
        self._client.set_experiment_tag(self.experiment_id, VIEW_TAG + key, text)

    def get(self, run_id: str) -> RunFacts:
        return _facts(self._client.get_run(run_id))


def _facts(run: Run) -> RunFacts:
    """Names and values that many runs share are kept once: a sweep may have thousands."""
    return RunFacts(
        run_id=run.info.run_id,
        status=run.info.status,
        name=run.info.run_name.removeprefix(CHOSEN_MARK),
        tags={intern(name): value for name, value in run.data.tags.items()},
        params={intern(name): intern(value) for name, value in run.data.params.items()},
        metrics={intern(name): value for name, value in run.data.metrics.items()},
        artifacts=run.info.artifact_uri,
    )
