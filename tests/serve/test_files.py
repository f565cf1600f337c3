"""Files that are open in the page: sent, seen, changed, taken and removed, by their senders."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from http_caller import JSON, Answer, Caller, answering
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy, toy_bundle


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return Toy(toy_bundle(tmp_path_factory.mktemp("toy") / "bundle"))


@pytest.fixture(scope="module")
def caller(toy: Toy) -> Iterator[Caller]:
    with answering(toy, Limits(file_bytes=100_000, at_once=2)) as caller:
        yield caller


def send(caller: Caller, text: str, name: str = "cell.txt") -> Answer:
    return caller.post(f"/files?name={quote(name)}", text.encode())


def put(caller: Caller, path: str, values: object) -> Answer:
    return caller.ask("PUT", path, json.dumps(values).encode(), JSON)


def test_a_file_is_sent_seen_changed_taken_and_removed(caller: Caller) -> None:
    sent = send(caller, "1 9 1 8 1 7")
    assert sent.status == 201 and sent.json["name"] == "cell.txt"
    at = f"/files/{sent.json['id']}"
    assert caller.get(at).json == sent.json and sent.json["view"]["headline"] == "many"
    changed = put(caller, f"{at}/changes", {"threshold": None, "rejected": [1], "item": None})
    assert changed.json["view"]["facts"][0]["value"] == "2"
    plot = caller.get(f"{at}/plot?name=trace&from=0&to=2&points=100").json
    assert plot["marks"]["accepted"] == [False]
    taken = caller.get(f"{at}/take?name=verdict.csv")
    assert "attachment; filename=" in taken.headers["content-disposition"]
    table = caller.get(f"/table.csv?ids={sent.json['id']}").body.decode()
    assert table == "file,item,peaks,note\ncell.txt,first,2,'=1+1\n"
    assert caller.ask("DELETE", at, None, {}).status == 204
    assert caller.get(at).status == 404


def test_a_voltage_needs_its_current(caller: Caller) -> None:
    sent = send(caller, "current 1 9")
    assert sent.json["view"]["need"]["role"] == "current"
    at = f"/files/{sent.json['id']}/beside?name=i.txt"
    assert caller.post(f"{at}&role=other", b"1").status == 422
    bad = caller.post(f"{at}&role=current", b"bad")
    assert bad.status == 422
    assert caller.post(f"{at}&role=current", b"1 2").json["view"]["headline"] == "not sure"
    assert caller.post(f"{at}&role=current", b"1 2").status == 422  # no more is needed


def test_labels_are_downloaded(caller: Caller) -> None:
    ids = [send(caller, "1 9", name).json["id"] for name in ("a.txt", "b.txt")]
    labels = [{"id": ids[0], "label": "few", "note": "=x"}, {"id": ids[1], "label": "many"}]
    answer = caller.post("/labels.csv", json.dumps({"labels": labels}).encode(), JSON)
    assert answer.body.decode() == "file,label,note\na.txt,few,'=x\nb.txt,many,\n"
    assert put(caller, "/labels", {"labels": labels}).status == 409


def test_the_facts_of_the_page(caller: Caller) -> None:
    facts = caller.get("/page.json").json
    assert facts["title"] == "Peaks of <toys>" and facts["labels"] == ["many", "few"]
    assert facts["folder"] is None and facts["can_watch"] is True
    assert facts["fields"][0]["name"] == "sweep"
