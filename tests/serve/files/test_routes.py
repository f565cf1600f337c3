"""Files that are open in the page: sent, seen, changed, taken and removed, by their senders."""

import csv
import io
import json
import re
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from http_caller import JSON, OCTETS, Answer, Caller, answering
from raphe.serve.limits import Limits
from raphe.serve.page_files import facts_of
from serve.toy_predictor import Toy, ToyFile
from waiting import HANG_S, until


def send(caller: Caller, text: str, name: str = "cell.txt") -> Answer:
    return caller.post(f"/files?name={quote(name, safe='')}", text.encode())


def open_at(caller: Caller, text: str, name: str = "cell.txt") -> str:
    answer = send(caller, text, name)
    assert answer.status == 201, answer
    return f"/files/{answer.json['id']}"


def test_a_file_is_sent_seen_changed_taken_and_removed(page: Caller) -> None:
    sent = send(page, "1 9 1 8 1 7")
    assert sent.status == 201 and sent.json["name"] == "cell.txt"
    at = f"/files/{sent.json['id']}"
    assert page.get(at).json == sent.json and sent.json["view"]["headline"] == "many"
    changed = page.put_json(f"{at}/changes", {"threshold": None, "rejected": [1], "item": None})
    assert changed.json["view"]["headline"] == "not sure"
    assert changed.json["changes"] == {"threshold": None, "rejected": [1]}
    assert page.get(at).json == changed.json  # and it stays so
    plot = page.get(f"{at}/plot?name=trace&from=0&to=2&points=100").json
    assert plot["marks"]["accepted"] == [False]
    table = page.get(f"/table.csv?ids={sent.json['id']}").body.decode()
    assert table == "file,item,peaks,note\ncell.txt,first,2,'=1+1\n"  # no formula
    assert page.delete(at).status == 204
    for answer in (page.get(at), page.delete(at), page.get(f"{at}/take?name=verdict.csv")):
        assert answer.status == 404 and "not held here any more" in answer.sentence


def test_changes_are_kept_for_each_item(page: Caller) -> None:
    at = open_at(page, "two 1 9 8 7")
    page.put_json(f"{at}/changes", {"threshold": 8.5, "item": "second"})
    assert page.get(f"{at}?item=second").json["view"]["facts"][0]["value"] == "1"
    assert page.get(at).json["view"]["facts"][0]["value"] == "3"
    file_id = at.rpartition("/")[2]
    rows = list(csv.DictReader(io.StringIO(page.get(f"/table.csv?ids={file_id}").body.decode())))
    assert [row["peaks"] for row in rows] == ["3", "1"]
    page.put_json(f"{at}/changes", {"threshold": None, "rejected": [], "item": "second"})
    assert page.get(f"{at}?item=second").json["view"]["facts"][0]["value"] == "3"


def test_what_is_taken_is_saved_under_its_name(page: Caller) -> None:
    answer = page.get(f"{open_at(page, '1 9')}/take?name=verdict.csv")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"verdict __.csv\"; filename*=UTF-8''verdict%20%C3%A9%22.csv"
    )
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; form-action")


def test_a_second_file_is_sent_beside_the_first(page: Caller) -> None:
    at = open_at(page, "current 1 9")
    beside = f"{at}/beside?role=current&name=i.txt"
    other = page.post(f"{at}/beside?role=../x&name=i.txt", b"1")
    assert other.status == 422 and other.sentence == "role: expected current, got ../x"
    assert page.post(f"{at}/beside?role=current&name=i.npy", b"1").status == 415
    bad = page.post(beside, b"bad")
    assert bad.status == 422 and bad.sentence == "cell.txt: expected numbers, got bad; give “Sweep”"
    assert page.get(at).json["view"]["need"]["role"] == "current"  # as good as it was
    assert page.post(beside, b"1 2").json["view"]["headline"] == "not sure"
    assert page.post(beside, b"1 2").sentence == "role: this file needs no other beside it"


def test_nothing_that_was_sent_lies_about_once_it_is_read(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def left() -> list[Path]:
        return [path for path in tmp_path.rglob("*") if path.is_file()]

    with answering(toy, Limits(file_bytes=1000)) as caller:
        for text in ("1 9", "bad", "defect", "memory", "x" * 1001):
            send(caller, text)
        assert left() == []
        at = open_at(caller, "current 1 9")
        assert len(left()) == 1  # is read again with its second file
        caller.post(f"{at}/beside?role=current&name=i.txt", b"bad")
        assert len(left()) == 1
        caller.post(f"{at}/beside?role=current&name=i.txt", b"1")
        assert left() == []
        open_at(caller, "current 1 9")
        removed = open_at(caller, "current 1 9")
        caller.delete(removed)
        assert len(left()) == 1
    assert list(tmp_path.iterdir()) == []  # once the server has ended


def test_of_a_bad_file_its_sentence_comes_back(page: Caller) -> None:
    answer = send(page, "bad", "C:\\mine\\<b>.txt")
    assert answer.status == 422
    assert answer.sentence == "<b>.txt: expected numbers, got bad; give “Sweep”"
    assert send(page, "memory").status == 413
    assert "please report it" in send(page, "defect").sentence
    assert send(page, "").status == 400
    assert send(page, "1", "cell.exe").status == 415
    assert send(page, "1", f"{'x' * 300}.txt").status == 415
    assert send(page, "x" * 100_001).status == 413
    assert page.post("/files?name=a.txt", b"1", {"Content-Type": "text/html"}).status == 415
    assert page.post("/files?name=a.txt&sweep=x", b"1").status == 422
    assert page.post("/files?name=a.txt&path=/etc/passwd", b"1").status == 422


def test_no_name_of_a_request_is_a_path(page: Caller) -> None:
    for name in (
        "../../etc/passwd.txt",
        "/etc/passwd.txt",
        "..\\x.txt",
        "a\0b.txt",
        "~root/.txt.txt",
    ):
        answer = send(page, "1 9", name)
        assert answer.status == 201 and "/" not in answer.json["name"]
    for path in ("/files/../../etc/passwd", "/files/%2e%2e%2fx", "/static/../app.py", "/static/"):
        assert page.get(path).status == 404
    for name in ("../app.py", "..%2fapp.py", "%2fetc%2fpasswd", "app.py", "uplot/LICENSE", ""):
        assert page.get(f"/static/{name}").status == 404


def test_an_id_is_of_128_bits_and_nobody_can_list_them(page: Caller) -> None:
    ids = {open_at(page, "1 9").rpartition("/")[2] for _ in range(3)}
    assert len(ids) == 3 and all(re.fullmatch(r"[\w-]{22}", file_id) for file_id in ids)
    for path in ("/files", "/files/", "/files/*", f"/files/{'A' * 22}", "/table.csv?ids=*"):
        assert page.get(path).status in (404, 405)
    described = page.get("/openapi.json").body + page.get("/page.json").body
    assert not any(file_id.encode() in described for file_id in ids)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[1]", 400),
        (b'{"rejected": [NaN]}', 400),
        (b'{"threshold": Infinity}', 400),
        (b'{"threshold": "5"}', 422),
        (b'{"threshold": true}', 422),
        (b'{"threshold": 1e999}', 422),
        (b'{"rejected": "all"}', 422),
        (b'{"rejected": [0.5]}', 422),
        (b'{"rejected": [null]}', 422),
        (b'{"rejected": [[1]]}', 422),
        (b'{"rejected": {"1": 2}}', 422),
        (b'{"item": 3}', 422),
        (b'{"item": "none such"}', 422),
        (b'{"other": 1}', 422),
        (b'{"rejected": [' + b"1," * 40_000 + b"1]}", 422),
        (b'{"rejected": [' + b"1," * 60_000 + b"1]}", 413),
    ],
    ids=lambda value: str(value)[:24],
)
def test_changes_that_cannot_be_change_nothing(
    page: Caller, body: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raphe.serve.files.routes.MOST_REJECTED", 30_000)
    at = open_at(page, "1 9 8 7")
    page.put_json(f"{at}/changes", {"threshold": 8.5})
    answer = page.ask("PUT", f"{at}/changes", body, JSON)
    assert answer.status == status and answer.sentence
    assert page.get(at).json["view"]["facts"][0]["value"] == "1"
    assert page.ask("PUT", f"{at}/changes", b"{}", OCTETS).status == 415


def test_numbers_of_marks_that_are_none_do_no_harm(page: Caller) -> None:
    at = open_at(page, "1 9 8 7")
    changed = page.put_json(f"{at}/changes", {"rejected": [-1, 10**15, 1, 1]})
    assert changed.json["view"]["facts"][0]["value"] == "2"


@pytest.mark.parametrize(
    "query",
    [
        "name=trace",
        "name=trace&from=0&to=x",
        "name=trace&from=2&to=1",
        "name=trace&from=1&to=1",
        "name=trace&from=nan&to=1",
        "name=trace&from=-inf&to=inf",
        "name=other&from=0&to=1",
        "name=trace&from=0&to=1&item=none",
        "name=trace&from=0&to=1&points=1.5",
        "name=trace&from=0&to=1&other=1",
    ],
)
def test_a_plot_that_cannot_be_is_refused(page: Caller, query: str) -> None:
    answer = page.get(f"{open_at(page, '1 9')}/plot?{query}")
    assert answer.status == 422 and answer.sentence


def test_points_of_a_plot_are_few_however_many_are_asked_for(page: Caller) -> None:
    at = open_at(page, "long 1 9 8 7")
    for asked, at_most in ((10**9, 20_000), (-5, 12), (0, 12)):
        plot = page.get(f"{at}/plot?name=trace&from=0&to=1e9&points={asked}").json
        assert 0 < len(plot["lines"][0]["x"]) <= at_most


def test_tables_of_too_much_are_refused(page: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page.get("/table.csv").status == 422
    assert page.get(f"/table.csv?ids={','.join('x' * 2001)}").status == 422
    monkeypatch.setattr("raphe.serve.files.routes.MOST_ROWS", 1)
    file_id = open_at(page, "two").rpartition("/")[2]
    assert page.get(f"/table.csv?ids={file_id}").status == 413


def test_a_slow_file_keeps_nobody_else_waiting(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one is opened and another looked at, a third is sent, seen and changed."""
    waits = threading.Event()
    with answering(toy, Limits(at_once=2)) as caller:
        at = open_at(caller, "1 9 8 7")
        slow = open_at(caller, "slow 1")
        monkeypatch.setattr("serve.toy_predictor.wait", lambda: waits.wait(60))
        answers: list[Answer] = []
        asks = [lambda: send(caller, "slow 2"), *[lambda: caller.get(slow)] * 10]
        threads = [threading.Thread(target=lambda ask=ask: answers.append(ask())) for ask in asks]
        for thread in threads:
            thread.start()
        try:
            until(lambda: answers)  # one too many asks of the slow file
            assert {answer.status for answer in answers} == {503}  # one too many, or two at once
            assert send(caller, "1 9").status == 201
            assert caller.get(at).status == 200
            assert caller.put_json(f"{at}/changes", {"rejected": [1]}).status == 200
            assert caller.delete(slow).status == 204  # while it is in use
            assert caller.get(slow).status == 404
        finally:
            waits.set()
            for thread in threads:
                thread.join()
    statuses = sorted(answer.status for answer in answers)
    assert statuses[:2] == [200, 201]  # the one at work is done, those behind are not
    assert set(statuses[2:]) == {404, 503}


def test_files_that_come_in_slowly_keep_nobody_from_an_answer(toy: Toy) -> None:
    """As many as may come in at a time: others look, change and ask; one more file waits."""
    with answering(toy, Limits(at_once=1, receiving=8)) as caller, ExitStack() as connections:
        at = open_at(caller, "1 9 8 7")
        for _ in range(8):
            sent = socket.create_connection(("127.0.0.1", caller.port), timeout=HANG_S)
            connections.enter_context(sent)
            head = "POST /files?name=a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9"
            sent.sendall(f"{head}\r\n\r\n123".encode())
        refused: list[Answer] = []
        until(lambda: refused.append(send(caller, "1 9")) or refused[-1].status != 201)
        assert refused[-1].status == 503
        assert caller.put_json(f"{at}/changes", {"rejected": [1]}).status == 200
        assert caller.get(at).status == 200


def test_what_takes_too_long_is_told_and_frees_the_file_once_it_ends(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    with answering(toy, Limits(at_once=1, answer_s=0.4)) as caller:
        monkeypatch.setattr("serve.toy_predictor.wait", lambda: None)
        at = open_at(caller, "slow 1")
        monkeypatch.setattr("serve.toy_predictor.wait", lambda: waits.wait(60))
        assert [caller.get(at).status for _ in range(3)] == [504] * 3
        waits.set()
        until(lambda: caller.get(at).status == 200)


def test_a_defect_in_one_file_leaves_the_others(page: Caller) -> None:
    at = open_at(page, "1 9")
    answer = page.get(f"{at}/take?name=defect")
    assert answer.status == 500 and "please report it" in answer.sentence
    assert page.get(f"{at}/take?name=none").status == 422
    assert page.get(at).status == 200


def test_the_facts_of_the_page(page: Caller, toy: Toy, tmp_path: Path) -> None:
    facts = page.get("/page.json").json
    assert facts["title"] == "Peaks of <toys>" and facts["labels"] == ["many", "few"]
    assert facts["folder"] is None and facts["can_watch"] is True
    keys = {facts_of(toy, Limits(), tmp_path / day / "rec")["folder_key"] for day in ("1", "2")}
    assert facts["folder_key"] is None and len(keys) == 2  # unsaved labels of each are apart
    assert facts["fields"] == [
        {
            "name": "sweep",
            "label": "Sweep",
            "kind": "whole",
            "meaning": "its number",
            "needed": False,
        }
    ]
    assert page.get("/live").status == 404


def test_the_page_loads_from_here_alone(page: Caller) -> None:
    answer = page.get("/")
    html = answer.body.decode()
    assert "Peaks of &lt;toys&gt;" in html and "<toy" not in html
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert not re.search(r"<script>|<style|\son\w+=|style=|https?://", html)
    for loaded in re.findall(r'(?:src|href)="(static/[^"]+)"', html):
        part = page.get(f"/{loaded}")
        assert part.status == 200 and part.headers["x-content-type-options"] == "nosniff"
        assert part.headers["content-type"].startswith(("text/css", "text/javascript", "image/"))


def test_labels_are_downloaded_also_of_files_that_gave_way(toy: Toy) -> None:
    with answering(toy, Limits(held_files=1)) as caller:
        first, last = (open_at(caller, "1 9", name) for name in ("a.txt", "b.txt"))
        assert caller.get(first).status == 404
        labels = [
            {"id": first.rpartition("/")[2], "label": "few", "note": "=x"},
            {"id": last.rpartition("/")[2], "label": "many", "note": ""},
        ]
        asked = json.dumps({"labels": labels}).encode()
        answer = caller.post("/labels.csv", asked, JSON)
        assert answer.body.decode() == "file,label,note\na.txt,few,'=x\nb.txt,many,\n"
        assert caller.put_json("/labels", {"labels": labels}).status == 409
        caller.delete(last)
        assert caller.post("/labels.csv", asked, JSON).status == 404


def test_a_downloaded_label_names_the_part_of_its_file(toy: Toy, monkeypatch) -> None:
    monkeypatch.setattr(ToyFile, "part", "left")
    with answering(toy, Limits(held_files=1)) as caller:
        ids = [open_at(caller, "1 9", name).rpartition("/")[2] for name in ("a.txt", "b.txt")]
        labels = [{"id": file_id, "label": "few"} for file_id in ids]
        answer = caller.post("/labels.csv", json.dumps({"labels": labels}).encode(), JSON)
        expected = "file,label,note,item\na.txt,few,,left\nb.txt,few,,left\n"
        assert answer.body.decode() == expected


def test_labels_of_two_files_of_one_name_are_not_made_one_row(page: Caller) -> None:
    ids = [open_at(page, text).rpartition("/")[2] for text in ("1 9", "9 9 9")]
    labels = [{"id": file_id, "label": "few", "note": ""} for file_id in ids]
    answer = page.post("/labels.csv", json.dumps({"labels": labels}).encode(), JSON)
    assert answer.status == 409
    assert answer.sentence.startswith("cell.txt: 2 files with a label have this name")
    twice = json.dumps({"labels": labels[:1] * 2}).encode()  # one file, said twice
    assert page.post("/labels.csv", twice, JSON).body.decode().splitlines()[1:] == ["cell.txt,few,"]


@pytest.mark.parametrize(
    "labels",
    [
        None,
        [],
        "many",
        [1],
        [{"label": "many"}],
        [{"id": "ID"}],
        [{"id": "ID", "label": "third"}],
        [{"id": "ID", "label": ["many"]}],
        [{"id": "ID", "label": "many", "note": 3}],
        [{"id": "ID", "label": "many", "note": "x" * 5000}],
        [{"id": 3, "label": "many"}],
        [{"id": "ID", "label": None}],
        [{"id": "ID", "label": "many", "path": "/etc"}],
    ],
)
def test_labels_that_cannot_be_are_refused(page: Caller, labels: object) -> None:
    file_id = open_at(page, "1 9").rpartition("/")[2]
    body = json.dumps({"labels": labels}).replace('"ID"', f'"{file_id}"').encode()
    answer = page.post("/labels.csv", body, JSON)
    assert answer.status == 422 and answer.sentence
