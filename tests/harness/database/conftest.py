"""A fresh tracking server for the tests of a file; where PostgreSQL is not there they skip."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from paths import PROJECT
from tracking_server import TrackingServer
from waiting import free_ports


@pytest.fixture(scope="module")
def tracking_server() -> Iterator[TrackingServer]:
    """A fresh one, in whose database nothing was ever written."""
    at = [*map(str, Path("/usr/lib/postgresql").glob("*/bin")), os.environ["PATH"]]
    if shutil.which("initdb", path=os.pathsep.join(at)) is None:
        pytest.skip("there is no PostgreSQL: apt-get install postgresql")
    if find_spec("moto") is None or find_spec("psycopg") is None:
        pytest.skip("moto or psycopg is not installed: pip install -c constraints.txt -e '.[test]'")
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL is started by others than root, and there is no setpriv")
    from moto.server import ThreadedMotoServer

    folder = Path(mkdtemp(prefix="raphe-tracking-"))  # others than root reach it
    folder.chmod(0o755)
    shutil.copytree(PROJECT / "containers", folder / "containers")
    store = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    store.start()
    _, store_port = store.get_host_and_port()
    database_port, port = free_ports(2)
    server = TrackingServer(folder, [database_port, store_port, port])
    try:
        server.make_database()
        server.start()
        yield server
    finally:
        server.close()
        store.stop()
        shutil.rmtree(folder)


@pytest.fixture
def logged_in(tracking_server: TrackingServer, monkeypatch: pytest.MonkeyPatch) -> TrackingServer:
    """This process, and those that it starts, may write to it."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", tracking_server.secret("admin_password"))
    return tracking_server
