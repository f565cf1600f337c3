"""What export takes from MLflow and gives to it: sweeps, files of runs, registered models."""

import contextlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from raphe.core.errors import SettingError
from raphe.core.protocol import Exported
from raphe.harness.runs_folder import DATABASE, require_runs
from raphe.harness.tracking import KEY_TAG, PARENT_TAG, SWEEP_TAG, RunFacts, TrackedRun, Tracker

ENDED = ("FINISHED", "FAILED")  # a sweep is FAILED when one member is; the others serve
CHAMPION = "champion"
MOST_RUNS = 50_000  # that MLflow looks through at once
SERVED_WITH = ("raphe", "numpy", "onnxruntime")  # what a served model needs installed


def find_sweep(
    runs_root: Path, uri: str | None, run_id: str | None, experiment: str | None = None
) -> tuple[Tracker, RunFacts]:
    """A sweep's parent run and the tracker of its experiment.

    Args:
        runs_root, uri: where runs are tracked, see Tracker.
        run_id: of the sweep, or of a single run; None: the newest sweep that has ended and has a
            finished member.
        experiment: to look in for the newest sweep or finished single run; None: for the newest
            sweep of all.

    Raises:
        SettingError: where there is none.
    """
    client = MlflowClient(uri or f"sqlite:///{require_runs(runs_root).absolute()}")
    try:
        experiments = {entry.experiment_id: entry.name for entry in client.search_experiments()}
    except MlflowException as error:
        raise SettingError(
            f"{client.tracking_uri}: expected an MLflow server or database, got "
            f"“{str(error).splitlines()[0][:100]}…”; start one with `mlflow server`, or name "
            "another"
        ) from error
    run = _get(client, run_id) if run_id else _newest_sweep(client, experiments, experiment)
    tracker = Tracker(experiments[run.info.experiment_id], runs_root, uri)
    return tracker, tracker.get(run.info.run_id)


def experiment_to_show(runs_root: Path, experiment: str | None) -> str:
    """The id of an experiment, by its name or (None) because a run of it is the newest.

    Raises SettingError.
    """
    client = MlflowClient(f"sqlite:///{(runs_root / DATABASE).absolute()}")
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


def members(tracker: Tracker, sweep: RunFacts) -> list[RunFacts]:
    """A sweep's members, whatever became of them, oldest first; of a single run itself."""
    if SWEEP_TAG not in sweep.tags:
        return [sweep]
    return tracker.find({PARENT_TAG: sweep.run_id})[::-1]


def fetch(tracker: Tracker, run_id: str, name: str, folder: Path) -> Path:
    """Download a run's artifact into a folder. Raises SettingError where the run has none such."""
    try:
        return Path(MlflowClient(tracker.uri).download_artifacts(run_id, name, str(folder)))
    except (MlflowException, OSError) as error:
        raise SettingError(
            f"run {run_id}: its artifact {name} cannot be had from {tracker.uri} ({error}); was it "
            "deleted or moved? Train that run again"
        ) from None


def check_name(name: str | None) -> None:
    """Raises SettingError for what cannot be a registered model's name; None: none is wanted."""
    if name is not None and (not name.strip() or set(name) & set("/:")):
        raise SettingError(
            f"register_as={name}: expected a name without / and :, under which the bundle is "
            "registered; give another, or --no-register"
        )


def register(tracker: Tracker, run: TrackedRun, exported: Exported, name: str) -> str:
    """Log the bundle as a pyfunc model of `run`, registered as `name@champion`; return its URI."""
    signature = infer_signature(exported.example_input, dict(exported.example_output))
    client = MlflowClient(tracker.uri)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name)
    with _global_uri(tracker):
        with mlflow.start_run(run_id=run.run_id):
            model = mlflow.pyfunc.log_model(
                name="ensemble",
                loader_module=exported.loader,
                data_path=str(exported.bundle),
                signature=signature,
                input_example=exported.example_input,
                pip_requirements=[f"{package}=={version(package)}" for package in SERVED_WITH],
            )
        registered = client.create_model_version(
            name, model.model_uri, run.run_id, model_id=model.model_id
        )
    client.set_registered_model_alias(name, CHAMPION, registered.version)
    return f"models:/{name}@{CHAMPION}"


def _newest_sweep(
    client: MlflowClient, experiments: Mapping[str, str], experiment: str | None
) -> Run:
    wanted = [key for key, name in experiments.items() if experiment in (None, name)]
    sweeps_alone = f"tags.`{SWEEP_TAG}` != ''" if experiment is None else ""
    for run in client.search_runs(
        wanted, sweeps_alone, order_by=["attributes.start_time DESC"], max_results=MOST_RUNS
    ):
        if _can_be_exported(run):
            return run
    where = "any experiment" if experiment is None else f"experiment {experiment}"
    raise SettingError(
        f"{client.tracking_uri}: holds no finished sweep in {where}; run one with "
        "`raphe train -m`, or name the run to export"
    )


def _can_be_exported(run: Run) -> bool:
    """A sweep that has ended and has a finished member, or a single run that has finished."""
    tags = run.data.tags
    if SWEEP_TAG in tags:
        return run.info.status in ENDED and tags.get("raphe.finished", "0") != "0"
    return run.info.status == "FINISHED" and KEY_TAG in tags and PARENT_TAG not in tags


def _get(client: MlflowClient, run_id: str) -> Run:
    try:
        return client.get_run(run_id)
    except MlflowException:
        raise SettingError(
            f"sweep {run_id}: {client.tracking_uri} holds no such run; its id stands at the end of "
            "the sweep's output and in the MLflow UI"
        ) from None


@contextlib.contextmanager
def _global_uri(tracker: Tracker) -> Iterator[None]:
    """MLflow logs models to a store that is set for the whole process."""
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(tracker.uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
