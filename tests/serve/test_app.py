"""What is asked over HTTP, and that what may do harm is refused in one sentence."""

import asyncio
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from http_caller import JSON, OCTETS, Answer, Caller, answering
from raphe.core.errors import RecordingError
from raphe.core.nwb.self_contained import require_self_contained
from raphe.serve import bodies, explained
from raphe.serve.limits import Limits
from raphe.serve.refusal import Refusal
from raphe.serve.work import Work
from waiting import HANG_S, until


def test_json_and_a_file_get_their_answers(caller: Caller) -> None:
    assert caller.post_json({"samples": [1, 2.5, -3e2]}).json == {"n": 3}
    answer = caller.post("/predict/file?name=cell.npy&sweep=2", b"12345")
    assert (answer.status, answer.json) == (200, {"n": 5, "sweep": 2})
    assert caller.post("/predict/file?name=cell.npy", b"12345", {}).json == {"n": 5}


def test_what_is_told_of_the_bundle(caller: Caller, echo) -> None:
    assert caller.get("/health").json == {"status": "ok"}
    assert caller.ask("HEAD", "/health", None, {}).status == 200
    assert caller.get("/card").body == b"# A card"
    facts = caller.get("/bundle").json
    assert facts["content_hash"] == echo.content_hash and facts["kind"] == "toy/echo"
    assert facts["suffixes"] == [".npy", ".csv", ".nwb"] and "path" not in facts
    described = caller.get("/openapi.json").json["paths"]
    assert set(described) == {"/health", "/bundle", "/card", "/predict", "/predict/file"}
    schema = described["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["samples"] and caller.post_json(schema["example"]).json["n"] == 2
    assert str(Path.cwd()) not in json.dumps(described)


def test_the_page_loads_nothing_and_its_words_are_escaped(caller: Caller) -> None:
    answer = caller.get("/api")
    page = answer.body.decode()
    assert "A &lt;toy&gt;." in page and "/predict/file" in page
    assert not re.search(r"<script|src=|https?://(?!127\.0\.0\.1)", page)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert not any(name.startswith("access-control") for name in answer.headers)
    for path in ("/docs", "/redoc", "/static/x"):
        assert caller.get(path).status == 404


def test_how_far_it_can_be_trusted_is_told_by_pages_that_lead_only_to_one_another(
    caller: Caller,
) -> None:
    page = caller.get("/").body.decode()
    assert '<a href="explained/can_i_trust_this">Can I trust this?</a>' in page
    for name in explained.NAMES:
        answer = caller.get(f"/explained/{name}")
        html = answer.body.decode()
        policy = answer.headers["content-security-policy"]
        assert answer.status == 200 and policy.startswith("default-src 'none'")
        assert "<h1>" in html and "```" not in html and "&lt;!--" not in html
        content = html.partition("<main")[2].partition("</main>")[0]
        assert set(re.findall(r'href="(.*?)"', content)) <= set(explained.NAMES)
    assert caller.get("/explained/claims").status == 404
    first = caller.get(f"/explained/{explained.FIRST}").body.decode()
    assert "Were the networks trained on real recordings?" in first and "<td>" in first
    assert 'See <a href="abstention">Abstention</a>.' in first


def test_a_text_to_explain_is_no_html_and_keeps_the_words_of_links() -> None:
    html = explained.as_html("<!-- of us -->\n[a](limits.md) [*b*](../x.md) <b>c</b>\n")
    assert html == '<p><a href="limits">a</a> <em>b</em> &lt;b&gt;c&lt;/b&gt;</p>\n'


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "", "a:b:c"])
def test_a_name_that_was_made_to_lead_here_is_refused(caller: Caller, host: str) -> None:
    answer = caller.get("/bundle", {"Host": host})
    assert answer.status == 421 and answer.sentence.startswith("Host: expected this machine")


@pytest.mark.parametrize("host", ["localhost:1", "LOCALHOST", "[::1]:80", "10.0.0.3", "rig.lab"])
def test_own_names_are_let_in(caller: Caller, host: str) -> None:
    assert caller.get("/health", {"Host": host}).status == 200


def test_a_page_of_another_site_cannot_ask(caller: Caller) -> None:
    origins = ("https://attacker.example", "null", "http://localhost:1")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, *({"Origin": name} for name in origins)):
        answer = caller.post_json({"samples": [1]}, **headers)
        assert answer.status == 403 and "another site" in answer.sentence
    own = f"http://127.0.0.1:{caller.port}"
    assert caller.post_json({"samples": [1]}, Origin=own).status == 200
    asked_first = caller.ask("OPTIONS", "/predict", None, {"Origin": "https://attacker.example"})
    assert asked_first.status == 403


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("../../etc/passwd.npy", ".npy"),
        ("..%2F..%2Fx.NPY", ".npy"),
        ("/etc/ssh/id.csv", ".csv"),
        ("C%3A%5Cx%5Cy.csv", ".csv"),
        ("a%00b.npy", ".npy"),
        (".npy/../x.npy", ".npy"),
    ],
)
def test_of_a_name_nothing_but_its_suffix_is_used(
    caller: Caller, echo, name: str, used: str
) -> None:
    paths = []
    echo.does = lambda path: paths.append(path) or {"n": 0, "size": path.stat().st_size}
    assert caller.post(f"/predict/file?name={name}", b"body").json["size"] == 4
    (path,) = paths
    assert path.name == f"recording{used}" and path.parent.parent.name.startswith(".raphe-scratch.")
    assert not path.parent.exists()  # removed once the answer is there


@pytest.mark.parametrize(
    "name", ["", "cell", "cell.exe", "cell.npz", "cell.npy%0a", ".npy", "x" * 9000]
)
def test_other_files_are_refused_by_name(caller: Caller, name: str) -> None:
    answer = caller.post(f"/predict/file?name={name}", b"body")
    assert answer.status == 415 and "expected that of a .npy, .csv or .nwb file" in answer.sentence


def test_no_other_word_of_a_request_names_a_path(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "secret.npy").write_bytes(b"secret")
    for path in (f"/predict/file?name=a.npy&path={tmp_path}/secret.npy", f"/{tmp_path}/secret.npy"):
        answer = caller.post(path, b"1")
        assert answer.status in (404, 422) and b"secret" not in answer.body
    assert caller.get("/card/../../etc/passwd").status == 404


def test_too_large_is_told_before_it_is_read(caller: Caller, echo) -> None:
    with socket.create_connection(("127.0.0.1", caller.port), timeout=HANG_S) as connection:
        head = "POST /predict/file?name=a.npy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: "
        connection.sendall(f"{head}999999999999\r\n\r\n".encode())  # and no body
        assert b" 413 " in connection.recv(4096).splitlines()[0]
    answer = caller.post("/predict/file?name=a.npy", b"x" * 100_001)
    assert answer.status == 413 and answer.sentence.startswith("expected at most 0.1 MB")
    assert caller.post("/predict/file?name=a.npy", b"x" * 100_000).status == 200


def test_what_says_no_length_is_counted(caller: Caller) -> None:
    def blocks(n: int) -> Iterator[bytes]:
        yield from (b"x" * 1000 for _ in range(n))

    headers = {**OCTETS, "Transfer-Encoding": "chunked"}
    assert caller.post("/predict/file?name=a.npy", blocks(50), headers).json == {"n": 50_000}
    try:
        status = caller.post("/predict/file?name=a.npy", blocks(5000), headers).status
    except (ConnectionError, http.client.HTTPException):  # closed while it was still sending
        status = 413
    assert status == 413


def test_text_has_a_limit_of_its_own(echo, monkeypatch) -> None:
    monkeypatch.setattr(bodies, "TEXT_BYTES", 1000)
    with answering(echo, Limits()) as caller:
        for answer in (
            caller.post("/predict/file?name=a.csv", b"1" * 1001),
            caller.post_json({"samples": [1.0] * 500}),
        ):
            assert answer.status == 413 and "of text; send a binary file" in answer.sentence
        assert caller.post("/predict/file?name=a.npy", b"1" * 1001).status == 200


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "expected JSON"),
        (b"{", 400, "expected JSON"),
        (b"\xff\xfe\xfa", 400, "expected JSON"),
        (b'{"samples": [NaN]}', 400, "without NaN"),
        (b'{"samples": [-Infinity]}', 400, "without NaN"),
        (b"[" * 100_000, 400, "expected JSON"),
        (b'{"a":' * 15_000 + b"1" + b"}" * 15_000, 400, "expected JSON"),
        (b"[1, 2]", 400, "an object of JSON"),
        (b'{"samples": [1e999]}', 422, "samples: expected a list of finite numbers"),
        (b'{"samples": [' + b"9" * 50_000 + b"]}", 422, "samples: expected a list of finite"),
        (b'{"samples": [' + b'"' + b"x" * 50_000 + b'"]}', 422, "samples: expected a list"),
        (b'{"samples": [[1], [2]]}', 422, "samples: expected a list of finite numbers"),
        (b'{"samples": [true, null]}', 422, "samples: expected a list of finite numbers"),
        (b'{"samples": "' + b"y" * 50_000 + b'"}', 422, "samples: expected a list"),
        (b"{}", 422, "samples: expected a list of finite numbers, got none"),
        (b'{"samples": [1], "' + b"z" * 50_000 + b'": 1}', 422, "there is no such field; expected"),
        (b'{"samples": [1], "rate_hz": true}', 422, "rate_hz: expected a finite number"),
        (b'{"samples": [1], "prevalence": {"A": "x"}}', 422, "prevalence: expected CLASS=SHARE"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_hostile_json_is_one_sentence(caller: Caller, body: bytes, status: int, told: str) -> None:
    answer = caller.post("/predict", body, JSON)
    assert answer.status == status and told in answer.sentence


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml"]
)
def test_another_content_type_is_refused(caller: Caller, kind: str) -> None:
    for path in ("/predict", "/predict/file?name=a.npy"):
        answer = caller.post(path, b"{}", {"Content-Type": kind})
        assert answer.status == 415 and answer.sentence.startswith("Content-Type: expected")


def test_an_error_tells_nothing_of_this_machine(caller: Caller, echo, tmp_path: Path) -> None:
    answer = caller.post("/predict/file?name=a.npy", b"123")
    assert answer.status == 422
    assert answer.sentence == "a.npy: expected more than 3 bytes; pass sweep"
    folders = caller.post("/predict/file?name=C:%5Cmine%5Cb%0Ac.npy", b"123")
    assert folders.sentence == r"b\nc.npy: expected more than 3 bytes; pass sweep"
    assert caller.post("/predict/file?name=a.npy", b"").status == 400

    def fail(given: object) -> dict:
        raise RuntimeError(f"a defect in {tmp_path}")

    echo.does = fail
    answer = caller.post_json({"samples": [1]})
    assert answer.status == 500 and "please report it" in answer.sentence
    echo.does = lambda given: {"n": float("nan")}  # no JSON
    assert caller.post_json({"samples": [1]}).status == 500

    def of_bundle(given: object) -> dict:
        raise RecordingError(f"{echo.path}: expected windows of 160 samples")

    echo.does = of_bundle
    assert caller.post_json({"samples": [1]}).sentence == "bundle: expected windows of 160 samples"

    def of_options(given: object) -> dict:
        raise RecordingError("expected a sweep (sweep=, or --sweep) or --sweep-unit")

    echo.does = of_options
    assert caller.post_json({"samples": [1]}).sentence == (
        "expected a sweep (sweep) or --sweep-unit"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/rig/w/day/a.abf: no sweep", "day/a.abf: no sweep"),
        ("/rig/w: held 3 recordings.", "the folder: held 3 recordings."),
        ("see '/rig/w' and /rig/w.", "see 'the folder' and the folder."),
        ("/rig/w.abf and /rig/w-2/a stay", "/rig/w.abf and /rig/w-2/a stay"),
        ("a window/w was low, 0.5 mV. Give another value.",) * 2,
    ],
)
def test_only_whole_paths_leave_a_sentence(echo, text: str, told: str) -> None:
    assert echo.sentence(text, Path("/rig/w")) == told


@pytest.mark.parametrize("folder", [".", "w", "a"])
def test_a_short_relative_folder_changes_no_word(echo, folder: str) -> None:
    text = "w/x.abf: a window/a was low, 0.5 mV. Give a value, or w."
    assert echo.sentence(text, Path(folder)) == text


def test_few_are_answered_at_once_and_few_wait(echo) -> None:
    """Two at work, eight wait, the rest are sent away, also those whose bodies came in together;
    who waited is answered."""
    hold, at_work, most = threading.Event(), [0], [0]

    def work(given: object) -> dict:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        hold.wait(60)
        at_work[0] -= 1
        return {"n": 1}

    echo.does = work
    head = (
        "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n"
    )
    statuses: list[int] = []

    def hear(connection: socket.socket) -> None:
        statuses.append(int(connection.recv(4096).split()[1]))

    with answering(echo, Limits(at_once=2)) as caller, ExitStack() as open_until_here:
        asked = [
            open_until_here.enter_context(
                socket.create_connection(("127.0.0.1", caller.port), timeout=HANG_S)
            )
            for _ in range(14)
        ]
        for connection in asked:
            connection.sendall(head.encode())
        for connection in asked:
            assert b" 100 " in connection.recv(4096)  # it was let in; now its body is waited for
        for connection in asked:
            connection.sendall(b'{"samples": [1]}')
        threads = [threading.Thread(target=hear, args=(connection,)) for connection in asked]
        for thread in threads:
            thread.start()
        until(lambda: len(statuses) >= 4)
        assert statuses == [503] * 4
        assert caller.get("/health").status == 200
        hold.set()
        for thread in threads:
            thread.join()
    assert sorted(statuses) == [200] * 10 + [503] * 4
    assert most == [2]


def test_what_takes_too_long_is_told(echo) -> None:
    hold = threading.Event()
    echo.does = lambda path: {"waited": hold.wait(60), "is_there": path.exists()}
    with answering(echo, Limits(at_once=1, answer_s=0.05)) as caller:
        for _ in range(7):  # those that wait behind the first are given up
            answer = caller.post("/predict/file?name=a.npy", b"1")
            assert answer.status == 504 and "no answer within 0.05 s" in answer.sentence
        hold.set()
        answers: list[Answer] = []
        ask = partial(caller.post, "/predict/file?name=a.npy", b"1")
        until(lambda: answers.append(ask()) or answers[-1].status == 200)
    assert answers[-1].json == {"waited": True, "is_there": True}


def test_a_thread_that_nobody_waits_for_keeps_its_place() -> None:
    hold, ended = threading.Event(), threading.Event()

    async def ask() -> None:
        work = Work(Limits(at_once=1, answer_s=0.5))
        with pytest.raises(Refusal, match="no answer within"):
            await work.answer(lambda: hold.wait(60), ended.set)
        with ExitStack() as places:
            for _ in range(4):
                places.enter_context(work.admitted())
            with pytest.raises(Refusal, match="as many requests as may wait are waiting"):
                places.enter_context(work.admitted())
            assert not ended.is_set()
            hold.set()
            while True:
                with suppress(Refusal):
                    places.enter_context(work.admitted())
                    break
                await asyncio.sleep(0.001)
        assert ended.is_set()

    asyncio.run(ask())


def test_who_waits_while_the_server_ends_is_told() -> None:
    hold = threading.Event()

    async def ask() -> None:
        asked = asyncio.create_task(Work(Limits(at_once=1)).answer(lambda: hold.wait(60)))
        await asyncio.sleep(0.01)
        asked.cancel()  # as uvicorn does after a while
        with pytest.raises(Refusal, match="the server is ending"):
            await asked

    asyncio.run(ask())
    hold.set()


def test_a_body_is_waited_for_as_long_as_its_length_takes(echo) -> None:
    limits = Limits(receive_s=60, patience_s=0.05, slowest_bytes_per_s=100)
    with answering(echo, limits) as caller:
        connection = socket.create_connection(("127.0.0.1", caller.port), timeout=HANG_S)
        head = "POST /predict/file?name=a.npy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9"
        connection.sendall(f"{head}\r\n\r\n123".encode())
        answer = connection.recv(4096)
        assert b" 408 " in answer.splitlines()[0]
        connection.close()


def test_the_process_ends_while_an_answer_is_being_made() -> None:
    """Threads of an executor would be waited for."""
    code = (
        "import asyncio, time\n"
        "from raphe.serve.limits import Limits\n"
        "from raphe.serve.work import Work\n"
        "async def ask():\n"
        "    work = Work(Limits(at_once=1))\n"
        "    asyncio.ensure_future(work.answer(lambda: time.sleep(3600)))\n"
        "    await asyncio.sleep(0.1)\n"
        "    work.close()\n"
        "asyncio.run(ask())\n"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, timeout=HANG_S, check=False).returncode == 0


def test_a_body_that_never_ends_is_given_up(echo) -> None:
    with answering(echo, Limits(receive_s=0.05)) as caller:
        connection = socket.create_connection(("127.0.0.1", caller.port), timeout=HANG_S)
        head = "POST /predict/file?name=a.npy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9"
        connection.sendall(f"{head}\r\n\r\n123".encode())
        assert b" 408 " in connection.recv(4096).splitlines()[0]
        connection.close()


def test_hdf5_that_reaches_beyond_itself_is_refused(tmp_path: Path, caller: Caller) -> None:
    def link(file: h5py.File) -> None:
        file["a/b"] = h5py.ExternalLink("/etc/passwd", "/")

    def raw(file: h5py.File) -> None:
        file.create_dataset("a", (10,), "u1", external=[("/etc/passwd", 0, 10)])

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((10,), "u1")
        layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (10,))
        file.create_virtual_dataset("deep/er/a", layout)

    def bomb(file: h5py.File) -> None:
        file.create_dataset("a", (10**12,), "f8", chunks=(1000,))  # 8 TB, nowhere written

    def whole(file: h5py.File) -> None:
        file["a/b"] = np.arange(10)
        file["c"], file["d"] = h5py.SoftLink("/a/b"), file["a"]

    for make in (link, raw, virtual, bomb, whole):
        path = tmp_path / f"{make.__name__}.nwb"
        with h5py.File(path, "w") as file:
            make(file)
        if make is whole:
            require_self_contained(path, 1000)
            continue
        with pytest.raises(RecordingError, match=r"names another file|holds more than 0.001 MB"):
            require_self_contained(path, 1000)
    answer = caller.post("/predict/file?name=a.nwb", (tmp_path / "link.nwb").read_bytes())
    assert answer.sentence.startswith("a.nwb: names another file")
    answer = caller.post("/predict/file?name=a.nwb", b"\x89HDF\r\n\x1a\n and no more")
    assert answer.sentence.startswith("a.nwb: expected an HDF5 file that is whole, got one that is")
