"""Threads that let the event loop go first."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.feature_store.group_commit import GroupCommit
from services.feature_store.priority import give_way


def niceness() -> int:
    """Of the calling thread."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@contextmanager
def no_transaction() -> Iterator[None]:
    """Changes nothing."""
    yield


def test_the_thread_that_writes_gives_way_and_the_one_that_asks_does_not() -> None:
    """Look-ups are answered on the latter."""
    before = niceness()
    with GroupCommit(no_transaction, capacity=1) as writer:
        written_with = writer.submit(lambda _: niceness(), weight=1).result()
    assert written_with > before
    assert niceness() == before


def test_a_thread_that_gives_way_already_may_say_so_again() -> None:
    """Whoever may not raise a priority may still set it to what it is."""
    seen = []

    def work() -> None:
        give_way()
        give_way()
        seen.append(niceness())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [10]
