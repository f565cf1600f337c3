"""The published histograms: copied right, and drawn from as they stand."""

import numpy as np
import pytest
from scipy import stats

from raphe.tasks.celltype.recordings.names import CLASSES
from raphe.tasks.celltype.synthetic.udi_table import BIN_MS, UDI_HISTOGRAM, draw_udi_ms

DRAWS = 20_000


def bin_number(udi_ms: np.ndarray) -> np.ndarray:
    return np.floor(udi_ms / BIN_MS + 1e-9).astype(int)


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
    assert stats.kstest(udi_ms / BIN_MS - bin_number(udi_ms), "uniform").pvalue > 0.01
