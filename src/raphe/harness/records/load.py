"""The load of the machine beside a run, as MLflow samples it: processors, memory, disk, network."""

import time
from collections.abc import Mapping
from contextlib import suppress

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

from raphe.harness.database.patience import PatientClient


class LoadMonitor(SystemMetricsMonitor):
    """Samples in a thread of its own, which outlives a server that stalls.

    MLflow's ends at the first call that is not answered. What is sampled while a server is given up
    is left out.

    Args:
        run_id: of a run that is going on.
        every_s: seconds between two samples.
        uri: where the run is tracked.
        client: through which it is.
    """

    def __init__(
        self, run_id: str, every_s: float, uri: str, client: MlflowClient | PatientClient
    ) -> None:
        super().__init__(run_id, sampling_interval=every_s, resume_logging=True, tracking_uri=uri)
        self.mlflow_logger = _Logger(client, run_id)

    def monitor(self) -> None:
        """Until the run ends."""
        while not self._shutdown_event.is_set():
            self.collect_metrics()
            if not self._shutdown_event.wait(self.sampling_interval):
                self.publish_metrics(self.aggregate_metrics())


class _Logger:
    """As the monitor wants one: it logs what it is given at once."""

    data = ()  # that waits to be logged

    def __init__(self, client: MlflowClient | PatientClient, run_id: str) -> None:
        self._client, self._run_id = client, run_id

    def record_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        now_ms = int(time.time() * 1000)
        entries = [Metric(key, float(value), now_ms, step) for key, value in metrics.items()]
        with suppress(MlflowException):
            self._client.log_batch(self._run_id, metrics=entries)

    def flush(self) -> None:
        """Nothing waits."""
