"""A watched folder: told to all who listen, whatever its files do; labels are kept beside them."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from http_caller import Caller, answering
from raphe.core.bundles.opened_file import Changes, HandLabel, Sighting
from raphe.core.bundles.view import View
from raphe.core.errors import SettingError
from raphe.serve.files import live as live_module
from raphe.serve.files.folder_labels import FolderLabels
from raphe.serve.files.held import DROPPED, SHARED, HeldFile, HeldFiles
from raphe.serve.files.live import Live
from raphe.serve.limits import Limits
from raphe.serve.server import watched_folder
from raphe.serve.work import Work
from serve.toy_predictor import Toy, ToyFile, ToyFolder, ToyLabels
from waiting import HANG_S, until

SAVED = {"saved": "cells.csv", "refused": []}


class Ear:
    """Listens at /live in a thread, and keeps what it has heard."""

    def __init__(self, caller: Caller) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.heartbeats, self.has_ended = 0, False
        self._connection = http.client.HTTPConnection("127.0.0.1", caller.port, timeout=HANG_S)
        self._connection.request("GET", "/live")
        self.answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        name = ""
        with suppress(OSError, ValueError, AttributeError):
            for line in self.answer:
                kind, _, text = line.decode().rstrip("\n").partition(": ")
                if kind == "event":
                    name = text
                elif kind == "data":
                    self.heard.append((name, json.loads(text)))
                elif line.startswith(b": "):
                    self.heartbeats += 1
            self.has_ended = True

    def wait_for(self, is_it: Callable[[str, dict], bool]) -> dict[str, Any]:
        until(lambda: any(is_it(*event) for event in list(self.heard)))
        return next(values for name, values in self.heard if is_it(name, values))

    def leave(self) -> None:
        self._connection.sock.close() if self._connection.sock else None
        self.answer.close()


def write_whole(path: Path, text: str) -> None:
    """At once: a watch that looks between truncating and writing sees another file."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def of_file(name: str, **facts: object) -> Callable[[str, dict], bool]:
    return lambda event, values: (
        event == "file"
        and values["name"] == name
        and all({**values, **values["said"][0]}[key] == value for key, value in facts.items())
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "EVERY_S", 0.05)
    monkeypatch.setattr(live_module, "HEARTBEAT_S", 0.1)


@contextmanager
def watching(toy: Toy, folder: Path, **limits: Any) -> Iterator[Caller]:
    live = Live(toy, folder, {})
    with answering(toy, Limits(**limits), live=live) as caller:
        yield caller


def test_each_file_is_told_as_it_grows_and_when_it_goes(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "day 1").mkdir()
    (tmp_path / "day 1" / "old.txt").write_text("1 9 8 7")
    with watching(toy, tmp_path) as caller:
        first, second = Ear(caller), Ear(caller)
        old = first.wait_for(of_file("day 1/old.txt"))
        assert (
            old["headline"] == "many" and old["state"] == "settled" and old["row"]["peaks"] == "3"
        )
        write_whole(tmp_path / "rig.txt", "growing 1 9")
        grows = second.wait_for(of_file("rig.txt", state="growing"))
        assert grows["headline"] == "not sure" and grows["order"] > old["order"]
        write_whole(tmp_path / "rig.txt", "1 9 8 7")
        grown = second.wait_for(of_file("rig.txt", state="settled"))
        assert grown["id"] == grows["id"] and grown["headline"] == "many"
        late = Ear(caller)  # hears of those that are there, in the order of the folder
        late.wait_for(of_file("rig.txt"))
        names = [values["name"] for event, values in late.heard if event == "file"]
        assert names == ["day 1/old.txt", "rig.txt"]
        (tmp_path / "rig.txt").unlink()
        for ear in (first, second, late):
            ear.wait_for(lambda event, values: event == "gone" and values == {"id": grown["id"]})
        assert caller.get(f"/files/{grown['id']}").status == 404
        (tmp_path / "rig.txt").write_text("1 9 8 7")
        assert first.wait_for(
            lambda event, values: values.get("name") == "rig.txt" and values["id"] != grown["id"]
        )
        until(lambda: late.heartbeats > 2)
        assert first.answer.getheader("content-type").startswith("text/event-stream")
    until(lambda: first.has_ended and second.has_ended and late.has_ended)


def test_the_newest_is_opened_first(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.txt" for number in range(5)]
    for name in names:
        (tmp_path / name).write_text("1 9")
        time.sleep(0.002)
    opened: list[str] = []
    to_open = toy.open_file
    monkeypatch.setattr(
        toy,
        "open_file",
        lambda path, name, *rest: opened.append(name) or to_open(path, name, *rest),
    )
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        for name in names:
            ear.wait_for(of_file(name))
    assert opened == names[::-1]


def test_no_file_ends_the_watch(toy: Toy, tmp_path: Path, capfd) -> None:
    bad = {"a.txt": "bad", "b.txt": "defect", "c.txt": "memory", "d.txt": "growing bad"}
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        for name, text in bad.items():
            (tmp_path / name).write_text(text)
        told = {name: ear.wait_for(of_file(name)) for name in bad}
        assert told["a.txt"]["sentence"] == "a.txt: expected numbers, got bad; give “Sweep”"
        assert told["b.txt"]["sentence"] == live_module.DEFECT
        assert "memory" in told["c.txt"]["sentence"]
        assert [told[name]["state"] for name in bad] == [*["not read"] * 3, "growing"]
        refused = caller.get(f"/files/{told['a.txt']['id']}")
        assert refused.status == 422 and refused.sentence == told["a.txt"]["sentence"]
        write_whole(tmp_path / "e.txt", "1 9")
        ear.wait_for(of_file("e.txt"))
    assert "a defect" in capfd.readouterr().err  # which somebody must read


def test_a_folder_that_fails_for_a_while_is_looked_at_again(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    folder = tmp_path / "share"
    folder.mkdir()
    (folder / "a.txt").write_text("1 9")
    with watching(toy, folder) as caller:
        ear = Ear(caller)
        told = ear.wait_for(of_file("a.txt"))
        looks = []
        with monkeypatch.context() as broken:
            broken.setattr(ToyFolder, "poll", lambda self: looks.append(1) or 1 / 0)
            until(lambda: len(looks) > 3)
        folder.rename(tmp_path / "away")  # a disk that is taken away has lost no file
        time.sleep(0.2)
        (tmp_path / "away").rename(folder)
        write_whole(folder / "b.txt", "1 9")
        ear.wait_for(of_file("b.txt"))
        assert all(event != "gone" for event, _ in ear.heard)
        assert caller.get(f"/files/{told['id']}").status == 200
    assert capfd.readouterr().err.count("ZeroDivisionError") == 1


def test_a_file_of_the_folder_lets_go_of_memory_and_is_opened_again(
    toy: Toy, tmp_path: Path
) -> None:
    with watching(toy, tmp_path, held_bytes=15 * 10**8, held_files=1) as caller:
        ear = Ear(caller)
        for name in ("a.txt", "b.txt", "c.txt"):
            (tmp_path / name).write_text("big 1 9 8 7")
        told = [ear.wait_for(of_file(name)) for name in ("a.txt", "b.txt", "c.txt")]
        at = [f"/files/{values['id']}" for values in told]
        caller.put_json(f"{at[0]}/changes", {"rejected": [1]})
        for _ in range(2):
            for path, n in zip(at, ("2", "3", "3"), strict=True):  # what was decided stays
                assert caller.get(path).json["view"]["facts"][0]["value"] == n
        ear.wait_for(of_file("a.txt", headline="not sure"))  # and everybody hears of it


def test_labels_are_stored_beside_the_recordings(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("1 9")
    (tmp_path / "cells.csv").write_text("file,label,note\nold.txt,few,kept\n")
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        told = ear.wait_for(of_file("x.txt", label=""))
        label = {"id": told["id"], "label": "many", "note": "clear, =1+1"}
        assert caller.put_json("/labels", {"labels": [label]}).json == SAVED
        ear.wait_for(of_file("x.txt", label="many", note="clear, =1+1"))
        assert (tmp_path / "cells.csv").read_text() == (
            'file,label,note\nold.txt,few,kept\nx.txt,many,"clear, =1+1"\n'
        )
        caller.put_json("/labels", {"labels": [{"id": told["id"], "label": "", "note": ""}]})
        ear.wait_for(of_file("x.txt", label="", note=""))
        assert (tmp_path / "cells.csv").read_text().endswith("\nx.txt,,\n")  # taken back
        dropped = caller.post("/files?name=x.txt", b"1 9").json["id"]
        (refused,) = caller.put_json("/labels", {"labels": [{**label, "id": dropped}]}).json[
            "refused"
        ]
        assert refused["id"] == dropped and "not of the watched folder" in refused["error"]
        (tmp_path / "cells.csv").write_bytes(b"\xff\xfe no table")
        before = (tmp_path / "cells.csv").read_bytes()
        assert caller.put_json("/labels", {"labels": [label]}).sentence.startswith("cells.csv: ")
        assert (tmp_path / "cells.csv").read_bytes() == before
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"x.txt", "cells.csv"}


def test_what_the_table_says_is_told_and_what_is_not_said_of_a_cell_stays(
    toy: Toy, tmp_path: Path
) -> None:
    for name in ("x.txt", "y.txt"):
        (tmp_path / name).write_text("1 9")
    table = tmp_path / "Cells.csv"  # of whatever case, as `raphe extract` takes it
    table.write_text("file,label,note\nx.txt,few,a note\n")
    table.chmod(0o664)
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        x = ear.wait_for(of_file("x.txt", label="few", note="a note"))["id"]
        y = ear.wait_for(of_file("y.txt", label=""))["id"]
        caller.put_json("/labels", {"labels": [{"id": x, "label": "many"}]})
        ear.wait_for(of_file("x.txt", label="many", note="a note"))
        long = {"id": y, "note": "n" * 501}
        answer = caller.put_json("/labels", {"labels": [long, {"id": x, "note": "clear"}]})
        error = "y.txt: note: expected at most 500 characters, got 501"
        assert answer.json == {
            "saved": "cells.csv",
            "refused": [{"id": y, "item": None, "error": error}],
        }
        assert table.read_text() == "file,label,note\nx.txt,many,clear\n"
        assert table.stat().st_mode & 0o777 == 0o664
        assert [path.name for path in tmp_path.glob("*.csv")] == ["Cells.csv"]
        write_whole(table, "file,label,note\ny.txt,many,in Excel\n")
        ear.wait_for(of_file("y.txt", label="many", note="in Excel"))
        ear.wait_for(of_file("x.txt", label="", note=""))
        write_whole(table, "file,label,note\ny.txt\n")
        ear.wait_for(lambda event, told: event == "labels" and "no table" in told["problem"])
        write_whole(table, "file,label,note\n")
        until(lambda: [told for event, told in ear.heard if event == "labels"][-1]["problem"] == "")
        table.chmod(0o444)
        refused = caller.put_json("/labels", {"labels": [{"id": x, "label": "few"}]})
        assert refused.sentence.startswith("Cells.csv: is read-only")
        assert table.read_text() == "file,label,note\n"


def test_the_later_of_two_labels_is_the_one_that_stays(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.txt").write_text("1 9")
    with watching(toy, tmp_path, at_once=4) as caller:
        ear = Ear(caller)
        file_id = ear.wait_for(of_file("x.txt"))["id"]
        begun, waits_s = threading.Event(), iter((0.5, 0.0))
        write = FolderLabels.write

        def slow(table: FolderLabels, labels: list[HandLabel]) -> None:
            wait_s = next(waits_s)
            begun.set()
            time.sleep(wait_s)
            write(table, labels)

        monkeypatch.setattr(FolderLabels, "write", slow)
        threads = [
            threading.Thread(
                target=caller.put_json,
                args=("/labels", {"labels": [{"id": file_id, "label": label}]}),
            )
            for label in ("many", "few")
        ]
        threads[0].start()
        assert begun.wait(HANG_S)
        threads[1].start()
        for thread in threads:
            thread.join()
        ear.wait_for(of_file("x.txt", label="few"))
    assert (tmp_path / "cells.csv").read_text() == "file,label,note\nx.txt,few,\n"


def test_each_item_of_a_file_has_a_label(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("two 1 9")
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        told = ear.wait_for(of_file("x.txt", item="first"))
        assert [of["item"] for of in told["said"]] == ["first", "second"]
        labels = [
            {"id": told["id"], "item": item, "label": "few"} for item in ("second", None, "x")
        ]
        answer = caller.put_json("/labels", {"labels": labels}).json
        assert answer["saved"] == "cells.csv"
        assert {of["error"] for of in answer["refused"]} == {"x.txt: item: expected one of its 2"}
        ear.wait_for(
            lambda event, told: (
                event == "file" and [of["label"] for of in told["said"]] == ["", "few"]
            )
        )
    assert (tmp_path / "cells.csv").read_text() == "file,label,note,item\nx.txt,few,,second\n"


def test_the_label_of_a_part_of_a_file_names_it(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the server was told which channel of each file to take."""
    monkeypatch.setattr(ToyFile, "part", "left")
    (tmp_path / "x.txt").write_text("1 9")
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        told = ear.wait_for(of_file("x.txt", item=None, headline="not sure"))
        label = {"id": told["id"], "label": "few"}
        assert caller.put_json("/labels", {"labels": [label]}).json["refused"] == []
        ear.wait_for(of_file("x.txt", item=None, label="few"))
    assert (tmp_path / "cells.csv").read_text() == "file,label,note,item\nx.txt,few,,left\n"


def test_labels_of_two_servers_at_once_are_all_kept(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(ToyLabels):
        def say(self, hand: HandLabel) -> None:
            time.sleep(0.05)  # between what one reads and what it writes
            super().say(hand)

    monkeypatch.setattr(Toy, "label_table", lambda _toy, existing=None: Slow(existing))
    said = [HandLabel(name, "many") for name in ("x.txt", "y.txt", "z.txt")]
    servers = [
        threading.Thread(target=FolderLabels(toy, tmp_path).write, args=([label],))
        for label in said
    ]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert (tmp_path / "cells.csv").read_text().count("many") == 3


def test_labels_of_two_people_at_once_are_all_kept(toy: Toy, tmp_path: Path) -> None:
    names = [f"{number}.txt" for number in range(8)]
    for name in names:
        (tmp_path / name).write_text("1 9")
    with watching(toy, tmp_path, at_once=4) as caller:
        ear = Ear(caller)
        ids = [ear.wait_for(of_file(name))["id"] for name in names]
        threads = [
            threading.Thread(
                target=caller.put_json,
                args=("/labels", {"labels": [{"id": file_id, "label": "many"}]}),
            )
            for file_id in ids
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / "cells.csv").read_text().count(",many,") == len(names)


def test_pages_that_vanish_are_forgotten_and_those_too_many_sent_away(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MOST_LISTENERS", 5)
    live = Live(toy, tmp_path, {})
    with answering(toy, Limits(), live=live) as caller:
        ears = [Ear(caller) for _ in range(5)]
        until(lambda: len(live._listeners) == 5)
        refused = caller.get("/live")
        assert refused.status == 503 and "5 pages listen already" in refused.sentence
        for ear in ears:
            ear.leave()
        until(lambda: not live._listeners)
        write_whole(tmp_path / "a.txt", "1 9")
        Ear(caller).wait_for(of_file("a.txt"))


def test_changes_stay_while_a_recording_grows_and_go_with_it(toy: Toy, tmp_path: Path) -> None:
    rig = tmp_path / "rig.txt"
    rig.write_text("growing 1 9 8 7")
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        at = f"/files/{ear.wait_for(of_file('rig.txt'))['id']}"
        changed = caller.put_json(f"{at}/changes", {"rejected": [1]}).json["view"]
        assert changed["sentences"][0].startswith("2 peaks") and SHARED in changed["sentences"]
        write_whole(rig, "growing 1 9 8 7 9")
        ear.wait_for(of_file("rig.txt", sentence="growing: 17 letters"))
        grown = caller.get(at).json["view"]["sentences"]
        assert grown[0].startswith("3 peaks") and DROPPED not in grown
        write_whole(rig, "1 2 9 8 7 9")  # another cell by the same name
        other = ear.wait_for(of_file("rig.txt", state="settled"))
        assert other["row"]["peaks"] == "4" and "was dropped" in other["sentence"]
        seen = caller.get(at).json["view"]["sentences"]
        assert seen[0].startswith("4 peaks") and DROPPED in seen and SHARED not in seen
        again = caller.put_json(f"{at}/changes", {"rejected": []}).json["view"]["sentences"]
        assert DROPPED not in again


def test_a_file_that_refuses_what_was_changed_is_shown_without(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: ToyFile, item: str | None, changes: Changes) -> View:
        if changes != Changes():
            raise SettingError("expected no threshold")
        return to_view(self, item, changes)

    (tmp_path / "rig.txt").write_text("1 9 8 7")
    to_view = ToyFile.view
    with watching(toy, tmp_path) as caller:
        file_id = Ear(caller).wait_for(of_file("rig.txt"))["id"]
        caller.put_json(f"/files/{file_id}/changes", {"rejected": [1]})
        monkeypatch.setattr(ToyFile, "view", refuse)
        assert DROPPED in caller.get(f"/files/{file_id}").json["view"]["sentences"]


def test_a_file_of_the_folder_is_not_removed_by_a_page(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 9 8 7")
    with watching(toy, tmp_path) as caller:
        at = f"/files/{Ear(caller).wait_for(of_file('a.txt'))['id']}"
        assert caller.delete(at).status == 409 and caller.get(at).status == 200


def test_one_file_that_cannot_be_read_leaves_the_others_in_the_table(
    toy: Toy, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("1 9 8 7")
    (tmp_path / "b.txt").write_text("bad")
    with watching(toy, tmp_path) as caller:
        ear = Ear(caller)
        ids = [ear.wait_for(of_file(name))["id"] for name in ("a.txt", "b.txt")]
        good, bad = caller.get(f"/table.csv?ids={','.join(ids)}").body.decode().splitlines()[1:]
        assert good.startswith("a.txt,first,3") and "expected numbers, got bad" in bad


def test_what_was_asked_of_an_older_file_does_not_replace_a_newer(toy: Toy) -> None:
    async def race() -> None:
        limits = Limits()
        files = HeldFiles(limits, Work(limits))
        old, new = ToyFile("1", "a", {}), ToyFile("2", "a", {})
        held = HeldFile("id", "a", reopen=lambda: old)
        files.add(held)
        begun, may_end = threading.Event(), threading.Event()

        def look(opened: ToyFile) -> None:
            begun.set()
            may_end.wait(HANG_S)

        asked = asyncio.create_task(files.ask(held, look))
        await asyncio.to_thread(begun.wait, HANG_S)
        replaced = asyncio.create_task(files.replace(held, new, new.view(None, Changes())))
        await asyncio.sleep(0.01)
        assert not replaced.done()  # nobody looks at two files at once
        may_end.set()
        await asyncio.gather(asked, replaced)
        assert held.opened is new

    asyncio.run(race())


def test_a_watched_folder_is_known_by_its_whole_path(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert watched_folder(toy, Path(), {}).folder == tmp_path.resolve()


def test_what_a_watch_tells_has_no_folder_of_this_machine(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "gone.txt")
    told = [[Sighting(link, "not read", f"{link}: leads nowhere", 0)]]
    monkeypatch.setattr(ToyFolder, "poll", lambda self: told.pop() if told else [])
    with watching(toy, tmp_path) as caller:
        assert Ear(caller).wait_for(of_file("link.txt"))["sentence"] == "link.txt: leads nowhere"


def test_a_folder_that_cannot_be_watched_is_told_before_it_listens(
    toy: Toy, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="expected a folder that is there"):
        watched_folder(toy, tmp_path / "none", {})
    with pytest.raises(SettingError, match="there is no such field"):
        watched_folder(toy, tmp_path, {"other": "1"})
    with pytest.raises(SettingError, match="sweep: expected a whole number"):
        watched_folder(toy, tmp_path, {"sweep": "x"})
