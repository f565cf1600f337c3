"""What a line of the figure goes on over, and what breaks it."""

import numpy as np
import pytest

from raphe.tasks.calcium.metrics.rates_figure import ExampleTrace, rates_figure

HZ = 30.0


@pytest.mark.parametrize(("missing", "n_broken"), [(slice(0, None, 2), 0), (slice(300, 420), 120)])
def test_a_line_goes_on_over_short_gaps_alone(missing: slice, n_broken: int) -> None:
    """Every second frame missing left a panel of lone points, which no line is drawn through."""
    calcium, rate = np.random.default_rng(0).random((2, 900))
    calcium[missing] = rate[missing] = np.nan
    (axes,) = rates_figure([ExampleTrace("0", calcium, rate, rate, np.empty(0))], HZ).axes
    drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
    for name in ("calcium", "inferred rate"):
        assert np.isnan(drawn[name]).sum() == n_broken
        assert np.isfinite(drawn[name]).sum() == np.isfinite(calcium).sum()
