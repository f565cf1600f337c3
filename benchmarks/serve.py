"""`raphe serve` under load: clients that each send recordings, change them, zoom, take and remove.

Against the bundle and the recordings that `raphe demo` shows, in a process of its own.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import numpy as np
from machine import options_of, write_table

from raphe.demo.commands import BUNDLE, RECORDINGS

ROUND = ("send", "change", "zoom", "take", "remove")
SHOWN = (50, 95, 100)  # percentiles
PARTS = {
    "send": "send a recording and see its verdict",
    "change": "reject a spike and see the verdict anew",
    "zoom": "see a second of the trace closely",
    "take": "take the verdict as JSON",
    "remove": "remove the recording",
}


@dataclass
class Load:
    """What all clients met; seconds by what was asked."""

    port: int
    took_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def ask(self, what: str, method: str, path: str, body: bytes | None, kind: str) -> bytes:
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self.took_s[what].append(time.perf_counter() - begun)
        if answer.status >= 300:
            self.errors.append(f"{what}: {answer.status} {text[:200]!r}")
        return text

    def client(self, recordings: list[Path], rounds: int) -> None:
        octets, as_json = "application/octet-stream", "application/json"
        for number in range(rounds):
            recording = recordings[number % len(recordings)]
            body = recording.read_bytes()
            sent = self.ask("send", "POST", f"/files?name={quote(recording.name)}", body, octets)
            opened = json.loads(sent)
            at = f"/files/{opened['id']}"
            changes = json.dumps({"threshold": None, "rejected": [0], "item": None}).encode()
            self.ask("change", "PUT", f"{at}/changes", changes, as_json)
            plot = opened["view"]["plots"][0]
            start = plot["x_range"][0]
            span = f"from={start}&to={start + 1}&points=2000"
            self.ask("zoom", "GET", f"{at}/plot?name={quote(plot['name'])}&{span}", None, octets)
            names = [take["name"] for take in opened["view"]["takes"]]
            name = next(name for name in names if "json" in name)
            self.ask("take", "GET", f"{at}/take?name={quote(name)}", None, octets)
            self.ask("remove", "DELETE", at, None, octets)


def main() -> None:
    parser = options_of(__doc__, "serve")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5, help="of five requests, a client")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="(the one of raphe demo)")
    options = parser.parse_args()
    recordings = sorted(RECORDINGS.glob("*.abf"))
    busy = os.getloadavg()[0]
    command = [sys.executable, "-m", "raphe", "serve", options.bundle, "--port", "0"]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True) as server:
        try:
            lines = iter(server.stdout.readline, "")
            port = int(next(m[1] for m in map(re.compile(r":(\d+)/").search, lines) if m))
            load = Load(port)
            load.client(recordings, 1)  # what is imported and compiled at first
            load.took_s.clear()
            begun = time.perf_counter()
            clients = [
                threading.Thread(target=load.client, args=(recordings, options.rounds))
                for _ in range(options.clients)
            ]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            whole_s = time.perf_counter() - begun
        finally:
            server.terminate()
    rows = [
        (PARTS[what], len(took), *(f"{1000 * np.percentile(took, q):.0f}" for q in SHOWN))
        for what, took in ((what, load.took_s[what]) for what in ROUND)
    ]
    every = np.concatenate([load.took_s[what] for what in ROUND])
    rows.append(("all", len(every), *(f"{1000 * np.percentile(every, q):.0f}" for q in SHOWN)))
    expected = options.clients * options.rounds * len(ROUND)
    mean_mb = np.mean([path.stat().st_size for path in recordings]) / 1e6
    write_table(
        options.output,
        "The page's server under load",
        f"{len(every)} of {expected} requests answered in {whole_s:.0f} s, "
        f"{len(load.errors)} errors. {options.clients} clients at once each send "
        f"{options.rounds} recordings of {mean_mb:.1f} MB on average, one after the other, and "
        "never pause; the server opens two files and looks at two at a time. Load average of the "
        f"machine before the start: {busy:.1f}.",
        ("request", "number", "median, ms", "95th percentile, ms", "longest, ms"),
        rows,
    )
    for error in load.errors:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
