"""Which traces are like those that were simulated."""

import numpy as np
import pytest

from raphe.tasks.glif.features.least_squares import N_FEATURES
from raphe.tasks.glif.features.training_domain import NAMES, domain, unlike


def test_what_lies_outside_is_named() -> None:
    assert len(NAMES) == N_FEATURES
    bounds = {name: [-1.0, 1.0] for name in NAMES}
    features = np.zeros(N_FEATURES)
    assert unlike(features, bounds) == []
    features[15] = 2
    assert unlike(features, bounds) == ["noise above that of every simulated trace"]
    features[[0, 1, 2]] = -2, 2, -3
    assert unlike(features, bounds) == [
        "resistance and noise above those of every simulated trace",
        "capacitance and rest below those of every simulated trace",
        "a current that is too small does that: check its unit and gain",
    ]


def test_the_domain_is_that_of_the_traces_and_a_margin() -> None:
    """Evenly from 0 to 1, a tenth beyond both ends."""
    features = np.repeat(np.linspace(0, 1, 10_001)[:, None], N_FEATURES, axis=1)
    bounds = domain(features)
    assert tuple(bounds) == NAMES
    assert bounds["noise"] == pytest.approx([-0.1, 1.1], abs=2e-3)
