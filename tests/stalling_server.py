"""MLflow's database, that answers as a server: not at all, or not from some call on."""

from collections.abc import Callable

from mlflow import MlflowClient
from requests.exceptions import ConnectionError as NoConnection


class StallingServer:
    """A client of a database whose calls fail while it is away.

    Args:
        database: that has what it is told.
        address: as it is called.
    """

    def __init__(self, database: MlflowClient, address: str) -> None:
        self.database, self.tracking_uri = database, address
        self.is_away, self.calls_left = False, 10**9
        self.away_at: str | None = None  # the name of the call at which it goes away

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            self.calls_left -= 1
            self.is_away |= name == self.away_at
            if self.is_away or self.calls_left < 0:
                raise NoConnection("refused")
            return getattr(self.database, name)(*arguments, **named)

        return call
