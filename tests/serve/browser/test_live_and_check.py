"""The cell now on the rig, and what a person says of cells by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from page_browser import drop, row_of, saved_text
from serve.toy_predictor import Toy

pytestmark = pytest.mark.ci


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "rig"
    folder.mkdir()
    return folder


def test_the_newest_cell_is_shown_while_it_grows(
    toy: Toy, folder: Path, serve_at: Callable[..., str], open_page
) -> None:
    page = open_page(serve_at(toy, folder))
    assert page.url.endswith("#live")  # what one comes for where a folder is watched
    expect(page.locator("#live-state")).to_have_text("Watching rig.")
    expect(page.locator("#now")).to_contain_text("Nothing has been recorded yet.")
    (folder / "cell1.txt").write_text("growing 9")
    expect(page.locator("#now .huge")).to_contain_text("not sure")
    expect(page.locator("#now .what")).to_have_text("cell1.txtbeing recorded")
    (folder / "cell1.txt").write_text("9 9 9 growing")
    expect(page.locator("#now .huge")).to_contain_text("many")
    (folder / "cell2.txt").write_text("bad")
    expect(page.locator("#now .what")).to_contain_text("cell2.txt")
    expect(page.locator("#now .lead")).to_contain_text("expected numbers, got bad")
    expect(page.locator("#earlier")).to_contain_text("cell1.txt")
    (folder / "cell2.txt").unlink()
    expect(page.locator("#now .what")).to_contain_text("cell1.txt")
    page.get_by_role("link", name="Recordings").click()
    expect(row_of(page, "cell1.txt").locator(".file-result")).to_have_text("●many")
    expect(page.locator("#no-files")).to_be_hidden()
    page.get_by_role("link", name="Live").click()
    page.set_viewport_size({"width": 400, "height": 700})
    page.get_by_role("button", name="Open cell1.txt").click()
    expect(page.locator("#opened h2")).to_have_text("cell1.txt: first")
    expect(page.locator("#opened h2")).to_be_in_viewport()  # though it stands below the files
    expect(row_of(page, "cell1.txt").locator(".file-result")).to_have_text("●many")
    expect(row_of(page, "cell1.txt").locator(".remove")).to_be_hidden()
    (folder / "cell1.txt").write_text("9")  # what is open is shown anew as it grows
    expect(page.locator("#opened .headline")).to_contain_text("not sure")


def test_labels_of_a_folder_are_written_beside_its_recordings(
    toy: Toy, folder: Path, serve_at, open_page
) -> None:
    for name, text in {"sure": "9 9 9 9", "unsure": "1", "between": "9 9"}.items():
        (folder / f"{name}.txt").write_text(text)
    page = open_page(serve_at(toy, folder))
    expect(page.locator("#earlier li")).to_have_count(2)
    page.get_by_role("link", name="Check by hand").click()
    names = page.locator("#queue .file-name")
    expect(names).to_have_text(["unsure.txt", "between.txt", "sure.txt"])
    expect(page.locator("#checked-view h2")).to_have_text("unsure.txt: first")
    expect(page.locator("#checked-view .plot")).to_be_visible()
    expect(page.locator("#checked-view .answer")).to_be_hidden()  # until something was said
    page.keyboard.press("2")
    expect(page.locator("#hand-state")).to_have_text("few: saved in cells.csv.")
    expect(page.locator("#checked-view .answer")).to_be_visible()
    page.keyboard.press("Enter")  # the next cell
    expect(page.locator("#checked-view h2")).to_have_text("between.txt: first")
    page.get_by_label("Note").fill("1 of two, a doubtful seal")  # digits here are no labels
    page.get_by_role("button", name="many").click()
    expect(page.locator("#check-count")).to_have_text("2 of 3 checked.")
    expect(page.locator("#hand-state")).to_have_text("many: saved in cells.csv.")
    rows = (folder / "cells.csv").read_text().splitlines()
    assert rows == [
        "file,label,note",
        "unsure.txt,few,",
        'between.txt,many,"1 of two, a doubtful seal"',
    ]
    page.locator(".labels").get_by_text("many").click()  # pressed again, it is taken back
    expect(page.locator("#hand-state")).to_have_text("No label, but the note: saved in cells.csv.")
    rows = (folder / "cells.csv").read_text().splitlines()
    assert rows[2] == 'between.txt,,"1 of two, a doubtful seal"'
    page.get_by_role("link", name="Live").click()
    expect(page.locator("#now .what")).not_to_be_empty()


def test_a_label_that_could_not_be_saved_does_not_count_and_is_tried_again(
    toy: Toy, folder: Path, serve_at, open_page
) -> None:
    for name, text in {"a": "9 9 9 9", "b": "9 9", "c": "1"}.items():
        (folder / f"{name}.txt").write_text(text)
    table = folder / "cells.csv"
    table.write_text("file,label,note\na.txt,many,before\n")
    table.chmod(0o444)
    page = open_page(serve_at(toy, folder) + "#check")
    results = page.locator("#queue .file-result")
    expect(results).to_have_text(["no label yet", "no label yet", "✓ many"])  # of before
    expect(page.locator("#check-count")).to_have_text("1 of 3 checked.")
    page.keyboard.press("2")
    refused = (
        "cells.csv: is read-only, so no label was written; allow it to be written, and try again"
    )
    expect(page.locator("#hand-state")).to_have_text(f"few: not saved. {refused}")
    expect(page.locator("#unsaved")).to_have_text(f"Not saved: c.txt. {refused}")
    expect(results.first).to_have_text("▲ few, not saved")
    expect(page.locator("#check-count")).to_have_text("1 of 3 checked.")
    page.reload()  # nothing is lost
    expect(results.first).to_have_text("▲ few, not saved")
    table.chmod(0o644)
    page.get_by_role("button", name="Try again").click()
    expect(results.first).to_have_text("✓ few")
    expect(page.locator("#unsaved")).to_be_hidden()
    page.locator("#queue").get_by_role("button", name="a.txt").click()
    expect(page.get_by_label("Note")).to_have_value("before")
    note = "n" * 600
    page.get_by_label("Note").evaluate(
        "(input, text) => { input.focus(); document.execCommand('insertText', false, text); }", note
    )
    expect(page.locator("#hand-note-limit")).to_contain_text("at most 500 characters")
    page.keyboard.press("Tab")
    page.locator(".labels").get_by_text("few").click()
    expect(page.locator("#check-count")).to_have_text("2 of 3 checked.")
    rows = table.read_text().splitlines()
    assert rows[1].startswith("a.txt,few,before") and len(rows[1]) == len("a.txt,few,") + 500
    assert rows[2] == "c.txt,few,"
    table.write_text('file,label,note\nb.txt,many,\n"')
    expect(page.locator("#labels-problem")).to_contain_text("No label can be saved until")


def test_a_cell_that_was_not_judged_is_labelled_too_and_no_label_vanishes(
    address: str, open_page
) -> None:
    page = open_page(address)
    drop(page, {"none.txt": b"silent 1", "one.txt": b"silent 1 9", "two.txt": b"two 9 9 9 9"})
    expect(page.locator("#n-cells")).to_have_text("3")
    page.get_by_role("link", name="Check by hand").click()
    results = page.locator("#queue .file-result")
    expect(results).to_have_text(["no label yet"] * 4)  # which tells nothing of the answer
    page.get_by_label("Hide the answer").uncheck()
    expect(results).to_have_text(["not sure", "answered", "not judged", "not looked at yet"])
    page.get_by_label("Hide the answer").check()
    page.keyboard.press("1")
    page.locator("#checked-view .canvas").focus()
    page.keyboard.press("n")
    page.keyboard.press(" ")  # its only peak is rejected: nothing is judged any more
    expect(page.locator("#checked-view .changed")).to_contain_text("1 peak rejected")
    expect(page.locator("#check-count")).to_have_text("1 of 4 checked.")
    expect(results.first).to_have_text("✓ many")
    page.locator("#queue").get_by_role("button", name="none.txt").click()
    page.keyboard.press("2")
    page.locator("#queue").get_by_role("button", name="two.txt: second").click()
    expect(page.locator("#checked-view h2")).to_have_text("two.txt: second")
    page.keyboard.press("1")
    page.locator("#checked-view select").select_option("first")  # a label is of what is shown
    expect(page.locator("#queue [aria-current=true] .file-name")).to_have_text("two.txt: first")
    expect(page.locator("#checked-view h2")).to_have_text("two.txt: first")
    page.locator(".labels").get_by_text("few").click()
    _, text = saved_text(page, page.get_by_role("button", name="Download cells.csv"))
    assert text.splitlines()[1:] == [
        "one.txt,many,,",
        "two.txt,few,,first",
        "none.txt,few,,",
        "two.txt,many,,second",
    ]


def test_the_least_certain_is_first_whenever_it_comes(
    toy: Toy, folder: Path, serve_at, open_page
) -> None:
    for name, text in {"sure": "9 9 9 9", "unsure": "1", "between": "9 9"}.items():
        (folder / f"{name}.txt").write_text(text)
    page = open_page(serve_at(toy, folder) + "#check")  # before the server tells of any file
    names = page.locator("#queue .file-name")
    expect(names).to_have_text(["unsure.txt", "between.txt", "sure.txt"])
    expect(page.locator("#checked-view h2")).to_have_text("unsure.txt: first")
    names.nth(1).click()
    (folder / "late.txt").write_text("9")
    expect(names).to_have_text(["unsure.txt", "between.txt", "late.txt", "sure.txt"])
    expect(page.locator("#checked-view h2")).to_have_text("between.txt: first")  # stays in hand


def test_labels_of_dropped_files_are_downloaded(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"9 9 9", "b.txt": b"9"})
    expect(page.locator("#n-cells")).to_have_text("2")
    page.get_by_role("link", name="Check by hand").click()
    expect(page.locator("#checked-view h2")).to_have_text("b.txt: first")
    expect(page.get_by_role("button", name="Download cells.csv")).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    name, text = saved_text(page, page.get_by_role("button", name="Download cells.csv"))
    assert name == "cells.csv"
    assert text.splitlines() == ["file,label,note", "b.txt,many,", "a.txt,few,"]
    page.reload()
    expect(page.locator("#check-count")).to_have_text("2 of 2 checked.")
