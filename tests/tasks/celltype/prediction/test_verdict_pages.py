"""Pages of verdicts: whole without a network, readable without a script, true to the numbers."""

import base64
import doctest
import json
import os
from copy import copy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from raphe import cli
from raphe.core.abf.writer import write_abf
from raphe.core.bundles.bundle import Bundle
from raphe.core.errors import StoreError
from raphe.core.figure_style import PaperFigure
from raphe.core.recordings.recording import Recording
from raphe.core.sentences import number
from raphe.tasks.celltype.prediction.page import other_texts, text_page
from raphe.tasks.celltype.prediction.trace_view import MISSING, cell_envelopes, trace_data
from raphe.tasks.celltype.prediction.verdict_figure import draw_votes
from raphe.tasks.celltype.prediction.verdict_files import VerdictFiles, csv_row
from raphe.tasks.celltype.prediction.verdict_folder import CARD_PAGE, CSV_FILE, INDEX, JSON_FILE
from raphe.tasks.celltype.verdicts import verdict as verdict_module
from raphe.tasks.celltype.verdicts.cell_input import cut_recordings
from raphe.tasks.celltype.verdicts.judge import Judge, JudgedCell
from raphe.tasks.celltype.verdicts.verdict import Vote
from raphe.tasks.celltype.verdicts.weighing import sentence, weighed

RATE_HZ = 40_000.0
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Its tags, its links, its words, and what of it is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.ids, self.links, self.words = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named[name] for name in ("href", "src") if tag != "use" and name in named]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def folder(trained_bundle, tmp_path_factory):
    """Verdicts on a cell whose name is not HTML, one without spikes, and a damaged file."""
    place = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(3)
    inputs = place / "new"
    inputs.mkdir()
    noise = rng.normal(0, 4, 80_000).astype(np.float32)
    spikes = noise.copy()
    for start in range(2000, 78_000, 4000):
        spikes[start : start + 12] -= 90 * np.hanning(12).astype(np.float32)
        spikes[start + 12 : start + 40] += 15 * np.hanning(28).astype(np.float32)
    write_abf(inputs / "<b>&1.abf", spikes, RATE_HZ, "pA")
    write_abf(inputs / "silent.abf", noise, RATE_HZ, "pA")
    (inputs / "broken.abf").write_bytes(b"ABF2" + bytes(100))
    (inputs / os.fsdecode(b"caf\xe9.abf")).touch()  # as an old disk has it
    out = place / "verdicts"
    assert cli.main(["predict", str(inputs), "--bundle", str(trained_bundle), "--out", str(out)])
    return out


@pytest.fixture(scope="module")
def pages(folder):
    return {str(f.relative_to(folder)): Page(f.read_text()) for f in folder.rglob("*.html")}


def test_a_full_disk_keeps_no_part_so_that_the_same_command_works(
    folder, trained_bundle, tmp_path, monkeypatch
):
    recording = folder.parent / "new" / "silent.abf"
    for name in ("a.abf", "b.abf"):
        (tmp_path / name).symlink_to(recording)
    out = tmp_path / "verdicts"
    words = ["predict", *map(str, sorted(tmp_path.glob("*.abf"))), "--bundle", str(trained_bundle)]
    words += ["--out", str(out), "--no-pages"]
    add = VerdictFiles.add

    def full(files, key, result):
        if files.answers:
            raise StoreError("the disk is full")
        add(files, key, result)

    with monkeypatch.context() as patched:
        patched.setattr(VerdictFiles, "add", full)
        assert cli.main(words) == 1
    assert not out.exists()
    assert cli.main(words) == 0 and out.is_dir()


def test_every_page_is_whole_by_itself(folder, pages):
    assert set(pages) >= {INDEX, CARD_PAGE, "cells/silent.html"} and len(pages) >= 4
    for name, page in pages.items():
        assert not page.open, name
        assert len(page.ids) == len(set(page.ids)), name
        place = (folder / name).parent
        for link in page.links:
            assert not link.startswith(("http", "//", "/", "data:")), link
            target = link.partition("#")[0]
            assert not target or (place / target).is_file(), link
        text = (folder / name).read_text()
        assert "@import" not in text and "fetch(" not in text
        assert text.replace("http://www.w3.org/", "").count("://") == 0
        assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in (
            page.tags
        )


def test_no_file_says_where_anything_lies_on_this_computer(folder, trained_bundle):
    written = "".join(file.read_text() for file in folder.rglob("*.*"))
    assert str(folder.parent) not in written and str(trained_bundle.parent) not in written
    verdicts = json.loads((folder / JSON_FILE).read_text())
    files = {name for cell in verdicts["cells"] for name in cell["files"]}
    assert files == {"new/<b>&1.abf", "new/silent.abf"}
    left_out = {failure["file"]: failure["reason"] for failure in verdicts["left_out"]}
    assert left_out[r"new/caf\xe9.abf"] == r"new/caf\xe9.abf: its name is not UTF-8; rename it"
    assert left_out["new/broken.abf"].startswith("new/broken.abf: expected ")


def test_every_picture_has_words(pages):
    n_pictures = 0
    for page in pages.values():
        for tag, named in page.tags:
            if tag == "svg" and named.get("role") != "presentation":
                n_pictures += 1
                labels = named.get("aria-labelledby", "").split()
                assert named["role"] == "img"
                assert named.get("aria-label") or (labels and set(labels) <= set(page.ids))
    assert n_pictures == 1 + 4 + 1  # thumbnail; recording and three panels; the silent recording


def test_the_index_says_all_without_a_script(folder, pages):
    index, written = pages[INDEX], json.loads((folder / JSON_FILE).read_text())
    assert "2 files left out" in index.text and "broken.abf: expected" in index.text
    assert "no spikes" in index.text and "<b>&1" in index.text
    (cell, _) = written["cells"]
    leading = cell["most_probable_class"]
    assert f"{leading} {verdict_module.share(cell['probability'][leading])}" in index.text
    for link in (CSV_FILE, JSON_FILE, CARD_PAGE):
        assert link in index.links
    made = written["made_utc"]
    assert f"Made on {made[:10]} at {made[11:16]} UTC by raphe {written['raphe']}" in index.text
    assert "with the bundle “bundle”" in index.text
    assert "../index.html" in pages["cells/silent.html"].links


def test_a_statistic_stands_in_words_beside_trainings_range(folder, pages, trained_bundle):
    (name,) = {name for name in pages if name.startswith("cells/")} - {"cells/silent.html"}
    page = pages[name]
    domain = Judge(trained_bundle).domain
    low, *_, high = domain["quantiles"]["half_width_ms"]
    (cell, _) = json.loads((folder / JSON_FILE).read_text())["cells"]
    value = cell["statistics"]["half_width_ms"]
    outside = "" if low <= value <= high else ", outside"
    assert f"half-width {number(value)} ms{outside} {number(low)} to {number(high)} ms" in page.text
    for column in cell["statistics"]:
        assert "_" not in column or column not in page.text
    assert "e+0" not in page.text


def test_numbers_of_the_files_have_the_digits_that_mean_something(folder):
    written = json.loads((folder / JSON_FILE).read_text())
    digits = [len(repr(n).replace("0.", "").lstrip("0-")) for n in _numbers(written)]
    assert max(digits) <= 7
    header, *rows = (folder / CSV_FILE).read_text().splitlines()
    assert "prevalence_SER" in header and " " not in header
    assert len(rows) == 2


def _numbers(value):
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)


def test_what_was_weighed_is_of_this_cell(trained_bundle, record):
    judge = Judge(trained_bundle)
    recording = Recording.from_array(record("SER", 0), RATE_HZ, "pA", "c")
    cell = cut_recordings("c", (), [recording], judge.cut)
    few = judge.judge(cell.first(2)).verdict
    assert any("not yet enough" in text for text in weighed(few, judge)[1])
    whole = judge.judge(cell).verdict
    for_it, against = weighed(whole, judge)
    assert any(text == "All 3 networks say SER, each asked alone." for text in for_it)
    assert any("are enough" in text for text in for_it) == whole.enough_spikes
    assert not any("enough" in text for text in against) or not whole.enough_spikes


@pytest.fixture
def judged(trained_bundle, record):
    """A cell of those whose statistics all lie within training's range, and its judge."""
    judge = Judge(trained_bundle)
    quantiles = judge.domain["quantiles"]
    recording = Recording.from_array(record("SER", 0), RATE_HZ, "pA", "c")
    judged = judge.judge(cut_recordings("c", (), [recording], judge.cut))
    within = {column: values[4] for column, values in quantiles.items()}  # the medians
    return replace(judged.verdict, statistics=within, unlike=()), judge


@pytest.mark.parametrize(
    ("outside", "words"),
    [
        ([], "What could be compared of its spikes, noise and firing is as in training."),
        (
            ["half_width_ms"],
            "One statistic lies outside the range of training (half-width), but not so far that "
            "the cell is unlike those of training.",
        ),
        (
            ["half_width_ms", "baseline_pA"],
            "2 statistics lie outside the range of training (half-width and baseline), but "
            "together not so far that the cell is unlike those of training.",
        ),
    ],
)
def test_what_the_table_marks_is_to_be_looked_at(judged, outside, words):
    verdict, judge = judged
    quantiles = judge.domain["quantiles"]
    beyond = {column: quantiles[column][-1] + 1.0 for column in outside}
    for_it, against = weighed(replace(verdict, statistics=verdict.statistics | beyond), judge)
    assert words in (against if outside else for_it)
    assert any("is as in training" in text for text in for_it) == (not outside)


def test_a_name_that_a_terminal_obeys_is_shown_in_the_table(judged):
    verdict, judge = judged
    row = csv_row(replace(verdict, cell_id="A\x1b[31m\n\u202eB", files=("x\x1b.abf",)), judge)
    assert row["cell_id"] == "A\\x1b[31m\\n\\u202eB"
    assert row["files"] == "x\\x1b.abf"


def test_the_same_time_stands_once(judged):
    verdict, judge = judged
    quantiles = judge.domain["quantiles"]
    assert quantiles["udi_ms"] == quantiles["trough_to_peak_ms"]
    time = {"udi_ms": 99.0, "trough_to_peak_ms": 99.0}
    against = weighed(replace(verdict, statistics=verdict.statistics | time), judge)[1]
    assert any("(UDI), here the trough-to-peak time)" in text for text in against)
    time["trough_to_peak_ms"] = 98.0
    against = weighed(replace(verdict, statistics=verdict.statistics | time), judge)[1]
    assert any("(UDI) and trough-to-peak time)" in text for text in against)


@pytest.mark.parametrize(
    ("times", "others", "words"),
    [
        ((1,), 0, "the network says SER"),
        ((17, 3), 0, "both networks say SER (20 of 20 votes)"),
        ((17, 3), 1, "1 of 2 networks says SER (17 of 20 votes)"),
        ((1, 1, 1), 0, "all 3 networks say SER"),
        ((1, 1, 1), 1, "2 of 3 networks say SER"),
        ((1, 1, 1), 3, "none of 3 networks say SER"),
    ],
)
def test_networks_are_counted_once_and_votes_as_often_as_they_count(judged, times, others, words):
    ways = [{"SER": 0.9, "NSER": 0.1}] * (len(times) - others) + [
        {"SER": 0.1, "NSER": 0.9}
    ] * others
    votes = tuple(
        Vote(f"k={i}", i, n, way) for i, (n, way) in enumerate(zip(times, ways, strict=True))
    )
    verdict = replace(judged[0], votes=votes, probability={"SER": 0.8, "NSER": 0.2})
    assert verdict.said_by("says SER", "say SER") == words
    alone = (
        "" if len(times) == 1 else words.replace("says SER", "agrees").replace("say SER", "agree")
    )
    assert sentence(verdict, judged[1].noun).endswith(f"; {alone}." if alone else "spikes.")


@pytest.mark.parametrize(
    ("high", "words"),
    [(0.94, "0.940 in 95 % of cases, part of it too low"), (0.7444, "all of it too low")],
)
def test_what_is_below_the_threshold_reads_so(judged, high, words):
    verdict, judge = judged
    judge = copy(judge)
    judge.decision = replace(
        judge.decision, not_sure=replace(judge.decision.not_sure, threshold=0.7449)
    )
    again = {"SER": (0.7441, high), "NSER": (1 - high, 0.2559)}
    verdict = replace(verdict, probability={"SER": 0.9, "NSER": 0.1}, recorded_again=again)
    for_it, against = weighed(verdict, judge)
    assert any("reaches the 0.745 from which on" in text for text in for_it)
    assert any(f"{words} to be called." in text for text in against)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("none", "neither its probability nor the verdict's is calibrated; ×: how often"),
        ("platt", "its probability is calibrated as the verdict's is; ×: how often"),
    ],
)
def test_the_votes_say_whether_they_are_calibrated(judged, method, words):
    verdict, judge = judged
    judge = copy(judge)
    judge.decision = replace(judge.decision, method=method)
    votes = tuple(replace(vote, kernel=6, times=17) for vote in verdict.votes[:1])
    axes = PaperFigure(3, 3).subplots()
    caption = draw_votes(axes, JudgedCell(None, replace(verdict, votes=votes)), judge)
    assert words in caption
    assert [
        tick for tick in axes.get_xticks() if axes.get_xlim()[0] < tick < axes.get_xlim()[1]
    ] == [6]
    assert "×17" in [text.get_text() for text in axes.texts]


def test_a_vote_is_on_the_scale_of_the_verdict(trained_bundle, record):
    """All networks asked alone, pooled, give the verdict where nothing is calibrated; and one
    network's vote moves with a prevalence as the verdict does."""
    judge = Judge(trained_bundle)
    recording = Recording.from_array(record("SER", 1), RATE_HZ, "pA", "c")
    cell = cut_recordings("c", (), [recording], judge.cut)
    verdict = judge.judge(cell).verdict
    votes = [vote.probability["SER"] for vote in verdict.votes]
    assert not judge.decision.calibrated
    assert verdict.probability["SER"] == pytest.approx(np.mean(votes), abs=1e-6)
    given = judge.at_prevalence({"SER": 0.1}).judge(cell).verdict
    odds = np.array([[v.probability["SER"] / v.probability["NSER"] for v in x.votes]
                     for x in (verdict, given)])  # fmt: skip
    share = judge.prevalence
    expected = 0.1 / 0.9 / (share["SER"] / share["NSER"])
    np.testing.assert_allclose(odds[1] / odds[0], expected, rtol=1e-3)


@pytest.mark.filterwarnings("ignore:c.*NaN")
@pytest.mark.parametrize("duration_s", [5.0, 120.0])
def test_a_page_holds_a_recording_in_bounded_space(trained_bundle, duration_s):
    judge = Judge(trained_bundle)
    samples = np.random.default_rng(0).normal(0, 5, round(duration_s * RATE_HZ)).astype(np.float32)
    samples[1000:2000] = np.nan  # more than two stretches
    recording = Recording.from_array(samples, RATE_HZ, "pA", "c")
    cell = cut_recordings("c", (), [recording], judge.cut)
    sweeps = cell_envelopes(cell, judge.cut)
    data = trace_data(cell, judge.cut, sweeps)
    assert len(json.dumps(data)) < 120_000
    low = np.frombuffer(base64.b64decode(data["sweeps"][0]["low"]), "<i2")
    assert (low == MISSING).sum() in (2, 75, 76)
    assert low[low > MISSING].min() / data["perUnit"] == pytest.approx(np.nanmin(samples), rel=1e-3)
    assert sweeps[0].time_s[-1] < duration_s <= sweeps[0].time_s[-1] + 2 * sweeps[0].step_s
    coarse = sweeps[0].coarser(100)
    assert len(coarse.low) <= 100 and coarse.high[-1] <= np.nanmax(samples)


def test_a_card_becomes_a_page_and_no_script():
    page = text_page(
        "# A & B\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n<script>alert(1)</script>\n", "m"
    )
    assert "<title>A &amp; B</title>" in page and "<td>1</td>" in page
    assert "<script>" not in page


def test_every_text_of_a_bundle_is_a_page():
    files = {"MODEL_CARD.md": "", "METHODS.md": "", "model.onnx": ""}
    bundle = Bundle(Path("bundle"), {"files": files})
    assert other_texts(bundle) == {"METHODS.md": ("methods.html", "Methods")}
    assert "<h1>Methods</h1>\n<p>Spikes" in text_page("Spikes were cut.\n", "me", "Methods")


def test_the_examples_hold():
    assert doctest.testmod(verdict_module).failed == 0
