"""Progress bars that stay silent where no terminal reads them."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def progress(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Iterate over `items` behind a bar on stderr; without a terminal, just iterate."""
    console = Console(stderr=True)
    yield from track(
        items, description, total=total, console=console, disable=not console.is_terminal
    )
