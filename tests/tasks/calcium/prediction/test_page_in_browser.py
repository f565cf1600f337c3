"""Calcium traces in the page of `raphe serve`, in a real browser."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import raphe
from page_browser import drop, row_of, saved_text

pytestmark = pytest.mark.ci


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def test_traces_without_a_rate_are_asked_for_it_then_inferred_and_taken(
    rate_bundle: Path, serve_at, open_page
) -> None:
    predictor = raphe.load_bundle(rate_bundle, threads=1)
    traces = np.random.default_rng(0).normal(size=(3, 900)).astype(np.float32)
    expected = predictor.predict(traces, 30.0).rate_per_s
    page = open_page(serve_at(predictor))
    drop(page, {"F.npy": npy(traces), "words.csv": b"a,b\nx,y\n"})
    expect(row_of(page, "words.csv").locator(".error")).to_contain_text("words.csv, line 2:")
    expect(row_of(page, "F.npy").locator(".error")).to_contain_text("rate_hz")
    page.get_by_label("rate_hz of F.npy").fill("30")
    page.keyboard.press("Enter")
    expect(page.locator("#opened h2")).to_contain_text("F.npy")
    expect(page.locator(".u-over").first).to_be_visible()
    page.get_by_label("Shown, of 3").select_option("2")
    expect(page.locator("#opened h2")).to_contain_text("2")
    take = page.get_by_role("button", name="Rates of all traces (CSV)")
    _, text = saved_text(page, take)
    rows = list(csv.reader(text.splitlines()))
    assert len(rows) - 1 == expected.shape[1]  # a row a frame
    page.get_by_role("link", name="All results").click()
    page.get_by_role("button", name="Judge the other").click()
    expect(page.locator("#cells tbody tr")).to_have_count(3)
