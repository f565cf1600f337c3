"""Kinds of sweeps: whether their networks were trained on the same data, so that one of them may be
chosen by validation or several be joined. A parent run carries its kind as a tag."""

from collections.abc import Collection
from enum import Enum

from omegaconf import DictConfig, OmegaConf

from raphe.harness.settings.composed import plain, without_hydra

KIND_TAG = "raphe.kind"
DATA_DECIDING = {"data", "prepare", "data_root", "seed", "task", "experiment", "debug"}


class Kind(Enum):
    """Value of the tag, title of the run, and why its networks are not joined ("": they may be)."""

    SETTINGS = "settings", "sweep", ""
    SEEDS = "seeds", "ensemble of seeds", ""
    BANK = "bank", "bank", ""
    FOLDS = "folds", "cross-validation", "each of its networks was trained on other cells"
    DATA = "data", "sweep over data", "its networks were trained on different data"

    def __init__(self, tag: str, title: str, apart: str) -> None:
        self.tag = tag
        self.title = title
        self.apart = apart

    @property
    def may_choose(self) -> bool:
        """Whether one of the networks may be chosen, or several joined."""
        return not self.apart

    @classmethod
    def of_tag(cls, tag: str | None) -> "Kind | None":
        """The kind that a run's tag names, None for a run that has none."""
        return next((kind for kind in cls if kind.tag == tag), None)


def kind_of(config: DictConfig, swept: Collection[str], told_by_data: Collection[str]) -> Kind:
    """The kind of a sweep over settings of which the data themselves may tell some, as folds."""
    if told_by_data:
        return Kind.FOLDS
    if any(decides_data(name) for name in swept if name != "seed"):
        return Kind.DATA
    if "seed" in swept and data_follow_seed(config):
        return Kind.DATA
    return Kind.SEEDS if set(swept) == {"seed"} else Kind.SETTINGS


def decides_data(setting: str) -> bool:
    """Whether members that differ in a setting may differ in their data."""
    return setting.partition(".")[0] in DATA_DECIDING


def data_follow_seed(config: DictConfig) -> bool:
    """Whether the data take their own seed from that of the run."""
    settings = plain(without_hydra(config))
    sections = []
    for seed in (0, 1):
        other = OmegaConf.create({**settings, "seed": seed})
        sections.append([OmegaConf.to_container(other[name], resolve=True)
                         for name in ("data", "prepare")])  # fmt: skip
    return sections[0] != sections[1]
