"""Files given to the page: sent, answered, refused, removed; what others send stays theirs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from http_caller import answering
from page_browser import drop, row_of, saved_text
from raphe.core.bundles.fields import Field
from raphe.core.errors import RecordingError
from raphe.serve.limits import Limits
from serve.toy_predictor import Toy, toy_bundle

pytestmark = pytest.mark.ci
EVIL = "<img src=x onerror=alert(1)>.txt"


def test_good_and_bad_files_dropped_together_each_get_their_word(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"9 9 9", "b.txt": b"bad", "c.png": b"x", "d.txt": b"9", "e.txt": b""})
    expect(row_of(page, "a.txt").locator(".file-result")).to_have_text("●many")
    expect(row_of(page, "d.txt").locator(".file-result")).to_have_text("◐not sure")
    bad = row_of(page, "b.txt")
    expect(bad.locator(".error")).to_have_text("b.txt: expected numbers, got bad; give “Sweep”")
    expect(bad.get_by_role("button", name="Try again")).to_be_visible()
    other = row_of(page, "c.png")
    expect(other.locator(".error")).to_have_text("c.png: expected a file of .txt, .npy or .zip.")
    expect(other.get_by_role("button", name="Try again")).to_be_hidden()
    expect(row_of(page, "e.txt").locator(".error")).to_contain_text("empty")
    # The first that can be sent is shown; its headline says it without colour, too.
    expect(page.locator("#opened h2")).to_have_text("a.txt: first")
    expect(page.locator(".headline")).to_have_text("● many (answered)")
    expect(page.get_by_text("A sentence with <b>HTML</b> in it.")).to_be_visible()


def test_what_could_not_be_read_is_in_the_table_and_its_csv_too(address: str, open_page) -> None:
    page = open_page(address)
    page.get_by_role("link", name="All results").click()
    drop(page, {"b.txt": b"bad", "=c.png": b"x", "a.txt": b"9 9 9"}, "main")
    expect(page.locator("#pane-recordings")).to_be_visible()  # where one sees what becomes of it
    expect(row_of(page, "a.txt").locator(".sign")).to_be_visible()
    expect(row_of(page, "b.txt").locator(".error")).to_be_visible()
    page.get_by_role("link", name="All results").click()
    rows = page.locator("#cells tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_have_text(
        "b.txtnot read: b.txt: expected numbers, got bad; give “Sweep”"
    )
    _, text = saved_text(page, page.get_by_role("button", name="Download CSV"))
    header, *lines = text.splitlines()
    assert header == "file,item,peaks,note,not read"
    assert lines[0] == "a.txt,first,3,'=1+1,"
    assert lines[1].startswith('b.txt,,,,"b.txt: expected') and lines[2].startswith("'=c.png,")


def test_a_name_that_is_html_is_shown_as_text(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {EVIL: b"9 9 9", f"bad {EVIL}": b"bad"})
    expect(page.locator("#opened h2")).to_have_text(f"{EVIL}: first")
    expect(row_of(page, f"bad {EVIL}").locator(".error")).to_contain_text("expected numbers")
    page.get_by_role("link", name="All results").click()
    expect(page.locator("#cells tbody")).to_contain_text(EVIL)
    assert page.locator("main img").count() == 0  # and no dialog: open_page would tell


def test_a_removed_file_is_forgotten_by_the_server(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"9 9 9", "b.txt": b"9"})
    expect(row_of(page, "b.txt").locator(".sign")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as answer:
        page.get_by_role("button", name="Remove a.txt").click()
    assert answer.value.status == 204
    expect(page.locator("#opened h2")).to_have_text("b.txt: first")
    expect(page.get_by_role("button", name="Remove b.txt")).to_be_focused()


def test_a_reload_loses_nothing(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"9 9 9"})
    expect(page.locator(".headline")).to_be_visible()
    page.reload()
    expect(row_of(page, "a.txt").locator(".file-result")).to_have_text("●many")
    expect(page.locator("#opened h2")).to_have_text("a.txt: first")


def test_two_people_see_their_own_files(address: str, open_page) -> None:
    pages = [open_page(address), open_page(address)]
    for number, page in enumerate(pages):
        drop(page, {f"mine{number}.txt": b"9 9 9", f"slow{number}.txt": b"slow 9"})
    for number, page in enumerate(pages):
        expect(row_of(page, f"slow{number}.txt").locator(".sign")).to_be_visible()
        expect(page.locator("#files > li")).to_have_count(2)
        expect(page.locator("#files")).not_to_contain_text(f"mine{1 - number}")


def test_the_second_file_is_asked_for_and_joined(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {"voltage.txt": b"current 9 9 9", "current.txt": b"bad"})
    expect(page.locator(".need .lead")).to_have_text(
        "This is a voltage: give the current that was injected."
    )
    expect(row_of(page, "voltage.txt")).to_contain_text("needs a second file")
    drop(page, {"other.txt": b"bad"}, ".drop.second")
    expect(page.locator("#opened > .error")).to_contain_text("expected numbers, got bad")
    drop(page, {"other.txt": b"1"}, ".drop.second")
    expect(page.locator(".headline")).to_contain_text("many")
    expect(page.locator(".need")).to_be_hidden()


def test_a_field_that_is_needed_is_asked_before_anything_is_sent(
    tmp_path: Path, serve_at: Callable[..., str], open_page
) -> None:
    class Rated(Toy):
        FILE_FIELDS = (
            Field("rate_hz", "number", "frames a second", needed=True),
            Field("sweep", "whole", "its number"),
        )

    page = open_page(serve_at(Rated(toy_bundle(tmp_path / "rated"))))
    drop(page, {"a.txt": b"9 9 9"})
    expect(page.locator("#drop-problem")).to_contain_text("Rate, Hz (frames a second)")
    expect(page.get_by_label("Rate, Hz")).to_be_focused()
    expect(page.locator("#files > li")).to_have_count(0)
    page.keyboard.type("30")
    with page.expect_request(lambda request: "/files?" in request.url) as request:
        page.keyboard.press("Enter")
    assert "rate_hz=30" in request.value.url
    expect(page.locator(".headline")).to_contain_text("many")


def test_what_a_refusal_names_is_asked_beside_it_for_every_file_that_lacks_it(
    tmp_path: Path, serve_at: Callable[..., str], open_page
) -> None:
    class Lacking(Toy):
        def open_file(self, path, name, values, beside):
            if "sweep" not in values:
                raise RecordingError(f"{path}: has several sweeps; pass --sweep N")
            return super().open_file(path, name, values, beside)

    page = open_page(serve_at(Lacking(toy_bundle(tmp_path / "lacking"))))
    drop(page, {"a.txt": b"9 9 9", "b.txt": b"9"})
    expect(row_of(page, "b.txt").locator(".error")).to_contain_text("give “Sweep”")
    page.get_by_label("Sweep of a.txt: its number").fill("1")
    page.keyboard.press("Enter")
    expect(row_of(page, "a.txt").locator(".file-result")).to_have_text("●many")
    expect(row_of(page, "b.txt").locator(".file-result")).to_have_text("◐not sure")
    expect(page.locator("#field-sweep")).to_have_value("1")  # for what is dropped next


def test_a_server_that_ended_is_a_sentence(toy: Toy, open_page) -> None:
    with answering(toy, Limits()) as caller:
        address = f"http://127.0.0.1:{caller.port}/"
        page = open_page(address, expected="Failed to load resource: net::ERR_FAILED")
        drop(page, {"a.txt": b"9 9 9"})
        expect(page.locator(".headline")).to_be_visible()
        page.route("**/files/**", lambda route: route.abort())
        page.get_by_role("button", name="Verdict as CSV").click()
        expect(page.locator("#opened > .error")).to_have_text(
            "The server does not answer; is raphe serve, or raphe demo, still running?"
        )


def test_the_link_with_a_token_opens_the_page_and_forgets_it(toy: Toy, open_page) -> None:
    with answering(toy, Limits(), token="secret") as caller:
        page = open_page(f"http://127.0.0.1:{caller.port}/?token=secret")
        assert "secret" not in page.url  # which somebody may copy, or see over a shoulder
        drop(page, {"a.txt": b"9 9 9"})
        expect(page.locator(".headline")).to_contain_text("many")
        page.reload()  # let in by the cookie
        expect(page.locator(".headline")).to_contain_text("many")
