"""What an audit trains: one network, the same in every row of its table."""

from dataclasses import dataclass

from raphe.core.errors import SettingError


@dataclass(frozen=True)
class Settings:
    """One network for all rows of the table. Raises SettingError."""

    kernel: int = 20
    max_epochs: int = 15
    patience: int = 4
    n_spikes: int = 20_000  # at most, evenly over the cells
    shuffles: int = 3
    seed: int = 42

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name in ("seed", "shuffles") else 1
            if value < least:
                option = name.replace("_", "-")
                raise SettingError(f"--{option}: expected {least} or more, got {value}")
