"""Answers, a few at a time: a thread each, which share the bundle's sessions of onnxruntime."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from raphe.serve.limits import Limits
from raphe.serve.refusal import Refusal

Answer = TypeVar("Answer")
ENDING = "the server is ending; ask again once it has been started anew"
BUSY = "as many requests as may wait are waiting; ask again in a while"


class Work:
    """What is admitted and what is being answered; used from one event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.at_once, "answer")
        self._admitted = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place from before the body comes in until the answer is there. Raises Refusal."""
        if self._admitted >= self._limits.admitted:
            raise Refusal(503, BUSY)
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def answer(
        self, make: Callable[[], Answer], after: Callable[[], None] = lambda: None
    ) -> Answer:
        """What `make` gives in a thread; `after` is called once that has ended, or never begins.

        Raises Refusal where it takes too long. A thread cannot be ended: it keeps a place until it
        is done.
        """
        future = self._threads.submit(make)
        future.add_done_callback(lambda _: after())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._limits.answer_s)
        except asyncio.TimeoutError:
            self._hold_place_of(future)
            raise Refusal(
                504,
                f"no answer within {self._limits.answer_s:g} s; give a shorter recording, or use "
                "`raphe predict`",
            ) from None
        except asyncio.CancelledError:  # no caller is waited for longer, and no traceback shown
            raise Refusal(503, ENDING) from None

    def close(self) -> None:
        """Begin no further answer."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hold_place_of(self, future: Future[Any]) -> None:
        loop = asyncio.get_running_loop()
        self._admitted += 1

        def give_back(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._give_back)

        future.add_done_callback(give_back)

    def _give_back(self) -> None:
        self._admitted -= 1
