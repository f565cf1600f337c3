"""A client of a tracking server that waits for one that stalls or is started anew.

MLflow's own client gives up after seconds, as it is set here, so that a server that was never there
is told soon. While runs are written to one, each call is tried again: nothing is lost, and training
goes on where it waited.
"""

import sys
import time
from functools import partial
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    REQUEST_LIMIT_EXCEEDED,
    TEMPORARILY_UNAVAILABLE,
    ErrorCode,
)
from requests.exceptions import RequestException

from raphe.core.sentences import first_line, printable
from raphe.harness.database.address import shown, without_credentials

PATIENCE_S = 600.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
MAY_PASS = {
    ErrorCode.Name(code)
    for code in (INTERNAL_ERROR, REQUEST_LIMIT_EXCEEDED, TEMPORARILY_UNAVAILABLE)
}
# SQLAlchemy's words where many write at once and every connection to a database is taken: MLflow's
# server passes them on as if the call were wrong.
ALL_TAKEN = "QueuePool limit"
LINE_LENGTH, REASON_LENGTH = 160, 80  # of what MLflow says, in a note and within a sentence


class OutOfPatience(MlflowException):
    """A server did not answer for as long as it was to be waited for."""


class PatientClient:
    """What MlflowClient does, each call tried again for a while where nobody answers.

    Args:
        client: of a server, or of a database that is one.
        patience_s: how long a call is tried.
    """

    def __init__(self, client: MlflowClient, patience_s: float = PATIENCE_S) -> None:
        self._client, self._patience_s = client, patience_s
        self._silent_since: float | None = None  # as the first of the threads noticed it

    @property
    def tracking_uri(self) -> str:
        return self._client.tracking_uri

    def wait_no_more(self) -> None:
        """Ask once from now on: who interrupts a run is not kept waiting for its server."""
        self._patience_s = 0.0

    def __getattr__(self, name: str) -> Any:
        return partial(self.tried, getattr(self._client, name))

    def tried(self, call: Any, *arguments: Any, **named: Any) -> Any:
        """What a call returns that may be one of MLflow's own functions, which know no client."""
        begun_s, wait_s = time.monotonic(), FIRST_WAIT_S
        while True:
            try:
                answer = call(*arguments, **named)
            except (MlflowException, RequestException) as error:
                waited_s = time.monotonic() - begun_s
                if not may_pass(error) or waited_s + wait_s > self._patience_s:
                    if may_pass(error):
                        self.wait_no_more()  # what tells of it, too
                        raise OutOfPatience(self._told_of(error, waited_s)) from error
                    if isinstance(error, MlflowException):
                        raise
                    raise MlflowException(str(error)) from error
                if self._silent_since is None:
                    self._silent_since = begun_s
                    why = first_line(error, LINE_LENGTH)
                    self._tell(
                        f"does not answer ({why}); waited for up to {self._patience_s:.0f} s"
                    )
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            else:
                if self._silent_since is not None:
                    silent_s = time.monotonic() - self._silent_since
                    self._silent_since = None
                    self._tell(f"answers again after {silent_s:.0f} s")
                return answer

    def _told_of(self, error: Exception, waited_s: float) -> str:
        waited = f" for {waited_s:.0f} s" if waited_s >= 1 else ""
        why = without_credentials(first_line(error, REASON_LENGTH))
        return f"{shown(self._client.tracking_uri)} has not answered{waited} ({why})"

    def _tell(self, what: str) -> None:
        place = shown(self._client.tracking_uri)
        note = f"note: tracking at {place} {without_credentials(what)}"
        print(printable(note), file=sys.stderr, flush=True)


def tried(client: MlflowClient | PatientClient, call: Any, *arguments: Any, **named: Any) -> Any:
    """What a call returns that reaches the client's store by itself, tried as long as its own."""
    if isinstance(client, PatientClient):
        return client.tried(call, *arguments, **named)
    return call(*arguments, **named)


def may_pass(error: MlflowException | RequestException) -> bool:
    """Whether the same call may succeed later: nobody answered, or a server that is in trouble."""
    if isinstance(error, MlflowException):
        return error.error_code in MAY_PASS or ALL_TAKEN in str(error)
    return error.response is None or error.response.status_code >= 500
