"""Against scipy.stats, which is too slow to be loaded where a cell is judged."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from raphe.core.statistics import intervals

FREEDOM = np.array([1, 2, 3.7, 9, 120, 1e9, np.inf, 0, np.nan])


@pytest.mark.parametrize("probability", [0.5, 0.9, 0.975, 0.9995])
def test_quantiles(probability: float) -> None:
    expected = stats.t.ppf(probability, FREEDOM)
    np.testing.assert_allclose(intervals.t_quantile(probability, FREEDOM), expected, rtol=1e-8)
    assert intervals.t_quantile(probability, 5) == pytest.approx(stats.t.ppf(probability, 5))


@pytest.mark.parametrize("statistic", [0.0, -0.3, 2.1, 40.0])
def test_p(statistic: float) -> None:
    expected = 2 * stats.t.sf(abs(statistic), FREEDOM)
    np.testing.assert_allclose(intervals.t_p(statistic, FREEDOM), expected, rtol=1e-8)


@pytest.mark.parametrize("n_values", [3, 8, 1000])  # few: many are equal
def test_rank_correlation(n_values: int) -> None:
    rng = np.random.default_rng(n_values)
    for _ in range(20):
        x, noise = rng.integers(0, n_values, (2, 40))
        y = x + noise
        expected = stats.spearmanr(x, y).pvalue
        assert intervals.rank_correlation_p(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert intervals.rank_correlation_p(np.arange(30.0), np.arange(30.0) ** 3) == 0


def test_a_verdict_loads_none_of_the_slow_parts_of_scipy() -> None:
    program = (
        "import sys, raphe.tasks.celltype.prediction.verdict_files;"
        "print(*sorted({'scipy.stats', 'scipy.optimize', 'scipy.signal'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
