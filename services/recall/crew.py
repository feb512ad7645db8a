"""Work in pieces, on as many threads of the pool as happen to be free."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor


class Crew:
    """Threads that help each other out.

    The caller does the pieces itself, one after the other, and threads of the pool that are free meanwhile take pieces
    too. So a caller that runs in the pool itself cannot wait for ever: it waits only for pieces that a thread is at, and
    with a busy pool it has done them all by the time that a thread is free.

    Args:
        pool: Where help comes from; without one there is none.
        threads: How many threads the pool has.
    """

    def __init__(self, pool: Executor | None = None, threads: int = 1) -> None:
        self._pool = pool
        self._threads = threads

    def each(self, pieces: int, work: Callable[[int], None], helpers: int) -> None:
        """Calls `work` for 0 to `pieces`, in this order but for those that are done at once.

        Args:
            pieces: How many there are.
            work: Does one; several threads call it at once.
            helpers: How many threads may help at most. Each costs some 50 microseconds, wanted or not.

        Raises:
            Exception: what `work` raised first; pieces that nobody had begun are then left out.
        """
        job = _Job(pieces, work)
        if self._pool is not None:
            for _ in range(min(helpers, self._threads - 1, pieces - 1)):
                self._pool.submit(job.help)
        job.help()
        job.finish()


class _Job:
    """Hands out pieces and knows when all are done."""

    def __init__(self, pieces: int, work: Callable[[int], None]) -> None:
        self._pieces = pieces
        self._work = work
        self._next = 0
        self._under_way = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def help(self) -> None:
        """Does pieces until none is left to begin."""
        while (piece := self._begin()) is not None:
            try:
                self._work(piece)
            except BaseException as error:
                self._end(error)
            else:
                self._end(None)

    def finish(self) -> None:
        """Waits for the pieces that are under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way == 0)
        if self._error is not None:
            raise self._error

    def _begin(self) -> int | None:
        with self._changed:
            if self._next >= self._pieces or self._error is not None:
                return None
            self._next += 1
            self._under_way += 1
            return self._next - 1

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            self._under_way -= 1
            self._error = self._error or error
            self._changed.notify_all()


#: No help: the caller does everything.
ALONE = Crew()
