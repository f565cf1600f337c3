"""A file of traces in the page shows and gives away what `raphe predict` says of it."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.errors import RapheError
from raphe.tasks.calcium.prediction import opened_traces
from raphe.tasks.calcium.prediction.predictor import RatePredictor

RATE_HZ = 30.0
AS_IT_IS = Changes()


@pytest.fixture(scope="module")
def bundle(rate_bundle: Path) -> RatePredictor:
    return raphe.load_bundle(rate_bundle, threads=1)


@pytest.fixture(scope="module")
def traces() -> np.ndarray:
    """Three of twelve seconds, (3, 360); the second is constant, the third has a dark frame."""
    rng = np.random.default_rng(0)
    traces = rng.normal(1, 0.1, (3, 360)).astype(np.float32)
    traces[:, 100:140] += np.exp(-np.arange(40) / 12)
    traces[1] = 0.5
    traces[2, 50] = -1000
    return traces


@pytest.fixture
def opened(bundle, traces, tmp_path: Path) -> OpenedFile:
    np.save(tmp_path / "sent.npy", traces)
    opened = bundle.open_file(tmp_path / "sent.npy", "of <mine>.npy", {"rate_hz": RATE_HZ}, {})
    (tmp_path / "sent.npy").unlink()  # it is not read again
    return opened


def test_a_trace_is_shown_with_the_rate_that_predict_gives(bundle, traces, opened) -> None:
    expected = bundle.predict(traces, RATE_HZ)
    view = opened.view(None, AS_IT_IS)
    assert view.item == "0" and view.items == ("0", "1", "2") and view.tone in ("called", "unlike")
    assert view.headline == f"about {expected.rate_per_s[0].mean():.2g} spikes/s in trace 0"
    rate = opened.plot("rate", "0", AS_IT_IS, (0.0, 12.0), 1000)
    np.testing.assert_allclose(rate.lines[1].y, expected.rate_per_s[0], rtol=1e-5)
    np.testing.assert_allclose(rate.marks.x, expected.spike_times_s(0), rtol=1e-5)
    assert not rate.marks.can_change and rate.threshold is None
    spread = rate.lines[0]
    low = np.maximum(expected.rate_per_s[0] - expected.spread_per_s[0], 0)
    np.testing.assert_allclose(spread.low, low, rtol=1e-5, atol=1e-6)
    assert view.note == bundle.manifest["note"] and "These are simulated" in view.note
    assert any("no absolute scale" in sentence for sentence in view.sentences)
    assert json.dumps(view.as_json(), allow_nan=False)
    assert "sent.npy" not in str(view.as_json())


def test_what_no_rate_can_be_told_of_says_why(opened) -> None:
    view = opened.view("1", AS_IT_IS)
    assert (view.headline, view.tone, view.uncertainty) == ("no rate in trace 1", "nothing", None)
    assert view.sentences[0] == "No rate could be inferred: constant at 0.5."
    assert [plot.name for plot in view.plots] == ["trace"]
    assert view.row["status"] == "left out" and view.row["file"] == "of <mine>.npy"


def test_frames_that_are_none_are_told_and_set_no_scale(opened) -> None:
    view = opened.view("2", AS_IT_IS)
    assert any(sentence.startswith("Taken as missing: 1 frame") for sentence in view.sentences)
    line = opened.plot("trace", "2", AS_IT_IS, (0.0, 12.0), 1000).lines[0]
    assert line.y[50] is None and min(y for y in line.y if y is not None) > -1


def test_files_of_all_are_those_that_predict_writes(bundle, traces, opened) -> None:
    expected = bundle.predict(traces, RATE_HZ)
    takes = {take.name for take in opened.view(None, AS_IT_IS).takes}
    taken = {name: opened.take(name, "0", AS_IT_IS) for name in takes}
    assert taken["rates.csv"].name == "of <mine>_rates.csv"
    for name, values in (("rates", expected.rate_per_s), ("spread", expected.spread_per_s)):
        array = np.load(io.BytesIO(taken[f"{name}.npy"].contents))
        np.testing.assert_array_equal(array, values)
        header, first, *_ = taken[f"{name}.csv"].contents.decode().splitlines()
        assert header == "0,1,2" and first.split(",")[:2] == [f"{values[0, 0]:.4g}", ""]
    rows = taken["traces.csv"].contents.decode().splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == [
        opened.view(str(place), AS_IT_IS).row["status"] for place in range(3)
    ]
    answer = json.loads(taken["trace.json"].contents)
    np.testing.assert_allclose(answer["rate_per_s"], expected.rate_per_s[0], rtol=1e-6)
    assert answer["notes"] and answer["bundle"]["content_hash"] == bundle.content_hash
    assert taken["trace.pdf"].contents.startswith(b"%PDF")
    assert taken["methods.md"].contents.startswith(b"Spike rates were inferred")


def test_many_traces_are_inferred_one_by_one_and_few_are_held(
    bundle, traces, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(opened_traces, "AT_ONCE_SAMPLES", 0)
    monkeypatch.setattr(opened_traces, "KEPT_FRAMES", 2 * traces.shape[1])
    monkeypatch.setattr(opened_traces, "MOST_SAMPLES", 1000)
    np.save(tmp_path / "many.npy", np.tile(traces[:1], (50, 1)))
    opened = bundle.open_file(tmp_path / "many.npy", "many.npy", {"rate_hz": RATE_HZ}, {})
    held = opened.n_bytes
    assert held == 50 * 360 * 4
    for item in "37", "2", "40":
        view = opened.view(item, AS_IT_IS)
    assert opened.n_bytes - held == 2 * 360 * opened_traces.BYTES_A_FRAME
    assert [row[0] for row in view.tables[0].rows] == ["2", "37", "40"]
    assert view.tables[0].title == "3 of 50 traces inferred"
    assert "`raphe predict` makes it" in view.tables[0].caption
    with pytest.raises(RapheError, match=r"rates.csv: there is no such file"):
        opened.take("rates.csv", "2", AS_IT_IS)


def test_nothing_can_be_decided_otherwise(opened) -> None:
    for changes in Changes(threshold=1.0), Changes(rejected=frozenset({3})):
        for call in (
            lambda: opened.view(None, changes),  # noqa: B023
            lambda: opened.plot("rate", None, changes, (0.0, 1.0), 10),  # noqa: B023
            lambda: opened.take("trace.json", None, changes),  # noqa: B023
        ):
            with pytest.raises(RapheError, match="inferred from the whole trace; leave them out"):
                call()


def test_what_is_not_there_is_one_sentence(bundle, opened, tmp_path: Path) -> None:
    with pytest.raises(RapheError, match="9: there is no such trace in this file"):
        opened.view("9", AS_IT_IS)
    with pytest.raises(RapheError, match="no such plot"):
        opened.plot("rate", "1", AS_IT_IS, (0.0, 1.0), 10)
    with pytest.raises(RapheError, match="no such file"):
        opened.take("trace.pdf", "1", AS_IT_IS)
    with pytest.raises(RapheError, match="expected no second file"):
        bundle.open_file(tmp_path / "a.npy", "a.npy", {}, {"current": tmp_path / "b.npy"})


def test_a_zip_of_suite2p_comes_as_the_folder_it_is_unpacked_to(bundle, traces, tmp_path) -> None:
    surround = np.random.default_rng(1).normal(1, 0.1, traces.shape).astype(np.float32)
    sent = tmp_path / "sent"
    folder = sent / "Mouse 1" / "suite2p" / "plane0"
    folder.mkdir(parents=True)
    arrays = {"F": traces, "Fneu": surround, "iscell": np.array([[1, 0.9], [1, 0.5], [0, 0.1]])}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "ops.npy", {"fs": RATE_HZ})
    opened = bundle.open_file(sent, "mine.zip", {}, {})
    expected = bundle.predict(folder)
    rates = np.load(io.BytesIO(opened.take("rates.npy", None, AS_IT_IS).contents))
    np.testing.assert_array_equal(rates, expected.rate_per_s)
    view = opened.view("2", AS_IT_IS)
    assert "By iscell.npy this region is no cell." in view.sentences
    assert view.sentences[-1].endswith("taken all the same; cells_only leaves them out.")
    assert view.sentences[-1].startswith("mine.zip: 1 of 3 regions")
    assert view.plots[0].caption.startswith("F − 0.7 Fneu: the region's fluorescence less 0.7")
    alone = bundle.open_file(sent, "mine.zip", {"neuropil": 0.0}, {}).view(None, AS_IT_IS)
    assert "nothing of the neuropil's is taken off" in alone.plots[0].caption
    cells = bundle.open_file(sent, "mine.zip", {"cells_only": True}, {})
    assert cells.view(None, AS_IT_IS).items == ("0", "1")
    with pytest.raises(RapheError, match=r"plane0: holds its sampling rate, 30 Hz, --rate says 7"):
        bundle.open_file(sent, "mine.zip", {"rate_hz": 7.0}, {})
    (folder / "Fneu.npy").unlink()
    with pytest.raises(RapheError, match=r"plane0: expected Fneu.npy beside F.npy"):
        bundle.open_file(sent, "mine.zip", {}, {})


def test_nwb_comes_with_its_rate_and_its_regions(bundle, traces, fluorescence, tmp_path) -> None:
    sent = fluorescence(tmp_path / "sent.nwb", {"DfOverF/dff": traces.T, "DfOverF/raw": traces.T})
    with pytest.raises(RapheError, match=r"got processing/ophys/DfOverF/dff and .*--variable"):
        bundle.open_file(sent, "mine.nwb", {}, {})
    opened = bundle.open_file(sent, "mine.nwb", {"variable": "dff"}, {})
    sent.unlink()  # it is not read again
    assert opened.view("12", AS_IT_IS).items == ("10", "11", "12")
    expected = bundle.predict(traces, RATE_HZ).rate_per_s[0]
    rate = opened.plot("rate", "10", AS_IT_IS, (0.0, 12.0), 1000)
    np.testing.assert_allclose(rate.lines[1].y, expected, rtol=1e-4)


def test_a_table_with_tabs_is_a_table(bundle, traces, tmp_path) -> None:
    rows = ["a\tb\tc", *("\t".join(f"{value:.6g}" for value in frame) for frame in traces.T)]
    (tmp_path / "sent.tsv").write_text("\n".join(rows))
    answer = bundle.answer_file(tmp_path / "sent.tsv", {"rate_hz": RATE_HZ})
    assert answer["names"] == ["a", "b", "c"] and "b" in answer["left_out"]
    expected = bundle.predict(traces, RATE_HZ).rate_per_s[0]
    np.testing.assert_allclose(answer["rate_per_s"][0], expected, atol=1e-3)
