"""What is said of a file that raphe writes."""

from dataclasses import dataclass, field
from fnmatch import fnmatch

CLASS = "CLASS"  # in a column's name, for each class of the store
SHARE = "0 to 1"


@dataclass(frozen=True)
class Written:
    """A file: where it lies, its name (a pattern), what it is, its columns by their meanings."""

    where: str
    name: str
    what: str
    columns: dict[str, str] = field(default_factory=dict)

    def describes(self, column: str) -> bool:
        names = [name for names in self.columns for name in names.split(", ")]
        return any(fnmatch(column, name.replace(CLASS, "*")) for name in names)

    def is_called(self, path: str) -> bool:
        """Whether a file of its folder, by the path in it, may be this one."""
        return any(fnmatch(path, name) for name in self.name.split(", "))
