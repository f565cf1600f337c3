"""What a caller gives as a path, checked where it comes in from Python."""

import os
from pathlib import Path


def checked_path(path: object, noun: str) -> Path:
    """`path` as a Path; `noun` says of what: "a bundle". Raises TypeError for what is no path."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"expected the path of {noun}, a str or Path, got {path!r:.80}")
    return Path(path)
