"""A sample that comes late is not one that is missing."""

import numpy as np
import pytest

from raphe.core.recordings.missing_samples import missing_after

STEP_S = 1 / 30


@pytest.mark.parametrize("jitter_s", [0.0, 0.002, 0.005])
@pytest.mark.parametrize("missing", [[], [700], [30, 31, 32], [500, 1500]])
def test_only_missing_samples_are_told(jitter_s: float, missing: list[int]) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(2000) * STEP_S + rng.normal(0, jitter_s, 2000)
    found = missing_after(np.delete(times, missing), STEP_S)
    runs = [at for at in missing if at - 1 not in missing]
    assert found.tolist() == [at - 1 - sum(m < at for m in missing) for at in runs]


def test_one_that_is_a_frame_late_is_late_alone() -> None:
    times = np.arange(100) * STEP_S
    times[50] += 0.8 * STEP_S
    assert not len(missing_after(times, STEP_S))
