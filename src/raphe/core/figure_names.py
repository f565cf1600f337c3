"""Which files a figure comes as, for who lists them and draws none: matplotlib takes a second."""

from pathlib import Path


def figure_names(name: str) -> list[str]:
    """The names of all files that `save_figure` may write for a PNG of this name."""
    return [str(Path(name).with_suffix(kind)) for kind in (".png", ".pdf", ".caption.txt")]
