"""How tests wait for threads and other processes: however slow the machine."""

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import socket

HANG_S = 900  # a process that has not ended or answered by then never will


def free_ports(n: int) -> list[int]:
    sockets = [socket() for _ in range(n)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def wait_until(happened: Callable[[], bool], process: subprocess.Popen) -> None:
    """Wait for what a running process is to do."""
    deadline = time.monotonic() + HANG_S
    while not happened():
        assert process.poll() is None, process.stdout.read() if process.stdout else "it has ended"
        assert time.monotonic() < deadline, "the process hangs"
        time.sleep(0.01)


def until(is_so: Callable[[], object]) -> None:
    """Wait for what another thread is to do."""
    deadline = time.monotonic() + HANG_S
    while not is_so():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


@contextmanager
def serving(
    command: list[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    port: str | None = None,
) -> Iterator[str]:
    """Address of a server while it runs; its command is given the host and a port (default: one
    that is free)."""
    if port is None:
        with closing(socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError):  # refused, or slow to answer while it starts
            urllib.request.urlopen(f"{address}/health", timeout=10)
            return True
        return False

    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(answers, process)
        yield address
    finally:
        process.terminate()
        process.wait()
