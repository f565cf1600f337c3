"""Members are chosen as asked; greedy selection finds weights known in closed form."""

import numpy as np
import pytest

from raphe.core.errors import SettingError
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells, log_loss, mean_of
from raphe.tasks.celltype.ensemble.selection import COMPARED, choose, compared, greedy

LABEL = np.array([0, 0, 0, 1])


def says(*probability_of_first: float) -> np.ndarray:
    """A member's probabilities (n, 2)."""
    first = np.array(probability_of_first)
    return np.stack([first, 1 - first], axis=1)


def random_members(n_members: int, n_cells: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, n_cells)
    of_truth = rng.beta(2, 1, (n_members, n_cells))
    first = np.where(label == 0, of_truth, 1 - of_truth)
    return np.stack([first, 1 - first], axis=-1), label


def cells_of(members: np.ndarray, label: np.ndarray, **others: object) -> ChoiceCells:
    return ChoiceCells(members, label, np.arange(len(label)), **others)


def test_greedy_finds_the_weights_of_least_loss() -> None:
    # One is sure and right of the first three cells alone, the other of the last: the loss
    # -(3 ln w + ln(1 - w)) / 4 is least at w = 3/4.
    members = np.stack([says(1, 1, 1, 1), says(0, 0, 0, 0)])
    assert greedy(members, LABEL).tolist() == [3, 1]


def test_greedy_keeps_one_that_no_other_improves() -> None:
    members = np.stack(
        [says(0.6, 0.6, 0.6, 0.4), says(0.9, 0.9, 0.9, 0.1), says(0.5, 0.5, 0.5, 0.5)]
    )
    assert greedy(members, LABEL).tolist() == [0, 1, 0]


def test_greedy_is_never_worse_than_the_best_member_on_what_it_saw() -> None:
    members, label = random_members(12)
    chosen = log_loss(mean_of(members, greedy(members, label)), label)
    assert chosen < min(log_loss(member, label) for member in members)


def test_log_loss_is_sklearns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    members, label = random_members(1)
    assert log_loss(members[0], label) == pytest.approx(metrics.log_loss(label, members[0]))


@pytest.mark.parametrize(
    ("way", "chosen"),
    [
        ("published", range(20, 31)),
        ("coded", range(20, 32)),  # as their code has it
        ("5-9", range(5, 10)),
        ("all", range(1, 33)),
    ],
)
def test_a_range_takes_every_kernel_in_it(way: str, chosen: range) -> None:
    kernels = range(1, 33)
    members, label = random_members(32)
    times = choose(way, kernels, cells_of(members, label))
    assert [k for k, n in zip(kernels, times, strict=True) if n == 1] == list(chosen)
    assert set(times) <= {0, 1}


def test_a_range_takes_both_networks_of_one_kernel() -> None:
    members, label = random_members(4)
    assert choose("1-2", [1, 1, 2, 3], cells_of(members, label)).tolist() == [1, 1, 1, 0]


def test_top_takes_those_of_least_loss() -> None:
    members, label = random_members(9)
    losses = np.array([log_loss(member, label) for member in members])
    times = choose("top:4", range(9), cells_of(members, label))
    assert times.sum() == 4 and losses[times == 1].max() < losses[times == 0].min()


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("published", "there is no finished network of 23, 27; train these, or"),
        ("9-5", "the range is empty"),
        ("top:0", "expected top:1 to top:30"),
        ("top:31", "the number of networks"),
        ("bset", "expected one of best, one-se"),
        ("20–30", "expected one of"),  # a dash that looks like a minus
    ],
)
def test_what_the_sweep_cannot_give_is_told(way: str, message: str) -> None:
    kernels = [k for k in range(1, 33) if k not in (23, 27)]
    members, label = random_members(30)
    with pytest.raises(SettingError, match=message) as failing:
        choose(way, kernels, cells_of(members, label))
    assert str(failing.value).startswith(f"members={way}: ")


def test_every_way_is_compared_or_said_to_be_impossible() -> None:
    members, label = random_members(3)
    chosen = compared([7, 8, 9], cells_of(members, label))
    assert list(chosen) == list(COMPARED)
    assert "no finished network of 20" in str(chosen["published"])
    np.testing.assert_array_equal(chosen["all"], [1, 1, 1])


def test_best_takes_all_networks_of_the_kernel_of_least_loss() -> None:
    label = np.zeros(3, int)
    members = np.stack([says(*[p] * 3) for p in (0.5, 0.9, 0.7, 0.8)])
    assert choose("best", [4, 8, 20, 20], cells_of(members, label)).tolist() == [0, 1, 0, 0]
    # Together the two of 8 (0.9 and 0.5) are worse than those of 20 (0.7 and 0.8).
    assert choose("best", [8, 8, 20, 20], cells_of(members[[1, 0, 2, 3]], label)).tolist() == [
        *(0, 0),
        *(1, 1),
    ]


def test_one_standard_error_takes_the_smallest_kernel_within_it() -> None:
    """Losses of a half and 1.5 of the mean: the standard error is 1/√(n − 1) of half the mean."""
    label, n = np.zeros(26, int), 26
    spread = np.where(np.arange(n) % 2, 0.5, 1.5)
    members = np.stack([says(*np.exp(-mean * spread)) for mean in (0.3, 0.22, 0.21, 0.2)])
    # Of the best, 0.2, it is 0.1 / √25 = 0.02: 0.22 lies within it by rounding only, 0.21 inside.
    assert choose("one-se", [9, 8, 20, 30], cells_of(members, label)).tolist() == [0, 0, 1, 0]
    days = ChoiceCells(members, label, np.zeros(n, int))  # of one day there is no standard error
    assert choose("one-se", [9, 8, 20, 30], days).tolist() == [0, 0, 0, 1]


def test_the_standard_error_is_over_days_as_wholes() -> None:
    cells = ChoiceCells(np.ones((1, 6, 2)), np.zeros(6, int), np.array([0, 0, 1, 1, 2, 2]))
    loss = np.array([1.0, 1.0, 2.0, 2.0, 6.0, 6.0])
    assert cells.standard_error(loss) == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))


def test_losses_are_of_calibrated_probabilities_and_no_cell_calibrates_itself() -> None:
    rng = np.random.default_rng(0)
    label = (np.arange(40) % 2).astype(int)
    right = rng.random(40) < 0.75
    too_sure = np.where((label == 0) == right, 0.999, 0.001)
    members = np.stack([says(*too_sure)])
    raw, calibrated = (cells_of(members, label, calibration=how) for how in (None, "temperature"))
    assert calibrated.losses.mean() < raw.losses.mean() / 2
    few = ChoiceCells(members[:, :12], label[:12], np.arange(12), calibration="temperature")
    np.testing.assert_array_equal(few.losses, raw.losses[:, :12])
    swapped = label.copy()
    swapped[:5] = 1 - swapped[:5]
    one_day = np.repeat([0, 1, 2, 3], [5, 15, 10, 10])
    of_day = [
        ChoiceCells(members, y, one_day, "day", "temperature").losses for y in (label, swapped)
    ]
    shift = np.log(1 / np.exp(-of_day[0][0, :5]) - 1) + np.log(1 / np.exp(-of_day[1][0, :5]) - 1)
    np.testing.assert_allclose(shift, 0, atol=1e-6)  # P of one class is 1 − P of the other
