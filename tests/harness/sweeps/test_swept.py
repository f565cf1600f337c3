"""What a multirun sweeps over, told from its settings before there are data."""

import pytest
from omegaconf import OmegaConf

from raphe.harness.sweeps.swept import GRIDS, MANY, foreseen_members


@pytest.mark.parametrize(
    ("overrides", "changed", "expected"),
    [
        (["model.kernel=range(1,33)", "seed=1,2,2", "task=toy"], {}, 64),
        (["model.kernel=3"], {"sweep": {"values": {"data.fold": {}}}}, MANY),
        (["model.kernel=1,2"], {"hydra": {"sweeper": {"_target_": "its.Own"}}}, 1),
    ],
)
def test_members_are_foreseen(overrides: list[str], changed: dict, expected: int) -> None:
    hydra = {"sweeper": {"_target_": GRIDS[0]}, "overrides": {"task": overrides}}
    config = OmegaConf.merge({"hydra": hydra}, changed)
    assert foreseen_members(config) == expected
