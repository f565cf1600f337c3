"""What is an event, and what is nothing but noise."""

import numpy as np

from raphe.tasks.calcium.ensemble.silence import EVENT_S, FEWEST_SPIKES, has_event


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
