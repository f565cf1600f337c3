"""What export takes from MLflow and gives to it: members, their files, registered models."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from shlex import quote

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import AnyType, ColSpec, Schema

from raphe.core.bundles.bundle import bundle_kind
from raphe.core.bundles.predictor import predictor_module
from raphe.core.errors import SettingError
from raphe.core.files.scratch import Scratch
from raphe.core.metric_names import Estimate
from raphe.harness.database.address import without_credentials
from raphe.harness.database.patience import tried
from raphe.harness.model_code import ModelCode
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.report.csv_tables import INTERVALS, read_intervals, tagged_intervals
from raphe.harness.runs.artifacts import fetch
from raphe.harness.settings.recorded import MOST_BYTES, Recorded
from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.tracking import PARENT_TAG, SWEEP_TAG, VIEW_TAG, RunFacts, Tracker

CONFIG = "config.yaml"  # the artifact that holds a run's record


def experiment_to_show(client: MlflowClient, experiment: str | None) -> str:
    """The id of an experiment, by its name or (None) because a run of it is the newest.

    Raises SettingError.
    """
    ids = {entry.name: entry.experiment_id for entry in client.search_experiments()}
    if experiment is not None and experiment not in ids:
        raise SettingError(
            f"--experiment {experiment}: there is no such; there are {', '.join(sorted(ids))}"
        )
    if experiment is not None:
        return ids[experiment]
    newest = client.search_runs(
        list(ids.values()), order_by=["attributes.start_time DESC"], max_results=1
    )
    return newest[0].info.experiment_id if newest else next(iter(ids.values()), "0")


def newest_sweep(client: MlflowClient, experiment_id: str) -> str | None:
    """The run id of the newest sweep of an experiment whose members can be compared.

    Folds cannot: each was tested on other cells, and what they come to is on their parent's page.
    """
    views = client.get_experiment(experiment_id).tags
    sweeps = client.search_runs(
        [experiment_id], f"tags.`{SWEEP_TAG}` != ''", order_by=["attributes.start_time DESC"]
    )
    comparable = (
        sweep.info.run_id
        for sweep in sweeps
        if Kind.of_tag(sweep.data.tags.get(KIND_TAG)) is not Kind.FOLDS
    )
    return next((run_id for run_id in comparable if VIEW_TAG + run_id in views), None)


def members(tracker: Tracker, sweep: RunFacts) -> list[RunFacts]:
    """A sweep's members, whatever became of them, oldest first; of a single run itself."""
    if SWEEP_TAG not in sweep.tags:
        return [sweep]
    return tracker.find({PARENT_TAG: sweep.run_id})[::-1]


def recorded(tracker: Tracker, run: RunFacts) -> Recorded:
    """What a run records of its settings. Raises SettingError."""
    with Scratch() as scratch:
        text = fetch(tracker, run.run_id, CONFIG, scratch, MOST_BYTES).read_bytes()
    return Recorded.read(text, f"{run.name} {run.run_id}")


def recorded_with_choices(tracker: Tracker, run: RunFacts) -> Recorded:
    """As `recorded`; the members of a bank leave the choices to their parent."""
    own = recorded(tracker, run)
    if own.choices or PARENT_TAG not in run.tags:
        return own
    parent = recorded(tracker, tracker.get(run.tags[PARENT_TAG]))
    return replace(own, choices=parent.choices)


def intervals_of(tracker: Tracker, run: RunFacts) -> dict[str, Estimate]:
    """A run's estimates by metric; none of a run whose task gave none."""
    if (tagged := tagged_intervals(run)) is not None:
        return tagged
    with Scratch() as scratch, contextlib.suppress(SettingError):
        return read_intervals(fetch(tracker, run.run_id, INTERVALS, scratch))
    return {}


def check_name(name: str | None) -> None:
    """Raises SettingError for what cannot be a registered model's name; None: none is wanted."""
    if name is not None and (not name.strip() or set(name) & set("/:")):
        raise SettingError(
            f"register_as={name}: expected a name without / and :, under which the bundle is "
            "registered; give another, or --no-register"
        )


def register(tracker: Tracker, run: TrackedRun, bundle: Path, loader: str, name: str) -> str:
    """Log a bundle as a pyfunc model of `run` and register it; returns its version.

    `loader`: the module that opens it, see raphe.core.protocol.Exported.
    """
    client = tracker.client
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    with _global_uri(tracker):
        model = tried(client, _log_model, run.run_id, bundle, loader)
        registered = client.create_model_version(
            name, model.model_uri, run.run_id, model_id=model.model_id
        )
    return str(registered.version)


def serving_command(tracker: Tracker, model: str) -> str:
    """The line of a shell that serves a registered model over HTTP, where raphe is installed."""
    where = quote(without_credentials(tracker.uri))
    return f"MLFLOW_TRACKING_URI={where} mlflow models serve -m {quote(model)} --env-manager local"


def _log_model(run_id: str, bundle: Path, loader: str) -> ModelInfo:
    """Log the bundle to a run, with the code of raphe that it is read by.

    Its columns have no types for MLflow to enforce: it refuses by printing the data it was given.
    """
    loaded = import_module(loader)._load_pyfunc(bundle)
    columns = [ColSpec(AnyType(), field.name, required=False) for field in loaded.fields]
    code = ModelCode.of([loader, predictor_module(bundle_kind(bundle))])
    with Scratch() as scratch, mlflow.start_run(run_id=run_id):
        return mlflow.pyfunc.log_model(
            name="ensemble",
            loader_module=loader,
            data_path=str(bundle),
            code_paths=[str(code.copy(scratch))] if code.files else None,
            signature=ModelSignature(Schema(columns)),
            input_example=loaded.example(),
            pip_requirements=code.requirements(),
        )


@contextlib.contextmanager
def _global_uri(tracker: Tracker) -> Iterator[None]:
    """MLflow logs models to a store that is set for the whole process."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracker.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
