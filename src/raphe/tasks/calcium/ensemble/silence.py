"""Where a trace is silent, and whether a rate tells of any spike or of what noise looks like.

A network adapts to all that it is shown at once, and learnt from less than a minute: beside silence
it finds transients smaller than they are, or larger, so that either is shown by itself. T samples
at 100 Hz.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.ndimage import uniform_filter1d

from raphe.tasks.calcium.features.rises import Rises
from raphe.tasks.calcium.recordings.sampling import RATE_HZ, SAMPLES_PER_BIN

EVENT_S = 0.5  # as long as what one spike shows is spread over, at most
FEWEST_SPIKES = 0.3  # in so long, of an event; in noise networks expect 0.2 at most
BEFORE_S, AFTER_S = 1.0, 3.0  # of a clear rise that are no silence
QUIET_S = 50.0  # without such a rise, as a trace without any: it has no rate
SHORTEST_S = 40.0  # of what is shown beside it, as long as what networks learn from
STRETCH_S = 300.0  # of a trace at once, about: as long as what rates were tested on
BESIDE_S = 3.0  # on either side that are seen, more than convolutions reach (2.6 s); of whole bins


def has_event(rate_per_s: np.ndarray) -> bool:
    """Whether anywhere in a rate (T,) half a second holds what could be a spike.

    Where it does not, nothing stands out of the noise. What little a network then expects is what
    neurons that seem silent fire on average, and not what this one does.
    """
    expected = uniform_filter1d(rate_per_s, round(EVENT_S * RATE_HZ), mode="constant") * EVENT_S
    return bool(expected.max(initial=0.0) >= FEWEST_SPIKES)


def active_spans(clear_s: np.ndarray, end_s: float) -> list[tuple[float, float]]:
    """From when to when something rises now and then, of rises (R,) in a trace that ends at `end_s`
    (s), in order, none into another; between these and at the ends it is silent."""
    spans = [(0.0, 0.0)]
    for rise_s in clear_s.tolist():
        begin, end = rise_s - BEFORE_S, min(rise_s + AFTER_S, end_s)
        if begin - spans[-1][1] < QUIET_S:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((begin, end))
    if end_s - spans[-1][1] < QUIET_S:
        spans[-1] = spans[-1][0], end_s
    return _long_enough([span for span in spans if span[1]], end_s)


def _long_enough(spans: list[tuple[float, float]], end_s: float) -> list[tuple[float, float]]:
    """Each SHORTEST_S long or more: to both sides, at an end of the trace to the one there is."""
    longer, free_s = [], 0.0
    for begin, end in spans:
        length = max(SHORTEST_S, end - begin)
        begin = max(min((begin + end - length) / 2, end_s - length), free_s)
        free_s = min(begin + length, end_s)
        longer.append((begin, free_s))
    return longer


def shown_at_once(rises: Rises, n_samples: int) -> Iterator[tuple[slice, slice]]:
    """What a network is shown at once of so many samples with such rises, and of which part of it
    rates are taken, of long ones about STRETCH_S: active spans alone. Where single spikes may not
    be seen, what is between them as well, apart from them, since the network adapts to either."""
    end_s = n_samples / RATE_HZ
    if rises.tell_silence:
        spans, shortest_s = active_spans(rises.clear_s, end_s), 0.0
    else:
        spans, shortest_s = with_quiet(active_spans(rises.fainter_s, end_s), end_s), SHORTEST_S
    for begin_s, stop_s in spans:
        beside_s = max(BESIDE_S, (shortest_s - (stop_s - begin_s)) / 2)
        beside = round(beside_s * RATE_HZ) // SAMPLES_PER_BIN * SAMPLES_PER_BIN
        n = max(1, round((stop_s - begin_s) / STRETCH_S))
        edges = np.linspace(begin_s, stop_s, n + 1) * RATE_HZ // SAMPLES_PER_BIN * SAMPLES_PER_BIN
        if round(stop_s * RATE_HZ) >= n_samples:
            edges[-1] = n_samples  # with what is less than a bin
        for begin, end in pairwise(edges.astype(int).tolist()):
            if begin < end:
                yield slice(max(begin - beside, 0), min(end + beside, n_samples)), slice(begin, end)


def with_quiet(spans: list[tuple[float, float]], end_s: float) -> list[tuple[float, float]]:
    """Spans (s) with what is between them and at the ends of a trace that ends at `end_s`."""
    edges = sorted({0.0, *(edge for span in spans for edge in span), end_s})
    return list(pairwise(edges))
