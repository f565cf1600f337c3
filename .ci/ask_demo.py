"""python .ci/ask_demo.py RAPHE: run `RAPHE demo`, and ask its page for a verdict.

Fails where that needs more than ten seconds of a processor, the installed command's first start.
"""

import json
import re
import resource
import signal
import subprocess
import sys
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

MOST_S = 10.0
NAME = "1_simulated_SER.abf"


def main(raphe: str) -> None:
    started = time.monotonic()
    demo = subprocess.Popen(
        [raphe, "demo", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        page = None
        for line in demo.stdout:
            page = page or re.search(r"http://127\.0\.0\.1:\d+/", line)
            if "Ctrl-C" in line:
                break
        assert page is not None, demo.communicate()[1]
        address = page[0]
        with urlopen(address) as answer:
            assert b'href="explained/can_i_trust_this"' in answer.read()
        with urlopen(f"{address}explained/can_i_trust_this") as answer:
            assert b"What nobody knows yet" in answer.read()
        told = first_sightings(address, 6)
        by_clock_s = time.monotonic() - started
        with urlopen(f"{address}files/{told[NAME]['id']}") as answer:
            view = json.load(answer)["view"]
        dropped = Request(f"{address}files?name={quote(NAME)}", recording(), method="POST")
        with urlopen(dropped) as answer:
            assert json.load(answer)["view"]["headline"] == view["headline"] == "SER"
    finally:
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=30)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = used.ru_utime + used.ru_stime
    assert spent_s < MOST_S, f"raphe demo took {spent_s:.1f} s of a processor"
    print(
        f"package: six recordings judged {by_clock_s:.1f} s after the start, "
        f"{spent_s:.1f} s of a processor in all"
    )


def first_sightings(address: str, n: int) -> dict[str, dict]:
    """What the page is told of its first files, by name."""
    told = {}
    with urlopen(f"{address}live") as events:
        for line in events:
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if "name" in event:  # else it is of the labels
                    told[event["name"]] = event
            if len(told) == n:
                break
    return told


def recording() -> bytes:
    """One that travels with the package."""
    from raphe.demo.commands import RECORDINGS

    return (RECORDINGS / NAME).read_bytes()


if __name__ == "__main__":
    main(sys.argv[1])
