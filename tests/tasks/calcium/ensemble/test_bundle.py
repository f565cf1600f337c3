"""From checkpoints to a bundle, and what it says of itself."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from raphe import cli
from raphe.core.bundles import cards
from raphe.core.bundles.bundle import BundleError
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import write_checkpoint, write_state
from raphe.core.files.csv_text import csv_text
from raphe.core.protocol import TrainedRun
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.ensemble.export import SYNTHETIC_ALONE, export
from raphe.tasks.calcium.ensemble.model_card import MEASURES
from raphe.tasks.calcium.features.network_input import network_input
from raphe.tasks.calcium.features.training_domain import NOISE, beyond, domain, facts_of, outside
from raphe.tasks.calcium.metrics.known_neurons import AS_RECORDED
from raphe.tasks.calcium.metrics.known_neurons import MEASURES as MEASURES_OF_KNOWN
from raphe.tasks.calcium.metrics.left_out import Folds, left_out_csv, making_digest
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.metrics.second_counts import seconds_csv
from raphe.tasks.calcium.prediction.predictor import RatePredictor
from raphe.tasks.calcium.recordings.conditioning import standardised_noise
from raphe.tasks.calcium.recordings.sampling import even_in_bins, z_scored
from raphe.tasks.calcium.training.data import RateData
from raphe.tasks.calcium.training.module import SAW_RECORDINGS, RateModule

FACTS_OF_KNOWN = ("condition", "dataset", "neuron", "noise_level", "frames_per_s", "scale")


def test_a_bundle_infers_what_its_checkpoints_do(rate_bundle, rate_data, rate_module) -> None:
    """All members of all runs, each with its own gain, at a length that is no multiple of 4."""
    recording = rate_data.store.recordings[0]
    shown = rate_data.store.calcium[recording.rows][:1001], recording.imaging_hz
    rates = RateBundle.open(rate_bundle).infer(*shown)
    members = np.concatenate([rate_module(seed).eval().expected(*shown) for seed in (0, 1)])
    counts = members[:, :1000].reshape(4, 250, 4).sum(2)  # of steps of 40 ms
    steps = rates.mean[:1000].reshape(250, 4), rates.spread[:1000].reshape(250, 4)
    for values, expected in zip(steps, (counts.mean(0), counts.std(0)), strict=True):
        np.testing.assert_allclose(values, np.tile(expected[:, None] / 0.04, 4), atol=1e-3)


def test_a_step_keeps_its_spikes_and_loses_its_comb() -> None:
    expected = np.random.default_rng(0).gamma(1, 1, (3, 22))
    even = even_in_bins(expected)
    sums = expected[:, :20].reshape(3, 5, 4).sum(2)
    np.testing.assert_allclose(even[:, :20].reshape(3, 5, 4).sum(2), sums)
    assert (np.diff(even[:, :20].reshape(3, 5, 4)) == 0).all() and even.shape == (3, 22)


def test_a_causal_bundle_says_so(rate_data, tmp_path: Path) -> None:
    torch.manual_seed(0)
    causal = RateModule(members=1, channels=8, dilations=(1, 2), latency_s=0.2)
    run = TrainedRun("run", "seed=0", write_checkpoint(causal, tmp_path / "0.ckpt"))
    bundle = export([run], rate_data, "", {}, tmp_path / "out").bundle
    assert RateBundle.open(bundle).manifest["latency_s"] == 0.2
    assert (
        "Causal: a rate depends on the trace up to 0.2 s" in (bundle / "MODEL_CARD.md").read_text()
    )


def test_the_card_says_what_a_reader_must_know(rate_bundle: Path) -> None:
    card = (rate_bundle / "MODEL_CARD.md").read_text()
    for words in ("4 networks", "These are simulated.", "Tested on: sim2", "### validation"):
        assert words in card
    assert cards.WHOSE in card
    assert "## Limits" in card and "no absolute scale" in card
    told = {
        row.split("|")[1].strip(): row.split("|")[2:4] for row in card.splitlines() if "|" in row
    }
    for measure in MEASURES.values():  # of 3 cells: each with its n, none with an interval
        value, n = told[measure]
        assert n.strip() == "3" and "no interval: too few" in value
    assert "on 4 to 120 frames a second" in card
    methods = (rate_bundle / "METHODS.md").read_text()
    assert methods.strip() in card
    assert "by 4 convolutional neural networks, which saw whole traces." in methods
    assert "On 3 cells of sim2, held out of training, the correlation of rates" in methods


def test_trained_on_all_it_has_no_figures_of_its_own(rate_data, rate_module, tmp_path) -> None:
    run = TrainedRun("run", "seed=0", write_checkpoint(rate_module(0), tmp_path / "0.ckpt"))
    on_all = RateData(rate_data.store.path, held_out="none")
    on_all.setup()
    bundle = export([run], on_all, "", {}, tmp_path / "out").bundle
    card = (bundle / "MODEL_CARD.md").read_text()
    folds = tmp_path / "left_out.csv"
    scores = {"*ogb*": [0.4] * 3, "cal520": [0.3 + 0.05 * n for n in range(9)]}
    folds.write_text(
        left_out_csv(
            {name: {"correlation": np.array(r)} for name, r in scores.items()},
            Folds("cell", 4, 6, rate_data.store.content_hash, making_digest("")),
            {},
        )
    )
    with_folds = export([run], on_all, "", {}, tmp_path / "out2", left_out=folds).bundle
    told = (with_folds / "MODEL_CARD.md").read_text()
    assert RateBundle.open(with_folds).rate_factors is None  # of two data sets
    rows = [row.replace(" ", "") for row in told.splitlines() if row.startswith("| ")]
    assert "|\\*ogb\\*|3|0.40|–|–|–|" in rows and "|meanofdatasets|12|0.45|–|–|–|" in rows
    assert any(row.startswith("|cal520|9|0.50(0.39–0.61)|") for row in rows)
    assert "### 4 of 6 folds, each a cell left out in turn" in told
    assert "made with the same settings as" in told and "Other cells of the same data set" in told
    assert "Not made, or not finished: 2 folds." in told and "few cells of few" in told
    assert "few cells of few" not in card
    other = export([run], on_all, "model: {members: 1}", {}, tmp_path / "out3", left_out=folds)
    assert "with other settings than" in (other.bundle / "MODEL_CARD.md").read_text()
    folds.write_text(folds.read_text().replace(rate_data.store.content_hash, "0" * 64))
    with pytest.raises(SettingError, match="its folds are of a store with content hash 0000"):
        export([run], on_all, "", {}, tmp_path / "out4", left_out=folds)
    assert "No recording was left out of this bundle's own training." in told
    assert "None: no recording was left out of training." in card and "### validation" not in card
    assert "then 6 recordings (3 of sim1, 3 of sim2)" in card


def test_what_a_mean_rate_may_be_off_by_comes_from_what_was_left_out(
    rate_data, rate_module, tmp_path: Path
) -> None:
    run = TrainedRun("run", "seed=0", write_checkpoint(rate_module(0), tmp_path / "0.ckpt"))
    folds = tmp_path / "left_out.csv"
    rng = np.random.default_rng(0)
    scores = {
        f"set{n}": {"correlation": np.ones(9), "rate_ratio": np.exp(rng.normal(0, 0.4, 9))}
        for n in range(9)
    }
    made = Folds("dataset", 9, 9, rate_data.store.content_hash, making_digest(""))
    seconds = {f"set{n}": Counter({(0, 0): 90 + n, (6, 1): 50, (6, 4): 50}) for n in range(9)}
    folds.write_text(left_out_csv(scores, made, seconds))
    bundle = export([run], rate_data, "", {}, tmp_path / "out", left_out=folds).bundle
    ratios = np.concatenate([each["rate_ratio"] for each in scores.values()])
    low, high = RateBundle.open(bundle).rate_factors
    assert low == pytest.approx(np.quantile(1 / ratios, 0.05), rel=0.1)
    assert high == pytest.approx(np.quantile(1 / ratios, 0.95), rel=0.1)
    assert RateBundle.open(bundle).count_ends == ((0.0, 846, 0, 0, 0), (0.6, 900, 1, 1, 4))


def test_neurons_that_it_never_saw_tell_the_same_where_no_fold_does(
    rate_data, rate_module, tmp_path: Path
) -> None:
    run = TrainedRun("run", "seed=0", write_checkpoint(rate_module(0), tmp_path / "0.ckpt"))
    columns = (*FACTS_OF_KNOWN, *MEASURES_OF_KNOWN)
    scores, ratios = tmp_path / "scores.csv", np.exp(np.random.default_rng(0).normal(0, 1, (9, 9)))
    rows = [
        (AS_RECORDED, f"DS{s}", n, 2.0, 30.0, 1.0, 0.5, 0.5, 0.5, ratios[s, n])
        for s in range(9)
        for n in range(9)
    ]
    worse = [("noise 9", *row[1:-1], 99.0) for row in rows]
    scores.write_text(csv_text(columns, [*rows, *worse]))
    without = export([run], rate_data, "", {}, tmp_path / "without", ground_truth=scores).bundle
    assert RateBundle.open(without).count_ends == ()
    seconds = {f"DS{n}": Counter({(6, 1): 50, (6, 4): 50}) for n in range(9)}
    (tmp_path / "scores.seconds.csv").write_text(seconds_csv(seconds))
    bundle = RateBundle.open(
        export([run], rate_data, "", {}, tmp_path / "out", ground_truth=scores).bundle
    )
    assert bundle.count_ends == ((0.6, 900, 1, 1, 4),)
    assert bundle.rate_factors == RateBundle.open(without).rate_factors
    expected = np.quantile(1 / ratios, [0.05, 0.95])
    np.testing.assert_allclose(bundle.rate_factors, expected, rtol=0.1)  # as recorded, no noise


def test_scores_of_scaled_rates_scale_its_own(rate_data, rate_module, tmp_path: Path) -> None:
    run = TrainedRun("run", "seed=0", write_checkpoint(rate_module(0), tmp_path / "0.ckpt"))
    row = (AS_RECORDED, "DS1", "n", 2.0, 30.0, 5.0, 0.5, 0.5, 0.5, 2.0)  # 0.4 without the scale
    scores = tmp_path / "scores.csv"
    scores.write_text(csv_text((*FACTS_OF_KNOWN, *MEASURES_OF_KNOWN), [row]))
    plain = RateBundle.open(export([run], rate_data, "", {}, tmp_path / "plain").bundle)
    scaled = export([run], rate_data, "", {}, tmp_path / "scaled", ground_truth=scores).bundle
    trace = network_input(np.random.default_rng(0).normal(size=800).cumsum(), 30.0)
    expected = 2.5 * plain.graph.expected(trace)
    np.testing.assert_allclose(RateBundle.open(scaled).graph.expected(trace), expected, rtol=1e-5)
    # An event is one by what the networks say themselves: noise is no louder than it was.
    samples = np.zeros(1200)
    samples[600:] = 5.0 * np.exp(-np.arange(600) / 100)
    samples += 0.1 * np.random.default_rng(0).normal(size=1200)
    half = SimpleNamespace(expected=lambda shown: np.full((2, len(shown.samples)), 0.01))
    for bundle, rate_per_s in ((plain, 1.0), (RateBundle.open(scaled), 0.0)):
        found = replace(bundle, graph=half).infer(samples, 30.0)
        assert found.stands_out
        np.testing.assert_allclose(found.mean, rate_per_s)
    card = (scaled / "MODEL_CARD.md").read_text()
    assert "Rates are what the networks say by themselves times 2.50: so the mean" in card
    methods = (scaled / "METHODS.md").read_text()
    assert (
        "Rates were multiplied by 2.50, by which the mean rates of neurons of 1 data set" in methods
    )


def test_of_synthetic_traces_alone_it_says_so_and_takes_nothing_from_recordings(
    rate_data, rate_module, tmp_path: Path
) -> None:
    checkpoint = write_checkpoint(rate_module(0), tmp_path / "0.ckpt")
    state = torch.load(checkpoint, weights_only=True)
    write_state({**state, SAW_RECORDINGS: False}, checkpoint)
    run = TrainedRun("run", "seed=0", checkpoint)
    bundle = export([run], rate_data, "", {}, tmp_path / "out").bundle
    manifest = RateBundle.open(bundle).manifest
    assert manifest["note"] == SYNTHETIC_ALONE and manifest["training"]["recordings"] == {}
    assert manifest["domain"] == rate_data.synthetic_domain and NOISE in manifest["domain"]
    assert manifest["frame_hz"] == [4.0, 120.0]  # of the simulated recordings none as slow or fast
    assert list(manifest["figures"]) == ["test"]
    assert manifest["figures"]["test"]["correlation"]["n"] == len(rate_data.store.recordings)
    card, methods = ((bundle / name).read_text() for name in ("MODEL_CARD.md", "METHODS.md"))
    assert f"> **{SYNTHETIC_ALONE}**" in card and "> **These are simulated.**" in card
    assert "Synthetic traces alone; no recording was seen." in card
    assert "trained on synthetic traces alone." in methods and "recordings" not in methods
    begun = export([run], rate_data, "model: {weights: a/b.ckpt}", {}, tmp_path / "begun").bundle
    assert "from the weights in b.ckpt" in RateBundle.open(begun).manifest["note"]


def test_it_tells_what_to_expect_at_a_trace_s_noise_and_rate(
    rate_data, rate_module, tmp_path: Path, capsys, monkeypatch
) -> None:
    """From a table of neurons of known spikes, in the card, the answer and the table of traces;
    of a trace that is unlike training, or has no event, nothing."""
    monkeypatch.setattr("raphe.tasks.calcium.prediction.infer_rates.outside", lambda *_: [])
    run = TrainedRun("run", "seed=0", write_checkpoint(rate_module(0), tmp_path / "0.ckpt"))
    columns = (*FACTS_OF_KNOWN, *MEASURES_OF_KNOWN)
    rows = [(AS_RECORDED, "DS1", n, 2.0, 30.0, 1.0, *[0.05 * n] * 4) for n in range(9)]
    (tmp_path / "scores.csv").write_text(csv_text(columns, rows))
    out = tmp_path / "out"
    bundle = export([run], rate_data, "", {}, out, ground_truth=tmp_path / "scores.csv").bundle
    card = [row.replace(" ", "") for row in (bundle / "MODEL_CARD.md").read_text().splitlines()]
    assert "|1.5to2.5|21to42|9|1|0.20|0.04to0.36|" in card
    assert not any("noiseadded" in row for row in card)  # there was none in the table
    assert any(row.startswith("|DS1|9|0.20(") for row in card)
    white = np.random.default_rng(0).normal(size=(4, 600)) * [[0.02], [2.0], [0.02], [0.02]]
    noises = [standardised_noise(trace, 30.0) for trace in white]  # 0.35 and 35 %/√Hz
    white *= 2.0 / noises[0]
    decay = np.exp(-np.arange(60) / 15)
    for begin in (100, 250, 400):  # in the third nothing rises
        for trace in (white[0], white[1], white[3]):
            trace[begin : begin + 60] += 20 * trace.std() * decay
    np.save(tmp_path / "traces.npy", white)
    words = ("predict", tmp_path / "traces.npy", "--rate", 30, "--bundle", bundle)
    assert cli.main([*map(str, words), "--out", str(tmp_path / "rates")]) == 0
    assert "of 0.20 in bins of 40 ms" in capsys.readouterr().out  # the median is 2 %/√Hz
    with (tmp_path / "rates" / "traces.csv").open(newline="") as file:
        told = list(csv.DictReader(file))
    assert [row["expected_correlation"] for row in told] == ["0.2", "", "", "0.2"]
    of_noise = [float(row["noise_percent_per_sqrt_hz"]) for row in told]
    assert of_noise == pytest.approx([2, 200, 2, 2], 0.25)
    answer = RatePredictor(bundle).predict(white[:1], 30.0)
    assert answer.expected_correlation == [pytest.approx(0.2)]
    assert "of 0.20 in bins of 40 ms, the mean of 9 neurons of 1 data set" in answer.to_expect


def test_the_tested_figures_are_those_of_the_checkpoint(
    rate_bundle: Path, rate_data: RateData, rate_module
) -> None:
    manifest = RateBundle.open(rate_bundle).manifest
    store, scores = rate_data.store, []
    for recording in rate_data.parts["test"].recordings:
        calcium, spikes = (getattr(store, name)[recording.rows] for name in ("calcium", "spikes"))
        shown = calcium, recording.imaging_hz
        rates = [rate_module(seed).eval().expected(*shown) for seed in (0, 1)]
        scores.append(score([np.concatenate(rates).mean(0)], [spikes])["correlation"])
    mean = manifest["figures"]["test"]["correlation"]["value"]
    assert mean == pytest.approx(np.mean(scores), 1e-3)


def test_a_run_that_diverged_is_refused(rate_data: RateData, rate_module, tmp_path: Path) -> None:
    broken = rate_module(0)
    broken.net.gain[0] = float("nan")
    run = TrainedRun("run", "seed=0", write_checkpoint(broken, tmp_path / "broken.ckpt"))
    with pytest.raises(
        SettingError, match=r"seed=0 \(run run\): its weights are not finite; leave"
    ):
        export([run], rate_data, "", {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_altered_bundle_is_refused(exported, tmp_path: Path) -> None:
    bundle = exported(tmp_path).bundle
    (bundle / "model.onnx").write_bytes((bundle / "model.onnx").read_bytes() + b"x")
    with pytest.raises(BundleError, match=r"model\.onnx: altered"):
        RateBundle.open(bundle)


def test_what_lies_outside_training_is_told(labelled) -> None:
    traces = [labelled(f"a/{seed}", 3000, seed).calcium for seed in range(4)]
    known = domain(traces)
    assert all(not outside(facts_of(trace), known) for trace in traces)
    noise = np.random.default_rng(0).normal(size=3000)
    phrases = outside(facts_of(noise), known)
    assert phrases[0].startswith("noise (1/√Hz)") and "training had" in phrases[0]
    assert outside(facts_of(noise[:100]), known) == [
        "no 10.24 s that vary to compare with training"
    ]
    assert not facts_of(np.zeros(200_000))  # as long, and flat
    assert z_scored(noise).std() == pytest.approx(1)


def test_a_noise_far_below_that_of_training_is_told() -> None:
    known = {NOISE: (0.0378, 0.177)}
    assert [bool(beyond({NOISE: noise}, known)) for noise in (0.0, 0.007, 0.03, 0.2, 0.3)] == [
        True, True, False, False, True,
    ]  # fmt: skip


def test_all_statistics_that_are_unlike_training_are_named() -> None:
    names = ("kurtosis", "skewness", "Hurst exponent, q = 2")
    (phrase,) = outside(dict.fromkeys(names, 9.0), dict.fromkeys(names, (0.0, 1.0)))
    assert phrase.endswith("statistics unlike training: kurtosis, skewness, Hurst exponent, q = 2")
