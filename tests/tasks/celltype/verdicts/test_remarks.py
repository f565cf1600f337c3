"""Each remark appears where it should and stays away from a sound cell."""

import re

import numpy as np
import pytest

from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows
from raphe.tasks.celltype.verdicts.remarks import (
    beside_threshold,
    remarks_on,
    split_in_two,
    too_few,
)

RNG = np.random.default_rng(7)
SHAPE = -np.exp(-(((np.arange(160) - 42) / 4) ** 2))


def spikes_of(peaks_pa):
    noise = RNG.normal(0, 3, (len(peaks_pa), 160))
    return (np.asarray(peaks_pa)[:, None] * SHAPE + noise).astype(np.float32)


def regular(n, rate_hz=2.0):
    return np.arange(n) / rate_hz + RNG.normal(0, 0.02, n)


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_a_sound_cell_has_no_remark(n):
    assert remarks_on(spikes_of(RNG.normal(90, 5, n)), regular(n), "pA") == []


def test_no_spikes_have_no_remark():
    assert remarks_on(np.empty((0, 160), np.float32), np.empty(0), "pA") == []


@pytest.mark.parametrize(("n", "text"), [(1, "1 spike is not"), (19, "19 spikes are not")])
def test_too_few_spikes(n, text):
    assert too_few(n, None).startswith(f"{text} yet enough: more may change the verdict")


def test_spikes_that_are_given_twice():
    waveforms = spikes_of(RNG.normal(90, 5, 50))
    (remark,) = remarks_on(np.concatenate([waveforms, waveforms[:12]]), regular(62), "pA")
    assert remark.startswith("12 of 62 spikes are equal to another in every sample")


def test_spikes_that_hardly_reach_the_threshold():
    waveforms = np.array([100, 100, 51.5, 52, 100])[:, None] * SHAPE
    (remark,) = beside_threshold(waveforms, Cut(), cut_before=False)
    assert remark.startswith("the peaks of 2 of 5 spikes are within 10 % of the threshold, −50 pA")
    assert beside_threshold(waveforms, Cut(threshold_pa=-30.0), cut_before=False) == []
    assert beside_threshold(waveforms, GivenWindows(160, 40_000.0, "pA"), cut_before=True) == []


def test_of_windows_cut_before_no_threshold_is_advised():
    waveforms = np.array([100, 100, 51.5, 52, 100])[:, None] * SHAPE
    assert beside_threshold(waveforms, Cut(), cut_before=True) == []


@pytest.mark.parametrize("factor", [-1, 1e-12, 1e-3])  # the sign, A for pA, nA for pA
def test_spikes_that_never_reach_the_threshold_are_not_called_near_it(factor):
    waveforms = factor * spikes_of(RNG.normal(90, 5, 18))
    (remark,) = beside_threshold(waveforms, Cut(), cut_before=True)
    assert remark == (
        "18 of 18 spikes do not reach the threshold, −50 pA, that training's were cut at: wrong "
        "unit or sign?"
    )


def test_clipped_peaks():
    waveforms = np.maximum(spikes_of(RNG.normal(90, 5, 50)), -60)
    (remark,) = remarks_on(waveforms, regular(50), "pA")
    assert "100 % of the spikes have a flat peak" in remark


def test_a_growing_peak_is_drift():
    (remark,) = remarks_on(spikes_of(np.linspace(60, 120, 100)), regular(100), "pA")
    first, last = map(float, re.search(r"drifts from ([\d.]+) to ([\d.]+) pA", remark).groups())
    assert abs(first - 60) <= 2 and abs(last - 120) <= 2
    assert (
        remarks_on(spikes_of(np.linspace(88, 96, 100)), regular(100), "pA") == []
    )  # the published cell's


def test_two_sizes_in_turns_may_be_two_cells():
    peaks = np.where(RNG.random(200) < 0.3, 60, 110) + RNG.normal(0, 3, 200)
    (remark,) = remarks_on(spikes_of(peaks), regular(200), "pA")
    assert "two cells" in remark and re.search(r"about [\d.]+ and [\d.]+ pA", remark)


def test_two_sizes_one_after_the_other_are_no_second_cell():
    peaks = np.repeat([110.0, 60.0], 100) + RNG.normal(0, 3, 200)
    (remark,) = remarks_on(spikes_of(peaks), regular(200), "pA")
    assert "drifts" in remark


def test_doublets():
    single_s = regular(100)
    time_s = np.sort(np.r_[single_s, single_s[:30] + 0.006])
    assert any(
        "within 10 ms" in remark for remark in remarks_on(spikes_of(np.full(130, 90)), time_s, "pA")
    )


def test_unknown_times_are_no_drift():
    assert remarks_on(spikes_of(np.linspace(60, 120, 100)), np.full(100, np.nan), "pA") == []


def test_times_that_are_all_one_are_no_drift():
    remarks = remarks_on(spikes_of(np.linspace(60, 120, 100)), np.zeros(100), "pA")
    assert not any("drifts" in remark for remark in remarks)


def test_separation_is_ashmans():
    normal, uniform = RNG.normal(size=100_000), RNG.random(100_000)
    assert split_in_two(normal)[1] == pytest.approx(2.65, abs=0.03)
    assert split_in_two(uniform)[1] == pytest.approx(2 * np.sqrt(3), abs=0.02)
    two = np.r_[RNG.normal(0, 1, 50_000), RNG.normal(8, 1, 50_000)]
    boundary, separation = split_in_two(two)
    assert boundary == pytest.approx(4, abs=0.2)
    assert separation == pytest.approx(8, abs=0.05)
