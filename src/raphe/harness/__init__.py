"""Runs, tracks and exports any task; knows none."""

import os

# MLflow reads them while it is imported, which is done only below. What a user has set holds.
MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing of a laboratory's work is told to anybody
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # raphe prints its own, of the right page
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is down says so soon
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",  # one a file
}
for name, value in MLFLOW.items():
    os.environ.setdefault(name, value)
