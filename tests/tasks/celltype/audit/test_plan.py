"""Which trainings an audit plans, and what it tells of those that it leaves out."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.core.audit.asked import Way
from raphe.core.audit.chance import shuffles_needed
from raphe.core.errors import SettingError, StoreError
from raphe.tasks.celltype.audit.plan import planned
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.stores import noise_windows, shuffled_labels, subset
from raphe.tasks.celltype.audit.words import NOISE, SHUFFLED, SPIKES
from raphe.tasks.celltype.stores.spike_set import Cell

ALL = 10**6
RNG = np.random.default_rng(0)


def n_trainings(plan) -> dict[Way, int]:
    ways = [training.way for training in plan.trainings]
    return {way: ways.count(way) for way in dict.fromkeys(ways)}


def cells_tested(plan, way: Way) -> list[str]:
    """Of all trainings of a way, one after the other."""
    tested = []
    for training in plan.trainings:
        if training.way == way:
            data = training.data()
            rows = data.spike_split.rows("test")
            tested += [data.original.cells[i].cell_id for i in np.unique(data.original.cell[rows])]
    return tested


def test_every_split_that_can_be_trained_with_is_asked(make_spikes, make_masks):
    spikes, masks = make_spikes(n_cells=24, per_cell=12), make_masks(n_cells=24, per_cell=12)
    with planned(spikes.path, masks.path) as plan:
        splits = {"spike": 1, "cell": 5, "day": 5, "animal": 5}
        assert n_trainings(plan) == {
            **{Way(what, split): n for what in (SPIKES, NOISE) for split, n in splits.items()},
            Way(SHUFFLED, "spike"): 2,
        }
        assert plan.summary == (
            "34 trainings of at most 15 epochs: spikes by spike (1), by cell (5), by day (5) and "
            "by animal (5); noise by spike (1), by cell (5), by day (5) and by animal (5); "
            "shuffled labels by spike (2)"
        )
        assert not plan.left_out


@pytest.mark.parametrize("split", ["cell", "day"])
def test_each_cell_is_tested_once(make_store, cells_on_days, split):
    cells = cells_on_days(22, 6)
    with planned(make_store(cells)) as plan:
        tested = cells_tested(plan, Way(SPIKES, split))
    assert sorted(tested) == [cell.cell_id for cell in cells]


def test_by_spike_one_training_tests_every_cell(make_store, cells_on_days):
    cells = cells_on_days(20, 5)
    with planned(make_store(cells)) as plan:
        assert len(set(cells_tested(plan, Way(SPIKES, "spike")))) > 10


def test_sources_are_asked_about_where_they_are_known(make_store, cells_on_days):
    cells = [
        replace(cell, source=f"lab {i % 6 // 2}") for i, cell in enumerate(cells_on_days(24, 6))
    ]
    with planned(make_store(cells)) as plan:
        assert n_trainings(plan)[Way(SPIKES, "source")] == 3  # as many as there are


def test_one_grouping_is_asked_once(make_store, cells_on_days):
    cells = [replace(cell, animal=f"rat of {cell.day}") for cell in cells_on_days(24, 6)]
    with planned(make_store(cells)) as plan:
        assert Way(SPIKES, "animal") not in n_trainings(plan)
        assert any(
            "the same as by day, as days and animals are the same groups" in why
            for why in plan.left_out
        )


def test_a_cell_a_day_is_no_other_split_than_by_cell(make_store, cells_on_days):
    with planned(make_store(cells_on_days(24, 24, of_one_class=True))) as plan:
        assert Way(SPIKES, "day") not in n_trainings(plan)


def test_what_cannot_be_asked_is_told(make_store):
    store = make_store([Cell(f"c{i}", i % 2) for i in range(12)])
    with planned(store) as plan:
        assert list(n_trainings(plan)) == [
            Way(SPIKES, "spike"), Way(SPIKES, "cell"), Way(SHUFFLED, "spike"),
        ]  # fmt: skip
        masks, days = plan.left_out
        assert "raphe masks" in masks
        assert f"{store}: a split by day needs the day of every cell" in days


def test_two_days_cannot_be_shared_out(make_store, cells_on_days):
    with planned(make_store(cells_on_days(12, 2))) as plan:
        assert any("2 days cannot be shared out" in reason for reason in plan.left_out)


def test_masks_of_one_class_leave_noise_out(make_spikes, make_masks):
    spikes = make_spikes(n_cells=24, per_cell=12)
    masks = make_masks(n_cells=1, per_cell=12)
    with planned(spikes.path, masks.path) as plan:
        assert {way.trained_on for way in n_trainings(plan)} == {SPIKES, SHUFFLED}
        assert any(f"{masks.path}" in why and "none of NSER" in why for why in plan.left_out)


def test_shuffles_that_cannot_be_trained_are_left_out(make_store):
    cells = [Cell("c0", 0), Cell("c1", 1)]
    with planned(make_store(cells), settings=Settings(shuffles=1)) as plan:
        ways = set(n_trainings(plan))
        assert all(
            way in ways or any(reason.startswith(str(way)) for reason in plan.left_out)
            for way in (Way(SPIKES, "spike"), Way(SHUFFLED, "spike"))
        )


def test_one_class_is_refused(make_store):
    store = make_store([Cell(f"c{i}", 0) for i in range(12)])
    with (
        pytest.raises(StoreError, match=f"{store}: expected spikes of SER and NSER"),
        planned(store),
    ):
        pass


@pytest.mark.parametrize(("sizes", "n"), [((2, 2), 2), ((1, 1), 5), ((100, 100), 2), ((5, 0), 0)])
def test_there_are_as_many_shuffles_as_a_p_needs(sizes, n):
    assert shuffles_needed(np.repeat([0, 1], sizes)) == n


def test_shuffled_labels_are_the_same_labels_of_other_cells():
    cells = [Cell(str(i), int(i < 30)) for i in range(100)]
    dealt = shuffled_labels(cells, np.random.default_rng(0))
    assert [cell.cell_id for cell in dealt] == [cell.cell_id for cell in cells]
    assert sum(cell.label for cell in dealt) == 30
    assert dealt != cells


def test_a_subset_takes_as_many_of_each_cell(make_spikes):
    windows, cell = subset(make_spikes(n_cells=6, per_cell=10), 24, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(cell), [4] * 6)
    assert windows.shape == (24, 16)


def test_noise_windows_are_the_masks_of_known_cells(make_spikes, make_masks):
    spikes, masks = make_spikes(n_cells=4), make_masks(n_cells=6, n_samples=40)
    windows, cell = noise_windows(spikes, masks, ALL, RNG)
    assert windows.shape == (4 * 4 * 2, 16)
    np.testing.assert_array_equal(windows[0], masks.masks[0, :16])
    np.testing.assert_array_equal(windows[1], masks.masks[0, 16:32])
    np.testing.assert_array_equal(np.bincount(cell), [8] * 4)
    _, cell = noise_windows(spikes, masks, 12, RNG)
    np.testing.assert_array_equal(np.bincount(cell), [3] * 4)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"n_samples": 10}, "its masks have 10 samples, a window 16"),
        ({"rate_hz": 20_000.0}, "expected 40000 Hz and pA"),
    ],
)
def test_masks_that_do_not_fit_are_refused(make_spikes, make_masks, masks, message):
    with pytest.raises(StoreError, match=message):
        noise_windows(make_spikes(), make_masks(**masks), ALL, RNG)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="--n-spikes: expected 1 or more, got 0"):
        Settings(n_spikes=0)
    with pytest.raises(SettingError, match="--folds: expected 2 or more, got 1"):
        Settings(folds=1)


def test_fewer_spikes_than_cells_are_refused(make_spikes):
    store = make_spikes(n_cells=24, per_cell=2).path
    told = "--n-spikes: expected 24 or more, one for each cell of .*, got 23"
    with pytest.raises(SettingError, match=told), planned(store, settings=Settings(n_spikes=23)):
        pass


def test_a_kernel_longer_than_the_windows_is_refused(make_spikes):
    store = make_spikes(n_cells=24, per_cell=2, n_samples=160).path
    told = r"--kernel: expected at most 53, for windows of 160 samples in .*, got 500"
    with pytest.raises(SettingError, match=told), planned(store, None, Settings(500)) as plan:
        plan.require_kernel_that_fits()
