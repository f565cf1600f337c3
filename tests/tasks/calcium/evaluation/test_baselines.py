"""What a network is compared with."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.evaluation.baselines import baselines, deconvolution
from raphe.tasks.calcium.evaluation.comparison import comparison
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.recordings.read_traces import read_traces
from raphe.tasks.calcium.recordings.trace_set import TraceOptions

HAS_OASIS = importlib.util.find_spec("oasis") is not None
needs_oasis = pytest.mark.skipif(not HAS_OASIS, reason="needs the extra oasis (oasis-deconv)")


def correlations(real_data: Callable[..., Path], dataset: int, method: str) -> list[float]:
    weights = [real_data("elephant", f"model{index}.h5") for index in range(1, 6)]
    predict = baselines(method == "OASIS", weights)[method]
    folder = real_data("spikefinder", f"{dataset}.train.calcium.csv.gz").parent
    files = [folder / f"{dataset}.train.{kind}.csv.gz" for kind in ("calcium", "spikes")]
    calcium, spikes = (read_traces(file, TraceOptions()) for file in files)
    scores = []
    for (_, trace, *_), (_, train, *_) in zip(calcium, spikes, strict=True):
        known = ~np.isnan(trace) & ~np.isnan(train)
        scores.append(score([predict(trace[known])], [train[known]])["correlation"])
    return scores


@pytest.mark.parametrize(("dataset", "published"), [(4, 0.245), (5, 0.166), (6, 0.273)])
def test_the_trace_scores_as_the_organisers_found(real_data, dataset, published) -> None:
    assert np.mean(correlations(real_data, dataset, "trace")) == pytest.approx(published, abs=5e-4)


def test_the_published_weights_score_as_published(real_data) -> None:
    assert np.mean(correlations(real_data, 4, "Elephant")) == pytest.approx(0.4666, abs=0.002)


@needs_oasis
def test_deconvolution_finds_the_spikes_of_its_own_model() -> None:
    rng = np.random.default_rng(0)
    spikes = rng.poisson(0.01, 6000)
    calcium = np.convolve(spikes, 0.98 ** np.arange(400))[:6000]
    deconvolved = deconvolution()(calcium + 0.05 * rng.normal(size=6000))
    assert score([deconvolved], [spikes])["correlation"] > 0.9


@pytest.mark.skipif(HAS_OASIS, reason="the package is there")
def test_without_the_package_the_remedy_is_told() -> None:
    with pytest.raises(SettingError, match=r"pip install .*\[oasis\]"):
        deconvolution()


def test_the_table_compares_the_first_with_each_other() -> None:
    rng = np.random.default_rng(0)
    base = rng.uniform(0.3, 0.7, 20)
    scores = {"network": base + 0.1, "trace": base, "other": np.where(base > 0.6, np.nan, base)}
    network, trace, other = comparison(scores)
    assert network["correlation"] == pytest.approx(base.mean() + 0.1)
    assert network["low"] < network["correlation"] < network["high"]
    # Paired: what makes a recording hard for both cancels, so that the difference is exact.
    assert trace["network_less_it"] == pytest.approx(0.1)
    assert other["cells"] == int((base <= 0.6).sum())
    assert other["correlation"] == pytest.approx(base[base <= 0.6].mean())
