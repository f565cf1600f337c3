"""A voltage and its current in the page of `raphe serve`, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

import raphe
from page_browser import drop, row_of

pytestmark = pytest.mark.ci


def test_a_voltage_and_its_current_dropped_together_are_joined(
    posterior_bundle: Path, cell: list[str], serve_at, open_page
) -> None:
    voltage, current = Path(cell[0]).read_bytes(), Path(cell[2]).read_bytes()
    page = open_page(serve_at(raphe.load_bundle(posterior_bundle, threads=1)))
    drop(page, {"v.npy": voltage, "i.npy": current, "words.csv": b"no,numbers\n"})
    expect(row_of(page, "words.csv").locator(".error")).to_contain_text("words.csv, line 2:")
    expect(row_of(page, "v.npy").locator(".error")).to_contain_text("rate_hz")
    page.get_by_label("rate_hz of v.npy").fill("50000")
    page.keyboard.press("Enter")
    expect(row_of(page, "v.npy")).to_contain_text("needs a second file")
    expect(page.locator(".need .lead")).to_contain_text("current")
    page.get_by_role("button", name="Use i.npy").click()
    expect(page.locator("#opened .headline")).to_be_visible()
    expect(page.locator(".need")).to_be_hidden()
    expect(row_of(page, "i.npy")).to_have_count(0)  # it is a part of the other now
    expect(page.locator(".u-over").first).to_be_visible()
