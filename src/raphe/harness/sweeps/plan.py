"""What a sweep's parent tells its members: which there are to be, or that each says it itself."""

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from raphe.core.files.atomic import write_file

PLAN_FILE = "sweep.json"
ALONE = "single run"  # the label of a member where nothing is swept
SETTING = re.compile(r"(?:^| )([\w./@+~-]+)=")  # of a label


@dataclass(frozen=True)
class Planned:
    """One job, before it is started."""

    label: str  # "model.kernel=7"
    settings: dict[str, str]


@dataclass(frozen=True)
class SweepPlan:
    """Of a sweep whose members are all combinations of some values, or of an open one.

    Args:
        parameters: each swept setting with its values; of an open sweep, before it has ended, as
            its sweeper was told them.
        fixed: of an open sweep, whose sweeper finds its members one after the other: the overrides
            that all of them have. What else a member has is what it varies.
        announced: of an open sweep, the settings of its members.
        launched: labels of members that are jobs, by their number.
    """

    parent_run_id: str
    parameters: dict[str, list[str]]
    n_workers: int
    fixed: list[str] | None = None
    announced: list[dict[str, str]] = field(default_factory=list)
    launched: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.fixed is not None

    @property
    def n_members(self) -> int | None:
        """None as long as an open sweep has not ended."""
        return None if self.is_open and not self.announced else len(self.members)

    @property
    def members(self) -> list[Planned]:
        """Each once, whatever stands there twice."""
        combinations = itertools.product(*self.parameters.values())
        settings = (dict(zip(self.parameters, values, strict=True)) for values in combinations)
        members = self.announced if self.is_open else settings
        return [Planned(*item) for item in {label_of(one): one for one in members}.items()]

    def settings_of(self, overrides: Iterable[str]) -> dict[str, str]:
        """What a member varies, of all its overrides."""
        if self.fixed is not None:
            overrides = [override for override in overrides if override not in self.fixed]
        values = dict(override.lstrip("+").partition("=")[::2] for override in overrides)
        return values if self.is_open else {name: values[name] for name in self.parameters}

    def ended_with(self, labels: Iterable[str]) -> "SweepPlan":
        """Of an open sweep, once it is known which members it has had."""
        announced = [settings_of_label(label) for label in labels]
        names = dict.fromkeys(name for settings in announced for name in settings)
        values = {
            name: list(dict.fromkeys(s[name] for s in announced if name in s)) for name in names
        }
        return replace(self, announced=announced, parameters=values)

    def with_launched(self, members: Iterable[Sequence[str]]) -> "SweepPlan":
        """With the jobs of further members, given by their overrides."""
        labels = [label_of(self.settings_of(overrides)) for overrides in members]
        return replace(self, launched=[*self.launched, *labels])

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    def write(self, sweep_folder: Path) -> None:
        sweep_folder.mkdir(parents=True, exist_ok=True)
        write_file(sweep_folder / PLAN_FILE, self.text)

    @classmethod
    def read(cls, folder: Path) -> "SweepPlan":
        """From the sweep's folder, or one into which its parent's artifact was fetched."""
        return cls(**json.loads((folder / PLAN_FILE).read_text()))


def label_of(settings: Mapping[str, str]) -> str:
    """What a member sweeps, as "model.kernel=7"."""
    return " ".join(f"{name}={value}" for name, value in settings.items()) or ALONE


def settings_of_label(label: str) -> dict[str, str]:
    """The other way round.

    >>> settings_of_label("model.kernel=7 model.filters=[8, 16]")
    {'model.kernel': '7', 'model.filters': '[8, 16]'}
    """
    _, *parts = SETTING.split(label)
    return dict(zip(parts[::2], parts[1::2], strict=True))
