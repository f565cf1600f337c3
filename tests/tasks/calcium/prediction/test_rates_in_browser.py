"""Traces of calcium in the page of `raphe serve`, in a real browser: good files and bad ones."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import raphe
from http_caller import answering
from page_browser import drop, row_of, saved_text
from raphe.serve.limits import Limits

pytestmark = pytest.mark.ci
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
RATE_HZ = 30.0


def npy(array: object) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


@pytest.fixture(scope="module")
def traces() -> np.ndarray:
    rng = np.random.default_rng(0)
    traces = rng.normal(1, 0.1, (3, 900)).astype(np.float32)
    traces[:, 100:140] += np.exp(-np.arange(40) / 12)
    traces[1] = 0.5
    return traces


@pytest.fixture
def page(rate_bundle: Path, open_page: Callable[..., Page]) -> Iterator[Page]:
    with answering(raphe.load_bundle(rate_bundle, threads=1), Limits()) as caller:
        yield open_page(f"http://127.0.0.1:{caller.port}/")


def test_a_table_is_dropped_looked_at_and_taken(page: Page, traces: np.ndarray) -> None:
    rows = [f"{i / RATE_HZ:.5f},{','.join(f'{v:.5f}' for v in row)}"
            for i, row in enumerate(traces.T)]  # fmt: skip
    drop(page, {"mine.csv": "\n".join(["Time (s),one,two,three", *rows]).encode()})
    expect(page.locator(".headline")).to_contain_text("spikes/s")
    expect(page.locator(".marks .words")).not_to_contain_text("rejected")
    page.get_by_label("Shown, of 3").select_option("two")
    expect(page.locator(".headline")).to_contain_text("no rate")
    name, text = saved_text(page, page.get_by_role("button", name="Rates of all traces (CSV)"))
    assert name == "mine_rates.csv" and text.splitlines()[0] == "one,two,three"
    assert len(text.splitlines()) == 901
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(FITS)  # once the plots are drawn anew


def test_nwb_is_dropped_and_its_series_chosen(
    page: Page, traces: np.ndarray, fluorescence: Callable[..., Path], tmp_path: Path
) -> None:
    series = {"Fluorescence/F": traces.T, "Fluorescence/Fneu": traces.T / 2}
    drop(page, {"cells.nwb": fluorescence(tmp_path / "cells.nwb", series).read_bytes()})
    expect(page.locator("body")).to_contain_text("expected one series of fluorescence")
    expect(page.locator("body")).to_contain_text("“Variable”")


def test_a_zip_of_suite2p_is_read_and_bad_files_say_their_sentences(
    page: Page, traces: np.ndarray
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        arrays = {"F": traces, "Fneu": traces[::-1] * 0.1, "ops": {"fs": RATE_HZ}}
        for name, array in arrays.items():
            archive.writestr(f"suite2p/plane0/{name}.npy", npy(array))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("F.npy", bytes(Limits().file_bytes + 1))
    bad = {
        "empty.npy": (b"\x93", "expected one array (.npy)"),
        "ragged.csv": (b"a,b\n1,2\n3\n", "line 3: expected 2 cells"),
        "bomb.zip": (bomb.getvalue(), "holds more than 200 MB, unpacked"),
        "bare.npy": (npy(traces), "does not hold its sampling rate; give “Rate, Hz”"),
    }
    drop(page, {"mine.zip": content.getvalue(), **{name: each[0] for name, each in bad.items()}})
    expect(row_of(page, "mine.zip").locator(".file-result")).to_contain_text("spikes/s")
    for name, (_, sentence) in bad.items():
        row = page.locator("#files > li").filter(has_text=name).first
        expect(row).to_contain_text(sentence)


def test_a_matrix_is_asked_for_its_rate_and_every_trace_judged_when_told(
    page: Page, traces: np.ndarray
) -> None:
    drop(page, {"F.npy": npy(traces)})
    expect(row_of(page, "F.npy").locator(".error")).to_contain_text("give “Rate, Hz”")
    page.get_by_label("Rate, Hz of F.npy").fill("30")
    page.keyboard.press("Enter")
    expect(page.locator("#opened h2")).to_contain_text("F.npy")
    page.get_by_role("link", name="All results").click()
    page.get_by_role("button", name="Judge the other 2 of F.npy").click()
    expect(page.locator("#cells tbody tr")).to_have_count(3)
