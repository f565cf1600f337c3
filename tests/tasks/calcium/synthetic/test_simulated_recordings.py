"""Simulated recordings: repeatable, alike within a dataset, and not told by their traces alone."""

import dataclasses

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.calcium.features.spectrum import bandwidth_hz
from raphe.tasks.calcium.metrics.scores import score
from raphe.tasks.calcium.synthetic.simulated_recordings import (
    FRAME_RATES_HZ,
    Simulation,
    one_laboratory,
    simulate,
)

SMALL = Simulation(datasets=2, recordings=2, duration_s=20.0)


def test_a_recording_depends_on_nothing_but_its_place() -> None:
    few = list(simulate(SMALL))
    more = list(simulate(dataclasses.replace(SMALL, datasets=3, recordings=3)))
    assert [recording.name for recording in few] == ["sim1/0", "sim1/1", "sim2/0", "sim2/1"]
    for recording, same in zip(few, (more[0], more[1], more[3], more[4]), strict=True):
        np.testing.assert_array_equal(recording.calcium, same.calcium)
        np.testing.assert_array_equal(recording.spikes, same.spikes)
    assert not np.array_equal(few[0].spikes, few[1].spikes)


def test_recordings_are_of_the_length_asked_for_and_hold_whole_spikes() -> None:
    for recording in simulate(SMALL):
        assert recording.calcium.shape == recording.spikes.shape == (2000,)
        assert recording.calcium.dtype == np.float32 and np.isfinite(recording.calcium).all()
        assert (recording.spikes >= 0).all() and not (recording.spikes % 1).any()


def test_a_dataset_is_imaged_at_one_rate() -> None:
    for recording in simulate(Simulation(datasets=4, recordings=2)):
        assert recording.imaging_hz in FRAME_RATES_HZ
        assert bandwidth_hz(recording.calcium) == pytest.approx(recording.imaging_hz / 2, rel=0.4)


def test_a_laboratory_has_one_indicator_and_one_microscope() -> None:
    laboratories = [one_laboratory(np.random.default_rng(seed)) for seed in range(20)]
    for synthesis in laboratories:
        assert [kind.share for kind in synthesis.kinds] == [1.0, 0.0, 0.0, 0.0]
        for name in ("rise_s", "decay_s", "delay_s", "cooperativity"):
            low, high = getattr(synthesis.dye, name)
            assert low == high
        assert synthesis.frame_hz[0] == synthesis.frame_hz[1]
        assert synthesis.noise[0] == synthesis.noise[1]
    assert len({synthesis.dye.decay_s for synthesis in laboratories}) == 20
    assert {synthesis.frame_hz[0] for synthesis in laboratories} == set(FRAME_RATES_HZ)


def test_the_traces_tell_something_of_the_spikes_but_not_all() -> None:
    scores = [
        score([recording.calcium], [recording.spikes])["correlation"]
        for recording in simulate(Simulation(datasets=4, recordings=3))
    ]
    assert 0.02 < np.mean(scores) < 0.5  # real ones: 0.17 to 0.27


@pytest.mark.parametrize("wrong", [{"datasets": 0}, {"duration_s": 5.0}, {"seed": -1}])
def test_what_cannot_be_simulated_is_told(wrong: dict) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Simulation(**wrong)
