"""The name and password of a tracking server, as MLflow finds them: told where they are wrong."""

import configparser
import os
from pathlib import Path

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import CUSTOMER_UNAUTHORIZED, UNAUTHENTICATED, ErrorCode
from mlflow.utils.credentials import read_mlflow_creds

from raphe.core.errors import SettingError
from raphe.core.sentences import first_line, listed
from raphe.harness.database.address import HIDDEN

FILE = Path("~/.mlflow/credentials")
VARIABLES = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
UNKNOWN = {ErrorCode.Name(code) for code in (CUSTOMER_UNAUTHORIZED, UNAUTHENTICATED)}


def require_readable_login() -> None:
    """Raise SettingError where MLflow cannot read its file of name and password, which it does
    before each call; what it would print of it may hold the password."""
    try:
        read_mlflow_creds()
    except (configparser.Error, ValueError, OSError) as error:
        why = first_line(error) if isinstance(error, OSError) else "a file of another form"
        raise SettingError(
            f"{FILE.expanduser()}: expected [mlflow] in one line, mlflow_tracking_username = NAME "
            f"and mlflow_tracking_password = PASSWORD in the next, % written as %%, got {why}"
        ) from None


def knows_no_login(error: BaseException) -> bool:
    """Whether a server has refused a name and password, or that there are none."""
    return isinstance(error, MlflowException) and error.error_code in UNKNOWN


def login_refused(place: str) -> str:
    """A sentence about a server, which says where name and password were taken from.

    Args:
        place: its address as it is shown, without credentials.
    """
    given = [name for name in VARIABLES if name in os.environ]
    if f"//{HIDDEN}@" in place:
        source = "the address"
    elif given or FILE.expanduser().exists():
        source = listed(given or [str(FILE)])
    else:
        return f"{place}: the server asks for a name and password; set {listed(VARIABLES)}"
    return f"{place}: the server does not know the name and password of {source}; correct them"
