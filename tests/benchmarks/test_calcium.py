"""The benchmark on calcium's ground truth: what it makes of recordings, scores and folds."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from raphe.tasks.calcium.recordings.conditioning import standardised_noise
from raphe.tasks.calcium.stores.trace_store import open_traces


def test_without_the_recordings_it_says_so(tmp_path: Path, run_script, capsys) -> None:
    run_script("calcium.py", "--data", tmp_path, "--output", tmp_path / "table.md")
    assert "skipped:" in capsys.readouterr().out and not (tmp_path / "table.md").exists()


def test_sets_are_grouped_by_laboratory_and_indicator() -> None:
    from calcium import groups_of

    names = ["DS04-OGB1-zf-pDp", "DS06-GCaMP6f-zf-aDp", "DS18-R-CaMP-m-CA3", "DS22-OGB1-m-SST-V1"]
    files = dict.fromkeys(names)
    assert list(groups_of(files, "set")) == ["DS04", "DS06", "DS18", "DS22"]
    by_laboratory = groups_of(files, "laboratory")
    assert by_laboratory == {"DS04-DS07": names[:2], "DS18": names[2:3], "DS22": names[3:]}
    by_indicator = groups_of(files, "indicator")
    assert by_indicator["OGB1"] == [names[0], names[3]] and by_indicator["R-CaMP"] == [names[2]]


def test_a_slower_microscope_averages_frames_and_loses_no_spike() -> None:
    from calcium_sets import Segment, slower

    segment = Segment(np.arange(12.0), 60.0, np.array([0.01, 0.19]))
    by_three = slower(segment, 20.0)
    np.testing.assert_allclose(by_three.dff, [1, 4, 7, 10])
    of_two = slower(segment, 24.0)  # 2.5 would smooth the noise of the frames that share one
    np.testing.assert_allclose(of_two.dff, [0.5, 2.5, 4.5, 6.5, 8.5, 10.5])
    assert of_two.rate_hz == 30
    assert slower(segment, 50.0) is None
    assert list(by_three.spike_s) == [0.01, 0.19] and by_three.rate_hz == 20
    assert slower(segment, 100.0) is None


def test_noise_is_brought_to_cascade_s_level() -> None:
    """Of white noise of SD s a step has SD √2 s, and a median of 0.6745 of that."""
    from calcium_sets import Segment, noisier

    rng = np.random.default_rng(0)
    white = 0.03 * rng.normal(size=200_000)
    expected = 100 * 0.03 * np.sqrt(2) * 0.6745 / np.sqrt(30)
    assert standardised_noise(white, 30.0) == pytest.approx(expected, rel=0.01)
    segment = Segment(white[:5000] + np.sin(np.arange(5000) / 50), 30.0, np.zeros(0))
    louder = noisier(segment, 3.0, rng)
    assert standardised_noise(louder.dff, 30.0) == pytest.approx(3.0, rel=1e-3)
    assert noisier(segment, 0.1, rng) is None


def test_intervals_are_over_sets_and_neurons_and_none_of_few() -> None:
    """Of many sets of many neurons the spread of the sets' means is what matters."""
    from calcium_statistics import difference, over_sets, share_of_neurons, within_factor

    rng = np.random.default_rng(0)
    means = rng.normal(0.5, 0.1, 20)
    sets = {str(n): mean + 0.01 * rng.normal(size=40) for n, mean in enumerate(means)}
    estimate = over_sets(sets, np.mean)
    half = 1.96 * np.std(means) / np.sqrt(20)
    assert estimate.value == pytest.approx(np.mean(means), abs=0.001)
    assert (estimate.high - estimate.low) / 2 == pytest.approx(half, rel=0.15)
    few = over_sets({"a": np.array([0.1, 0.2, np.nan]), "b": np.array([0.5])}, np.mean)
    assert few.value == pytest.approx((0.15 + 0.5) / 2) and np.isnan(few.low)
    other = {name: values - 0.03 for name, values in sets.items()}
    paired = difference(sets, other, np.mean)  # what makes a set hard for both cancels
    assert (paired.low, paired.value, paired.high) == pytest.approx((0.03,) * 3)
    ratios = np.array([0.4, 0.5, 1.0, 2.0, 2.1])
    assert within_factor(2.0)(ratios).tolist() == [False, True, True, True, False]
    share = share_of_neurons({"a": ratios, "b": np.full(20, 9.0)}, within_factor(2.0))
    assert share.value == 3 / 25 and share.low < share.value < share.high


def test_ends_of_a_mean_rate_are_those_of_other_sets_alone() -> None:
    """Nine in ten neurons of a set like the others lie within them; none of one that is not."""
    from calcium_tables import covered_mean_rates

    rng = np.random.default_rng(0)
    ratio = {f"set{n}": np.exp(rng.normal(0, 0.5, 60)) for n in range(20)}
    ratio["other"] = np.full(60, 30.0)
    ratio["set0"][0] = np.nan
    covered = covered_mean_rates(ratio)
    assert not covered["other"].any() and np.isnan(covered["set0"][0])
    held = np.concatenate([covered[f"set{n}"] for n in range(20)])
    assert np.nanmean(held) == pytest.approx(0.9, abs=0.06)  # wider for the one that is not alike


def test_ends_of_a_second_s_spikes_are_those_of_other_sets_alone() -> None:
    from calcium_tables import bars_of_seconds, held_by_others

    seconds = {f"set{n}": Counter({(0, 0): 100, (6, 1): 60, (6, 3): 40}) for n in range(9)}
    seconds["other"] = Counter({(0, 0): 50, (6, 9): 50})
    held = held_by_others(seconds)
    assert held["other"] == pytest.approx((0.5, (0 + 2) / 2))  # 1 to 3, by the others
    assert held["set0"] == pytest.approx((1.0, (0 + 8) / 2))  # 1 to 9: it is one of nine
    told = bars_of_seconds(seconds)[0]
    assert told[2].startswith("0.950 (") and not bars_of_seconds({})


def test_figures_of_others_are_those_that_were_told(real_data) -> None:
    """The means of the README beside peers.csv, reckoned again from its neurons."""
    from calcium_sets import CASCADE, RAPHE, read_peers
    from calcium_statistics import share_of_neurons, within_factor
    from calcium_tables import ERROR, R_25, R_SMOOTH, RATIO, STATISTICS, Scores, _mean

    peers = read_peers(real_data("calcium", "peers.csv").parent)
    neurons = sorted({(dataset, neuron) for _, dataset, neuron in peers})
    rows = [
        {"condition": "as recorded", "dataset": dataset, "neuron": neuron}
        for dataset, neuron in neurons
    ]
    scores = Scores(rows, peers)
    told = {CASCADE: (0.522, 0.826, 1.28, 0.37, 0.52), RAPHE: (0.555, 0.846, 1.44, 0.43, 0.63)}
    for method, figures in told.items():
        means = [_mean(scores.of(method, m), STATISTICS[m]) for m in (R_25, R_SMOOTH, ERROR)]
        np.testing.assert_allclose(means, figures[:3], atol=0.005)
        for factor, share in zip((1.5, 2.0), figures[3:], strict=True):
            found = share_of_neurons(scores.of(method, RATIO), within_factor(factor)).value
            assert found == pytest.approx(share, abs=0.006)


@pytest.mark.ci
def test_elephant_scored_by_the_same_rule_is_what_was_measured_apart(real_data) -> None:
    """A neuron of seven segments: scored as one, not as their mean, which is .03 higher."""
    from calcium_sets import read_neurons, read_peers

    from raphe.tasks.calcium.evaluation.baselines import Elephant
    from raphe.tasks.calcium.metrics.scores import score
    from raphe.tasks.calcium.recordings.conditioning import Conditioning
    from raphe.tasks.calcium.stores.labelled import times_at_100_hz

    file = real_data("calcium", "DS05-Cal520-zf-pDp.npz")
    infer = Elephant([real_data("elephant", f"model{number}.h5") for number in range(1, 6)])
    neuron = list(read_neurons(file))[3]
    assert len(neuron.segments) == 7
    traces = [Conditioning()(s.dff, s.rate_hz).samples for s in neuron.segments]
    spikes = [
        times_at_100_hz(segment.spike_s, len(trace)).astype(float)
        for segment, trace in zip(neuron.segments, traces, strict=True)
    ]
    scores = score([infer(trace) for trace in traces], spikes)
    told = read_peers(file.parent)["Elephant", neuron.dataset, neuron.name]
    assert scores["correlation"] == pytest.approx(told["r_25hz"], abs=0.002)
    assert scores["correlation_smoothed"] == pytest.approx(told["r_200ms"], abs=0.002)


def test_a_bundle_is_scored_under_every_condition(
    ground_truth: Path, tmp_path: Path, bundle: Path, run_script
) -> None:
    table, folder = tmp_path / "table.md", tmp_path / "kept"
    command = ("calcium.py", "--data", ground_truth, "--output", table, "--folder", folder)
    run_script(*command, "--bundle", bundle)
    text = table.read_text()
    assert "| DS04 | 3 | " in text and "0.500 / 0.800, 1.00, 1.50 \\* |" in text
    assert (
        "| about 7.5 frames/s | 2 | 5 | " in text and "| about 15 frames/s" not in text
    )  # imaged at 20
    assert "| noise 9 % s^1/2 | 2 | 5 | " in text
    (scores,) = folder.rglob("DS18*CA3.csv")
    rows = list(csv.DictReader(scores.open()))
    true = [float(row["true_rate_per_s"]) for row in rows if row["condition"] == "as recorded"]
    assert true == pytest.approx([1.0, 1.0])  # 60 spikes in 60 s
    seconds = list(csv.DictReader(scores.with_suffix(".seconds.csv").open()))
    assert sum(int(row["seconds"]) for row in seconds) == 2 * 60
    assert sum(int(row["seconds"]) * int(row["spikes"]) for row in seconds) == 2 * 60
    (of_all,) = folder.rglob("scores.csv")
    assert {row["dataset"] for row in csv.DictReader(of_all.open())} == {
        "DS04-OGB1-zf-pDp",
        "DS18-R-CaMP-m-CA3",
    }
    scores.write_text(scores.read_text().replace("cell0", "cell9"))
    run_script(*command, "--bundle", bundle)  # read again, not scored
    assert "cell9" in scores.read_text()


def test_folds_are_trained_by_the_project_s_own_commands_and_go_on(
    ground_truth: Path, tmp_path: Path, monkeypatch
) -> None:
    import calcium_folds
    from calcium_sets import dataset_files

    commands = []

    def run(_, *command: object) -> None:
        words = list(map(str, command))
        commands.append(words[3:])
        if "train" in words:
            runs = Path(words[-1].removeprefix("runs_root="))
            (runs / "checkpoint").mkdir(parents=True)
            (runs / "checkpoint" / "model.ckpt").touch()
        else:
            Path(words[words.index("--out") + 1]).mkdir()

    monkeypatch.setattr(calcium_folds.Clock, "run", run)
    recipe = calcium_folds.Recipe("mine", both=("model.members=1",), fold=("data.batch_size=2",))
    folds = calcium_folds.Folds(recipe, tmp_path / "kept", calcium_folds.Clock(1))
    files = dataset_files(ground_truth)
    folds.begin(files)
    for name in files:
        folds.bundle(name[:4], [name])
        folds.bundle(name[:4], [name])
    verbs = [words[0] for words in commands]
    assert verbs == ["train", "train", "export", "train", "export"]  # synthetic once, no fold twice
    synthetic, fold = commands[0], commands[1]
    assert "experiment=calcium_synthetic" in synthetic and "model.members=1" in synthetic
    assert not [word for word in synthetic if word.startswith("data.store=")]  # simulated alone
    held = {"data.held_out=DS04-OGB1-zf-pDp", "data.batch_size=2", "model.members=1"}
    assert held <= set(fold) and f"data.store={folds.store}" in fold
    noted = folds.home / "recipe.json"
    noted.write_text(json.dumps(json.loads(noted.read_text()) | {"code": "other"}))
    with pytest.raises(SystemExit, match="begun with another code"):
        folds.begin(files)


def test_the_store_keeps_a_neuron_s_recordings_together(ground_truth: Path, tmp_path: Path) -> None:
    from calcium_sets import dataset_files, write_store

    report = write_store(dataset_files(ground_truth), tmp_path / "store")
    assert report.recordings == {"DS04-OGB1-zf-pDp": 6, "DS18-R-CaMP-m-CA3": 4}
    store = open_traces(tmp_path / "store")
    assert len(set(store.cell_of_recording)) == 5 and not report.left_out
    assert report.n_spikes == 300 and store.recordings[0].imaging_hz == 20


def test_a_command_that_runs_out_of_time_is_stopped() -> None:
    import sys

    from calcium_folds import Clock, OutOfTimeError

    clock = Clock(0.01)
    with pytest.raises(OutOfTimeError):
        clock.run(sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(SystemExit, match="failed, see above"):
        Clock(15).run(sys.executable, "-c", "raise SystemExit(3)")
