"""Answers, a few at a time: a thread each, which share the bundle's sessions of onnxruntime."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from raphe.serve.limits import Limits
from raphe.serve.refusal import Refusal

Answer = TypeVar("Answer")
ENDING = "the server is ending; ask again once it has been started anew"
BUSY = "as many requests as may wait are waiting; ask again in a while"


class Places:
    """So many requests at a time; used from one event loop."""

    def __init__(self, n: int) -> None:
        self._n, self._taken = n, 0

    def require_one(self) -> None:
        """Raises Refusal where none is free."""
        if self._taken >= self._n:
            raise Refusal(503, BUSY)

    @contextmanager
    def admitted(self, is_promised: bool = False) -> Iterator[None]:
        """Hold a place; also beyond the last where it is promised. Raises Refusal."""
        if not is_promised:
            self.require_one()
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    def hold(self, future: Future[Any]) -> None:
        """Hold one more until this is done."""
        loop = asyncio.get_running_loop()
        self._taken += 1

        def give_back(_: Future[Any]) -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(self._give_back)

        future.add_done_callback(give_back)

    def _give_back(self) -> None:
        self._taken -= 1


class Work:
    """What is admitted to be answered and what is being answered; used from one event loop.

    Bodies come in before, at places of their own, so that slow ones keep nobody from an answer.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = DaemonThreads(limits.at_once, "answer")
        self._places = Places(limits.admitted)

    def require_place(self) -> None:
        """To be asked before a body comes in, which would come in vain. Raises Refusal."""
        self._places.require_one()

    @contextmanager
    def admitted(self, is_here: bool = False) -> Iterator[None]:
        """Hold a place until the answer is there; a long body that is here has one.

        Several may be asked for their bodies while one place is free: so many more then wait, at
        most as are received at a time. Raises Refusal.
        """
        with self._places.admitted(is_promised=is_here):
            yield

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
            self._places.hold(future)
            raise Refusal(
                504,
                f"no answer within {self._limits.answer_s:g} s; give a shorter recording, or use "
                "`raphe predict`",
            ) from None
        except asyncio.CancelledError:  # no caller is waited for longer, and no traceback shown
            raise Refusal(503, ENDING) from None

    def close(self) -> None:
        """Begin no further answer, and wait for none."""
        self._threads.close()


class DaemonThreads:
    """So many threads, of which none keeps the process from its end.

    An executor's are waited for: after Ctrl-C the server would stay as long as an answer takes.
    """

    def __init__(self, n: int, name: str) -> None:
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads = [
            Thread(target=self._work, name=f"{name}_{number}", daemon=True) for number in range(n)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, make: Callable[[], Answer]) -> "Future[Answer]":
        future: Future[Answer] = Future()
        self._waiting.put((future, make))
        return future

    def close(self) -> None:
        """Cancel what has not begun; the threads end after what they do now."""
        with suppress(Empty):
            while waiting := self._waiting.get_nowait():
                waiting[0].cancel()
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        while waiting := self._waiting.get():
            future, make = waiting
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = make()
            except BaseException as error:  # it is the caller's
                future.set_exception(error)
            else:
                future.set_result(result)
            del waiting, future, make  # a thread that waits holds no file
