"""The comparison picture holds what it says, with and without the published data."""

import numpy as np
import pytest

from raphe.core.figure_style import INK, class_colour
from raphe.tasks.celltype.synthetic import simulation_figure as simulation_figure_module
from raphe.tasks.celltype.synthetic.simulated_recordings import CAVEAT, Simulation
from raphe.tasks.celltype.synthetic.simulation_figure import autocorrelation, simulation_figure

SIMULATION = Simulation(n_ser=2, n_nser=2, days=2, duration_s=2.0)


def test_picture_without_published_data(tmp_path):
    figure = simulation_figure(SIMULATION)
    # Cells of either class, one spike of each, and two days, the first with a bar of 25 pA.
    assert [len(axes.lines) for axes in figure.axes] == [2, 2, 2, 3, 2, 2]
    assert figure.caption.endswith(CAVEAT)
    figure.savefig(tmp_path / "figure.png")


def test_where_not_all_cells_are_drawn_the_figure_says_so(monkeypatch):
    monkeypatch.setattr(simulation_figure_module, "CELLS_SHOWN", 1)
    figure = simulation_figure(SIMULATION)
    assert figure.axes[0].get_title() == "Mean spikes of 1 SER cell of 2"
    assert "at most the first 1 of each class" in figure.caption
    monkeypatch.undo()
    figure = simulation_figure(SIMULATION)
    assert figure.axes[0].get_title() == "Mean spikes of 2 SER cells"
    assert "at most" not in figure.caption


def test_classes_have_their_colours_and_one_scale_of_current():
    ser, nser, both, *_ = simulation_figure(SIMULATION).axes
    colours = [{line.get_color() for line in axes.lines} for axes in (ser, nser, both)]
    assert colours == [{class_colour(0)}, {class_colour(1)}, {class_colour(0), class_colour(1)}]
    assert ser.get_ylim() == nser.get_ylim() == both.get_ylim()


def test_picture_with_published_data_draws_them_in_black(real_data):
    figure = simulation_figure(SIMULATION, real_data("figures"))
    black = [sum(line.get_color() == INK for line in axes.lines) for axes in figure.axes]
    assert black == [1, 0, 1, 2, 2, 2]


def test_autocorrelation_is_the_published_one(real_data):
    path = real_data("figures", "noise_masks.csv")
    masks = np.genfromtxt(path, delimiter=",", skip_header=1)[:, 1:].T
    stated = [
        [1, 0.68, 0.14, -0.15, -0.09, 0.06, 0.06, -0.06, -0.17],
        [1, 0.82, 0.51, 0.32, 0.23, 0.13, -0.01, -0.15, -0.26],
    ]
    assert autocorrelation(masks, 8) == pytest.approx(np.array(stated), abs=0.006)
