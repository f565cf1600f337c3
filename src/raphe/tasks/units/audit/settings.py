"""What an audit trains: the networks of all folds of one split at a time."""

from dataclasses import dataclass

from raphe.core.audit.options import check_least


@dataclass(frozen=True)
class Settings:
    """The same for all rows of the table. Raises SettingError."""

    members: int = 5
    max_epochs: int = 10
    folds: int = 5  # fewer where there are fewer animals or sessions
    shuffles: int | None = None  # None: as many as the p of their test needs
    seed: int = 42

    def __post_init__(self) -> None:
        check_least(self)
