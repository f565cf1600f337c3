"""Nonsense made of recordings, and boundaries that let as much calcium through as allowed."""

import numpy as np

from raphe.tasks.calcium.features.unlike_calcium import (
    KINDS,
    MEASURES,
    Boundaries,
    boundaries,
    unlike_as_a_whole,
)


def test_boundaries_find_what_is_apart_and_let_calcium_be() -> None:
    import nonsense_boundaries
    from nonsense_kinds import UNTOUCHED

    rng = np.random.default_rng(0)
    kinds = [UNTOUCHED, *(beyond[0] for beyond, _ in nonsense_boundaries.KINDS.values())]
    of_kind = np.repeat(np.arange(len(kinds)), 400)
    measures = rng.normal(size=(len(of_kind), len(MEASURES)))
    measures[np.arange(len(of_kind)), of_kind] += 8 * (of_kind > 0)  # each its own measure
    sets = [f"set{n % 4}" for n in range(len(of_kind))]
    of_traces = [kinds[n] for n in of_kind]
    made = nonsense_boundaries.drawn(measures, of_traces, sets, of_kind == 0)
    made = Boundaries.of_json(nonsense_boundaries.as_json(made))
    called = np.array([made.beyond(row) for row in measures])
    assert np.mean(called[of_kind == 0] != "") < 0.05
    for number, name in enumerate(nonsense_boundaries.KINDS, 1):
        assert np.mean(called[of_kind == number] == name) > 0.95


def test_raphes_own_boundaries_are_of_its_measures() -> None:
    own = boundaries()
    assert set(own.weights) == set(KINDS)
    n = len(MEASURES)
    assert {len(weights) for weights in own.weights.values()} == {1 + n + n * (n + 1) // 2}


def test_each_kind_of_nonsense_is_made_of_a_recording() -> None:
    from calcium_sets import Segment
    from nonsense_boundaries import KINDS as BOUNDARIES
    from nonsense_kinds import TRANSPOSED, nonsense, synthetic, transposed

    rng = np.random.default_rng(0)
    recordings = [Segment(rng.normal(size=900), 15.0, np.array([1.0, 2.5])) for _ in range(100)]
    made = {trace.kind: trace for trace in nonsense(recordings[0], rng)}
    population = transposed(recordings, 3, rng)
    assert {trace.kind for trace in population} == {TRANSPOSED} and len(population) == 3
    needed = {kind for beyond, _ in BOUNDARIES.values() for kind in beyond}
    assert needed <= {*made, TRANSPOSED, "rate told ×4"}  # of a minute: at four times its rate 15 s
    assert made["rate told ÷4"].rate_hz == 3.75 and len(made["inverted"].frames) == 900
    assert all(4 <= trace.rate_hz <= 120 for trace in synthetic(10, rng))


def test_a_file_of_nonsense_is_told_as_a_whole() -> None:
    wandering = f"no event; {KINDS['wandering']}"
    told = unlike_as_a_whole([wandering] * 8 + [""] * 12)
    assert told.startswith("8 of 20 traces are unlike calcium") and "wanders" in told
    assert not unlike_as_a_whole([wandering] * 6 + [""] * 14)
    assert not unlike_as_a_whole([wandering] * 19)
