"""What neurons of known spikes tell of others: groups by noise and frame rate, and a sentence."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_text
from raphe.tasks.calcium.metrics.expectation import expected, sentence
from raphe.tasks.calcium.metrics.known_neurons import (
    AS_RECORDED,
    FRAME_EDGES,
    MEASURES,
    NOISE_EDGES,
    by_dataset,
    groups_of,
    read_scores,
    scale_of,
)
from raphe.tasks.calcium.metrics.rate_scale import UNSCALED

COLUMNS = ("condition", "dataset", "neuron", "noise_level", "frames_per_s", "scale", *MEASURES)


def scores(path: Path, rows: Iterable[tuple[str, str, int, float, float, float]]) -> Path:
    """A table of neurons; every measure has the value of the correlation."""
    rows = [(*row[:-1], 1.0, *[row[-1]] * len(MEASURES)) for row in rows]
    path.write_text(csv_text(COLUMNS, rows))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Nine neurons of a and three of b at noise 2 and 30 frames/s; a's also with noise 2.4; one at
    noise 60, and one without a correlation."""
    alike = [(AS_RECORDED, "a", n, 2.0, 30.0, 0.1 * n) for n in range(9)]
    louder = [("noise 2.4", "a", n, 2.4, 30.0, 0.1 * n + 0.2) for n in range(9)]
    others = [(AS_RECORDED, "b", n, 2.1, 40.0, 0.5) for n in range(3)]
    strange = [(AS_RECORDED, "b", 7, 60.0, 30.0, 0.5), (AS_RECORDED, "b", 8, 2.0, 30.0, np.nan)]
    return scores(tmp_path / "scores.csv", [*alike, *louder, *others, *strange])


def test_a_neuron_counts_once_in_a_group(table: Path) -> None:
    (group,) = groups_of(read_scores(table))
    of_neurons = [*(0.1 * n + 0.1 for n in range(9)), 0.5, 0.5, 0.5]
    assert (group.n, group.n_datasets) == (12, 2)
    assert group.correlation == pytest.approx(np.mean(of_neurons))
    assert [group.low, group.high] == pytest.approx(np.percentile(of_neurons, [10, 90]))
    assert group.noise == (1.5, 2.5) and group.frame_hz == (21.2, 42.4)


def test_the_benchmark_s_noise_and_rates_lie_inside_their_groups() -> None:
    for edges, values in ((NOISE_EDGES, range(1, 10)), (FRAME_EDGES, (7.5, 15, 30, 60, 122))):
        assert not set(edges) & set(values) and edges[0] < values[0] < values[-1] < edges[-1]


def test_what_to_expect_is_told_with_n_or_cannot_be(table: Path, tmp_path: Path) -> None:
    groups = groups_of(read_scores(table))
    told = sentence(groups, [1.6, 2.0, 2.2, np.nan], 30.0)
    assert told == (
        "what to expect: a correlation with the true spikes of 0.50 in bins of 40 ms, the mean of "
        "12 neurons of 2 data sets with a noise of 1.5 to 2.5 %/√Hz at 21 to 42 frames/s, four in "
        "five of them 0.21 to 0.79; these traces have 2.00 %/√Hz in the median, if they are ΔF/F "
        "as fractions"
    )
    assert sentence(groups, [1.6, 2.0, 2.2, 60.0], 30.0).endswith(
        "; of 1 trace of 4 it cannot be told, as none of the neurons had such a noise (60.0 %/√Hz)"
    )
    assert sentence(groups, [2.0, 2.0, 2.0, 60.0, 1e200], 30.0).endswith(
        "; of 2 traces of 5 it cannot be told, as none of the neurons had such a noise "
        "(up to 10^200 or more %/√Hz)"
    )
    for noise, rate_hz in ((60.0, 30.0), (2.0, 100.0)):
        assert expected(groups, noise, rate_hz) is None
        untold = sentence(groups, [noise], rate_hz)
        assert "what to expect cannot be told: of the neurons" in untold
        assert ("pass --dff, and if ΔF/F in %, divide them by 100" in untold) == (noise == 60.0)
    for nothing in ([], [np.nan]):
        assert sentence(groups, nothing, 30.0) == (
            "what to expect cannot be told: none of these traces both is like those of training "
            "and rises above its noise"
        )
    assert sentence([], [2.0], 30.0) == ""
    few = [(AS_RECORDED, "a", n, 2.0, 30.0, 0.5) for n in range(7)]
    (group,) = groups_of(read_scores(scores(tmp_path / "few.csv", few)))
    assert group.low is group.high is None
    assert "7 neurons of 1 data set" in (told := sentence([group], [2.0], 30.0))
    assert "too few to tell how neurons differ" in told


def test_sets_are_told_as_recorded_and_without_an_interval_of_few(table: Path) -> None:
    figures = {(row["dataset"], row["measure"]): row for row in by_dataset(read_scores(table))}
    of_a, of_b = figures["a", "correlation"], figures["b", "correlation"]
    assert (of_a["n"], of_b["n"]) == (9, 4)
    assert of_a["value"] == pytest.approx(0.4) and of_a["low"] < 0.4 < of_a["high"]
    assert of_b["value"] == 0.5 and of_b["low"] is of_b["high"] is None


def test_another_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    for text, what in (
        ("dataset,n\na,3\n", "it has no column condition; name pooled/neurons.csv"),
        (csv_text(COLUMNS, []), "it has no row"),
        (csv_text(COLUMNS, [["c", "a", 1, "loud", *[1] * 5]]), "scores.csv"),
    ):
        file.write_text(text)
        with pytest.raises(SettingError, match=what):
            read_scores(file)


def test_rates_are_scaled_by_the_median_of_data_sets(tmp_path: Path) -> None:
    """Of a data set each, said over true as the networks say it: 1/2, 1/4 and 1/100."""
    said_over_true = {"a": 0.5, "b": 0.25, "c": 0.01}
    rows = [
        (AS_RECORDED, name, n, 2.0, 30.0, scale, *[0.5] * (len(MEASURES) - 1), scale * ratio)
        for (name, ratio), scale in zip(said_over_true.items(), (7.0, 3.0, 2.0), strict=True)
        for n in range(3)
    ]
    louder = [("noise 9 % s^1/2", *row[1:-1], 50.0) for row in rows]
    table = tmp_path / "scaled.csv"
    table.write_text(csv_text(COLUMNS, [*rows, *louder]))
    assert scale_of(read_scores(table)) == pytest.approx((4.0, 0.0))
    unscaled = [(*row[:5], 1.0, *row[6:]) for row in rows]
    table.write_text(csv_text(COLUMNS, unscaled))
    assert scale_of(read_scores(table)) == UNSCALED
