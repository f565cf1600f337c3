"""Real cells' quantities, and draws that resemble them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from raphe.core.errors import SettingError, StoreError
from raphe.tasks.glif.synthetic.fitted_cells import FittedCells, read_cells, split_by_specimen
from raphe.tasks.glif.synthetic.prior import fit_prior, prior_json, read_prior, write_prior
from raphe.tasks.glif.synthetic.quantities import in_si, neurons_of, quantities, scaled, values_of
from raphe.tasks.glif.synthetic.typical_cells import typical_prior

N_CELLS = {1: 475, 2: 172, 3: 475, 4: 172, 5: 171}


@pytest.fixture(scope="module")
def cells(real_data):
    return lambda level: read_cells(real_data("glif", "glif_cells.csv"), level)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_quantities_become_the_same_neurons_again(level: int, cells) -> None:
    fitted: FittedCells = cells(level)
    assert len(fitted) == N_CELLS[level]
    values = values_of(fitted.neurons, fitted.rest_v)
    assert values.shape == (len(fitted), len(quantities(level)))
    np.testing.assert_allclose(in_si(level, scaled(level, values)), values, rtol=1e-9)
    again, rest_v = neurons_of(level, values)
    np.testing.assert_array_equal(rest_v, fitted.rest_v)
    for name in vars(again):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted.neurons, name), name)


@pytest.mark.parametrize("level", [1, 5])
def test_draws_resemble_the_cells(level: int, cells) -> None:
    """Each quantity's distribution and every pair's rank correlation."""
    fitted = cells(level)
    theirs = values_of(fitted.neurons, fitted.rest_v)
    ours = fit_prior(fitted).draw(4000, np.random.default_rng(0))
    for i, quantity in enumerate(quantities(level)):
        # Time constants have four values, which draws strew about a little.
        pair = (np.round(quantity.scale.forward(each[:, i]), 3) for each in (theirs, ours))
        assert ks_2samp(*pair).statistic < 0.12, quantity.name
    apart = np.abs(spearmanr(theirs).statistic - spearmanr(ours).statistic)
    assert apart.max() < 0.12
    neurons, rest_v = neurons_of(level, ours)  # none that cannot be
    assert len(neurons) == 4000 and rest_v.min() > -0.12 and rest_v.max() < -0.03


def test_quantities_rise_with_their_scores_far_beyond_the_cells(cells) -> None:
    prior = fit_prior(cells(3))
    scores = np.tile(np.linspace(-5, 5, 400)[:, None], len(prior.quantiles))
    assert (np.diff(scaled(3, prior.values(scores)), axis=0) > 0).all()
    assert (np.diff(prior.quantiles, axis=1) > 0).all()


def test_no_specimen_is_on_both_sides_at_any_level(cells) -> None:
    sides = [split_by_specimen(cells(level), 0.7, seed=0) for level in (1, 5)]
    first = {name for fitted, _ in sides for name in fitted.specimen}
    second = {name for _, other in sides for name in other.specimen}
    assert not first & second
    assert len(sides[0][0]) / 475 == pytest.approx(0.7, abs=0.05)


def test_a_prior_is_written_and_read(cells, tmp_path: Path) -> None:
    prior = fit_prior(cells(2))
    write_prior(prior, tmp_path / "prior.json")
    again = read_prior(tmp_path / "prior.json")
    np.testing.assert_allclose(again.quantiles, prior.quantiles, atol=1e-6)
    assert (again.level, again.n_cells) == (2, 172)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SettingError, match=r"other\.json: expected a prior"):
        read_prior(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": 9}, "got a GLIF level of 9"),
        ({"level": "1"}, "got a GLIF level of '1'"),
        ({"quantiles": [[0.0] * 41] * 3}, r"of shape \(5, 41\) .* got \(3, 41\)"),
        ({"quantiles": [[float("nan")] * 41] * 5}, "finite and rise"),
        ({"quantiles": [list(range(41))[::-1]] * 5}, "finite and rise"),
        ({"correlation": np.ones((5, 5)).tolist()}, "not positive definite"),
    ],
)
def test_a_prior_that_none_can_be_is_refused(change: dict, said: str, tmp_path: Path) -> None:
    whole = json.loads(prior_json(typical_prior(1)))
    file = tmp_path / "prior.json"
    file.write_text(json.dumps(whole | change))
    with pytest.raises(SettingError, match=f"^{re.escape(str(file))}: expected a prior.*{said}"):
        read_prior(file)


def test_tables_and_cells_that_will_not_do_are_refused(cells, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="expected 20 fitted cells or more, got 5"):
        fit_prior(cells(1)[:5])
    (tmp_path / "cells.csv").write_text("species,glif_level\nmouse,1\n")
    with pytest.raises(StoreError, match="expected a table of fitted cells with the columns"):
        read_cells(tmp_path / "cells.csv", 1)
    with pytest.raises(StoreError, match="expected fitted cells of level 2, got none"):
        read_cells(tmp_path / "cells.csv", 2)
