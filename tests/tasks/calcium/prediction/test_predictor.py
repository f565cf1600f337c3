"""`raphe.load_bundle(…).predict(…)` says of traces what `raphe predict` writes."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

import raphe
from matlab_files import write_mat73
from raphe.core.bundles.opened_file import Changes
from raphe.core.errors import RecordingError
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.prediction.infer_rates import Inferrer
from raphe.tasks.calcium.prediction.predictor import RatePredictor
from raphe.tasks.calcium.prediction.spike_times import spike_times_s
from raphe.tasks.calcium.recordings.conditioning import AS_IT_IS
from raphe.tasks.calcium.recordings.read_traces import READERS, read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

RATE_HZ = 30.0


@pytest.fixture(scope="module")
def bundle(rate_bundle: Path) -> RatePredictor:
    return raphe.load_bundle(rate_bundle, threads=1)


@pytest.fixture
def traces() -> np.ndarray:
    """Three of ten seconds, (3, 300); the second is constant."""
    rng = np.random.default_rng(0)
    traces = rng.normal(1, 0.1, (3, 300))
    traces[:, 100:140] += np.exp(-np.arange(40) / 12)
    traces[1] = 0.5
    return traces


def test_an_array_gets_the_rates_of_its_file(bundle, rate_bundle, traces, tmp_path) -> None:
    np.save(tmp_path / "traces.npy", traces)
    opened = read_traces(tmp_path / "traces.npy", TraceOptions(RATE_HZ))
    expected = list(Inferrer(RateBundle.open(rate_bundle)).traces(opened))
    for given in (traces, tmp_path / "traces.npy", str(tmp_path / "traces.npy")):
        prediction = bundle.predict(given, RATE_HZ)
        assert prediction.rate_per_s.shape == prediction.spread_per_s.shape == (3, 300)
        for row, trace in enumerate(expected):
            np.testing.assert_array_equal(prediction.rate_per_s[row], trace.rate_per_s)
            np.testing.assert_array_equal(prediction.spread_per_s[row], trace.spread_per_s)
            np.testing.assert_array_equal(prediction.count_in_1_s[row], trace.counts.said)
            np.testing.assert_array_equal(prediction.count_high_in_1_s[row], trace.counts.high)
        assert prediction.rate_hz == RATE_HZ


def test_a_trace_that_tells_nothing_is_left_out_with_a_reason(bundle, traces) -> None:
    prediction = bundle.predict(traces, RATE_HZ)
    assert prediction.left_out == {"1": "constant at 0.5"}
    assert np.isnan(prediction.rate_per_s[1]).all()
    assert not np.isnan(prediction.rate_per_s[0]).any()
    assert "These are simulated." in prediction.warnings[0]


def test_spike_times_are_those_of_the_rate(bundle, traces) -> None:
    traces[0, 200:210] = np.nan
    prediction = bundle.predict(traces[0], RATE_HZ)  # (T,) is one trace
    assert np.isnan(prediction.rate_per_s).any()
    expected = spike_times_s(np.nan_to_num(prediction.rate_per_s[0]), RATE_HZ)
    np.testing.assert_array_equal(prediction.spike_times_s(0), expected)


def test_spikes_are_on_the_clock_of_the_file(bundle, traces, tmp_path) -> None:
    lines = [",".join(["Time (s)", "a", "b", "c"])]
    lines += [
        f"{12.5 + place / 30:.6f}," + ",".join(map(str, row)) for place, row in enumerate(traces.T)
    ]
    (tmp_path / "x.csv").write_text("\n".join(lines) + "\n")
    on_clock, from_0 = bundle.predict(tmp_path / "x.csv"), bundle.predict(traces, RATE_HZ)
    assert (on_clock.first_frame_s, from_0.first_frame_s) == (12.5, 0)
    assert len(from_0.spike_times_s(0))
    np.testing.assert_allclose(on_clock.spike_times_s(0), 12.5 + from_0.spike_times_s(0))
    assert any("its clock shows 12.5 s at the first frame" in told for told in on_clock.warnings)
    assert not any("clock" in told for told in from_0.warnings)


def test_columns_and_another_conditioning_can_be_asked_for(bundle, traces) -> None:
    across = bundle.predict(traces.T, RATE_HZ, layout="time-traces")
    np.testing.assert_array_equal(
        across.rate_per_s, bundle.predict(traces, RATE_HZ, layout="traces-time").rate_per_s
    )
    as_it_is = bundle.predict(traces, RATE_HZ, conditioning=AS_IT_IS)
    assert not np.array_equal(across.rate_per_s[0], as_it_is.rate_per_s[0])


@pytest.mark.parametrize(
    ("rate_hz", "layout", "sentence"),
    [
        (None, None, "traces in memory: expected rate_hz, their frames a second, got none"),
        (-1.0, None, "expected a sampling rate in Hz"),
        (RATE_HZ, "rows", "layout: expected traces-time or time-traces, got rows"),
    ],
)
def test_what_is_not_clear_is_one_sentence(bundle, traces, rate_hz, layout, sentence) -> None:
    with pytest.raises(raphe.RecordingError, match=sentence):
        bundle.predict(traces, rate_hz, layout=layout)


def test_values_of_json_and_a_file_get_the_rates_of_their_array(bundle, traces, tmp_path) -> None:
    traces[2, 50:60] = np.nan
    rows = [[None if np.isnan(value) else value for value in row] for row in traces.tolist()]
    answer = bundle.answer({"traces": rows, "rate_hz": RATE_HZ})
    assert set(json.loads(json.dumps(answer, allow_nan=False))) == set(bundle.ANSWER)
    expected = bundle.predict(traces, RATE_HZ)
    rates = np.array(answer["rate_per_s"], np.float64)  # None is NaN
    np.testing.assert_array_equal(rates.astype(np.float32), expected.rate_per_s)
    assert answer["left_out"] == {"1": "constant at 0.5"}
    np.save(tmp_path / "recording.npy", traces)
    assert bundle.answer_file(tmp_path / "recording.npy", {"rate_hz": RATE_HZ}) == answer
    assert bundle.answer(bundle.example())["left_out"] == {"0": "constant at 0"}


@pytest.mark.parametrize(
    ("shape", "rate_hz", "sentence"),
    [
        ((2, 500_000), 30.0, "expected at most 120 minutes of a trace"),
        ((2, 1000), 0.1, "expected at most 120 minutes of a trace"),
        ((1, 10_000), 5_000.0, "rate_hz: expected at most 1000 frames a second"),
        ((1_000_000, 4), 30.0, "expected more samples than traces"),
        ((9_999_999_999, 0), 30.0, "expected traces of some samples"),
    ],
)
def test_what_would_keep_a_server_busy_is_refused(
    bundle, tmp_path: Path, shape, rate_hz, sentence
) -> None:
    with (tmp_path / "recording.npy").open("wb") as file:
        facts = {"descr": "|i1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, facts)
        file.truncate(file.tell() + shape[0] * shape[1])
    with pytest.raises(raphe.RecordingError, match=sentence):
        bundle.answer_file(tmp_path / "recording.npy", {"rate_hz": rate_hz})


def test_raw_fluorescence_is_brought_to_dff_and_its_bleaching_undone(bundle) -> None:
    rng = np.random.default_rng(0)
    kernel = np.exp(-np.arange(60) / 12)
    dff = np.convolve(rng.poisson(0.02, 3600), kernel)[:3600] + rng.normal(0, 0.05, 3600)
    raw = 400 * (1 + dff) * np.linspace(1, 0.4, 3600)
    rates = {
        "dff": bundle.predict(dff, RATE_HZ),
        "raw": bundle.predict(raw, RATE_HZ),
        "raw as dff": bundle.predict(raw, RATE_HZ, dff=True),
    }
    close, far = (
        np.abs(rates[name].rate_per_s - rates["dff"].rate_per_s).mean()
        for name in ("raw as dff", "raw")
    )
    assert close < far / 2
    assert (
        "brought to ΔF/F by their running 5th percentile of 60 s"
        in rates["raw as dff"].warnings[-1]
    )
    answer = bundle.answer({"traces": [raw.tolist()], "rate_hz": RATE_HZ, "dff": True})
    np.testing.assert_allclose(answer["rate_per_s"], rates["raw as dff"].rate_per_s, rtol=1e-6)


def test_masked_samples_are_missing_ones(bundle, traces) -> None:
    masked = np.ma.masked_array(traces, np.zeros(traces.shape, bool))
    masked[:, 200:240] = np.ma.masked
    filled = traces.copy()
    filled[:, 200:240] = np.nan
    rate_per_s = bundle.predict(masked, RATE_HZ).rate_per_s
    np.testing.assert_array_equal(rate_per_s, bundle.predict(filled, RATE_HZ).rate_per_s)
    assert np.isnan(rate_per_s[:, 200:240]).any()


def test_rows_that_differ_in_length_are_refused(bundle, traces) -> None:
    with pytest.raises(RecordingError, match="rows that differ in length; fill shorter ones up"):
        bundle.predict([traces[0], traces[1][:-1]], RATE_HZ)


def test_no_dff_of_what_has_no_baseline_above_0(bundle, traces) -> None:
    traces -= 1  # as where a surround was taken off
    told = bundle.predict(traces, RATE_HZ, dff=True).left_out
    assert told["0"] == "its baseline is not above 0 throughout, as ΔF/F needs; leave --dff out"


def test_a_page_takes_what_the_command_line_takes(bundle, traces, tmp_path: Path) -> None:
    """Every file of traces but packed tables; folders come as a zip."""
    assert {*READERS, ".zip"} - {*RatePredictor.SUFFIXES} == {".csv.gz"}
    expected = bundle.predict(traces, RATE_HZ).rate_per_s[0].mean()
    savemat(tmp_path / "5.mat", {"session": {"dff": traces, "fs": RATE_HZ}})
    write_mat73(tmp_path / "7.mat", {"dff": list(traces), "fs": RATE_HZ})
    np.savez(tmp_path / "x.npz", dff=traces, fs=RATE_HZ)
    with h5py.File(tmp_path / "caiman.h5", "w") as file:
        file["estimates/F_dff"], file["params/data/fr"] = traces, RATE_HZ
    for name in ("5.mat", "7.mat", "x.npz", "caiman.h5"):
        opened = bundle.open_file(tmp_path / name, name, {}, {})
        (tmp_path / name).unlink()  # it is not read again
        view = opened.view("0", Changes())
        assert view.headline == f"about {expected:.2g} spikes/s in trace 0", name
