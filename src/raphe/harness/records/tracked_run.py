"""One run while it is written: its metrics, settings, stores and files."""

import contextlib
import json
import math
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT
from omegaconf import DictConfig

from raphe.core.errors import SettingError
from raphe.core.files.atomic import copy_file, make_folder, write_file
from raphe.core.files.refusals import disk_full, is_disk_full
from raphe.core.files.scratch import Scratch
from raphe.core.protocol import Draw, UsedStore
from raphe.harness.database.address import shown, sqlite_file, without_credentials
from raphe.harness.database.opening import said
from raphe.harness.database.spool import SpoolingClient
from raphe.harness.records.load import LoadMonitor
from raphe.harness.settings.recorded import record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMS_PER_CALL, METRICS_PER_CALL = 100, 1000  # limits of MLflow's log-batch
PARAM_LENGTH, DIGEST_LENGTH = 6000, 36
CHECKPOINT_FOLDER, CHECKPOINT_FILE = "checkpoint", "model.ckpt"  # of a run's artifacts
CONFIG_FILE = "config.yaml"


class TrackedRun:
    """One run while it is written. Metrics logged twice for a step are kept once."""

    def __init__(self, client: MlflowClient | SpoolingClient, run_id: str, uri: str) -> None:
        self._client = client
        self.run_id = run_id
        self._uri, self._database = uri, sqlite_file(uri)
        self._logged: dict[str, dict[int, float]] = {}
        for key in client.get_run(run_id).data.metrics:
            history = client.get_metric_history(run_id, key)
            self._logged[key] = {metric.step: metric.value for metric in history}

    def log_metrics(
        self, metrics: Mapping[str, float], step: int = 0, model: str | None = None
    ) -> None:
        """Log metrics of the run; of a model of `log_model`, too."""
        now_ms = int(time.time() * 1000)
        fresh = [key for key in metrics if step not in self._logged.setdefault(key, {})]
        self._client.log_batch(
            self.run_id,
            metrics=[
                Metric(key, float(metrics[key]), now_ms, step, model_id=model) for key in fresh
            ],
        )
        for key in fresh:
            self._logged[key][step] = float(metrics[key])

    @property
    def unsent(self) -> Path | None:
        """Where lies what its server was not told; None where that has all."""
        return self._client.unsent if isinstance(self._client, SpoolingClient) else None

    @property
    def logged(self) -> Mapping[str, Mapping[int, float]]:
        """What this run has logged until now, by metric and step; not what MLflow adds."""
        return self._logged

    def log_histories(self, histories: Mapping[str, Mapping[int, float]]) -> None:
        """Log values at steps; a value that differs from what was logged there is logged anew."""
        now_ms = int(time.time() * 1000)
        fresh = [
            Metric(key, float(value), now_ms, step)
            for key, history in histories.items()
            for step, value in history.items()
            if self._logged.get(key, {}).get(step) != value
        ]
        for start in range(0, len(fresh), METRICS_PER_CALL):
            self._client.log_batch(self.run_id, metrics=fresh[start : start + METRICS_PER_CALL])
        for metric in fresh:
            self._logged.setdefault(metric.key, {})[metric.step] = metric.value

    def log_anew(self, metrics: Mapping[str, float]) -> None:
        """Log numbers that replace those of an earlier attempt; what is not finite is left out."""
        finite = {key: value for key, value in metrics.items() if math.isfinite(value)}
        steps = set().union(*(self._logged.get(key, set()) for key in finite))
        self.log_metrics(finite, step=max(steps, default=-1) + 1)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log settings; a resumed run has them already, and MLflow keeps the first value."""
        logged = self._client.get_run(self.run_id).data.params
        entries = [
            Param(key, str(value)[:PARAM_LENGTH])
            for key, value in params.items()
            if key not in logged
        ]
        for start in range(0, len(entries), PARAMS_PER_CALL):
            self._client.log_batch(self.run_id, params=entries[start : start + PARAMS_PER_CALL])

    def log_config(self, config: DictConfig) -> None:
        """Log all settings but credentials, as config.yaml, and the choices that they come from."""
        self.log_text(without_credentials(record(config)), CONFIG_FILE)

    def log_stores(self, stores: Sequence[UsedStore], hashes: Mapping[str, str]) -> None:
        """Log what the run reads, as MLflow's datasets."""
        inputs = [
            DatasetInput(
                Dataset(
                    name=store.name,
                    digest=hashes[store.name][:DIGEST_LENGTH],
                    source_type="local",
                    source=json.dumps({"uri": str(store.source.absolute())}),
                    profile=json.dumps({"contents": store.contents}),
                ),
                [InputTag(MLFLOW_DATASET_CONTEXT, "test" if store.is_test else "train")],
            )
            for store in stores
        ]
        self._client.log_inputs(self.run_id, datasets=inputs)

    def log_model(self, name: str) -> str:
        """Log that the run has a network, which stays among its artifacts; the model's id."""
        info = self._client.get_run(self.run_id).info
        model = self._client.create_logged_model(
            info.experiment_id,
            name=name,
            source_run_id=self.run_id,
            model_type="checkpoint",
            tags={"raphe.checkpoint": f"{CHECKPOINT_FOLDER}/{CHECKPOINT_FILE} of the run"},
        )
        self._client.log_outputs(self.run_id, [LoggedModelOutput(model.model_id, step=0)])
        self._client.finalize_logged_model(model.model_id, "READY")
        return model.model_id

    def tag(self, key: str) -> str:
        """Of the run as it is tracked, "" where it has none."""
        return self._client.get_run(self.run_id).data.tags.get(key, "")

    def set_tags(self, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._client.set_tag(self.run_id, key, value)

    def log_text(self, text: str, name: str) -> None:
        self._client.log_text(self.run_id, text, name)

    def log_file(self, path: Path, under: str, name: str) -> None:
        """Log one file as the artifact `under/name`."""
        with Scratch() as scratch:
            copy_file(path, scratch / name)
            self._client.log_artifacts(self.run_id, str(scratch), under)

    def log_files(self, folder: Path) -> None:
        self._client.log_artifacts(self.run_id, str(folder))

    def log_artifacts(self, artifacts: Mapping[str, str | Draw]) -> None:
        """Log texts and figures, which are drawn, by file name, as `{"table.csv": "a,b"}`.

        The figures of a folder come together as figures.pdf, too, their captions as captions.txt.
        """
        from raphe.core.figure_style import save_together

        figures: dict[Path, dict[str, Figure]] = {}
        with Scratch() as scratch:
            for name, content in artifacts.items():
                path = scratch / name
                make_folder(path.parent)
                made = content if isinstance(content, str) else content()
                if isinstance(made, str):
                    write_file(path, made)
                else:
                    figures.setdefault(path.parent, {})[path.name] = made
            for folder, of_folder in figures.items():
                save_together(of_folder, folder)
            self.log_files(scratch)

    def end(self, status: str) -> None:
        self._client.set_terminated(self.run_id, status)

    @contextlib.contextmanager
    def until_done(self) -> Iterator[None]:
        """End the run as FINISHED, FAILED (with the traceback as error.txt) or KILLED.

        Raises SettingError where the tracking store stops answering.
        """
        try:
            yield
            self.end("FINISHED")
        except KeyboardInterrupt:
            if isinstance(self._client, SpoolingClient):
                self._client.direct.wait_no_more()
            with contextlib.suppress(MlflowException):
                self.end("KILLED")
            raise
        except Exception as error:
            with contextlib.suppress(MlflowException, OSError):
                self.log_text(without_credentials(traceback.format_exc()), "error.txt")
            with contextlib.suppress(MlflowException):
                self.end("FAILED")
            if isinstance(error, MlflowException):
                if is_disk_full(error) and self._database is not None:
                    raise SettingError(disk_full(self._database)) from error
                raise SettingError(
                    f"tracking at {shown(self._uri)} stopped answering "
                    f"({said(error)}); bring it back and run the same command again to go on"
                ) from error
            raise

    @contextlib.contextmanager
    def system_metrics(self, every_s: float | None) -> Iterator[None]:
        """Sample the machine's load in a thread, also once at the end of a short run."""
        if every_s is None:
            yield
            return
        is_server = isinstance(self._client, SpoolingClient)
        client = self._client.direct if is_server else self._client
        monitor = LoadMonitor(self.run_id, every_s, self._uri, client)
        monitor.start()
        try:
            yield
        finally:
            monitor.publish_metrics(monitor.aggregate_metrics())
            monitor.finish()
