"""Name and password of a server: what cannot be read or is not known is told, and never shown."""

from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, UNAUTHENTICATED

from raphe.core.errors import SettingError
from raphe.harness.database.login import VARIABLES, require_readable_login
from raphe.harness.database.opening import open_to_read, reaching

SECTION = "[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = "


@pytest.fixture(autouse=True)
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".mlflow").mkdir()
    return tmp_path / ".mlflow" / "credentials"


@pytest.mark.parametrize(
    "content",
    [f"{SECTION}%SECRET", "mlflow_tracking_password = SECRET", "[mlflow]\nSECRET", b"\xff SECRET"],
)
def test_a_file_that_mlflow_cannot_read_is_one_sentence(
    credentials: Path, content: str | bytes
) -> None:
    credentials.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingError, match="credentials: expected") as refused:
        open_to_read(Path("unused"), "http://127.0.0.1:9")
    assert "SECRET" not in str(refused.value) and refused.value.__suppress_context__
    credentials.write_text(f"{SECTION}%%SECRET")
    require_readable_login()


def test_a_login_that_is_not_known_names_its_source(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(uri: str, code: int = UNAUTHENTICATED) -> str:
        with pytest.raises(SettingError) as refused, reaching(uri):
            raise MlflowException("401 for SECRET", code)
        return str(refused.value)

    assert "asks for a name and password; set MLFLOW_TRACKING_USERNAME and" in told("http://host")
    credentials.write_text(f"{SECTION}SECRET")
    assert "does not know the name and password of ~/.mlflow/credentials" in told("http://host")
    monkeypatch.setenv(VARIABLES[1], "SECRET")
    assert "does not know the name and password of MLFLOW_TRACKING_PASSWORD" in told("http://host")
    assert "name and password of the address" in told("http://me:SECRET@host")
    assert "expected an MLflow server" in told("http://host", PERMISSION_DENIED)
