import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from raphe.core.errors import RecordingError, RecordingWarning
from raphe.core.recordings.recording import Recording, Trace


def test_sweeps_follow_each_other_in_time():
    recording = Recording.from_array(np.ones((3, 400)), 100.0, "pA", "cell")
    assert [sweep.start_s for sweep in recording.sweeps] == [0.0, 4.0, 8.0]
    assert (recording.n_samples, recording.duration_s) == (1200, 12.0)
    assert recording.sweeps[2].read().dtype == np.float32


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"rate_hz": 0.0}, "sampling rate in Hz, above 0 and at most 10000000, got 0"),
        ({"rate_hz": -1.0}, "sampling rate in Hz, above 0 and at most 10000000, got -1"),
        ({"rate_hz": float("nan")}, "sampling rate in Hz, above 0 and at most 10000000, got nan"),
        ({"rate_hz": float("inf")}, "sampling rate in Hz, above 0 and at most 10000000, got inf"),
        ({"rate_hz": 1e9}, "at most 10000000, got 1000000000"),
        ({"unit": " "}, "unit of the samples, got a blank one"),
        ({"cell_id": ""}, "expected a cell id"),
        ({"samples": np.empty(0)}, r"samples in each sweep, got lengths \[0\]"),
        ({"samples": np.ones((2, 2, 2))}, r"got \(2, 2, 2\)"),
        ({"samples": "0.1 0.2"}, "expected samples that are numbers, got str"),
        ({"samples": ["a", "b"]}, "expected samples that are numbers, got list"),
        ({"samples": None}, "expected samples that are numbers, got NoneType"),
        ({"samples": [[1, 2], [3]]}, "got rows of different lengths"),
        ({"rate_hz": "fast"}, "A140313#073: expected a sampling rate in Hz, .*, got fast"),
        ({"rate_hz": None}, "expected a sampling rate in Hz, .*, got null"),
        ({"unit": None}, "expected the unit of the samples, such as 'pA', got None"),
    ],
)
def test_an_impossible_recording_is_refused(facts, message):
    sound = {"samples": np.ones(4), "rate_hz": 40_000.0, "unit": "pA", "cell_id": "A140313#073"}
    with pytest.raises(RecordingError, match=message):
        Recording.from_array(**{**sound, **facts})


def test_a_recording_without_sweeps_is_refused():
    with pytest.raises(RecordingError, match="samples in each sweep"):
        Recording((), 40_000.0, "pA", "cell")


def test_nan_and_infinite_samples_warn_and_are_suspect():
    samples = np.zeros((2, 10))
    samples[1, 4:6] = np.nan, -np.inf
    with pytest.warns(RecordingWarning, match="2 of 20 samples .* sample 4 of sweep 1"):
        recording = Recording.from_array(samples, 10.0, "pA", "cell")
    assert len(recording.remarks) == 1
    assert not recording.sweeps[0].suspect().any()
    np.testing.assert_array_equal(np.flatnonzero(recording.sweeps[1].suspect()), [4, 5])
    np.testing.assert_array_equal(recording.sweeps[1].suspect(3, 5), [False, True])


def test_a_value_that_float32_cannot_hold_is_suspect():
    with pytest.warns(RecordingWarning, match="1 of 2"):
        recording = Recording.from_array(np.array([0.0, 1e300]), 10.0, "pA", "cell")
    assert recording.sweeps[0].suspect().tolist() == [False, True]


def test_scaling_keeps_sign_and_offset_and_rails_are_suspect():
    stored = np.array([-32768, -32752, -32751, 0, 100, 32751, 32752, 32767], dtype="<i2")
    trace = Trace(stored, len(stored), gain=-0.5, offset=3.0, rail=32752)
    np.testing.assert_array_equal(trace.read(2, 5), np.float32([16378.5, 3.0, -47.0]))
    assert trace.suspect().tolist() == [True, True, False, False, False, False, True, True]


def test_an_uncertain_trace_is_suspect_throughout():
    trace = Trace(np.zeros(5, "<i2"), 5, rail=32752, uncertain=True)
    assert trace.suspect(1, 4).tolist() == [True, True, True]


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (0, 11), (7, 6)])
def test_reading_outside_the_sweep_is_refused(start, stop):
    with pytest.raises(IndexError, match="sweep of 10"):
        Trace.from_array(np.zeros(10)).read(start, stop)


@given(
    samples=hnp.arrays(np.float32, st.integers(1, 60), elements=st.integers(-9, 9)),
    size=st.integers(1, 70),
    overlap=st.integers(0, 70),
)
def test_chunks_tile_the_sweep_and_repeat_the_overlap(samples, size, overlap):
    chunks = list(Trace.from_array(samples).chunks(size, overlap))
    assert [start for start, _ in chunks] == list(range(0, len(samples), size))
    np.testing.assert_array_equal(np.concatenate([part[:size] for _, part in chunks]), samples)
    for start, part in chunks:
        np.testing.assert_array_equal(part, samples[start : start + size + overlap])


def test_reading_never_changes_what_is_stored():
    samples = np.arange(4, dtype=np.float32)
    Trace.from_array(samples).read()[:] = 0
    assert samples.tolist() == [0, 1, 2, 3]
