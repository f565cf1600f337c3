"""How much may come out of a file that is packed: more than that is no recording."""

from pathlib import Path

from raphe.core.errors import RecordingError

UNPACKED = 3e8  # bytes that any file may unpack to
MOST_TIMES = 100  # a larger one: how often its own size; traces shrink by less than ten


def refuse_bomb(path: Path, name: str, unpacked: int, packed: int) -> None:
    """Raise RecordingError where so many bytes would come out of so few."""
    if unpacked > UNPACKED and unpacked > MOST_TIMES * packed:
        raise RecordingError(
            f"{path}: {name} would unpack from {packed / 1e3:.3g} kB to {unpacked / 1e9:.3g} GB, "
            "which no recording does; save it anew"
        )
