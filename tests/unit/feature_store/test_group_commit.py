"""Group commit: what queued meanwhile shares a transaction, and nobody pays for another's failure."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from services.feature_store.group_commit import GroupCommit
from shared.errors import Overloaded, Unavailable

DEADLINE_SECONDS = 10


class FakeDatabase:
    """Transactions over a list: all of a block's additions become durable, or none.

    Attributes:
        commits: What each transaction added.
        refuse: Raised by the commit of a transaction that holds any of these.
    """

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.refuse: set[str] = set()

    @contextmanager
    def begin(self) -> Iterator[list[str]]:
        """Opens a transaction."""
        added: list[str] = []
        yield added
        if self.refuse & set(added):
            raise OSError("no space")
        self.commits.append(added)

    @property
    def durable(self) -> list[str]:
        """Everything that was committed, in order."""
        return [value for commit in self.commits for value in commit]


class Gate:
    """Holds the writer until it is opened."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._opened = threading.Event()

    def hold(self, _added: list[str]) -> None:
        """Is the work that the writer is held in."""
        self._entered.set()
        assert self._opened.wait(DEADLINE_SECONDS)

    def wait_until_entered(self) -> None:
        """Returns once the writer is held."""
        assert self._entered.wait(DEADLINE_SECONDS)

    def open(self) -> None:
        """Lets the writer go on."""
        self._opened.set()


def adding(value: str) -> Callable[[list[str]], str]:
    """Returns work that adds a value and returns it."""

    def work(added: list[str]) -> str:
        added.append(value)
        return value

    return work


def failing(added: list[str]) -> None:
    """Work that fails after having added something."""
    added.append("half")
    raise ValueError("mine alone")


def queue_behind(commit: GroupCommit[list[str]], works: list[Callable[[list[str]], object]]) -> list[Future[object]]:
    """Holds the writer, queues work behind it, and lets it go on."""
    gate = Gate()
    commit.submit(gate.hold, weight=1)
    gate.wait_until_entered()
    futures = [commit.submit(work, weight=1) for work in works]
    gate.open()
    return futures


@pytest.fixture
def database() -> FakeDatabase:
    """An empty database."""
    return FakeDatabase()


@pytest.fixture
def commit(database: FakeDatabase) -> Iterator[GroupCommit[list[str]]]:
    """A running writer with room for ten."""
    with GroupCommit(database.begin, capacity=10) as running:
        yield running


def test_a_request_alone_is_written_at_once(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """There is no timer to wait for company."""
    assert commit.submit(adding("a"), weight=1).result(DEADLINE_SECONDS) == "a"
    assert database.commits == [["a"]]


def test_what_queued_meanwhile_shares_one_transaction(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """In the order of arrival, and each gets its own result."""
    futures = queue_behind(commit, [adding("a"), adding("b"), adding("c")])
    assert [future.result(DEADLINE_SECONDS) for future in futures] == ["a", "b", "c"]
    assert database.commits == [[], ["a", "b", "c"]]


def test_one_that_fails_does_not_fail_the_others(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """It gets its own error, and what it had half done is undone."""
    before, broken, after = queue_behind(commit, [adding("a"), failing, adding("b")])
    assert before.result(DEADLINE_SECONDS) == "a"
    assert after.result(DEADLINE_SECONDS) == "b"
    with pytest.raises(ValueError, match="mine alone"):
        broken.result(DEADLINE_SECONDS)
    assert database.durable == ["a", "b"]


def test_a_commit_that_fails_is_tried_for_each_alone(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """Only the request that does not fit is refused."""
    database.refuse = {"too large"}
    small, large = queue_behind(commit, [adding("small"), adding("too large")])
    assert small.result(DEADLINE_SECONDS) == "small"
    with pytest.raises(OSError, match="no space"):
        large.result(DEADLINE_SECONDS)
    assert database.durable == ["small"]


def test_the_writer_goes_on_after_a_failure(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """A failure ends with its request."""
    with pytest.raises(ValueError, match="mine alone"):
        commit.submit(failing, weight=1).result(DEADLINE_SECONDS)
    commit.submit(adding("next"), weight=1).result(DEADLINE_SECONDS)
    assert database.durable == ["next"]


def test_a_request_cancelled_before_it_began_is_dropped(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """Nobody waits for it any more."""
    gate = Gate()
    commit.submit(gate.hold, weight=1)
    gate.wait_until_entered()
    dropped, kept = commit.submit(adding("dropped"), weight=1), commit.submit(adding("kept"), weight=1)
    assert dropped.cancel()
    gate.open()
    kept.result(DEADLINE_SECONDS)
    assert database.durable == ["kept"]


def test_a_request_cancelled_after_it_began_is_written(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """It cannot be taken back from a transaction that it shares."""
    gate = Gate()

    def work(added: list[str]) -> None:
        gate.hold(added)
        added.append("begun")

    future = commit.submit(work, weight=1)
    gate.wait_until_entered()
    assert not future.cancel()
    gate.open()
    future.result(DEADLINE_SECONDS)
    assert database.durable == ["begun"]


def test_what_is_durable_is_published_in_the_order_of_the_work(
    database: FakeDatabase, commit: GroupCommit[list[str]]
) -> None:
    """Before its caller hears of it, when all of its transaction is on disk, and never what failed."""
    published: list[tuple[str, list[str]]] = []

    def publish(result: str) -> None:
        published.append((result, database.durable))

    database.refuse = {"too large"}
    gate = Gate()
    commit.submit(gate.hold, weight=1)
    gate.wait_until_entered()
    futures = [commit.submit(adding(value), 1, publish) for value in ("a", "too large", "b")]
    gate.open()
    assert futures[0].result(DEADLINE_SECONDS) == "a"
    assert published[:1] == [("a", ["a"])]
    with pytest.raises(OSError, match="no space"):
        futures[1].result(DEADLINE_SECONDS)
    futures[2].result(DEADLINE_SECONDS)
    assert published == [("a", ["a"]), ("b", ["a", "b"])]


def test_what_was_begun_is_published_though_its_caller_left(commit: GroupCommit[list[str]]) -> None:
    """It is on disk: what follows the disk must follow it."""
    gate, published = Gate(), list[str]()

    def work(added: list[str]) -> str:
        gate.hold(added)
        return "begun"

    future = commit.submit(work, 1, published.append)
    gate.wait_until_entered()
    future.cancel()
    gate.open()
    commit.submit(adding("next"), weight=1).result(DEADLINE_SECONDS)
    assert published == ["begun"]


def test_a_failure_to_publish_is_its_callers_alone(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """The writer goes on, and what was written stays written."""

    def publish(_result: str) -> None:
        raise ValueError("mine alone")

    with pytest.raises(ValueError, match="mine alone"):
        commit.submit(adding("a"), 1, publish).result(DEADLINE_SECONDS)
    commit.submit(adding("b"), weight=1).result(DEADLINE_SECONDS)
    assert database.durable == ["a", "b"]


def test_more_than_may_wait_is_refused(database: FakeDatabase, commit: GroupCommit[list[str]]) -> None:
    """The refused request changes nothing, and there is room again when the waiting ones are written."""
    gate = Gate()
    commit.submit(gate.hold, weight=1)
    gate.wait_until_entered()
    first = commit.submit(adding("first"), weight=6)
    with pytest.raises(Overloaded, match="more than 10 events"):
        commit.submit(adding("refused"), weight=5)
    second = commit.submit(adding("second"), weight=4)
    gate.open()
    first.result(DEADLINE_SECONDS), second.result(DEADLINE_SECONDS)
    commit.submit(adding("third"), weight=10).result(DEADLINE_SECONDS)
    assert database.durable == ["first", "second", "third"]


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits(
    database: FakeDatabase, commit: GroupCommit[list[str]]
) -> None:
    """Else it could never be written."""
    commit.submit(adding("huge"), weight=1_000).result(DEADLINE_SECONDS)
    assert database.durable == ["huge"]


def test_closing_writes_what_waits_and_refuses_what_comes_later(database: FakeDatabase) -> None:
    """What was taken on is finished."""
    with GroupCommit(database.begin, capacity=10) as commit:
        futures = queue_behind(commit, [adding("a"), adding("b")])
    assert [future.result(0) for future in futures] == ["a", "b"]
    assert database.durable == ["a", "b"]
    with pytest.raises(Unavailable):
        commit.submit(adding("late"), weight=1)


def test_no_request_is_lost_however_many_come_at_once(database: FakeDatabase) -> None:
    """Every wake-up is heard: callers that hammer the writer from many threads are all answered, each once."""
    threads, each = 8, 250
    with GroupCommit(database.begin, capacity=threads) as commit:
        start = threading.Barrier(threads)

        def call(caller: int) -> None:
            start.wait(DEADLINE_SECONDS)
            for number in range(each):
                name = f"{caller}-{number}"
                assert commit.submit(adding(name), weight=1).result(DEADLINE_SECONDS) == name

        callers = [threading.Thread(target=call, args=(caller,)) for caller in range(threads)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert len(database.durable) == threads * each
    assert set(database.durable) == {f"{caller}-{number}" for caller in range(threads) for number in range(each)}


def test_work_alone_is_done_between_two_transactions() -> None:
    """After all that was queued before it, and before all that was queued after."""
    database, order = FakeDatabase(), list[object]()
    with GroupCommit(database.begin, 100) as commit:
        gate = Gate()
        held = commit.submit(gate.hold, 1)
        gate.wait_until_entered()
        before = commit.submit(adding("before"), 1)
        alone = commit.submit_alone(lambda: order.extend(database.durable))
        after = commit.submit(adding("after"), 1)
        gate.open()
        held.result(DEADLINE_SECONDS)
        alone.result(DEADLINE_SECONDS)
        assert (before.result(DEADLINE_SECONDS), after.result(DEADLINE_SECONDS)) == ("before", "after")
    assert order == ["before"]
    assert database.durable == ["before", "after"]


def test_work_alone_that_fails_is_its_callers_matter() -> None:
    """The writer lives on."""
    database = FakeDatabase()

    def fail() -> None:
        raise ValueError("mine alone")

    with GroupCommit(database.begin, 100) as commit:
        with pytest.raises(ValueError, match="mine alone"):
            commit.submit_alone(fail).result(DEADLINE_SECONDS)
        assert commit.submit(adding("value"), 1).result(DEADLINE_SECONDS) == "value"
    with pytest.raises(Unavailable):
        commit.submit_alone(fail)


def test_what_waits_behind_work_alone_counts_towards_the_capacity() -> None:
    """And no longer when it is taken."""
    database = FakeDatabase()
    with GroupCommit(database.begin, 10) as commit:
        gate = Gate()
        alone = commit.submit_alone(lambda: gate.hold([]))
        gate.wait_until_entered()
        waiting = commit.submit(adding("some"), 10)
        with pytest.raises(Overloaded):
            commit.submit(adding("more"), 1)
        gate.open()
        alone.result(DEADLINE_SECONDS)
        waiting.result(DEADLINE_SECONDS)
        assert commit.submit(adding("then"), 10).result(DEADLINE_SECONDS) == "then"
