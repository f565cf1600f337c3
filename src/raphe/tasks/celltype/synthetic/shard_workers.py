"""Make shards in several processes that end with the one that started them, however it ends."""

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from multiprocessing.connection import Connection, wait
from pathlib import Path

from raphe.core.errors import RapheError, StoreError
from raphe.tasks.celltype.stores.stored_spikes import AGAIN
from raphe.tasks.celltype.synthetic.shards import Result, Shard, ensure_shard
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer


def ensure_shards(
    out: Path, shards: Sequence[Shard], synthesizer: Synthesizer, workers: int
) -> Iterator[Result | None]:
    """Yield what `ensure_shard` yields for each shard, from all workers as it comes.

    Raises StoreError when a worker fails; whole shards stay.
    """
    workers = min(workers, len(shards))
    if workers == 1:
        for shard in shards:
            yield from ensure_shard(out, shard, synthesizer)
        return
    spawn = multiprocessing.get_context("spawn")
    processes, connections = [], []
    try:
        for number in range(workers):
            ours, theirs = spawn.Pipe()
            arguments = (theirs, out, shards[number::workers], synthesizer)
            process = spawn.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            processes.append(process)
            connections.append(ours)
        yield from _receive(connections)
    finally:
        for connection in connections:
            connection.close()  # which a worker notices at its next block
        for process in processes:
            process.join()


def _receive(connections: list[Connection]) -> Iterator[Result | None]:
    running = list(connections)
    while running:
        for connection in wait(running):
            try:
                message = connection.recv()
            except EOFError:
                raise StoreError(
                    f"a worker process ended before its shards were whole (out of memory?); {AGAIN}"
                ) from None
            if isinstance(message, RapheError):
                raise message
            if message == "done":
                running.remove(connection)
            else:
                yield message


def _work(
    connection: Connection, out: Path, shards: Sequence[Shard], synthesizer: Synthesizer
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the starter, who then hangs up
    try:
        for shard in shards:
            with closing(ensure_shard(out, shard, synthesizer)) as steps:
                for step in steps:
                    if connection.poll():  # nothing is ever sent this way: the other end is closed
                        return
                    connection.send(step)
        connection.send("done")
    except (BrokenPipeError, ConnectionResetError):
        return
    except RapheError as error:
        connection.send(error)
