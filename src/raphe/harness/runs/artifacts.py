"""Files of runs and models, asked for their size before they are copied from a tracking store."""

from pathlib import Path, PurePosixPath

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts, list_artifacts
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from raphe.core.errors import SettingError
from raphe.core.sentences import printable
from raphe.harness.database.address import shown
from raphe.harness.database.opening import said
from raphe.harness.database.patience import PatientClient, tried
from raphe.harness.tracking import Tracker

MOST_TABLE_BYTES = 2**28  # of a table of spikes, the largest that a test leaves
MOST_CHECKPOINT_BYTES = 2**30  # those of raphe's networks have some MB
MOST_BUNDLE_BYTES, MOST_BUNDLE_FILES = 2**31, 10_000


def fetch(
    tracker: Tracker, run_id: str, name: str, folder: Path, at_most: int = MOST_TABLE_BYTES
) -> Path:
    """Download a run's artifact of so many bytes into a folder.

    Raises SettingError where the run has none such, or a larger one.
    """
    client = tracker.client
    where = f"run {run_id}: its artifact {name}"
    try:
        parent = str(PurePosixPath(name).parent)
        listed = client.list_artifacts(run_id, None if parent == "." else parent)
        sizes = [entry.file_size for entry in listed if entry.path == name and not entry.is_dir]
        if not sizes:  # what a patient client would wait for
            raise MlflowException("there is none", error_code=RESOURCE_DOES_NOT_EXIST)
        _require_size(where, sizes[0], at_most)
        path = Path(client.download_artifacts(run_id, name, str(folder)))
        _require_size(where, path.stat().st_size, at_most)  # a server may say what it likes
    except (MlflowException, OSError) as error:
        raise SettingError(
            f"{where} cannot be had from {shown(tracker.uri)} ({said(error)}); was it deleted "
            "or moved? Train that run again"
        ) from None
    return path


def fetch_model(
    client: MlflowClient | PatientClient, name: str, version: str, folder: Path
) -> Path:
    """Download the files of a registered version into a folder.

    Raises MlflowException or OSError where they cannot be had, SettingError where they are larger
    than those of any bundle.
    """
    source = client.get_model_version_download_uri(name, version)
    where = f"version {version} of {printable(name)}"
    waiting, n_bytes, n_files = [source], 0, 0
    while waiting:
        place = waiting.pop()
        of_store = {"tracking_uri": client.tracking_uri}
        for entry in tried(client, list_artifacts, artifact_uri=place, **of_store):
            n_files += 1
            n_bytes += entry.file_size or 0
            if n_files > MOST_BUNDLE_FILES:
                raise SettingError(f"{where}: has more than {MOST_BUNDLE_FILES} files")
            if entry.is_dir:
                waiting.append(f"{place.rstrip('/')}/{PurePosixPath(entry.path).name}")
        _require_size(where, n_bytes, MOST_BUNDLE_BYTES)
    return Path(
        tried(
            client,
            download_artifacts,
            artifact_uri=source,
            dst_path=str(folder),
            tracking_uri=client.tracking_uri,
        )
    )


def _require_size(where: str, n_bytes: int | None, at_most: int) -> None:
    if n_bytes is not None and n_bytes > at_most:
        raise SettingError(
            f"{where} has {n_bytes / 1e6:.1f} MB, expected at most {at_most / 1e6:.4g} MB; leave "
            "it alone, or train again"
        )
