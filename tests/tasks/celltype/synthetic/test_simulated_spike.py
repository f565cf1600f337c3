"""The spike's shape has its landmarks where its parameters say and fits the real spike.

The published histograms of its intervals are copied right, and drawn from as they stand.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import least_squares

from raphe.tasks.celltype.recordings.file_names import CLASSES
from raphe.tasks.celltype.synthetic.simulated_cell import (
    AMPLITUDE_PA,
    BEND,
    DECAY_MS,
    FALL_MS,
    HUMP,
    HUMP_AT,
    OUTWARD,
    RISE_MS,
    SHOULDER,
    SHOULDER_MS,
    draw_traits,
)
from raphe.tasks.celltype.synthetic.simulated_spike import (
    BEFORE_MS,
    UDI_BIN_MS,
    UDI_HISTOGRAM,
    SpikeShape,
    draw_udi_ms,
)

FINE_MS = np.arange(-1.0, 20.0, 0.001)
DRAWS = 20_000


def shapes(count: int) -> list[SpikeShape]:
    rng = np.random.default_rng(3)
    return [draw_traits(label, rng).shape for label in CLASSES for _ in range(count)]


def half_width_ms(current: np.ndarray) -> float:
    below = np.flatnonzero(current < current.min() / 2)
    return FINE_MS[below[-1]] - FINE_MS[below[0]]


@pytest.mark.parametrize("shape", shapes(30))
def test_peaks_lie_where_the_shape_says(shape):
    current = shape.current(FINE_MS)
    assert current.min() == pytest.approx(-1, abs=0.001)
    assert FINE_MS[current.argmin()] == pytest.approx(0, abs=0.002)
    assert current.max() == pytest.approx(shape.outward, rel=0.01)
    assert FINE_MS[current.argmax()] == pytest.approx(shape.udi_ms, abs=0.025)
    assert np.abs(current[: np.searchsorted(FINE_MS, -BEFORE_MS)]).max() < 1e-6
    assert np.abs(current[np.searchsorted(FINE_MS, shape.end_ms) :]).max() < 4e-4


def test_inward_peak_is_a_tenth_to_a_fifth_of_a_millisecond_wide():
    widths = np.array([half_width_ms(shape.current(FINE_MS)) for shape in shapes(300)])
    assert widths.min() > 0.09 and widths.max() < 0.23
    assert np.mean((widths > 0.1) & (widths < 0.2)) > 0.9


def test_real_spike_is_fitted_by_a_shape_that_may_be_drawn(real_data):
    path = real_data("figures", "A140313#073_trigger_1007585.csv")
    time_s, real_pa = np.genfromtxt(path, delimiter=",", skip_header=1).T
    udi_ms = (0.9, 1.4)  # of this spike: from −79 pA at 1.05 ms to a hump 1.1 to 1.2 ms later
    traits = (AMPLITUDE_PA, RISE_MS, FALL_MS, SHOULDER, SHOULDER_MS, OUTWARD, BEND, DECAY_MS)
    limits = [trait.limits for trait in (*traits, HUMP, HUMP_AT)]
    low, high = np.array([(1.0, 1.15), udi_ms, *limits]).T  # ms of the peak, UDI, traits

    def residual(values: np.ndarray) -> np.ndarray:
        peak_ms, udi, amplitude, rise, fall, shoulder, shoulder_ms, out, bend, decay, *hump = values
        shape = SpikeShape(udi, rise, fall, shoulder, shoulder_ms, out, bend, decay, *hump)
        return amplitude * shape.current(time_s * 1000 - peak_ms) - real_pa

    fit = least_squares(residual, (low + high) / 2, bounds=(low, high), x_scale=high - low)
    # The noise of such recordings: the two published masks have SD 2.9 and 4.0 pA.
    assert np.std(residual(fit.x)) < 4.0
    assert np.corrcoef(residual(fit.x) + real_pa, real_pa)[0, 1] > 0.97


def bin_number(udi_ms: np.ndarray) -> np.ndarray:
    return np.floor(udi_ms / UDI_BIN_MS + 1e-9).astype(int)


# Sums over the histograms as printed, of count × edge and count × edge², in hundredths of a ms.
@pytest.mark.parametrize(
    ("label", "bins", "first", "second"),
    [("SER", 37, 18_535, 2_583_425), ("NSER", 15, 7_405, 418_775)],
)
def test_histogram_is_the_published_one(label, bins, first, second):
    edges = np.array([round(100 * edge) for edge in UDI_HISTOGRAM[label]])
    counts = np.array(list(UDI_HISTOGRAM[label].values()))
    assert len(edges) == bins and counts.sum() == 150
    assert (counts * edges).sum() == first
    assert (counts * edges**2).sum() == second


@pytest.mark.parametrize("label", CLASSES)
def test_drawn_intervals_follow_the_histogram(label):
    rng = np.random.default_rng(0)
    udi_ms = np.array([draw_udi_ms(label, rng) for _ in range(DRAWS)])
    drawn = np.bincount(bin_number(udi_ms), minlength=100)
    published = np.zeros_like(drawn)
    for edge, count in UDI_HISTOGRAM[label].items():
        published[bin_number(np.array(edge))] = count
    assert not drawn[published == 0].any()
    expected = published[published > 0] * DRAWS / published.sum()
    assert stats.chisquare(drawn[published > 0], expected).pvalue > 0.01


@pytest.mark.parametrize("label", CLASSES)
def test_intervals_are_uniform_within_their_bin(label):
    rng = np.random.default_rng(1)
    udi_ms = np.array([draw_udi_ms(label, rng) for _ in range(DRAWS)])
    assert stats.kstest(udi_ms / UDI_BIN_MS - bin_number(udi_ms), "uniform").pvalue > 0.01
