"""Measures, while serving, how much of exact search's lists the channels' answers hold."""

import math
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np
import structlog

from services.recall import metrics
from services.recall.channel import Found

#: The niceness of a thread that runs only when no other wants to.
LOWEST_PRIORITY = 19

log = structlog.get_logger()


class RecallAudit:
    """Repeats a sample of the searches exactly, one at a time, after they were answered.

    The sample is every so-many-th query of a channel, counted, not drawn: a rate of 0.01 takes the 100th, the 200th and
    so on. One that comes while another is being repeated is dropped, so that audits never queue up.

    Args:
        rate: The share of the queries, from 0 (none) to 1.
        pool: Where searches are repeated: a thread of its own, that answers do not wait for.
    """

    def __init__(self, rate: float, pool: Executor | None) -> None:
        self._rate = rate if pool is not None else 0.0
        self._pool = pool
        self._seen: defaultdict[str, int] = defaultdict(int)
        self._counting = threading.Lock()
        self._auditing = threading.Lock()

    def offer(self, channel: str, found: Sequence[Found], exact: Callable[[int], Found]) -> None:
        """Takes its sample of a batch that was answered. Returns at once, and never fails.

        Args:
            channel: The channel's name.
            found: What it answered for each query.
            exact: Repeats one of the searches exactly.
        """
        for query in self._sampled(channel, len(found)):
            if found[query].exact:
                metrics.AUDITS.labels(channel, "exact").inc()
            elif self._auditing.acquire(blocking=False):
                self._begin(channel, found[query], exact, query)
            else:
                metrics.AUDITS.labels(channel, "dropped").inc()

    def _sampled(self, channel: str, queries: int) -> list[int]:
        """Returns which of a channel's next queries are of the sample."""
        if self._rate <= 0.0:
            return []
        with self._counting:
            before = self._seen[channel]
            self._seen[channel] = before + queries
        first, last = math.floor(before * self._rate), math.floor((before + queries) * self._rate)
        # The query that makes the count of the sample reach `count`; rounding must not lead outside of the batch.
        return [
            min(max(math.ceil(count / self._rate) - 1 - before, 0), queries - 1) for count in range(first + 1, last + 1)
        ]

    def _begin(self, channel: str, found: Found, exact: Callable[[int], Found], query: int) -> None:
        """Repeats a search on the audit's thread; `_auditing` is held until it has ended."""
        assert self._pool is not None  # noqa: S101 - without a pool nothing is sampled
        try:
            self._pool.submit(self._measure, channel, found, exact, query)
        except RuntimeError:  # the process is ending
            self._auditing.release()

    def _measure(self, channel: str, found: Found, exact: Callable[[int], Found], query: int) -> None:
        try:
            best = exact(query)
            if len(best.rows):
                metrics.AUDITED_RECALL.labels(channel).observe(np.isin(best.rows, found.rows).mean())
            metrics.AUDITS.labels(channel, "measured").inc()
        except Exception as error:  # nobody waits for an audit, so nobody else would tell
            metrics.AUDITS.labels(channel, "failed").inc()
            log.error("an audit failed", channel=channel, error=repr(error))
        finally:
            self._auditing.release()


#: Audits nothing.
NO_AUDIT = RecallAudit(0.0, None)


def run_at_lowest_priority() -> None:
    """Makes the calling thread one that runs when no other wants to: for the initializer of the audit's pool."""
    # On Linux each thread has a niceness of its own.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST_PRIORITY)
