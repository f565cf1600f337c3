"""What a caller gives as a path, checked where it comes in."""

import os
from collections.abc import Iterable
from pathlib import Path

from raphe.core.errors import SettingError


def checked_path(path: object, noun: str) -> Path:
    """`path` as a Path; `noun` says of what: "a bundle". Raises TypeError for what is no path."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"expected the path of {noun}, a str or Path, got {path!r:.80}")
    return Path(path)


def refuse_inputs_within(out: Path, inputs: Iterable[Path | None]) -> None:
    """Raise SettingError where `out`, a folder to be replaced as a whole, holds what is read."""
    place = out.resolve()
    for path in filter(None, inputs):
        if path.resolve().is_relative_to(place):
            raise SettingError(
                f"{out}: holds {path}, which is to be read, and would be replaced as a whole; "
                "choose another --out"
            )
