"""What Elephant's networks say of new traces, as a user asks for it: z-scores, no rates."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe import cli
from raphe.core.errors import SettingError
from raphe.tasks.calcium.elephant.bundle import ElephantBundle
from raphe.tasks.calcium.metrics.rates_figure import ExampleTrace, scores_figure
from raphe.tasks.calcium.recordings.conditioning import Conditioning

N_FRAMES, RATE_HZ = 300, 30.0
FIGURE_KINDS = ("png", "pdf", "caption.txt")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random ones, as Keras wrote them."""
    from tasks.calcium.elephant.test_weights_import import keras_file

    return keras_file(tmp_path_factory.mktemp("weights") / "model1.h5")


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    decay = np.exp(-np.arange(60) / 15)
    values = [np.convolve(rng.poisson(0.05, N_FRAMES), decay)[:N_FRAMES] for _ in range(3)]
    array = np.array(values) + 0.2 * rng.normal(size=(3, N_FRAMES))
    array[1] = 2.0
    array[2, 100:103] = np.nan
    np.save(tmp_path / "dff.npy", array)
    return tmp_path / "dff.npy"


def run(*words: object) -> int:
    return cli.main(list(map(str, words)))


def test_weights_are_imported_and_applied(weights, traces, tmp_path: Path, capsys) -> None:
    """Nothing that is written or printed calls the numbers rates or spikes/s."""
    bundle, out = tmp_path / "elephant", tmp_path / "out"
    assert run("import", "elephant", weights, bundle) == 0
    assert "next: raphe predict TRACES --rate HZ --bundle" in capsys.readouterr().out
    assert run("predict", traces, "--rate", RATE_HZ, "--bundle", bundle, "--out", out) == 1
    told = capsys.readouterr()
    assert "Elephant's numbers of 2 of 3 traces of dff.npy, in z-scores, not spikes/s" in told.out
    assert "not spikes/s" in told.err and "1: constant at 2" in told.err
    drawn = {f"{name}.{kind}" for name in ("traces", "population") for kind in FIGURE_KINDS}
    assert {file.name for file in out.iterdir()} == drawn | {
        "elephant.npy", "prediction.json", "traces.csv",
    }  # fmt: skip
    for name in ("traces", "population"):
        caption = (out / f"{name}.caption.txt").read_text()
        assert (
            "z-score" in caption and "spikes/s" not in caption and "Inferred rates" not in caption
        )
    answers = np.load(out / "elephant.npy")
    assert answers.shape == (3, N_FRAMES) and np.isnan(answers[1]).all()
    assert np.isnan(answers[2]).nonzero()[0].tolist() == [100, 101, 102]
    conditioned = Conditioning()(np.load(traces)[0], RATE_HZ).samples
    at_100_hz = ElephantBundle.open(bundle).infer(conditioned)
    frame = 150  # lasts from 5.0 s to 5.033 s
    expected = (at_100_hz[500:503].sum() + at_100_hz[503] / 3) * RATE_HZ / 100
    assert answers[0, frame] == pytest.approx(expected, rel=1e-4)
    with (out / "traces.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["status"] for row in rows] == ["inferred", "left out", "inferred"]
    assert not [name for name in rows[0] if "rate" in name or name.endswith("_per_s")]
    prediction = json.loads((out / "prediction.json").read_text())
    assert prediction["unit"] == "z-scores, not spikes/s"
    assert re.search("z-scores of each trace's rate.*not spikes/s", prediction["notes"][0])


def test_what_would_need_a_rate_is_refused(weights, traces, tmp_path: Path, capsys) -> None:
    bundle = tmp_path / "elephant"
    assert run("import", "elephant", weights, bundle) == 0
    words = "predict", traces, "--rate", RATE_HZ, "--bundle", bundle, "--out", tmp_path / "out"
    assert run(*words, "--spikes") == 2
    assert "z-scores, which tell no number of spikes" in capsys.readouterr().err
    with pytest.raises(SettingError, match="z-scores and no rates; `raphe predict` writes them"):
        raphe.load_bundle(bundle)


def test_it_can_be_written_as_nwb(weights, traces, tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb")
    bundle, out = tmp_path / "elephant", tmp_path / "out"
    assert run("import", "elephant", weights, bundle) == 0
    words = "predict", traces, "--rate", RATE_HZ, "--bundle", bundle, "--out", out, "--as", "nwb"
    assert run(*words) == 1
    with pynwb.NWBHDF5IO(out / "elephant.nwb", "r") as io:
        series = next(item for item in io.read().objects.values() if item.name == "elephant")
        assert series.unit == "z-score" and series.data.shape[0] == N_FRAMES


def test_a_score_is_drawn_below_its_trace_with_its_own_axis() -> None:
    """From its least to its largest value, whichever of them lies below 0."""
    score = np.where(np.arange(300) % 60 == 30, 4.0, -0.5)
    calcium = 200 + 50 * (score > 0)
    example = ExampleTrace("a", calcium, score, np.zeros(300), np.empty(0))
    (axes,) = scores_figure([example], RATE_HZ).axes
    assert axes.spines["left"].get_bounds() == (-1.0, 4.0)
    drawn, _, below = axes.lines
    assert drawn.get_ydata().min() > 4.0
    np.testing.assert_array_equal(below.get_ydata(), score)
    assert all(-1 <= tick <= 4 for tick in axes.get_yticks())
