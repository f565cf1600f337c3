"""What tells of a recording: only that in which units differ."""

from dataclasses import replace

import numpy as np

from raphe.tasks.units.audit.traits import recording_traits
from raphe.tasks.units.recordings.unit_set import UnitFacts, UnitSet


def units(waveforms, isi=None):
    n = len(waveforms)
    isi = np.full((n, 4), 0.25, np.float32) if isi is None else isi
    facts = [UnitFacts(f"u{number}") for number in range(n)]
    return UnitSet(facts, np.asarray(waveforms, np.float32), isi, np.empty((n, 0), np.float32))


def spike(size, at, unrest=0.0):
    waveform = np.zeros(40)
    waveform[:6] = unrest * size * np.array([1, -1, 1, -1, 1, -1])
    waveform[at] = -size
    return waveform


def test_size_place_and_unrest_are_measured():
    names, traits = recording_traits(units([spike(10, 12, 0.1), spike(100, 20, 0.2)]))
    assert names == ["size", "place", "unrest"]
    np.testing.assert_allclose(np.exp(traits[:, 0]), [10, 100], rtol=1e-5)
    assert traits[:, 1].tolist() == [12, 20]
    np.testing.assert_allclose(np.exp(traits[:, 2]), [0.1, 0.2], rtol=1e-5)


def test_what_is_the_same_for_all_is_left_out():
    assert recording_traits(units([spike(1, 12), spike(1, 12)]))[0] == []
    assert recording_traits(units([spike(1, 12), spike(1, 13)]))[0] == ["place"]


def test_a_missing_waveform_is_told_and_takes_the_mean():
    missing = np.full(40, np.nan)
    names, traits = recording_traits(units([spike(10, 12), spike(10, 20), missing]))
    assert names == ["place", "no waveform"]
    assert traits[2].tolist() == [16, 1] and traits[0].tolist() == [12, 0]


def test_units_without_any_waveform_have_what_is_missing_alone():
    isi = np.full((3, 4), 0.25, np.float32)
    isi[1] = np.nan
    of_no_waveform = replace(units(np.empty((3, 0)), isi), acg=np.ones((3, 3), np.float32))
    names, traits = recording_traits(of_no_waveform)
    assert names == ["no isi"] and traits[:, 0].tolist() == [0, 1, 0]
