"""What an audit trains: one network, the same in every row of its table."""

from dataclasses import dataclass

from raphe.core.audit.options import check_least


@dataclass(frozen=True)
class Settings:
    """One network for all rows of the table. Raises SettingError."""

    kernel: int = 20
    max_epochs: int = 15
    patience: int = 4
    n_spikes: int = 10_000  # at most, evenly over the cells; of spikes and of noise
    folds: int = 5  # fewer where there are fewer days, animals or sources
    shuffles: int | None = None  # None: as many as the p of their test needs
    seed: int = 42

    def __post_init__(self) -> None:
        check_least(self)
