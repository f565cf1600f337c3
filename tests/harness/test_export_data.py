"""A record says which data a run had; it does not have them made."""

from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from raphe.core.errors import StoreError
from raphe.harness.export_data import differing_settings, rebuild
from raphe.harness.settings.configuration import composed_settings
from raphe.harness.settings.recorded import Recorded
from raphe.harness.tracking import RunFacts

RUN = RunFacts("0123", "FINISHED", "kernel=7", {}, {}, {})


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [
        ("simulation.n_ser", 4000, "prepare.simulation.n_ser=4000"),
        ("recordings", ".", "prepare.recordings=."),
    ],
)
def test_data_that_a_record_alone_describes_are_not_made(
    tmp_path: Path, setting: str, value: object, shown: str
) -> None:
    """A billion simulated cells, or all files of a machine, before any hash is compared."""
    local = composed_settings([f"data_root={tmp_path}"])
    values = OmegaConf.to_container(local, resolve=True)
    record = OmegaConf.create(values)
    OmegaConf.update(record.prepare, setting, value)
    settings = OmegaConf.to_container(record)
    recorded = Recorded("kernel=7 0123", {"task": "celltype"}, settings).laid_over(local)
    differing = differing_settings(local, recorded)
    assert differing == [shown]
    with pytest.raises(InstantiationException) as refused:
        rebuild(recorded, [RUN], differing)
    sentence = str(refused.value.__cause__)
    assert isinstance(refused.value.__cause__, StoreError)
    assert f"no record has it made (kernel=7 0123: {shown}); name the store, as" in sentence
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_settings_that_are_those_here_differ_in_nothing() -> None:
    local = composed_settings()
    values = OmegaConf.to_container(local, resolve=True)
    assert not differing_settings(local, Recorded("", {}, values).laid_over(local))
