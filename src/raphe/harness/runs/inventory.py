"""Which runs, models and unfinished work a folder of tracked runs holds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from raphe.harness.database.address import local_folder
from raphe.harness.runs.disk import Usage, usage_of
from raphe.harness.tracking import PARENT_TAG, SWEEP_TAG

PAGE = 1000
RUNS_URI = "runs:/"
EXPORT_TAG = "raphe.export"  # of a run that registered a bundle: the sweep that it was made of


@dataclass(frozen=True)
class Inventory:
    """What the tracking store knows. Sizes are of this machine's files, 0 on a server."""

    experiments: Mapping[str, str]  # names by id
    runs: Sequence[Run]  # newest first
    deleted: Sequence[Run]  # by the page or by a call, but their files may still lie here
    versions: Sequence[ModelVersion]
    champions: Mapping[str, str]  # version by model
    model_folders: Mapping[str, list[Path]]  # of the models that a run logged
    version_folders: Sequence[Path]  # that a registered version is loaded from

    @classmethod
    def read(cls, client: MlflowClient) -> "Inventory":
        """Raises what the tracking store does, see tracking.reaching."""
        experiments = {
            entry.experiment_id: entry.name
            for entry in client.search_experiments(view_type=ViewType.ALL)
        }
        ids = list(experiments)
        models = list(_pages(client.search_registered_models))
        versions = list(_pages(client.search_model_versions))
        return cls(
            experiments,
            list(_runs(client, ids, ViewType.ACTIVE_ONLY)),
            list(_runs(client, ids, ViewType.DELETED_ONLY)),
            versions,
            {
                model.name: str(model.aliases["champion"])
                for model in models
                if "champion" in model.aliases
            },
            _model_folders(client, ids),
            [folder for version in versions for folder in _version_folders(client, version)],
        )

    @property
    def on_top(self) -> list[Run]:
        """Sweeps and single runs, without members of sweeps."""
        return [run for run in self.runs if PARENT_TAG not in run.data.tags]

    def members(self) -> dict[str, list[Run]]:
        """Of each sweep, by the id of its parent run."""
        of_parent: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            if PARENT_TAG in run.data.tags:
                of_parent[run.data.tags[PARENT_TAG]].append(run)
        return of_parent

    def folders(self, run: Run) -> list[Path]:
        """Where a run's files lie, those of its logged models too; none of a server's."""
        own = local_folder(run.info.artifact_uri)
        return [*([own] if own else []), *self.model_folders.get(run.info.run_id, [])]

    def usage(self, runs: Iterable[Run]) -> Usage:
        return usage_of(folder for run in runs for folder in self.folders(run))

    def needed(self) -> set[str]:
        """Ids of the runs that a registered model or the newest sweep of an experiment needs."""
        by_id = {run.info.run_id: run for run in (*self.runs, *self.deleted)}
        ids = {run_id for version in self.versions if (run_id := _run_of(version))}
        ids |= {
            by_id[run_id].data.tags[EXPORT_TAG]
            for run_id in ids & by_id.keys()
            if EXPORT_TAG in by_id[run_id].data.tags
        }
        newest: dict[str, str] = {}
        for run in self.runs:
            if SWEEP_TAG in run.data.tags:
                newest.setdefault(run.info.experiment_id, run.info.run_id)
        ids |= set(newest.values())
        # A deleted member of a sweep that is there is an attempt that another one replaced.
        deleted = {run.info.run_id for run in self.deleted}
        of_deleted = [run for run in self.deleted if run.data.tags.get(PARENT_TAG) in deleted]
        members = [*self.runs, *of_deleted]
        return ids | {run.info.run_id for run in members if run.data.tags.get(PARENT_TAG) in ids}


def _runs(client: MlflowClient, experiment_ids: list[str], view: int) -> Iterator[Run]:
    token = None
    while experiment_ids:
        page = client.search_runs(
            experiment_ids,
            run_view_type=view,
            max_results=PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        yield from page
        if not (token := page.token):
            return


def _pages(search) -> Iterator:
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        if not (token := page.token):
            return


def _run_of(version: ModelVersion) -> str | None:
    """The id of the run that made a version; one by hand may name it in its source alone."""
    if version.run_id or not str(version.source).startswith(RUNS_URI):
        return version.run_id
    return version.source.removeprefix(RUNS_URI).lstrip("/").partition("/")[0]


def _version_folders(client: MlflowClient, version: ModelVersion) -> Iterator[Path]:
    with suppress(MlflowException):  # of a version that was never made whole
        uris = (
            version.source,
            client.get_model_version_download_uri(version.name, version.version),
        )
        yield from filter(None, map(local_folder, filter(None, uris)))


def _model_folders(client: MlflowClient, experiment_ids: list[str]) -> dict[str, list[Path]]:
    of_run: dict[str, list[Path]] = defaultdict(list)
    token = None
    while experiment_ids:
        page = client.search_logged_models(experiment_ids, page_token=token)
        for model in page:
            folder = local_folder(model.artifact_location)
            if folder is not None and model.source_run_id:
                of_run[model.source_run_id].append(folder)
        if not (token := page.token):
            break
    return of_run
