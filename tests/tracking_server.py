"""The tracking server as its page starts it: PostgreSQL, a stand-in for S3, MLflow with accounts.

The page's own blocks are run, on ports that are free.
"""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from page_blocks import blocks
from paths import PROJECT
from waiting import free_ports, wait_until

PAGE = PROJECT / "docs" / "how_to" / "tracking_server.md"
PORTS = ("5432", "8333", "5000")  # as the page has them: database, store of files, MLflow


def block_with(word: str) -> str:
    """The block of the page that holds a word."""
    texts = [block.text for block in blocks(PAGE.read_text(encoding="utf-8"))]
    (text,) = [text for text in texts if word in text]
    return text


def unprivileged() -> list[str]:
    """What goes before a command that PostgreSQL refuses to root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"][
        : 4 * (os.getuid() == 0)
    ]


@dataclass
class TrackingServer:
    """What the page makes, in a folder of its own; MLflow may be stopped and started anew."""

    folder: Path
    ports: list[int]
    _mlflow: subprocess.Popen | None = field(default=None, init=False)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.ports[2]}"

    @property
    def log(self) -> Path:
        return self.folder / "mlflow.log"

    def secret(self, name: str) -> str:
        return (self.folder / "tracking" / f"{name}.txt").read_text().strip()

    def make_database(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run(block_with("initdb"), unprivileged())

    def start(self) -> None:
        with self.log.open("a") as out:
            self._mlflow = subprocess.Popen(
                ["bash", "-euc", f"{self._exports()}\n{self._here(block_with('mlflow.sh'))}"],
                cwd=self.folder, env=self._environment(), stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        wait_until(self._answers, self._mlflow)

    def stop(self) -> None:
        """As a machine that fails: no request is answered to its end."""
        if self._mlflow is not None:
            os.killpg(self._mlflow.pid, signal.SIGKILL)
            self._mlflow.wait()
            self._mlflow = None

    def close(self) -> None:
        self.stop()
        database = self.folder / "tracking" / "database"
        if database.exists():
            stop = f"pg_ctl --pgdata={database} --mode=immediate stop"
            self._run(f"{block_with('initdb').splitlines()[0]}\n{stop}", unprivileged())

    def _answers(self) -> bool:
        with suppress(OSError):
            urllib.request.urlopen(f"{self.uri}/health", timeout=10)
            return True
        return False

    def _exports(self) -> str:
        lines = block_with("initdb").splitlines()
        return self._here("\n".join(line for line in lines if "export" in line))

    def _run(self, text: str, before: list[str]) -> None:
        answer = subprocess.run(
            [*before, "bash", "-euc", self._here(text)], cwd=self.folder, env=self._environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout

    def _here(self, text: str) -> str:
        for port, free in zip(PORTS, self.ports, strict=True):
            text = text.replace(port, str(free))
        return text

    def _environment(self) -> dict[str, str]:
        names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
        own = {name: value for name, value in os.environ.items() if name not in names}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**own, "PATH": path, "HOME": str(self.folder), "MLFLOW_WORKERS": "2"}


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
