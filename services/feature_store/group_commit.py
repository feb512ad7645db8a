"""Group commit: everything that queued while the last transaction was being made durable shares the next one.

A durable transaction costs milliseconds of waiting for the disk, whatever is in it. No timer holds anything back:
a request that comes alone is written at once.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Generic, Self, TypeVar

from services.feature_store import metrics
from services.feature_store.priority import give_way
from shared.errors import Overloaded, Unavailable

Transaction = TypeVar("Transaction")
Result = TypeVar("Result")


class _Request(Generic[Transaction]):
    def __init__(self, work: Callable[[Transaction], Any], weight: int, publish: Callable[[Any], None] | None) -> None:
        self.work = work
        self.weight = weight
        self._publish = publish
        self.future: Future[Any] = Future()

    def succeed(self, result: Any) -> None:
        try:
            if self._publish is not None:
                self._publish(result)
        except Exception as error:  # it belongs to the caller; the thread must live on
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _AloneRequest(_Request[Any]):
    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__(lambda _: work(), 0, None)

    def perform(self) -> None:
        try:
            result = self.work(None)
        except Exception as error:  # it belongs to the caller; the thread must live on
            self.future.set_exception(error)
        else:
            self.succeed(result)


class GroupCommit(Generic[Transaction]):
    """One thread that writes on behalf of many callers. A context manager: leaving it writes what still waits.

    Args:
        begin: Opens a transaction that commits durably when its block ends and is undone when its block raises.
        capacity: How much weight may wait to be written.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Transaction]], capacity: int) -> None:
        self._begin = begin
        self._capacity = capacity
        self._waiting: list[_Request[Transaction]] = []
        self._weight = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def submit(
        self,
        work: Callable[[Transaction], Result],
        weight: int,
        publish: Callable[[Result], None] | None = None,
    ) -> "Future[Result]":
        """Queues work to be done in a transaction.

        The work may run twice, the first run undone, so it must touch nothing but the transaction. Cancelling the
        future before its transaction begins withdraws the work; later it has no effect.

        Args:
            work: What to do.
            weight: How much it counts towards the capacity.
            publish: Is told the result once it is durable, before the caller is: for what is derived from the store
                and must follow it. Runs on the one thread that writes, in the order of the work, whether or not the
                caller still waits.

        Returns:
            The result of the work, once it is durable, or its exception; then it has changed nothing, unless the
            exception is that of `publish`.

        Raises:
            Overloaded: too much is waiting. A request is always taken when nothing waits, whatever its weight.
            Unavailable: the writer is closing.
        """
        return self._queue(_Request(work, weight, publish))

    def submit_alone(self, work: Callable[[], Result]) -> "Future[Result]":
        """Queues work to be done between two transactions: while it is done, nobody writes.

        Returns:
            The result of the work, or its exception.

        Raises:
            Unavailable: the writer is closing.
        """
        return self._queue(_AloneRequest(work))

    def _queue(self, request: "_Request[Transaction]") -> "Future[Any]":
        with self._changed:
            if self._closed:
                raise Unavailable("the store is closing")
            if self._waiting and request.weight and self._weight + request.weight > self._capacity:
                raise Overloaded(f"more than {self._capacity} events or items wait to be written; try again later")
            self._waiting.append(request)
            self._weight += request.weight
            self._changed.notify()
        return request.future

    def _run(self) -> None:
        give_way()
        while group := self._next_group():
            started = [request for request in group if request.future.set_running_or_notify_cancel()]
            if started and isinstance(started[0], _AloneRequest):
                started[0].perform()
            elif started:
                metrics.GROUP_REQUESTS.observe(len(started))
                self._write(started)

    def _next_group(self) -> list[_Request[Transaction]]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            waiting = self._waiting
            alone = (place for place, request in enumerate(waiting) if isinstance(request, _AloneRequest))
            count = max(1, next(alone, len(waiting)))
            group, self._waiting = waiting[:count], waiting[count:]
            self._weight -= sum(request.weight for request in group)
            return group

    def _write(self, group: Sequence[_Request[Transaction]]) -> None:
        try:
            with self._begin() as transaction:
                results = [request.work(transaction) for request in group]
        except Exception as error:  # whatever it is belongs to a caller; the thread must live on
            if len(group) == 1:
                group[0].future.set_exception(error)
            else:
                # The transaction is undone, and whose fault it was need not be clear: a full disk shows at the
                # commit. Alone, each succeeds or fails for itself.
                for request in group:
                    self._write([request])
        else:
            for request, result in zip(group, results, strict=True):
                request.succeed(result)
