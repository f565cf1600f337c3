"""Folds: every group is tested once, classes are shared out evenly, and nothing leaks."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

from raphe.core.errors import SettingError, SplitError
from raphe.core.statistics.folds import TEST, TRAIN, VAL, assign_folds, parts_of_fold
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter
from raphe.tasks.celltype.stores.split import FRACTIONS, split_spikes
from raphe.tasks.celltype.training.data import CellTypeData

CLASSES = ("SER", "NSER")


def parts(group, label, folds, fold, seed=0, classes=CLASSES):
    assigned = assign_folds(group, label, folds, seed, "day")
    return parts_of_fold(group, label, assigned, fold, FRACTIONS, seed, classes)


@given(sizes=st.tuples(*[st.integers(4, 40)] * 3), folds=st.integers(2, 8), seed=st.integers(0, 9))
def test_cells_of_each_class_are_shared_out_evenly(sizes, folds, seed):
    label = np.repeat([0, 1, 2], sizes)
    fold = assign_folds(np.arange(len(label)), label, folds, seed, "cell")
    counts = np.array(
        [[((fold == f) & (label == c)).sum() for c in range(3)] for f in range(folds)]
    )
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert counts.sum(axis=1).min() > 0
    assert len({tuple(assign_folds(np.arange(90), np.arange(90) % 2, 5, s, "cell"))
                for s in range(5)}) == 5  # fmt: skip


def imbalance(fold, label):
    shares = [[((fold == f) & (label == c)).sum() for c in (0, 1)] for f in np.unique(fold)]
    return np.std(np.array(shares) / np.bincount(label), axis=0).mean()


def test_days_are_balanced_as_well_as_scikit_learn_balances_them():
    ours, theirs = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        group = rng.choice(17, 120, p=rng.dirichlet(np.full(17, 2.0)))
        label = (rng.random(120) < 0.4).astype(int)
        fold = assign_folds(group, label, 5, seed, "day")
        assert len(np.unique(fold)) == 5
        assert all(len(set(fold[group == g])) == 1 for g in np.unique(group))
        other = np.empty(120, int)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        for number, (_, test) in enumerate(splitter.split(label, label, group)):
            other[test] = number
        ours.append(imbalance(fold, label))
        theirs.append(imbalance(other, label))
    assert np.mean(ours) <= 1.05 * np.mean(theirs)


def test_leaving_one_out_tests_each_group_alone():
    group, label = np.array([5, 5, 2, 9, 9, 2, 7]), np.array([0, 1, 0, 1, 0, 1, 1])
    fold = assign_folds(group, label, "all", 0, "day")
    for number, (_, test) in enumerate(LeaveOneGroupOut().split(group, label, group)):
        np.testing.assert_array_equal(np.flatnonzero(fold == number), test)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_days", [6, 11, 30])
def test_train_and_validation_hold_both_classes_and_share_no_day(n_days, seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.arange(120) % n_days)
    label = (rng.random(120) < 0.3).astype(int)
    for fold in range(3):
        part = parts(group, label, 3, fold, seed)
        assert {len(set(part[group == day])) for day in range(n_days)} == {1}
        for number in (TRAIN, VAL):
            assert set(label[part == number]) == {0, 1}
        n_rest, n_val = ((part != TEST).sum(), (part == VAL).sum())
        assert abs(n_val / n_rest - 0.15 / 0.85) < 1.5 / (n_days * 2 / 3) + 0.05


def test_a_class_of_few_groups_is_trained_on_before_it_is_validated():
    label = np.array([0] * 8 + [1] * 8 + [2] * 2 + [3])
    cells, three = np.arange(len(label)), ("a", "b", "c", "d")
    for fold in range(len(label)):
        part = parts(cells, label, "all", fold, classes=three)
        classes = [set(label[part == number]) for number in (TRAIN, VAL)]
        of_test = label[fold]
        assert classes[0] == {0, 1, 2, 3} - ({3} if of_test == 3 else set())
        assert classes[1] == {0, 1} | (set() if of_test == 2 else {2})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 1}, "data.folds=1: expected a whole number from 2 up, all or null"),
        ({"folds": "some"}, "data.folds=some: expected"),
        ({"folds": 3, "kind": "spike"}, "a cell would be tested in every fold"),
        ({"folds": 3, "fold": 3}, "data.fold=3: expected 0 to 2, there are 3"),
        ({"folds": 3, "fold": -1}, "data.fold=-1: expected a whole number"),
        ({"folds": 13}, "data.folds=13: the store has 12 cells"),
        ({"folds": 5, "kind": "animal"}, "needs the animal of every cell, unknown for 12"),
    ],
)
def test_folds_that_cannot_be_are_refused(tmp_path, settings, message):
    spikes = open_spikes(write(tmp_path / "store"))
    with pytest.raises((SettingError, SplitError), match=message):
        split_spikes(spikes, **settings)


def test_training_on_one_class_is_refused():
    with pytest.raises(SplitError, match="the val part needs two classes, got SER"):
        parts(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), "all", 5)


def write(path, n_cells=12):
    """Cells of 3 to 5 spikes of each class in turn, two a day."""
    with SpikeStoreWriter(path, CLASSES, 4) as writer:
        for i in range(n_cells):
            cell = Cell(f"c{i:02d}", i % 2, f"2026-01-{1 + i // 2:02d}")
            writer.add(cell, np.full((3 + i % 3, 4), i, np.float32), np.arange(3 + i % 3))
        return writer.finish(40_000.0, "pA", {})


@pytest.mark.parametrize(
    ("kind", "folds"), [("cell", 4), ("cell", "all"), ("day", 3), ("day", "all")]
)
def test_over_all_folds_every_spike_is_tested_once(tmp_path, kind, folds):
    path = write(tmp_path / "store")
    n_folds = {"all": {"cell": 12, "day": 6}[kind]}.get(folds, folds)
    tested = np.zeros(open_spikes(path).n, int)
    digests = set()
    for fold in range(n_folds):
        data = CellTypeData(path, split=kind, folds=folds, fold=fold)
        data.setup()
        split = data.spike_split
        tested[split.rows("test")] += 1
        group = [cell.cell_id if kind == "cell" else cell.day for cell in data.original.cells]
        groups = [{group[cell] for cell in np.flatnonzero(split.counts[:, p])} for p in range(3)]
        assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
        np.testing.assert_array_equal(
            np.flatnonzero(split.counts[:, PARTS.index("test")]),
            np.flatnonzero(split.fold_of_cell == fold),
        )
        again = pickle.loads(pickle.dumps(split))
        assert again.digest == split.digest and again.facts == split.facts
        assert (split.facts["folds"], split.facts["fold"]) == (folds, fold)
        digests.add(split.digest)
    assert (tested == 1).all() and len(digests) == n_folds


def test_folds_of_drawn_spikes_leave_the_others_out(tmp_path):
    spikes = open_spikes(write(tmp_path / "store"))
    tested = [split_spikes(spikes, per_class=9, folds=3, fold=f).rows("test") for f in range(3)]
    rows = np.concatenate(tested)
    assert len(rows) == len(set(rows)) == 18
    assert np.bincount(spikes.label[rows]).tolist() == [9, 9]
