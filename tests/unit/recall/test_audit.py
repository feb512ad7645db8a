"""Measuring recall while serving."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from services.recall.annoy_channel import AnnoyChannel
from services.recall.audit import LOWEST_PRIORITY, RecallAudit, run_at_lowest_priority
from services.recall.channel import Found
from tests.unit.recall.clustered import ANNOY_IS_FREE, best_rows, clustered_vectors, excluding, index_over


def found(*rows: int, exact: bool = False) -> Found:
    """Returns an answer."""
    return Found(np.array(rows, dtype=np.int64), np.zeros(len(rows), dtype=np.float32), exact)


def audits(channel: str, outcome: str) -> float:
    """Returns how many audits of a channel ended so."""
    labels = {"channel": channel, "outcome": outcome}
    return REGISTRY.get_sample_value("winnow_recall_audits_total", labels) or 0.0


def recalls(channel: str) -> tuple[float, float]:
    """Returns how many recalls were measured for a channel, and their sum."""
    count, total = (
        REGISTRY.get_sample_value(f"winnow_recall_audited_recall_{part}", {"channel": channel}) or 0.0
        for part in ("count", "sum")
    )
    return count, total


class AtOnce(ThreadPoolExecutor):
    """Runs what is submitted before it returns, so that every audit has ended when the next is offered."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Waits."""
        future = super().submit(function, *args, **kwargs)
        future.result(timeout=10)
        return future


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """The audit's thread."""
    with AtOnce(1) as executor:
        yield executor


def test_the_share_of_exact_searchs_list_is_measured(pool: ThreadPoolExecutor) -> None:
    """By hand: three of four were found; what else was found does not matter."""
    RecallAudit(1.0, pool).offer("shares", [found(1, 2, 3, 99)], lambda _query: found(4, 3, 2, 1, exact=True))
    assert recalls("shares") == (1, 0.75)
    assert audits("shares", "measured") == 1


@pytest.mark.parametrize("batch", [1, 3, 7, 50])
@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (0.01, 3), (0.3, 105), (1.0, 350)])
def test_the_sample_is_every_so_many_th_query_in_batches_of_any_size(
    pool: ThreadPoolExecutor, batch: int, rate: float, expected: int
) -> None:
    """Of 350 queries; which they are does not depend on how they came."""
    channel = f"sampled {batch} {rate}"
    audit = RecallAudit(rate, pool)
    sampled: list[int] = []
    for start in range(0, 350, batch):
        size = min(batch, 350 - start)

        def exact(query: int, start: int = start) -> Found:
            sampled.append(start + query)
            return found(1, exact=True)

        audit.offer(channel, [found(1)] * size, exact)
    assert len(sampled) == expected
    assert audits(channel, "measured") == expected
    if rate:
        assert sampled == [int(np.ceil(count / rate)) - 1 for count in range(1, expected + 1)]


def test_an_answer_of_exact_search_is_counted_and_not_searched_again(pool: ThreadPoolExecutor) -> None:
    """Its recall is 1 by construction, and would hide what Annoy loses."""
    RecallAudit(1.0, pool).offer("scanned", [found(1, exact=True)], lambda query: pytest.fail(f"searched {query}"))
    assert (audits("scanned", "exact"), recalls("scanned")) == (1, (0, 0))


def test_one_at_a_time_is_measured_and_others_are_dropped_without_waiting() -> None:
    """An audit that takes long delays nobody."""
    release, begun = threading.Event(), threading.Event()

    def exact(_query: int) -> Found:
        begun.set()
        assert release.wait(10)
        return found(1, exact=True)

    with ThreadPoolExecutor(1) as pool:
        audit = RecallAudit(1.0, pool)
        audit.offer("busy", [found(1)], exact)
        assert begun.wait(10)
        audit.offer("busy", [found(1), found(1)], exact)
        assert audits("busy", "dropped") == 2
        release.set()
    assert audits("busy", "measured") == 1


def test_an_audit_that_fails_is_counted_and_the_next_one_is_made(pool: ThreadPoolExecutor) -> None:
    """Answers have nothing to do with it."""

    def exact(query: int) -> Found:
        if query == 0:
            raise RuntimeError("broken")
        return found(1, exact=True)

    RecallAudit(1.0, pool).offer("failing", [found(1), found(1)], exact)
    assert (audits("failing", "failed"), audits("failing", "measured")) == (1, 1)


def test_a_process_that_ends_audits_no_more() -> None:
    """And does not fail for it."""
    with ThreadPoolExecutor(1) as pool:
        audit = RecallAudit(1.0, pool)
    audit.offer("ended", [found(1)], lambda query: pytest.fail(f"searched {query}"))


def test_the_audits_thread_yields_to_all_others() -> None:
    """Its niceness is its own, not the process's."""
    with ThreadPoolExecutor(1, initializer=run_at_lowest_priority) as pool:
        stat = pool.submit(lambda: open("/proc/thread-self/stat").read()).result(timeout=10)  # noqa: PTH123, SIM115
    assert int(stat.rpartition(")")[2].split()[16]) == LOWEST_PRIORITY
    assert os.getpriority(os.PRIO_PROCESS, 0) < LOWEST_PRIORITY


def test_a_channel_is_compared_with_exact_search_over_the_same_exclusions(pool: ThreadPoolExecutor) -> None:
    """The recall that is exported is that of the channel's answers among what may be found."""
    vectors, queries = clustered_vectors(4000), clustered_vectors(30, seed=1)
    excluded = [best_rows(vectors @ query, [], 15) for query in queries]
    index = index_over(vectors, ANNOY_IS_FREE, trees=2)
    channel = AnnoyChannel("audited", 1.0, lambda **_arrays: queries, index, RecallAudit(1.0, pool))  # type: ignore[arg-type]
    answers = channel.search(queries, excluding(*excluded), 10)
    shares = [
        len(set(best_rows(vectors @ query, banned, 10)) & set(answer.rows.tolist())) / 10
        for query, banned, answer in zip(queries, excluded, answers, strict=True)
    ]
    assert 0.1 < np.mean(shares) < 1.0
    count, total = recalls("audited")
    assert count == 30
    assert total == pytest.approx(sum(shares))
