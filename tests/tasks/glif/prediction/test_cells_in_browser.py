"""Voltage and current in the page of `raphe serve`, in a real browser: good files and bad ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import raphe
from http_caller import answering
from page_browser import drop, row_of, saved_text
from raphe.serve.limits import Limits

pytestmark = pytest.mark.ci
FITS = "() => document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def page(posterior_bundle: Path, open_page: Callable[..., Page]) -> Iterator[Page]:
    with answering(raphe.load_bundle(posterior_bundle, threads=1), Limits()) as caller:
        yield open_page(f"http://127.0.0.1:{caller.port}/")


def test_a_voltage_asks_for_its_rate_and_then_for_its_current(page: Page, cell: list[str]) -> None:
    voltage, current = (Path(cell[place]).read_bytes() for place in (0, 2))
    drop(page, {"voltage.npy": voltage})
    row = page.locator("#files > li").filter(has_text="voltage.npy").first
    expect(row).to_contain_text("an array holds no sampling rate; name it with “Rate, Hz”")
    row.get_by_label("Rate, Hz of voltage.npy").fill("50000")
    row.get_by_label("Rate, Hz of voltage.npy").press("Enter")
    expect(page.locator(".need .lead")).to_contain_text("send the current that was injected")
    drop(page, {"short.npy": current[:-8]}, ".drop.second")
    expect(page.locator("#opened > .error")).to_contain_text("short.npy")
    drop(page, {"current.npy": current}, ".drop.second")
    expect(page.locator(".need")).to_be_hidden(timeout=120_000)
    expect(page.get_by_role("rowheader", name="capacitance")).to_be_visible()
    name, text = saved_text(page, page.get_by_role("button", name="Parameters of all cells (CSV)"))
    assert name == "voltage_parameters.csv" and text.startswith("cell,quantity,lab_unit")
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(FITS)  # once the plots are drawn anew


def test_a_voltage_and_its_current_dropped_together_are_joined(page: Page, cell: list[str]) -> None:
    voltage, current = (Path(cell[place]).read_bytes() for place in (0, 2))
    drop(page, {"v.npy": voltage, "i.npy": current, "words.csv": b"no,numbers\n"})
    expect(row_of(page, "words.csv").locator(".error")).to_contain_text("words.csv, line 2:")
    expect(row_of(page, "i.npy").locator(".error")).to_contain_text("“Rate, Hz”")
    page.get_by_label("Rate, Hz of v.npy").fill("50000")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Use i.npy").click()
    expect(page.locator("#opened .headline")).to_be_visible()
    expect(page.locator(".need")).to_be_hidden()
    expect(row_of(page, "i.npy")).to_have_count(0)  # it is a part of the other now
