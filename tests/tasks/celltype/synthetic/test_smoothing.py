import numpy as np
import pytest

from raphe.tasks.celltype.synthetic.smoothing import smoother


@pytest.mark.parametrize(("smoothing", "width"), [("mean", 3), ("mean", 9), ("savgol", 7)])
def test_a_window_does_not_depend_on_those_beside_it(smoothing, width):
    windows = np.random.default_rng(0).normal(0, 30, (7, 20)).astype(np.float32)
    windows[3] *= 1e9
    smooth = smoother(smoothing, width, 20)
    together = smooth(windows)
    for number, window in enumerate(windows):
        np.testing.assert_array_equal(together[number], smooth(window[None])[0])


def test_windows_need_not_lie_side_by_side():
    both = np.random.default_rng(0).normal(0, 30, (5, 20, 2)).astype(np.float32)
    smooth = smoother("mean", 3, 20)
    np.testing.assert_array_equal(smooth(both[..., 1]), smooth(both[..., 1].copy()))
    assert smooth(both[:0, :, 1]).shape == (0, 20)
