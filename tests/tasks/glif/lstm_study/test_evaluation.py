"""The study's figures and tables, of an untrained network."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.text import Text

from raphe.core.protocol import Draw
from raphe.tasks.glif.lstm_study.data import LstmGlifData
from raphe.tasks.glif.lstm_study.evaluation import evaluate
from raphe.tasks.glif.lstm_study.grid import FITTED, TARGETS, grid
from raphe.tasks.glif.lstm_study.module import LstmGlifModule
from raphe.tasks.glif.lstm_study.study_cells import CELLS, infer, study_cells


@pytest.fixture(scope="module")
def made(store_path: Path) -> dict[str, Draw | str]:
    data = LstmGlifData(store_path)
    torch.manual_seed(0)
    module = LstmGlifModule(**data.facts)
    module.truth = np.float32([[0.1, 0.0, 0.18, 5.0, 0.03], [1.0, 0.5, 0.5, 1.0, 0.1]])
    module.answers = module.truth + 0.01
    module.history = {"train": [1.8, 1.7], "val": [1.9, 1.8]}
    return evaluate(module, data, seed=0)


def test_every_figure_of_the_study_is_drawn(made, tmp_path: Path) -> None:
    figures = {name for name, one in made.items() if not isinstance(one, str)}
    assert figures == {
        "losses.png", "test/answers.png", "cells/parameters.png", "cells/strip.png",
        "cells/responses.png", "cells/spike_counts.png",
    }  # fmt: skip
    for name in figures:
        made[name]().savefig(tmp_path / "one.png")
    losses = made["losses.png"]().axes[0]
    assert [line.get_ydata().tolist() for line in losses.lines] == [[1.8, 1.7], [1.9, 1.8]]


def test_figures_name_quantities_in_units_and_have_captions(made) -> None:
    for name in ("test/answers.png", "cells/parameters.png", "cells/strip.png"):
        figure = made[name]()
        words = {text.get_text() for text in figure.findobj(Text)}
        assert not words & set(TARGETS), name
        assert figure.caption.endswith(".")
    axes = made["test/answers.png"]().axes[0]
    assert (axes.get_title(), axes.get_xlabel()) == ("Capacitance", "True (pF)")
    assert axes.lines[0].get_xdata() == pytest.approx([100, 1000])


def test_answers_are_tabulated_in_si_units(made) -> None:
    rows = list(csv.DictReader(io.StringIO(made["test/answers.csv"])))
    assert float(rows[0]["true_C_F"]) == pytest.approx(1e-10)
    assert float(rows[0]["answered_dt_s"]) == pytest.approx(5.01e-5)


def test_cells_are_tabulated_with_their_spikes(made) -> None:
    rows = {row["cell"]: row for row in csv.DictReader(io.StringIO(made["cells/cells.csv"]))}
    assert tuple(rows) == CELLS
    fitted = rows["fitted"]
    assert float(fitted["C_F"]) == pytest.approx(FITTED[0], rel=1e-5)
    assert fitted["spikes Noise 1, as fed"] == "0"  # it stays silent in the first 250 ms
    assert int(fitted["spikes Noise 1, whole sweep"]) > 20
    assert int(fitted["spikes Ramp, whole sweep"]) > 20


def test_the_inferred_cell_is_what_the_network_says() -> None:
    """A network that always answers one thing; one that no neuron can be is told, not hidden."""
    said = torch.tensor([[0.2, 0.0, 0.2, 5.0, 0.03]])
    seen = []

    def network(voltage_mv: torch.Tensor) -> torch.Tensor:
        seen.append(voltage_mv)
        return said

    np.testing.assert_allclose(
        infer(network, np.array(FITTED), 20_000.0, 500), [2e-10, 0, 2e8, 5e-5, 0.03], rtol=1e-6
    )
    assert seen[0].shape == (1, 500) and 0 < seen[0].max() < 40
    said[0, 0] = -1.0
    cells = study_cells(network, 20_000.0, 500, seed=0)
    assert "capacitance_f: expected a positive value, got -1000 pF" in cells.refused["inferred"]
    assert cells.cut["inferred", "Ramp"] is None and cells.cut["fitted", "Ramp"] is not None
    assert (grid() == cells.parameters["random"]).all(axis=1).any()
    assert len(TARGETS) == len(cells.parameters["random"])
