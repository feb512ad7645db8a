"""Work in a thread that lets the event loop have its turns."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def in_turns(things: Iterable[T], at_a_time: int) -> Iterator[T]:
    """Yields the things, and lets go of the interpreter after each so many.

    A thread that calls LMDB gives the interpreter away and takes it back every few microseconds, before another thread has
    woken up; and because it was given away, the other thread's wait begins anew each time, and it never comes to
    the point where it is let in. The event loop then waits for as long as the work takes. A sleep, however short, lets it in.

    Args:
        things: To work on.
        at_a_time: How many before others have their turn.
    """
    iterator = iter(things)
    while some := list(islice(iterator, at_a_time)):
        yield from some
        time.sleep(1e-6)
