import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from raphe.tasks.celltype.stores.subsampling import balanced_subsample


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 70), st.integers(0, 9))
def test_groups_differ_by_one_at_most_unless_they_are_used_up(groups, n_most, seed):
    group = np.array(groups)
    rows = balanced_subsample(group, n_most, np.random.default_rng(seed))
    assert len(rows) == min(n_most, len(group))
    assert (np.diff(rows) > 0).all()
    sizes = np.bincount(group)
    drawn = np.bincount(group[rows], minlength=len(sizes))
    not_used_up = drawn[(drawn < sizes)]
    if len(not_used_up):
        assert drawn.max() - not_used_up.min() <= 1


def test_another_seed_draws_others():
    group = np.repeat([0, 1], 500)
    first, second = (balanced_subsample(group, 20, np.random.default_rng(seed)) for seed in (1, 2))
    assert set(first) != set(second)
    assert (np.bincount(group[first]) == 10).all()
