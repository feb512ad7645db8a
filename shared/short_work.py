"""Work that is sooner done where it stands, on the event loop, than on a thread and back."""

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: The longest, in seconds, that the event loop may be held up. The way to a thread and back takes a tenth of it, several
#: times what it takes in a tight loop, because by then both threads and their caches have gone cold.
LONGEST_INLINE = 1e-3

#: What comes sooner than this, in seconds, after the last piece of work had probably been waiting for it to end.
QUIET = 1e-4

#: How much of what is known a new measurement replaces, where it says less.
_EASING = 0.1


class ShortWork:
    """Knows from what was measured which work is short, and whether anybody else waits.

    Work is short when as much of it, for the same subject, took less than `LONGEST_INLINE`. One that took long counts at
    once, one that was quick little by little. Nothing is known of a new subject, so its first work goes to a thread.

    While work follows upon work, or is under way on threads, nothing is done inline: there requests can be merged, and
    use all cores.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._subject: Callable[[], object | None] = _nothing
        self._pace = 0.0  # seconds for each unit of weight
        self._ended = -QUIET
        self._on_threads = 0

    def fits(self, subject: object, weight: int) -> bool:
        """Returns whether work may be done on the event loop now.

        Args:
            subject: What does the work, such as a snapshot.
            weight: How much it is, in a unit that time rises with.
        """
        return (
            self._subject() is subject
            and not self._on_threads
            and self._pace * weight <= LONGEST_INLINE
            and self._clock() - self._ended >= QUIET
        )

    @contextmanager
    def on_threads(self) -> Iterator[None]:
        """Surrounds work that was handed to threads."""
        self._on_threads += 1
        try:
            yield
        finally:
            self._on_threads -= 1

    def took(self, subject: object, weight: int, seconds: float) -> None:
        """Notes work that has just ended, wherever it was done."""
        self._ended = self._clock()
        pace = seconds / max(weight, 1)
        if self._subject() is not subject:
            self._subject = weakref.ref(subject)  # a snapshot that is served no more must be let go
            self._pace = pace
        elif pace > self._pace:
            self._pace = pace
        else:
            self._pace += _EASING * (pace - self._pace)


def _nothing() -> None:
    """Stands for a subject that nothing is known of."""
