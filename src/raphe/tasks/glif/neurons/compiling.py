"""What is told while numba compiles, which it does once on a machine and then keeps."""

from collections.abc import Iterator
from contextlib import contextmanager

from numba.core import event

from raphe.core.progress import print_line

COMPILING = "compiling for this machine, which takes up to a minute and is kept"


@contextmanager
def compiling_told() -> Iterator[None]:
    """Say so in one line where anything is compiled within."""
    with event.install_listener("numba:compile", _Teller()):
        yield


class _Teller(event.Listener):
    def __init__(self) -> None:
        self._told = False

    def on_start(self, event: event.Event) -> None:
        if not self._told:
            self._told = True
            print_line(COMPILING)

    def on_end(self, event: event.Event) -> None:
        pass
