"""Cells in the page of `raphe serve`, in a real browser: dropped, judged anew, taken."""

import csv
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import raphe
from page_browser import assert_fits, drop, row_of, saved_text
from raphe.core.abf.writer import write_abf

pytestmark = pytest.mark.ci


def test_a_cell_is_dropped_a_spike_rejected_and_the_verdict_taken(
    trained_bundle: Path, record, tmp_path: Path, serve_at, open_page
) -> None:
    predictor = raphe.load_bundle(trained_bundle, threads=1)
    file = tmp_path / "mine.abf"
    write_abf(file, record("SER", 0), 40_000.0, "pA")
    expected = predictor.predict(file)
    page = open_page(serve_at(predictor))
    expect(page.locator("#drop")).to_contain_text("A CSV holds one spike")
    drop(page, {"mine.abf": file.read_bytes(), "cut off.abf": file.read_bytes()[:5000]})
    expect(row_of(page, "cut off.abf").locator(".error")).to_contain_text("cut off.abf:")
    expect(page.locator(".headline")).to_contain_text(expected.verdict.replace("_", " "))
    expect(page.get_by_text(f"{expected.n_spikes} spikes, 0 rejected")).to_be_visible()
    page.get_by_role("button", name="Next spike").click()
    page.get_by_role("button", name="Reject this spike").click()
    expect(page.locator(".changed")).to_contain_text("Changed by hand: 1 spike rejected.")
    _, text = saved_text(page, page.get_by_role("button", name="Verdict (CSV)"))
    (row,) = csv.DictReader(text.splitlines())
    assert int(row["n_spikes"]) == expected.n_spikes - 1
    field = page.get_by_label("Threshold (pA)")
    field.fill("-5000")
    field.press("Enter")
    expect(page.locator(".headline")).to_contain_text("no spikes")
    page.get_by_role("button", name="As the bundle has it").first.click()
    expect(page.locator(".headline")).to_contain_text(expected.verdict.replace("_", " "))


def test_a_sweep_of_another_unit_is_refused_in_one_sentence(
    trained_bundle: Path, tmp_path: Path, serve_at, open_page
) -> None:
    file = tmp_path / "mv.abf"
    write_abf(file, np.zeros(40_000, np.float32), 40_000.0, "mV")
    page = open_page(serve_at(raphe.load_bundle(trained_bundle, threads=1)))
    drop(page, {"mv.abf": file.read_bytes()})
    expect(row_of(page, "mv.abf").locator(".error")).to_contain_text("expected pA, got mV")


def test_a_cell_on_the_rig_is_seen_and_labelled_on_a_phone(
    trained_bundle: Path, record, tmp_path: Path, serve_at, open_page
) -> None:
    folder = tmp_path / "rig"
    folder.mkdir()
    address = serve_at(raphe.load_bundle(trained_bundle, threads=1), folder)
    page = open_page(address, viewport={"width": 400, "height": 800})
    write_abf(folder / "cell1.abf", record("NSER", 0), 40_000.0, "pA")
    expect(page.locator("#now .what")).to_contain_text("cell1.abf")
    assert_fits(page)
    page.get_by_role("link", name="Check by hand").click()
    expect(page.locator("#checked-view .u-over").first).to_be_visible()
    assert_fits(page)
    page.keyboard.press("1")
    expect(page.locator("#hand-state")).to_contain_text("saved in")
    assert "cell1.abf" in (folder / "cells.csv").read_text()
