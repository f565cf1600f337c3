"""Which sets of a run are shown as those it was tested on, and what its epochs logged."""

from omegaconf import OmegaConf

from raphe.harness.report.csv_tables import epochs_csv
from raphe.harness.report.shown import test_sets as sets_tested
from raphe.harness.tracking import RunFacts


def test_what_is_scored_in_training_is_no_test_set() -> None:
    metrics = {f"{name}/loss": 0.1 for name in ("train", "val", "session", "new_cells", "test")}
    run = RunFacts("id", "FINISHED", "run", {}, {}, {**metrics, "system/cpu": 1.0, "epochs": 3.0})
    assert sets_tested(run, OmegaConf.create({})) == ["test", "new_cells", "session"]
    settings = OmegaConf.create({"scored_in_training": ["session"]})
    assert sets_tested(run, settings) == ["test", "new_cells"]


def test_the_table_of_epochs_has_neither_what_the_test_nor_what_the_machine_logged() -> None:
    """A run resumed in its test has all of them."""
    logged = {
        "val/loss": {0: 0.5, 1: 0.25},
        "session/other/loss": {1: 0.75},
        "test/loss": {0: 0.3},
        "system/cpu": {7: 1.0},
        "epochs": {0: 2.0},
    }
    table = epochs_csv(logged, tested={"test/loss", "val/brier"})
    assert table == "epoch,session/other/loss,val/loss\n0,,0.5\n1,0.75,0.25\n"
