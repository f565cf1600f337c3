"""Which sets of a run are shown as those it was tested on."""

from omegaconf import OmegaConf

from raphe.harness.report import test_sets as sets_tested
from raphe.harness.tracking import RunFacts


def test_what_is_scored_in_training_is_no_test_set() -> None:
    metrics = {f"{name}/loss": 0.1 for name in ("train", "val", "session", "new_cells", "test")}
    run = RunFacts("id", "FINISHED", "run", {}, {}, {**metrics, "system/cpu": 1.0, "epochs": 3.0})
    assert sets_tested(run, OmegaConf.create({})) == ["test", "new_cells", "session"]
    settings = OmegaConf.create({"scored_in_training": ["session"]})
    assert sets_tested(run, settings) == ["test", "new_cells"]
