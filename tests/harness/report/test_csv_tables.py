"""Which sets of a run are shown as those it was tested on, and what its epochs logged."""

from pathlib import Path

from omegaconf import OmegaConf

from raphe.core.metric_names import Estimate
from raphe.harness.report.csv_tables import (
    INTERVALS,
    MOST_OF_TAG,
    epochs_csv,
    intervals_csv,
    read_intervals,
    tagged_intervals,
    tags_of,
)
from raphe.harness.report.shown import test_sets as sets_tested
from raphe.harness.tracking import RunFacts


def test_what_is_scored_in_training_is_no_test_set() -> None:
    parts = ("train", "val", "kept/val", "session", "new_cells", "test")
    others = {"system/cpu": 1.0, "epochs/kept": 3.0, "swept/model.kernel": 8.0}
    metrics = {f"{name}/loss": 0.1 for name in parts} | others
    run = RunFacts("id", "FINISHED", "run", {}, {}, metrics)
    assert sets_tested(run, OmegaConf.create({})) == ["test", "new_cells", "session"]
    settings = OmegaConf.create({"scored_in_training": ["session"]})
    assert sets_tested(run, settings) == ["test", "new_cells"]


def test_the_table_of_epochs_has_neither_what_the_test_nor_what_the_machine_logged() -> None:
    """A run resumed in its test has all of them."""
    logged = {
        "val/loss": {1: 0.5, 2: 1 / 3},
        "session/other/loss": {2: 0.75},
        "test/loss": {0: 0.3},
        "kept/val/loss": {0: 0.25},
        "swept/model.kernel": {0: 8.0},
        "system/cpu": {7: 1.0},
        "epochs/trained": {0: 2.0},
    }
    table = epochs_csv(logged)
    assert table == "epoch,session/other/loss,val/loss\n1,,0.5\n2,0.75,0.3333333\n"


def test_intervals_are_read_as_they_were_written(tmp_path: Path) -> None:
    nan = float("nan")
    estimates = {
        "test/cells/auroc": Estimate(0.75, 0.5, 0.9),
        "kept/val/loss": Estimate(0.25, 0.125, 0.375, se=0.0625),
    }
    undefined = {"test/cells/mcc": Estimate(nan, nan, nan)}
    path = tmp_path / "intervals.csv"
    path.write_text(intervals_csv(estimates | undefined))
    assert read_intervals(path) == estimates


def test_a_tag_holds_the_same_intervals_where_they_find_room() -> None:
    estimates = {"test/cells/auroc": Estimate(0.75, 0.5, 0.9, se=0.1)}

    def run(tags: dict[str, str]) -> RunFacts:
        return RunFacts("id", "FINISHED", "run", tags, {}, {})

    assert tagged_intervals(run(tags_of({INTERVALS: intervals_csv(estimates)}))) == estimates
    assert tagged_intervals(run(tags_of({}))) == {}  # none, and nothing to look for
    assert tagged_intervals(run({})) is None
    many = {f"test_{n}/cells/auroc": Estimate(0.75, 0.5, 0.9) for n in range(500)}
    assert (
        len(intervals_csv(many)) > MOST_OF_TAG and tags_of({INTERVALS: intervals_csv(many)}) == {}
    )
