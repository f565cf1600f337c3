"""The benchmark of clocks: lags are found, and what is supposed of a set comes from the others."""

from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("late", (-3, 0, 2))
def test_the_lag_of_rates_is_found(late: int) -> None:
    """Rates that come early by so many bins are right so many bins later."""
    from clocks import AGREE, EVERY, Clocks, Said, best, r_of

    rng = np.random.default_rng(0)
    counts = [rng.poisson(0.2, n).astype(float) for n in (800, 303)]
    rates = [np.roll(count, -late) + 0.01 * rng.normal(size=len(count)) for count in counts]
    neuron = Said(rates, counts)
    found = {clocks: {"set": np.array([r_of(neuron, clocks)])} for clocks in EVERY}
    assert best(found, ["set"], EVERY) == Clocks(late, 1)
    assert r_of(neuron, Clocks(late, 1)) > 0.97 > r_of(neuron, Clocks(late, 3))
    assert (r_of(neuron, AGREE) > 0.97) == (late == 0)
    silent = Said(rates, [np.zeros_like(count) for count in counts])
    assert np.isnan(r_of(silent, AGREE))


def test_a_mean_over_clocks_loses_no_spike() -> None:
    from clocks import Clocks

    rates = np.zeros(40)
    rates[20] = 1.0
    wide = Clocks(2, 5).rates(rates)
    assert wide.sum() == pytest.approx(1) and np.flatnonzero(wide).tolist() == [20, 21, 22, 23, 24]
    assert str(Clocks(2, 5)) == "+80 ms, ± 100 ms" and str(Clocks(0, 1)) == "none apart"


def test_scores_are_those_of_the_other_benchmark() -> None:
    """In bins, where that has samples: alike to a few thousandths."""
    from clocks import AGREE, Said, scores

    from raphe.tasks.calcium.metrics.scores import rate_error, score

    rng = np.random.default_rng(0)
    counts = rng.poisson(np.exp(rng.normal(-2, 1, 2000).repeat(3))).astype(float)
    rates = 25 * (0.5 * counts + rng.gamma(1, 0.1, len(counts)))
    spikes = np.zeros(4 * len(counts))
    spikes[1::4] = counts
    at_100_hz = [np.repeat(rates, 4)], [spikes]
    true = score(*at_100_hz) | rate_error([1.3 * at_100_hz[0][0]], [spikes])
    found = scores(Said([rates], [counts]), AGREE, 1.3)
    names = ("correlation", "correlation_smoothed", "error_both_smoothed")
    assert found == pytest.approx([true[name] for name in names], abs=0.01)
    assert Said([rates], [counts]).ratio == pytest.approx(true["rate_ratio"] / 1.3)


def test_what_is_supposed_of_a_set_comes_from_the_others() -> None:
    """Where one set alone is better with a wide one, it alone does not get it."""
    from clocks import AGREE, EVERY, Clocks, chosen_by_others, ways

    names = [f"set{n}" for n in range(8)]
    found = {clocks: dict.fromkeys(names, np.full(3, 0.4)) for clocks in EVERY}
    found[AGREE] = dict.fromkeys(names, np.full(3, 0.5))
    wide = Clocks(0, 5)
    found[wide] = {name: np.array([0.49, np.nan, 0.49]) for name in names} | {
        "set0": np.full(3, 0.99)
    }
    assert chosen_by_others(found) == {name: AGREE if name == "set0" else wide for name in names}
    chosen = ways(found)
    assert set(chosen["lag by the other sets"].values()) == {AGREE}  # none is moved
    assert chosen["± 100 ms"] == dict.fromkeys(names, wide)


def test_a_table_of_two_sets(
    ground_truth: Path, bundle: Path, tmp_path: Path, run_script, capsys
) -> None:
    table = tmp_path / "clocks.md"
    run_script("clocks.py", "--data", ground_truth, "--output", table, "--bundle", bundle)
    text = table.read_text()
    assert "| none apart | " in text and "| lag and width by the other sets | " in text
    assert "| DS04 | 3 | " in text and "| DS18 | 2 | " in text
    run_script("clocks.py", "--data", tmp_path / "absent", "--output", table)
    assert "skipped:" in capsys.readouterr().out
