"""From a checkpoint to a bundle to rates of new traces."""

import csv
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import whosmat

from raphe import cli
from raphe.core.bundle import BundleError, TrainedRun
from raphe.core.checkpoint import write_checkpoint
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.calcium.predict_spikes import Inferrer, in_frames, predict_spikes
from raphe.tasks.calcium.rate_bundle import RateBundle
from raphe.tasks.calcium.rate_data import RateData
from raphe.tasks.calcium.rate_export import export
from raphe.tasks.calcium.rate_module import RateModule
from raphe.tasks.calcium.read_traces import read_traces
from raphe.tasks.calcium.simulate import Simulation, simulate
from raphe.tasks.calcium.spike_times import spike_times_s
from raphe.tasks.calcium.target import z_scored
from raphe.tasks.calcium.trace_domain import domain, outside
from raphe.tasks.calcium.trace_set import TraceOptions, TraceSet
from raphe.tasks.calcium.trace_store import open_traces, write_traces


def module(seed: int) -> RateModule:
    torch.manual_seed(seed)
    made = RateModule(members=2, channels=8, dilations=(1, 2))
    for member in made.net.members:
        for block in member.blocks:
            torch.nn.init.normal_(block.adapt.weight, std=0.3)
    made.net.gain[:] = torch.tensor([0.5, 2.0])
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> RateData:
    store = tmp_path_factory.mktemp("traces") / "store"
    write_traces(store, simulate(Simulation(2, 3, 30.0)), {"note": "These are simulated."})
    made = RateData(store, held_out="sim2")
    made.setup()
    return made


def exported(data: RateData, folder: Path, out: Path, seeds=(0, 1)):
    runs = [
        TrainedRun(
            f"run{seed}", f"seed={seed}", write_checkpoint(module(seed), folder / f"{seed}.ckpt")
        )
        for seed in seeds
    ]
    return export(runs, data, "seed: 0\n", {"sweep": "abc"}, out)


@pytest.fixture(scope="module")
def bundle(data: RateData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return exported(data, folder, folder / "out").bundle


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_bundle_infers_what_its_checkpoints_do(bundle: Path, data: RateData) -> None:
    """All members of all runs, each with its own gain, at a length that is no multiple of 4."""
    trace = data.labelled.calcium[data.labelled.recordings[0].rows][:1001]
    rates = RateBundle.open(bundle).infer(trace)
    members = np.concatenate([module(seed).eval().expected(trace) for seed in (0, 1)]) * 100
    np.testing.assert_allclose(rates.mean, members.mean(0), atol=1e-3)
    np.testing.assert_allclose(rates.spread, members.std(0), atol=1e-3)


def test_the_card_says_what_a_reader_must_know(bundle: Path) -> None:
    card = (bundle / "MODEL_CARD.md").read_text()
    for words in ("4 networks", "These are simulated.", "Tested on: sim2", "### validation"):
        assert words in card
    assert "## Limits" in card and "no absolute scale" in card


def test_the_tested_figures_are_those_of_the_checkpoint(bundle: Path, data: RateData) -> None:
    from raphe.tasks.calcium.score import score

    manifest = RateBundle.open(bundle).manifest
    own = []
    for one in data.parts["test"].recordings:
        calcium, spikes = (getattr(data.labelled, name)[one.rows] for name in ("calcium", "spikes"))
        rate = np.concatenate([module(seed).eval().expected(calcium) for seed in (0, 1)]).mean(0)
        own.append(score(rate, spikes)["correlation"])
    assert manifest["figures"]["test"]["correlation"]["value"] == pytest.approx(np.mean(own), 1e-3)


def test_a_run_that_diverged_is_refused(data: RateData, tmp_path: Path) -> None:
    broken = module(0)
    broken.net.gain[0] = float("nan")
    run = TrainedRun("run", "seed=0", write_checkpoint(broken, tmp_path / "broken.ckpt"))
    with pytest.raises(SettingError, match=r"seed=0 run: its weights are not finite"):
        export([run], data, "", {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_altered_bundle_is_refused(data: RateData, tmp_path: Path) -> None:
    made = exported(data, tmp_path, tmp_path / "out", [0]).bundle
    (made / "model.onnx").write_bytes((made / "model.onnx").read_bytes() + b"x")
    with pytest.raises(BundleError, match=r"model\.onnx: altered"):
        RateBundle.open(made)


@pytest.mark.parametrize("rate_hz", [7.5, 30.0, 100.0, 250.0])
def test_no_spike_is_lost_between_samples_and_frames(rate_hz: float) -> None:
    rate = np.random.default_rng(0).gamma(1.0, 5.0, 3000)  # 30 s
    frames = in_frames(rate, int(30 * rate_hz), rate_hz)
    assert frames.sum() / rate_hz == pytest.approx(rate.sum() / 100, rel=1e-5)


def test_discrete_spikes_are_as_many_as_the_rate_tells_and_where() -> None:
    rate = np.zeros(1000)
    rate[200:204] = 25.0  # at 100 Hz: one spike
    rate[600:640] = 10.0  # four
    times = spike_times_s(rate, 100.0)
    assert len(times) == 5
    assert 2.0 <= times[0] <= 2.04 and ((times[1:] >= 6.0) & (times[1:] <= 6.4)).all()
    np.testing.assert_allclose(np.diff(times[1:]), 0.1, atol=1e-6)
    assert len(spike_times_s(np.zeros(100), 100.0)) == 0


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine traces at 30 Hz, of which three cannot be used and one has a gap."""
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(60) / 15)
    traces = [np.convolve(rng.poisson(0.05, 900), decay)[:900] for _ in range(9)]
    traces = (np.array(traces) + 0.2 * rng.normal(size=(9, 900))).astype(np.float32)
    traces[2] = np.nan
    traces[4] = 3.0
    traces[5, 100] = np.inf
    traces[7, 400:410] = np.nan
    path = tmp_path_factory.mktemp("population") / "traces.npy"
    np.save(path, traces)
    return path


def test_bad_neighbours_are_marked_and_the_rest_go_on(bundle, population, tmp_path, capsys) -> None:
    arguments = ["predict-spikes", str(population), "--rate", "30", "--bundle", str(bundle)]
    assert cli.main([*arguments, "--out", str(tmp_path), "--spikes"]) == 1
    told = capsys.readouterr()
    assert "rates of 6 of 9 traces" in told.out
    for line in ("2: no sample is a number", "4: constant at 3", "5: 1 samples are infinite"):
        assert line in told.err
    rates = np.load(tmp_path / "rates.npy")
    assert rates.shape == np.load(tmp_path / "spread.npy").shape == (9, 900)
    assert np.isnan(rates[[2, 4, 5]]).all() and np.isnan(rates[7, 400:410]).all()
    good = np.delete(rates, [2, 4, 5], axis=0)
    assert np.isnan(good).sum() == 10 and (good[~np.isnan(good)] >= 0).all()
    rows = table(tmp_path / "traces.csv")
    assert [row["trace"] for row in rows if row["remark"].startswith("left out")] == ["2", "4", "5"]
    assert float(rows[0]["mean_rate_per_s"]) == pytest.approx(rates[0].mean(), rel=1e-3)
    spikes = [float(row["time_s"]) for row in table(tmp_path / "spikes.csv") if row["trace"] == "0"]
    assert len(spikes) == pytest.approx(rates[0].sum() / 30, abs=1)
    assert (tmp_path / "traces.png").stat().st_size > 10_000


def test_a_trace_is_inferred_alike_whoever_its_neighbours_are(bundle, population, tmp_path) -> None:
    whole = read_traces(population, TraceOptions(rate_hz=30.0))
    alone = TraceSet.from_matrix(population, np.load(population)[3], 30.0, None)
    inferrer = Inferrer(bundle)
    predict_spikes(whole, inferrer, tmp_path / "whole")
    predict_spikes(alone, inferrer, tmp_path / "alone")
    np.testing.assert_array_equal(
        np.load(tmp_path / "whole" / "rates.npy")[3], np.load(tmp_path / "alone" / "rates.npy")[0]
    )


@pytest.mark.parametrize("kind", ["csv", "mat"])
def test_every_format_holds_the_same(bundle, population, tmp_path, kind: str) -> None:
    traces = read_traces(population, TraceOptions(rate_hz=30.0))
    inferrer = Inferrer(bundle)
    for each in ("npy", kind):
        predict_spikes(traces, inferrer, tmp_path, each)
    expected = np.load(tmp_path / "rates.npy")
    file = tmp_path / f"rates.{kind}"
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(file.read_text())))
        assert [row[0] for row in rows] == [str(index) for index in range(9)]
        found = np.array([[float(value or "nan") for value in row[1:]] for row in rows])
    else:
        assert file.read_bytes()[:10] == b"MATLAB 7.3"
        with pytest.raises(NotImplementedError):  # scipy knows it for MATLAB 7.3
            whosmat(file)
        found = read_traces(file, TraceOptions(30.0, variable="rates")).read()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_nothing_to_infer_is_an_error(bundle, tmp_path) -> None:
    traces = TraceSet.from_matrix(Path("x.npy"), np.ones((2, 300)), 30.0, None)
    with pytest.raises(RecordingError, match=r"every one of 2 has a fault: 0: constant at 1"):
        predict_spikes(traces, Inferrer(bundle), tmp_path)


def test_memory_does_not_grow_with_the_traces(bundle, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("raphe.tasks.calcium.predict_spikes.outside", lambda *_: [])  # quicker

    def peak(n: int) -> int:
        row = np.random.default_rng(0).normal(size=1050)
        traces = TraceSet(
            Path("x.npy"), 30.0, tuple(map(str, range(n))), 1050,
            lambda start, stop: np.tile(row, (stop - start, 1)),
        )  # fmt: skip
        inferrer = Inferrer(bundle)
        tracemalloc.start()
        predict_spikes(traces, inferrer, tmp_path / str(n))
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(2)  # libraries load
    assert peak(320) < peak(128) + 500_000  # 192 more rates and spreads are 1.6 MB


def test_what_lies_outside_training_is_told(data: RateData) -> None:
    store = open_traces(data.labelled.path)
    traces = [store.calcium[one.rows] for one in store.recordings]
    known = domain(traces)
    assert all(not outside(trace, known) for trace in traces)
    noise = np.random.default_rng(0).normal(size=3000)
    told = outside(noise, known)
    assert told[0].startswith("noise (1/√Hz)") and "training had" in told[0]
    assert outside(noise[:100], known) == ["shorter than 10.24 s"]
    assert z_scored(noise).std() == pytest.approx(1)


def test_a_frame_rate_outside_training_is_told(bundle, tmp_path) -> None:
    noise = np.random.default_rng(0).normal(size=(1, 600))
    traces = TraceSet.from_matrix(Path("x.npy"), noise, 2.0, None)
    assert (
        "2 Hz lies outside the 7 to 100"
        in predict_spikes(traces, Inferrer(bundle), tmp_path).warnings[0]
    )
