"""What a task's summary over a sweep is given of each member."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SweptRun:
    """A member that finished."""

    label: str  # "data.fold=3 model.kernel=8"
    settings: Mapping[str, str]  # what is swept, as on the command line
    monitored: float  # the metric that is monitored, of the weights that were tested
    fetch: Callable[[str], Path]  # a local copy of what it tracked, by name; raises SettingError
