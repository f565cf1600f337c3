"""Ends that hold the spikes of nine seconds in ten, every data set of the same weight."""

from collections import Counter

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.metrics.rate_factors import FEWEST_SETS
from raphe.tasks.calcium.metrics.second_counts import (
    SAID_FROM,
    CountEnds,
    count_ends,
    ends_of,
    read_seconds,
    second_counts,
    seconds_csv,
    tally,
)


def a_set(rng: np.random.Generator, n: int = 2000):
    """Seconds of said counts over all ranges, true ones by a factor of each second's own."""
    said = np.exp(rng.uniform(np.log(0.01), np.log(30), n))
    true = rng.poisson(said * np.exp(rng.normal(0, 0.4, n)))
    rate = said.repeat(100).astype(np.float32)
    spikes = np.zeros(100 * n, int)
    spikes[::100] = true
    return tally([rate], [spikes])


def test_ends_hold_nine_seconds_in_ten_of_sets_alike() -> None:
    rng = np.random.default_rng(0)
    ends = count_ends(a_set(rng) for _ in range(30))
    assert [of_range.said_from for of_range in ends] == list(SAID_FROM)
    new: Counter = Counter()
    for _ in range(30):
        new.update(a_set(rng))
    for place, of_range in enumerate(ends):
        counts = {k: n for (at, k), n in new.items() if at == place}
        n_all = sum(counts.values())
        held = sum(n for k, n in counts.items() if of_range.low <= k <= of_range.high) / n_all
        below = sum(n for k, n in counts.items() if k < of_range.low) / n_all
        assert 0.86 < held < 0.99 and below < 0.07
        if of_range.said_from >= 8:  # finely told: no more than was asked for
            assert held == pytest.approx(0.92, abs=0.03) and below == pytest.approx(0.05, abs=0.02)
    assert ends[0][2:] == (0, 0, 0) and ends[-1].low > 3
    assert all(np.diff([of_range[2:] for of_range in ends], axis=0).ravel() >= 0)


def test_a_large_set_counts_no_more_than_a_small_one_and_few_tell_nothing() -> None:
    small: Counter = Counter({(5, 1): 20})
    large: Counter = Counter({(5, 9): 10_000})
    sets = [small] * (FEWEST_SETS + 3) + [large]
    (of_range,) = count_ends(sets)
    assert (of_range.said_from, of_range.low, of_range.high) == (SAID_FROM[5], 1, 1)
    assert of_range.n == 20 * (FEWEST_SETS + 3) + 10_000
    assert not count_ends(sets[4:])[1:] and not count_ends([small] * (FEWEST_SETS - 1))
    assert not count_ends([Counter({(5, 1): 9})] * 30)  # a few seconds tell nothing


def test_seconds_that_are_not_wholly_known_are_left_out() -> None:
    rate = np.full(350, 2.0)
    rate[120] = np.nan
    spikes = np.zeros(350, int)
    spikes[[3, 4, 210, 340]] = 1
    assert tally([rate], [spikes]) == {(8, 2): 1, (8, 1): 1}  # 340 lies in half a second


def test_tallies_come_back_from_their_table(tmp_path) -> None:
    rng = np.random.default_rng(1)
    of_sets = {"a, b": a_set(rng, 50), "c": a_set(rng, 60)}
    table = tmp_path / "seconds.csv"
    table.write_text(seconds_csv(of_sets))
    assert read_seconds(table, "") == of_sets
    table.write_text(table.read_text().replace("0.35", "0.36"))
    with pytest.raises(SettingError, match="make it again"):
        read_seconds(table, "make it again")


def test_ends_are_those_of_the_rows_that_a_manifest_has() -> None:
    ends = [CountEnds(0.02, 90, 0, 0, 1), CountEnds(13.0, 12, 3, 9, 40)]
    rows = [
        {"measure": e.measure, "n": e.n, "low": float(e.low), "value": e.middle, "high": e.high}
        for e in ends
    ]
    assert ends_of([{"measure": "correlation"}, *rows]) == ends


@pytest.mark.parametrize("rate_hz", [7.81, 30.0, 122.0])
def test_counts_are_the_rate_s_own_with_the_ends_of_their_range(rate_hz: float) -> None:
    n = int(60.5 * rate_hz)
    rate = np.random.default_rng(0).gamma(1, 2, n).astype(np.float32)
    ends = [CountEnds(said_from, 99, i, i, i + 5) for i, said_from in enumerate(SAID_FROM[:-1])]
    counts = second_counts(rate, rate_hz, ends)
    assert len(counts.said) == 60
    assert counts.said.sum() == pytest.approx(rate[: int(60 * rate_hz)].sum() / rate_hz, rel=0.02)
    for said, low, high in zip(*vars(counts).values(), strict=True):
        place = np.searchsorted(SAID_FROM, said, "right") - 1
        assert (low, high) == (place, place + 5)
    rate[int(9.5 * rate_hz)] = np.nan
    gap = second_counts(rate, rate_hz, ends)
    for values, before in zip(vars(gap).values(), vars(counts).values(), strict=True):
        assert np.isnan(values[9]) and np.isnan(values).sum() == 1
        np.testing.assert_allclose(np.delete(values, 9), np.delete(before, 9), rtol=1e-4)
    busy = second_counts(np.full(n, 20.0), rate_hz, ends)
    assert busy.said[0] == pytest.approx(20) and np.isnan(busy.high).all()  # a range too few had


def test_of_a_trace_without_an_event_no_end_but_0_can_be_told() -> None:
    ends = [CountEnds(0.0, 99, 0, 0, 0)]
    counts = second_counts(np.zeros(90), 30.0, ends)
    assert not counts.low.any() and np.isnan(counts.high).all() and not counts.said.any()
