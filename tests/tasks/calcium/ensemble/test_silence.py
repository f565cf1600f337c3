"""What is an event, and what is nothing but noise."""

import numpy as np
import pytest

from raphe.tasks.calcium.ensemble.silence import (
    EVENT_S,
    FEWEST_SPIKES,
    SHORTEST_S,
    STRETCH_S,
    active_spans,
    has_event,
    shown_at_once,
)
from raphe.tasks.calcium.features.rises import FAINT, Rises
from raphe.tasks.calcium.recordings.sampling import RATE_HZ


def test_a_spike_is_an_event_and_a_little_everywhere_is_none() -> None:
    floor = np.full(6000, 0.9 * FEWEST_SPIKES / EVENT_S)
    assert not has_event(floor) and not has_event(np.zeros(6000)) and not has_event(np.zeros(0))
    spike = np.full(6000, 0.02)
    spike[3000:3010] += 8.0  # spikes/s, over 0.1 s: 0.8 spikes
    assert has_event(spike)


def test_an_event_at_the_end_counts_as_one_within() -> None:
    for place in (slice(0, 20), slice(580, 600)):
        rate = np.zeros(600)
        rate[place] = 5.0  # a spike
        assert has_event(rate)


@pytest.mark.parametrize("end_s", (4.52, 39.0, 119.3, 700.0, 4000.0))
@pytest.mark.parametrize("seed", range(3))
def test_every_active_sample_is_told_once_and_seen_with_what_is_beside_it(
    end_s: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    clear_s = np.sort(rng.uniform(0, end_s, rng.integers(1, 12)))
    n = round(end_s * RATE_HZ)
    told = np.zeros(n, int)
    for seen, said in shown_at_once(Rises(FAINT, clear_s, np.zeros(0)), n):
        told[said] += 1
        assert said.start % 4 == seen.start % 4 == 0
        assert seen.start == max(said.start - 300, 0) and seen.stop == min(said.stop + 300, n)
        assert said.stop - said.start <= 1.5 * STRETCH_S * RATE_HZ
    active = np.zeros(n, int)
    for begin_s, stop_s in active_spans(clear_s, end_s):
        active[round(begin_s * RATE_HZ) : round(stop_s * RATE_HZ)] = 1
    assert told.max() == 1 and np.count_nonzero(told != active) <= 4 * 2 * len(clear_s)
    assert told[(clear_s * RATE_HZ).astype(int)].all()


@pytest.mark.parametrize("end_s", (4.52, 39.0, 119.3, 700.0, 4000.0))
@pytest.mark.parametrize("seed", range(3))
def test_of_a_faint_trace_all_is_told_once_and_active_spans_are_seen_apart(
    end_s: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    fainter_s = np.sort(rng.uniform(0, end_s, rng.integers(1, 12)))
    n = round(end_s * RATE_HZ)
    shown = list(shown_at_once(Rises(0.99 * FAINT, fainter_s[:1], fainter_s), n))
    told = [said for _, said in sorted(shown, key=lambda both: both[1].start)]
    assert [said.start for said in told] == [0, *(said.stop for said in told[:-1])]
    assert told[-1].stop == n  # spikes may go unseen: none is silence
    for seen, said in shown:
        assert seen.start <= said.start and said.stop <= seen.stop and seen.start % 4 == 0
        assert min(n, seen.stop - seen.start) >= min(n, SHORTEST_S * RATE_HZ / 2)
    begun = {said.start for said in told}
    for begin_s, stop_s in active_spans(fainter_s, end_s):
        assert int(begin_s * RATE_HZ) // 4 * 4 in begun
        assert stop_s == end_s or int(stop_s * RATE_HZ) // 4 * 4 in begun


def test_silence_is_left_out_wherever_it_lies() -> None:
    active_s = 60.0 + np.arange(0, 100, 10.0)  # the last at 150 s
    assert active_spans(active_s, 400.0) == [(59.0, 153.0)]
    assert active_spans(active_s, 190.0) == [(59.0, 190.0)]  # 37 s at the end are no silence
    assert active_spans(active_s - 30, 400.0) == [(0.0, 123.0)]
    (lone,) = active_spans(np.array([200.0]), 400.0)
    assert lone == (181.0, 221.0)  # as long as what networks learn from
    assert active_spans(np.array([200.0, 260.0]), 400.0) == [(181.0, 221.0), (241.0, 281.0)]
    assert active_spans(np.array([200.0, 250.0]), 400.0) == [(199.0, 253.0)]


def test_near_an_end_as_much_is_shown_and_nothing_twice() -> None:
    assert active_spans(np.array([1.0]), 600.0) == [(0.0, 40.0)]
    assert active_spans(np.array([599.0]), 600.0) == [(560.0, 600.0)]
    assert active_spans(np.array([1.0, 55.0]), 600.0) == [(0.0, 40.0), (40.0, 80.0)]
    assert active_spans(np.array([545.0, 599.0]), 600.0) == [(526.0, 566.0), (566.0, 600.0)]
    assert active_spans(np.array([61.0]), 120.0) == [(42.0, 82.0)]  # 60 s and 56 s of silence
    assert active_spans(np.zeros(0), 30.0) == [(0.0, 30.0)] and not active_spans(np.zeros(0), 60.0)
