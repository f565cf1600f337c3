"""Published figures are read as they are, and bad tables are told."""

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from paths import CONF
from raphe.core.errors import SettingError
from raphe.harness.report.reference import read_reference
from raphe.harness.report.sweep_artifacts import SWEEP_FIGURE, sweep_artifacts
from raphe.harness.report.sweep_results import SweepResults
from raphe.harness.tracking import RunFacts

TABLE = "run,kernel,test_accuracy\noriginal,1,0.9\nbalanced,1,0.8\noriginal,2,0.95\n"


def settings(path):
    plain = {
        "path": str(path),
        "parameter": "model.kernel",
        "label": "a paper",
        "x": "kernel",
        "rows": {"run": "original"},
        "columns": {"spikes/accuracy": "test_accuracy"},
    }
    return OmegaConf.create(plain)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(TABLE)
    return path


def test_reads_the_rows_asked_for(table):
    reference = read_reference(settings(table), "model.kernel")
    assert reference.label == "a paper"
    x, y = reference.curves["spikes/accuracy"]
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_array_equal(y, [0.9, 0.95])


def test_none_without_a_file_and_for_another_setting(table):
    assert read_reference(settings(table), "model.dropout") is None
    assert read_reference(settings(""), "model.kernel") is None
    assert read_reference(None, "model.kernel") is None


@pytest.mark.parametrize(
    ("others", "what"),
    [
        ({"x": "k"}, "expected the columns k, got run, kernel, test_accuracy"),
        ({"rows": {"run": "other"}}, "no row with"),
        ({"columns": {"spikes/accuracy": "run"}}, "expected numbers"),
        ({"path": "nowhere.csv"}, r"reference\.path=nowhere.csv: there is no such file"),
    ],
)
def test_a_table_that_does_not_fit_is_told(table, others, what):
    with pytest.raises(SettingError, match=what):
        read_reference(OmegaConf.merge(settings(table), others), "model.kernel")


def test_the_papers_own_table(real_data):
    path = real_data("figures", "published_sweep.csv")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides=[f"report.reference.path={path}"])
    reference = read_reference(config.report.reference, "model.kernel")
    x, accuracy = reference.curves["spikes/accuracy"]
    np.testing.assert_array_equal(x, np.arange(1, 32))
    assert accuracy[0] == pytest.approx(0.906, abs=5e-4)
    assert (x[accuracy.argmax()], accuracy.max()) == (27, pytest.approx(0.988, abs=5e-4))


def test_the_sweeps_figure_has_the_published_curve_in_its_panel(table):
    report = OmegaConf.create(
        {
            "names": {"_target_": "raphe.tasks.celltype.metrics.names.names"},
            "metrics": ["loss", "spikes/accuracy"],
            "counts": [],
            "axes": {},
            "reference": settings(table),
        }
    )
    runs = [
        RunFacts(f"run{k}", "FINISHED", "", {}, {"model.kernel": str(k)},
                 {"test/loss": 0.3, "test/spikes/accuracy": 0.9})
        for k in (1, 2, 3)
    ]  # fmt: skip
    results = SweepResults(runs, ["model.kernel"], report, "val/loss")
    figure = sweep_artifacts(results)[SWEEP_FIGURE]()
    loss, accuracy = figure.axes
    assert "a paper" not in [line.get_label() for line in loss.lines]
    published = accuracy.lines[-1]
    assert published.get_label() == "a paper"
    np.testing.assert_array_equal(published.get_ydata(), [0.9, 0.95])
