"""A cell in the page: what `raphe predict` says of it beside its data, and what is missing."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import raphe
from raphe.core.bundles.opened_file import Changes, OpenedFile
from raphe.core.errors import RapheError
from raphe.core.figure_style import PaperFigure
from raphe.tasks.glif.prediction import opened_cells
from raphe.tasks.glif.prediction.opened_cells import OpenedCells
from raphe.tasks.glif.prediction.predictor import PosteriorPredictor

AT_50_KHZ = {"rate_hz": 50_000.0}
AS_IT_IS = Changes()


@pytest.fixture(scope="module")
def bundle(posterior_bundle: Path) -> PosteriorPredictor:
    return raphe.load_bundle(posterior_bundle, threads=1)


@pytest.fixture
def opened(bundle, cell: list[str]) -> OpenedFile:
    """Two cells, the first without a sample."""
    voltage = np.load(cell[0])
    np.save(cell[0], np.stack([np.full_like(voltage, np.nan), voltage]))
    current = Path(cell[2])
    return bundle.open_file(Path(cell[0]), "mine <1>.npy", AT_50_KHZ, {"current": current})


def test_a_cell_has_the_posterior_that_predict_gives(bundle, cell, opened) -> None:
    (expected,) = bundle.predict(cell[0], cell[2], 50_000).posteriors
    view = opened.view("cell 1", AS_IT_IS)
    assert view.items == ("cell 0", "cell 1") and view.title == "mine <1>.npy, cell 1"
    assert view.tone == ("unlike" if expected.unlike else "called")
    assert view.headline.endswith("MΩ") or expected.unlike
    table = view.tables[0]
    for row, values in zip(table.rows, expected.parameter_rows(), strict=True):
        assert row[0] == values["quantity"].replace("_", " ")
        shown = [float(text.replace("−", "-")) for text in (row[2], *row[5].split(" to "))]
        exact = [float(values[f"{end}_95_lab"]) for end in ("low", "high")]
        rounded = 0.05 * (exact[1] - exact[0])  # two digits of the interval's width
        assert shown == pytest.approx([float(values["median_lab"]), *exact], abs=rounded)
    assert "the intervals are too narrow by as much as the model is wrong" in view.note
    assert bundle.manifest["note"] in view.note
    assert (
        view.facts[1].value == "50 000 Hz"
        and view.facts[1].meaning == "by which the file lasts 0.60 s"
    )
    assert 0 <= view.uncertainty <= 1 and view.row["file"] == "mine <1>.npy"
    assert json.dumps(view.as_json(), allow_nan=False)


def test_the_median_neuron_is_drawn_over_what_was_recorded(opened, cell) -> None:
    plot = opened.plot("voltage", "cell 1", AS_IT_IS, (0.02, 0.05), 5000)
    recorded, predicted = (np.array(line.y, np.float64) for line in plot.lines)
    np.testing.assert_allclose(recorded, 1e3 * np.load(cell[0])[1][1000:2501], rtol=1e-5)
    assert np.nanmean(np.abs(predicted - recorded)) < 1.0
    current = opened.plot("current", "cell 1", AS_IT_IS, (0.0, 0.6), 100)
    assert max(current.lines[0].high) == pytest.approx(196)


def test_marginals_hold_all_draws_and_shade_their_intervals(opened) -> None:
    view = opened.view("cell 1", AS_IT_IS)
    plots = [plot for plot in view.plots if plot.name.startswith("posterior_")]
    assert len(plots) == len(view.tables[0].rows) == 5
    for plot in plots:
        width = (plot.x_range[1] - plot.x_range[0]) / len(plot.lines[0].x)
        assert width * sum(plot.lines[0].y) == pytest.approx(1, abs=0.01)
        depths = [depth for _, depth in plot.shade]
        assert set(depths) <= {0, 0.333, 0.667, 1} and depths[0] == depths[-1] == 0
        again = opened.plot(plot.name, "cell 1", AS_IT_IS, (0.0, 1.0), 10)
        assert again == plot


def test_a_cell_without_parameters_says_why(opened) -> None:
    view = opened.view(None, AS_IT_IS)
    assert (view.headline, view.tone, view.takes) == ("no parameters", "nothing", ())
    assert "expected a voltage, got no finite sample" in view.sentences[0]


def test_files_are_those_that_predict_writes(bundle, opened, cell, monkeypatch) -> None:
    monkeypatch.setattr(opened_cells, "predictive_figure", lambda cells: PaperFigure(1, 1))
    (expected,) = bundle.predict(cell[0], cell[2], 50_000).posteriors
    names = [take.name for take in opened.view("cell 1", AS_IT_IS).takes]
    taken = {name: opened.take(name, "cell 1", AS_IT_IS) for name in names}
    assert taken["parameters.csv"].name == "mine <1>_parameters.csv"
    first = taken["parameters.csv"].contents.decode().splitlines()[1]
    assert first.startswith("cell 1,capacitance,pF,")
    draws = np.load(io.BytesIO(taken["posterior.npz"].contents))["samples"]
    np.testing.assert_array_equal(draws[0], expected.samples)
    configs = json.loads(taken["neuron_config.json"].contents)
    assert list(configs) == ["cell 1"] and configs["cell 1"] == json.loads(
        json.dumps(expected.neuron_config(absolute=True))
    )
    answer = json.loads(taken["cell.json"].contents)
    assert answer["parameters"] == expected.parameter_values() and answer["notes"]
    assert taken["predictive.pdf"].contents.startswith(b"%PDF")
    assert b"posterior" in taken["methods.md"].contents


def test_a_current_is_no_voltage(bundle, cell) -> None:
    with pytest.raises(RapheError, match="is it the current, in A"):
        bundle.open_file(Path(cell[2]), "current.npy", AT_50_KHZ, {})


def test_a_voltage_alone_asks_for_its_current(bundle, cell) -> None:
    opened = bundle.open_file(Path(cell[0]), "mine.npy", AT_50_KHZ, {})
    view = opened.view(None, AS_IT_IS)
    assert view.need is not None and view.need.role == "current" and ".npy" in view.need.suffixes
    assert (view.tone, view.sentences) == ("nothing", [view.need.sentence])
    assert view.facts[0].name == "Sampling rate" and view.facts[0].value == "50 000 Hz"
    assert opened.plot("voltage", None, AS_IT_IS, (0.0, 0.1), 10).lines[0].low
    with pytest.raises(RapheError, match="send the current that was injected"):
        opened.take("cell.json", None, AS_IT_IS)
    short = Path(cell[2]).with_name("short.npy")
    np.save(short, np.load(cell[2])[:-1])
    with pytest.raises(RapheError, match=r"short.npy: expected a current of 30 000 samples"):
        bundle.open_file(Path(cell[0]), "mine.npy", AT_50_KHZ, {"current": short})
    with pytest.raises(RapheError, match="unit kV: expected one of V, mV"):
        bundle.open_file(Path(cell[0]), "mine.npy", AT_50_KHZ | {"voltage_unit": "kV"}, {})
    with pytest.raises(RapheError) as refused:
        bundle.open_file(Path(cell[0]), "mine.npy", {}, {})
    assert "name it with rate_hz, in Hz" in bundle.sentence(refused.value)


def test_nothing_can_be_decided_otherwise(opened) -> None:
    for changes in Changes(threshold=1.0), Changes(rejected=frozenset({3})):
        with pytest.raises(RapheError, match="expected no threshold and no rejected event"):
            opened.view("cell 1", changes)
    with pytest.raises(RapheError, match="cell 9: there is no such cell"):
        opened.view("cell 9", AS_IT_IS)
    with pytest.raises(RapheError, match="no such plot"):
        opened.plot("rate", "cell 1", AS_IT_IS, (0.0, 1.0), 10)
    with pytest.raises(RapheError, match="no such file"):
        opened.take("rates.csv", "cell 1", AS_IT_IS)


def test_a_cell_is_looked_at_to_prepare(bundle, monkeypatch) -> None:
    views = []
    monkeypatch.setattr(OpenedCells, "view", lambda cells, *_: views.append(cells))
    bundle.prepare()
    assert views and bundle.PREPARES
