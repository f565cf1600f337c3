"""The optimism of a choice is the one that is known of equal candidates."""

from functools import partial

import numpy as np
import pytest

from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells, Optimism, optimism_of
from raphe.tasks.celltype.ensemble.selection import choose, standing

N_CANDIDATES, N_CELLS, LOSS, SD = 32, 40, 0.6, 0.3
LEAST_OF_32 = 2.07  # the expectation of the smallest of 32 standard normals is minus this


def equal_candidates(rng: np.random.Generator, cells_a_day: int = 1) -> ChoiceCells:
    """None is better than another; days are as different as cells, if they are of several."""
    of_day = rng.normal(LOSS, SD, (N_CANDIDATES, N_CELLS // cells_a_day))
    loss = np.repeat(of_day, cells_a_day, axis=1)
    probability = np.exp(-loss)  # above 1 now and then, which the loss does not mind
    both = np.stack([probability, 1 - probability], axis=2)
    day = np.repeat(np.arange(N_CELLS // cells_a_day), cells_a_day)
    return ChoiceCells(both, np.zeros(N_CELLS, int), day, "day")


@pytest.mark.parametrize("cells_a_day", [1, 4])
def test_of_equal_candidates_it_is_that_of_the_least_of_so_many_means(cells_a_day: int) -> None:
    rng = np.random.default_rng(1)
    pick = partial(choose, "best", range(N_CANDIDATES))
    found = [optimism_of(pick, equal_candidates(rng, cells_a_day), 60) for _ in range(40)]
    expected = LEAST_OF_32 * SD / np.sqrt(N_CELLS / cells_a_day)
    corrections = np.array([one.corrected - one.apparent for one in found])
    error = corrections.std() / np.sqrt(len(found))
    assert corrections.mean() == pytest.approx(expected, abs=3 * error)
    assert np.mean([one.corrected for one in found]) == pytest.approx(LOSS, abs=3 * error)
    assert np.mean([one.low < LOSS < one.high for one in found]) >= 0.9


def test_where_nothing_can_be_chosen_nothing_is_corrected() -> None:
    """Identical candidates, whatever cells a resample leaves out: exactly nothing."""
    several = equal_candidates(np.random.default_rng(4))
    for n in (1, 5):
        probability = np.repeat(several.probability[:1], n, axis=0)
        cells = ChoiceCells(probability, several.label, several.group, "day")
        found = optimism_of(partial(choose, "best", range(n)), cells, 20)
        assert found.corrected == found.apparent


def test_where_one_is_far_better_the_choice_flatters_it_hardly() -> None:
    cells = equal_candidates(np.random.default_rng(2))
    cells.probability[7] = np.array([0.999, 0.001])
    found = optimism_of(partial(choose, "best", range(N_CANDIDATES)), cells)
    assert found.corrected - found.apparent == pytest.approx(0, abs=1e-9)
    assert "yet not too low as far as can be told" in found.sentence(
        "32 kernel sizes", "is low", False
    )


def test_the_sentence_has_the_numbers_and_says_where_days_are_too_few() -> None:
    found = Optimism(0.4123, 0.4456, 0.31, 0.6, 12, "day")
    calibrated = found.sentence("32 kernel sizes", standing("best", range(32)), True)
    assert "chosen, 0.412 after calibration (the table's is before it), is the lowest" in calibrated
    assert found.sentence("32 kernel sizes", standing("best", range(32)), False) == (
        "The validation loss over cells of what was chosen, 0.412, is the lowest of 32 kernel "
        "sizes, and so too low by 0.033: with the choice repeated in resamples of the 12 days and "
        "judged on the days left out it is 0.446 (2.5 to 97.5 % of the resamples 0.310 to 0.600; "
        "Tsamardinos et al. 2018)."
    )
    few = equal_candidates(np.random.default_rng(3), cells_a_day=10)
    told = optimism_of(partial(choose, "best", range(N_CANDIDATES)), few)
    assert not told.is_known
    assert "cannot be told from 4 days: 5 are needed" in told.sentence(
        "32 kernel sizes", "is low", False
    )


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("best", "is the lowest of 3 kernel sizes"),
        ("one-se", "is within one standard error of the lowest of 3 kernel sizes, judged by the"),
        ("top:1", "is the lowest of 4 networks"),
        ("top:2", "is of the 2 best of 4 networks"),
        ("greedy", "is of members that were picked from 4 networks to lower it"),
    ],
)
def test_the_loss_of_the_chosen_is_called_the_lowest_only_where_it_is(way: str, words: str) -> None:
    assert standing(way, [4, 8, 20, 20]).startswith(words)
