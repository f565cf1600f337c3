"""The spline of a window, against SciPy's."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from raphe.tasks.celltype.features.landmarks import spline_matrix


@pytest.mark.parametrize(("n_samples", "rate_hz"), [(4, 50_000), (160, 40_000), (61, 30_000)])
def test_the_spline_is_that_of_scipy(n_samples: int, rate_hz: float) -> None:
    matrix, step_ms = spline_matrix(n_samples, rate_hz)
    windows = np.random.default_rng(0).normal(size=(3, n_samples))
    places = np.arange(matrix.shape[1]) * step_ms * rate_hz / 1000
    assert places[-1] == pytest.approx(n_samples - 1)
    expected = CubicSpline(np.arange(n_samples), windows, axis=1)(places)
    np.testing.assert_allclose(windows @ matrix, expected, rtol=0, atol=1e-12)
