import doctest
from dataclasses import replace

import pytest

from raphe.core import metric_names
from raphe.core.metric_names import Estimate, Figure, Name, Names, metric

NAMES = Names(
    (
        Figure("loss", "loss", "nats", "Of the truth.", "lower"),
        Figure("auroc", "AUROC", "", "Of pairs.", "higher", 0.5, 1.0, ("cells", "spikes")),
        Figure("rms_mV", "RMS error", "mV", "Of the voltage.", "lower", levels=("cells",)),
        Figure("n_cells", "cells", "", "How many there are."),
    )
)


def test_examples_of_the_grammar() -> None:
    assert doctest.testmod(metric_names).failed == 0


@pytest.mark.parametrize("part", ["train", "val", "kept/val", "test", "session/other"])
@pytest.mark.parametrize("level", ["", "cells", "spikes"])
def test_a_name_is_put_together_and_taken_apart(part: str, level: str) -> None:
    name = metric(part, level, "auroc")
    assert Name.of(name) == Name(part, level, "auroc")


def test_labels_are_for_people() -> None:
    assert NAMES.label("kept/val/loss") == "loss (nats)"
    assert NAMES.label("test/cells/auroc") == NAMES.label("cells/auroc") == "AUROC, cells"
    assert NAMES.label("other/cells/rms_mV") == "RMS error (mV), cells"
    assert NAMES.label("swept/model.kernel") == "model.kernel"
    assert NAMES.label("epochs/kept") == "epoch kept"
    assert NAMES.figure("test/spikes/auroc").low == 0.5


def test_a_name_outside_the_table_is_none_of_the_task() -> None:
    named = ["train/loss", "kept/val/cells/auroc", "session/other/spikes/auroc", "test/n_cells"]
    of_a_run = ["epochs/trained", "epochs/kept", "swept/model.kernel", "system/cpu"]
    assert all(name in NAMES for name in [*named, *of_a_run])
    planted = ["test/auroc", "test/spikes/loss", "cells/auroc", "kept_epoch", "test/cells/auc"]
    assert not [name for name in planted if name in NAMES]
    with pytest.raises(KeyError, match="test/auroc: no name of this task's metrics"):
        NAMES.label("test/auroc")


def test_an_epoch_is_judged_by_a_figure_of_its_own_validation() -> None:
    assert "val/cells/auroc" in NAMES.monitored and "val/n_cells" not in NAMES.monitored
    spikes = replace(NAMES, each_epoch=("", "spikes")).monitored
    assert {"val/loss", "val/spikes/auroc"} <= set(spikes) and "val/cells/auroc" not in spikes


def test_an_estimate_has_a_standard_error_only_where_it_is_given_one() -> None:
    assert Estimate(0.5, 0.4, 0.6).se is None
    assert Estimate(0.5, 0.4, 0.6, se=0.05).se == 0.05
