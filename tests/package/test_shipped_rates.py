"""The bundle of spike rates that comes with raphe: whole, small, used where none is named."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe import cli
from raphe.core.bundles.bundle import check_bundle
from raphe.core.bundles.shipped import (
    chosen_bundle,
    is_shipped,
    lacking,
    shipped_bundle,
    tasks_with_bundle,
)
from raphe.core.errors import SettingError, UsageError
from raphe.serve import server
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.ensemble.export import SYNTHETIC_ALONE

MOST_BYTES = 1_500_000
BUNDLE = shipped_bundle("calcium")


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of a minute at 30 Hz."""
    rng = np.random.default_rng(0)
    spikes = rng.poisson(0.03, (2, 1800))
    calcium = [np.convolve(row, np.exp(-np.arange(60) / 15))[:1800] for row in spikes]
    path = tmp_path_factory.mktemp("traces") / "dff.npy"
    np.save(path, 0.3 * np.array(calcium) + 0.05 * rng.normal(size=spikes.shape))
    return path


def test_it_is_whole_and_small_and_saw_no_recording() -> None:
    bundle = check_bundle(BUNDLE)
    assert bundle.manifest["note"] == SYNTHETIC_ALONE
    assert bundle.manifest["training"]["recordings"] == {}
    card = bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert SYNTHETIC_ALONE in card and "no recording was seen" in card
    assert sum(file.stat().st_size for file in BUNDLE.iterdir()) < MOST_BYTES
    assert {file.name for file in BUNDLE.iterdir()} == {*bundle.manifest["files"], "manifest.json"}


def test_what_it_says_has_ends_from_neurons_that_it_never_saw() -> None:
    """Of the field's twenty data sets, by which its rates are scaled to be right in the median."""
    bundle = RateBundle.open(BUNDLE)
    low, high = bundle.rate_factors
    assert 0.1 < low < 1 < high < 10
    assert bundle.manifest["ground_truth"]["scale"]["factor"] > 1.5
    assert 0.3 < bundle.manifest["ground_truth"]["scale"]["power"] < 0.5
    assert len(bundle.count_ends) > 9
    assert bundle.count_ends[0].high <= 1 and bundle.count_ends[-1].high > 20


def test_it_tells_nothing_of_where_it_was_made() -> None:
    for file in BUNDLE.iterdir():
        content = file.read_bytes()
        assert not any(word in content for word in (b"/tmp", b"/home", b"/root", b"file:"))


def test_rates_come_from_one_command_that_says_whose_they_are(
    traces: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "rates"
    words = ["predict", str(traces), "--rate", "30", "--task", "calcium", "--out", str(out)]
    assert cli.main(words) == 0
    told = capsys.readouterr().err
    content_hash = check_bundle(BUNDLE).content_hash
    assert told.startswith(
        f"bundle: the one that comes with raphe (content hash {content_hash[:12]}). "
        f"{SYNTHETIC_ALONE}\n"
    )
    assert told.count(SYNTHETIC_ALONE) == 1
    prediction = json.loads((out / "prediction.json").read_text())
    assert SYNTHETIC_ALONE in prediction["notes"]
    assert prediction["bundle"]["content_hash"] == content_hash
    rates = raphe.load_bundle(task="calcium", threads=1).predict(np.load(traces), 30.0)
    np.testing.assert_array_equal(rates.rate_per_s, np.load(out / "rates.npy"))


def test_how_far_one_spike_lifts_a_trace_is_told_where_it_can_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spikes = rng.random((2, 18_000)) < 0.01
    decay = np.exp(-np.arange(90) / 12)
    traces = np.array([0.2 * np.convolve(train, decay)[:18_000] for train in spikes])
    traces += rng.normal(size=traces.shape) * [[0.02], [0.2]]
    np.save(tmp_path / "dff.npy", traces)
    out = tmp_path / "rates"
    words = ["predict", str(tmp_path / "dff.npy"), "--rate", "30", "--task", "calcium"]
    assert cli.main([*words, "--out", str(out)]) == 0
    quiet, noisy = csv.DictReader((out / "traces.csv").open())
    low, value, high = (float(quiet[f"single_spike{end}_percent"]) for end in ("_low", "", "_high"))
    assert low < 20 < high and abs(value - 20) < 2
    assert noisy["single_spike_percent"] == noisy["single_spike_high_percent"] == ""
    told, unknown = raphe.load_bundle(task="calcium").predict(traces, 30.0).single_spike_percent
    assert told == pytest.approx((value, low, high), rel=1e-3) and np.isnan(unknown).all()


def test_a_bundle_of_a_path_or_of_a_task(tmp_path: Path) -> None:
    assert tasks_with_bundle() == ["calcium", "glif"] and is_shipped(BUNDLE)
    assert chosen_bundle(tmp_path, "glif") == tmp_path  # its opener says what it lacks
    assert raphe.load_bundle(BUNDLE, task="calcium").path == BUNDLE
    with pytest.raises(SettingError, match="holds calcium/rates; leave out the task glif"):
        raphe.load_bundle(BUNDLE, task="glif")
    for task in ("celltype", "..", "nothing"):
        with pytest.raises(UsageError, match="no bundle for it, only for calcium and glif"):
            raphe.load_bundle(task=task)


def test_it_is_served_where_no_other_is_named(monkeypatch, capsys) -> None:
    served: list[Path] = []
    monkeypatch.setattr(server, "serve", lambda bundle, *_: served.append(bundle) or 0)
    assert cli.main(["serve", "--task", "calcium"]) == 0 and served == [BUNDLE]
    assert "bundle: the one that comes with raphe" in capsys.readouterr().err
    assert cli.main(["serve"]) == 2
    told = capsys.readouterr().err
    assert (
        told == f"error: {lacking('BUNDLE')}\n"
        and "BUNDLE, or --task calcium or glif, whose" in told
    )
    assert cli.main(["serve", str(BUNDLE), "--task", "glif"]) == 1
    assert "holds calcium/rates; leave out the task glif" in capsys.readouterr().err
