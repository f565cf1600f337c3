"""A clock, a counter or a row number is no trace, and a clock tells the rate."""

import numpy as np
import pytest

from raphe.core.tables.axis import axis_of_names, without_axes
from raphe.core.tables.number_table import NumberTable
from raphe.core.tables.text import TableFault

N = 60
TRACES = np.random.default_rng(0).normal(4, 2, (N, 2)).round(3)
TIME_S = np.arange(N) / 30


def table(*columns: tuple[str, np.ndarray], traces: bool = True) -> NumberTable:
    named = [*columns, *(zip("ab", TRACES.T, strict=True) if traces else ())]
    return NumberTable(
        tuple(name for name, _ in named), np.stack([values for _, values in named], axis=1), 2
    )


@pytest.mark.parametrize(
    ("name", "values", "rate_hz"),
    [
        ("Time (s)", TIME_S, 30),
        ("Time (s)", TIME_S.round(4), 30),
        ("Time (s)", TIME_S.round(1), 30),  # several times alike
        ("time_ms", 1000 * TIME_S, 30),
        ("t [ms]", 1000 * TIME_S, 30),
        ("Zeit (min)", TIME_S / 60, 30),
        ("Time(s)/Cell Status", 25.5 + TIME_S.round(4), 30),
        ("timestamps/µs", (1e6 * TIME_S).round(), 30),
        ("seconds", TIME_S, 30),
        ("FrameCounter", np.arange(N), None),
        ("Frame #", np.arange(1, N + 1), None),
        ("frame", np.arange(N) * 2, None),
        ("", np.arange(N), None),
        (" ".strip(), np.arange(1, N + 1), None),
        ("x", np.arange(N) + 7, None),
        ("", TIME_S.round(4), "asked"),
        ("x", (1000 * TIME_S).round(), "in ms"),
        ("Time", TIME_S.round(4), "asked"),
    ],
)
def test_an_axis_is_left_out_and_said(name, values, rate_hz):
    left, axes = without_axes(table((name, values)))
    assert left.names == ("a", "b") and len(axes) == len(left.remarks) == 1
    np.testing.assert_array_equal(left.values, TRACES)
    assert "is the axis: no trace" in left.remarks[0]
    (axis,) = axes
    assert axis.rate(30.0) == 30.0
    if rate_hz == "in ms":  # rounded, so no count
        with pytest.raises(TableFault, match="not 40; correct --rate"):
            axis.rate(40.0)
    elif rate_hz == "asked":
        with pytest.raises(TableFault, match=r"pass --rate HZ \(30 if it is in s, 30000 if in ms"):
            axis.rate(None)
        with pytest.raises(TableFault, match="not 40; correct --rate"):
            axis.rate(40.0)
    elif rate_hz is None:
        assert axis.rate(None) is None and axis.rate(40.0) == 40.0
    else:
        assert axis.rate(None) == pytest.approx(rate_hz, rel=0.02)


def test_a_time_contradicts_a_wrong_rate():
    _, (axis,) = without_axes(table(("Time (s)", np.arange(N))))  # a counter called a time
    with pytest.raises(TableFault, match=r"rises by 1, which is 1 Hz, not 30; correct --rate"):
        axis.rate(30.0)


def test_row_numbers_before_a_time_and_a_time_behind_the_traces():
    left, axes = without_axes(table(("", np.arange(N)), ("Time (s)", TIME_S)))
    assert left.names == ("a", "b") and [axis.rate(None) for axis in axes] == [None, 30.0]
    behind = table(("a", TRACES[:, 0]), ("Time (s)", TIME_S), ("b", TRACES[:, 1]), traces=False)
    left, axes = without_axes(behind)
    assert left.names == ("a", "b") and axes[0].rate(None) == 30.0
    np.testing.assert_array_equal(left.values, TRACES)


def test_blank_rows_around_an_axis_are_no_samples():
    blank = table(("Time (s)", TIME_S))
    blank.values[[0, -1]] = np.nan
    left, _ = without_axes(blank)
    np.testing.assert_array_equal(left.values, TRACES[1:-1])
    assert left.first_line == 3


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("Time (s)", TIME_S + (np.arange(N) > 30) / 30, "line 33: .* goes from 1 to 1.0.*missing"),
        (
            "Frame",
            np.arange(N) + 5 * (np.arange(N) > 30),
            "line 33: .* from 30 to 36, usually by",
        ),
        ("Time (s)", np.tile(TIME_S[:30], 2), "line 32: .* is called an axis and goes from 0.9"),
        ("Time (s)", np.zeros(N), "is called an axis and goes from 0 to 0"),
    ],
)
def test_samples_that_are_missing_or_begin_anew_are_named(name, values, sentence):
    with pytest.raises(TableFault, match=sentence):
        without_axes(table((name, values)))


def test_traces_are_no_axes():
    for name in ("t1", "s", "sample1", "cell_s", "id"):
        left, axes = without_axes(table((name, TRACES[:, 0])))
        assert not axes and left.names == (name, "a", "b")
    with pytest.raises(TableFault, match="every column rises evenly, as a clock does"):
        without_axes(table(("Time (s)", TIME_S), traces=False))


def begun(values: np.ndarray, place: int, value: float) -> np.ndarray:
    """The same with another value at a place."""
    return np.where(np.arange(len(values)) == place, value, values)


COUNT = np.arange(N, dtype=float)
PAUSED = TIME_S.round(4) + 5 * (np.arange(N) > 30)


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "X", "0", "Bild"])
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (COUNT + (COUNT > 30), "line 33: .* goes from 30 to 32, usually by .*missing"),
        (1 + COUNT + COUNT // 5, "line 7: .* goes from 5 to 7, usually by .*missing"),
        (PAUSED, "line 33: .* goes from 1 to 6.0333, usually by .*missing"),
        (np.tile(COUNT[:30], 2), "line 32: .* goes from 29 to 0; give each recording a table"),
        (np.tile(TIME_S[:20], 3), "line 22: .* goes from 0.6333.* to 0; give each recording"),
        (COUNT - (COUNT > 30), "line 33: .* stays at 30: a sample stands twice"),
        (TIME_S.round(4)[[*range(31), *range(30, N - 1)]], "line 33: .* stays at 1: .* twice"),
        (begun(COUNT, 7, np.nan), "line 9: .* has no number here; fill it in, or take"),
        (COUNT[::-1], "line 3: .* goes from 59 to 58; give each"),
    ],
)
def test_an_axis_without_its_name_is_told_by_its_values(name, values, sentence):
    with pytest.raises(TableFault, match=sentence):
        without_axes(table((name, values)))
    behind = table(("a", TRACES[:, 0]), (name or "b", values), traces=False)
    with pytest.raises(TableFault, match=sentence):
        without_axes(behind)


def test_a_clock_that_jitters_lacks_nothing():
    """As a computer's does: one late frame is followed by one on time."""
    times_s = np.arange(N) / 30 + np.random.default_rng(0).normal(0, 0.004, N)
    times_s[20] = times_s[19] + 0.055
    assert (np.diff(times_s) > 1.5 / 30).any() and (np.diff(times_s) > 0).all()
    left, (axis,) = without_axes(table(("Time (s)", times_s)))
    assert left.names == ("a", "b") and axis.rate_hz == pytest.approx(30, rel=0.01)
    times_s[40:] += 1 / 30
    with pytest.raises(TableFault, match=r"line 42: .* usually by 0\.033\d+: samples are missing"):
        without_axes(table(("Time (s)", times_s)))


@pytest.mark.parametrize(
    ("times_s", "off_s"),
    [
        (TIME_S * (1 + 0.1 * np.arange(N) / N), "0.0483"),  # slows by a tenth
        (np.r_[TIME_S[:30], TIME_S[30] + np.arange(30) / 25], "0.0983"),  # 30, then 25 frames/s
    ],
)
def test_a_clock_that_drifts_is_told_with_how_far_it_is_off(times_s, off_s):
    for name, factor, told in (("Time (s)", 1, f"{off_s} s"), ("Time (ms)", 1e3, f"{off_s} s")):
        left, (axis,) = without_axes(table((name, factor * times_s)))
        assert left.names == ("a", "b") and axis.off > 0
        assert f"Hz, on average, is up to {told} off an even clock, as where" in left.remarks[0]
        assert left.remarks[0].endswith(" and taken as even, and is the axis: no trace")
    (_, (axis,)) = without_axes(table(("time", times_s.round(5))))
    assert f"on average, is up to {off_s} off" in axis.remark()


def test_a_short_count_with_a_gap_is_told():
    counted = NumberTable(("", "a"), np.array([[0, 1, 2, 4, 5], TRACES[:5, 0]]).T, 1)
    with pytest.raises(TableFault, match=r"line 4: the first column, .* goes from 2 to 4"):
        without_axes(counted)


def test_times_rounded_to_more_than_a_step_are_an_axis_without_a_name():
    long = np.arange(20 * N) / 30
    values = np.stack([long.round(1), np.resize(TRACES[:, 0], len(long))], axis=1)
    left, (axis,) = without_axes(NumberTable(("", "a"), values, 2))
    assert left.names == ("a",) and axis.rate(30.0) == 30.0


def test_traces_are_no_axes_by_their_values():
    rng = np.random.default_rng(1)
    decay = np.exp(-np.arange(N) / 10)
    spikes = (rng.random(N) < 0.1).astype(float)
    slow = np.linspace(400, 500, N) + rng.normal(0, 5, N)  # brightens
    traces = (
        np.convolve(spikes, decay)[:N],  # without noise
        -np.convolve(spikes, decay)[:N],
        spikes,
        np.r_[np.zeros(N - 1), 1],
        np.repeat([400.0, 410.0, 420.0, 430.0], N // 4),  # held
        slow,
        slow.round(),
        rng.poisson(3, N).astype(float),
        begun(np.full(N, 400.0), 3, np.nan),
    )
    for values in traces:
        for name in ("", "Unnamed: 0", "cell 1"):
            left, axes = without_axes(table((name, values)))
            assert not axes and left.names == (name, "a", "b")


def test_an_axis_may_stand_above_rows():
    axis = axis_of_names("Time (s)", [f"{time:.4f}" for time in TIME_S])
    assert axis is not None and axis.rate(None) == 30.0
    assert axis_of_names("cell", ["f0", "f1", "f2"]) is None
    assert axis_of_names("cell", ["5", "3", "4"]) is None
    with pytest.raises(TableFault, match=r"line 1: is an axis .* from 1\.0333 to 1\.1, usually by"):
        axis_of_names("", [f"{time:.4f}" for time in (*TIME_S[:32], *TIME_S[33:])])
