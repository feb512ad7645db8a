"""Batching by what is in flight."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batching import BatchLimits, InFlightBatcher
from shared.errors import Overloaded

LIMITS = BatchLimits(entries=4, weight=100, waiting=50, in_flight=1)
HURRIED = replace(LIMITS, company=0.5)
Batcher = InFlightBatcher[int, Any]


class Line:
    """A line to the other side, on which the test says when each batch arrives.

    Attributes:
        sent: Every batch, in the order of sending.
        under_way: Those that have not come back.
    """

    def __init__(self) -> None:
        self.sent: list[list[int]] = []
        self.under_way: list[tuple[list[int], asyncio.Future[list[Any]]]] = []

    async def __call__(self, batch: Sequence[int]) -> Sequence[Any]:
        """Takes a batch, and waits."""
        back: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.sent.append(list(batch))
        self.under_way.append((list(batch), back))
        try:
            return await back
        finally:
            if back.cancelled():  # the caller of an entry that went alone has gone, and took it off the line
                self.under_way.remove((list(batch), back))

    async def answer(self, place: int = 0) -> None:
        """Lets a batch come back with ten times each entry."""
        batch, back = self.under_way.pop(place)
        back.set_result([entry * 10 for entry in batch])
        await settle()

    async def fail(self, error: Exception) -> None:
        """Lets the oldest batch fail."""
        self.under_way.pop(0)[1].set_exception(error)
        await settle()


async def settle() -> None:
    """Lets everything happen that can happen without the line."""
    for _ in range(12):
        await asyncio.sleep(0)


async def ask(batcher: Batcher, *entries: int) -> list[asyncio.Task[Any]]:
    """Asks for each entry on a task of its own."""

    async def one(entry: int) -> Any:
        return await batcher(entry)

    tasks = [asyncio.create_task(one(entry)) for entry in entries]
    await settle()
    return tasks


async def ask_one_by_one(batcher: Batcher, *entries: int) -> list[asyncio.Task[Any]]:
    """Asks for each entry after the one before it has had its chance to go."""
    return [task for entry in entries for task in await ask(batcher, entry)]


async def ask_twice(batcher: Batcher, *entries: int) -> list[asyncio.Task[Any]]:
    """Asks for each entry and, as soon as it is answered, for one that is ten more."""

    async def one(entry: int) -> Any:
        await batcher(entry)
        return await batcher(entry + 10)

    tasks = [asyncio.create_task(one(entry)) for entry in entries]
    await settle()
    return tasks


async def test_an_entry_goes_at_once_and_alone_when_nothing_is_in_flight() -> None:
    """Nothing is waited for: neither a timer nor company."""
    line = Line()
    (task,) = await ask(InFlightBatcher(line, LIMITS), 1)
    assert line.sent == [[1]]
    await line.answer()
    assert await task == 10


async def test_what_is_asked_in_the_same_turn_goes_together() -> None:
    """Such as by those whom an earlier batch answered: nothing is in flight, and still the first does not go alone."""
    line = Line()
    tasks = await ask(InFlightBatcher(line, LIMITS), 1, 2, 3)
    assert line.sent == [[1, 2, 3]]
    await line.answer()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_what_is_asked_in_the_same_turn_goes_though_the_first_is_called_off() -> None:
    """The first one's caller, who would have sent them, has gone before the turn is over."""
    line = Line()
    batcher = InFlightBatcher(line, LIMITS)
    first, second = (asyncio.ensure_future(batcher(entry)) for entry in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    await settle()
    assert line.sent == [[2]]
    await line.answer()
    assert await second == 20


async def test_without_batching_everything_goes_at_once() -> None:
    """As many calls as there are entries."""
    line = Line()
    await ask(InFlightBatcher(line, BatchLimits(1, 100, 50, in_flight=3)), 1, 2, 3, 4)
    assert line.sent == [[1], [2], [3]]


async def test_what_arrives_during_a_call_goes_together_in_the_next() -> None:
    """In the order of arrival, each with its own outcome."""
    line = Line()
    batcher = InFlightBatcher(line, LIMITS)
    tasks = await ask_one_by_one(batcher, 1, 2, 3)
    assert line.sent == [[1]]
    await line.answer()
    assert line.sent == [[1], [2, 3]]
    await line.answer()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_the_next_goes_before_those_who_go_on_if_enough_are_waiting() -> None:
    """The other side computes while this one goes on, whose next entries find company of their own."""
    line = Line()
    batcher = Batcher(line, HURRIED)
    several = await ask_twice(batcher, 1, 2, 3, 4)
    waiting = await ask(batcher, 5, 6)
    await line.answer()
    assert line.sent == [[1, 2, 3, 4], [5, 6]]
    await line.answer()
    assert line.sent[2:] == [[11, 12, 13, 14]]
    await line.answer()
    assert await asyncio.gather(*waiting, *several) == [50, 60, 110, 120, 130, 140]


@pytest.mark.parametrize("limits", [LIMITS, HURRIED])
async def test_fewer_go_with_those_who_go_on(limits: BatchLimits) -> None:
    """Otherwise one straggler would travel in a batch of its own, and everybody else wait for it."""
    line = Line()
    batcher = Batcher(line, limits)
    several = await ask_twice(batcher, 1, 2, 3)
    waiting = await ask(batcher, 4)
    await line.answer()
    assert line.sent == [[1, 2, 3], [4, 11, 12, 13]]
    await line.answer()
    assert await asyncio.gather(*waiting, *several) == [40, 110, 120, 130]


async def test_as_many_batches_are_under_way_as_are_allowed() -> None:
    """The third waits for one of two."""
    line = Line()
    tasks = await ask_one_by_one(InFlightBatcher(line, BatchLimits(4, 100, 50, in_flight=2)), 1, 2, 3)
    assert line.sent == [[1], [2]]
    await line.answer(place=1)
    assert line.sent == [[1], [2], [3]]
    await line.answer()
    await line.answer()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_a_batch_has_at_most_so_many_entries_and_so_much_weight() -> None:
    """Entries are limited to four; by weight 60 and 50 do not go together, 30 goes with 60, and 500 goes alone."""
    line = Line()
    await ask_one_by_one(InFlightBatcher(line, LIMITS), 0, 1, 2, 3, 4, 5)
    await line.answer()
    assert line.sent[1] == [1, 2, 3, 4]

    weighed = Line()
    await ask_one_by_one(InFlightBatcher(weighed, LIMITS, weight=lambda entry: entry), 1, 60, 50, 30, 500)
    for _ in range(3):
        await weighed.answer()
    assert weighed.sent == [[1], [60, 30], [50], [500]]


async def test_only_entries_with_the_same_key_go_together() -> None:
    """Odd and even ones travel apart, and none is forgotten."""
    line = Line()
    await ask(InFlightBatcher(line, LIMITS, key=lambda entry: entry % 2), 0, 1, 2, 3, 4)
    await line.answer()
    assert line.sent == [[0, 2, 4], [1, 3]]


async def test_an_entry_whose_caller_has_gone_is_not_sent() -> None:
    """Work that nobody waits for is not done."""
    line = Line()
    _, gone, _ = await ask_one_by_one(InFlightBatcher(line, LIMITS), 1, 2, 3)
    gone.cancel()
    await line.answer()
    assert line.sent == [[1], [3]]


async def test_an_entry_that_went_alone_is_called_off_with_its_caller() -> None:
    """The line is free for the next at once, instead of carrying what nobody wants."""
    line = Line()
    batcher = InFlightBatcher(line, LIMITS)
    (first,) = await ask(batcher, 1)
    (second,) = await ask(batcher, 2)
    first.cancel()
    await settle()
    assert line.sent == [[1], [2]]
    await line.answer()
    assert await second == 20


async def test_an_entry_that_waited_long_enough_is_given_up_and_not_sent() -> None:
    """Its caller hears of it in time, and the other side is spared; what went with an earlier batch goes on."""
    line = Line()
    batcher = InFlightBatcher(line, LIMITS)
    (first,) = await ask(batcher, 1)
    with pytest.raises(TimeoutError):
        await batcher(2, until=asyncio.get_running_loop().time())
    await line.answer()
    assert await first == 10
    assert line.sent == [[1]]


async def test_an_entry_is_refused_when_too_many_wait() -> None:
    """Memory does not grow with the load."""
    line = Line()
    tasks = await ask_one_by_one(InFlightBatcher(line, BatchLimits(4, 100, waiting=2, in_flight=1)), 1, 2, 3, 4)
    with pytest.raises(Overloaded):
        await tasks[3]
    await line.answer()
    assert line.sent == [[1], [2, 3]]


async def test_one_entry_to_blame_fails_alone() -> None:
    """The batch fails; then each of it goes by itself, and only the poisonous one fails."""

    async def send(batch: Sequence[int]) -> Sequence[int]:
        sent.append(list(batch))
        if len(sent) == 1:
            await first.wait()
        if 3 in batch:
            raise ValueError("three")
        return [entry * 10 for entry in batch]

    sent: list[list[int]] = []
    first = asyncio.Event()
    tasks = await ask_one_by_one(
        InFlightBatcher(send, LIMITS, entry_to_blame=lambda error: isinstance(error, ValueError)), 1, 2, 3, 4
    )
    first.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcomes[0], outcomes[1], outcomes[3]] == [10, 20, 40]
    assert isinstance(outcomes[2], ValueError)
    assert sent == [[1], [2, 3, 4], [2], [3], [4]]


async def test_a_failure_that_is_nobodys_fault_is_everybodys_in_the_batch() -> None:
    """It is not tried again, and the next batch goes as if nothing had been."""
    line = Line()
    batcher = InFlightBatcher(line, LIMITS)
    tasks = await ask_one_by_one(batcher, 1, 2, 3)
    await line.answer()
    await line.fail(ConnectionError("down"))
    assert await tasks[0] == 10
    assert [type(error) for error in await asyncio.gather(*tasks[1:], return_exceptions=True)] == [ConnectionError] * 2
    (later,) = await ask(batcher, 7)
    await line.answer()
    assert await later == 70


async def test_an_error_in_the_place_of_an_outcome_is_that_entrys_alone() -> None:
    """The other side can refuse one and answer the rest."""

    async def send(batch: Sequence[int]) -> Sequence[int | Exception]:
        return [KeyError(entry) if entry == 1 else entry for entry in batch]

    with pytest.raises(KeyError):
        await InFlightBatcher(send, LIMITS)(1)
    assert await InFlightBatcher(send, LIMITS)(2) == 2


async def test_a_wrong_number_of_outcomes_fails_the_batch() -> None:
    """An answer is never given to the wrong caller."""

    async def send(_batch: Sequence[int]) -> Sequence[int]:
        return [1, 2]

    with pytest.raises(RuntimeError, match="2 outcomes came for 1 entries"):
        await InFlightBatcher(send, LIMITS)(1)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 6)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("answer"), st.integers(0, 3)),
    ),
    max_size=40,
)


@given(steps, st.integers(1, 4), st.integers(1, 3), st.sampled_from([math.inf, 1.0, 0.5]))
def test_whatever_happens_each_caller_gets_its_own_answer_once(
    schedule: list[tuple[str, int]], entries: int, in_flight: int, company: float
) -> None:
    """Nothing is lost, sent twice, answered to another, or held back while there is room on the line."""
    asyncio.run(_play(schedule, BatchLimits(entries, 1000, 1000, in_flight, company)))


async def _play(schedule: list[tuple[str, int]], limits: BatchLimits) -> None:
    line = Line()
    batcher = Batcher(line, limits)
    tasks: list[asyncio.Task[Any]] = []
    for step, number in schedule:
        if step == "ask":
            tasks += await ask(batcher, *range(len(tasks), len(tasks) + number))
        elif step == "cancel" and number < len(tasks):
            tasks[number].cancel()
            await settle()
        elif step == "answer" and number < len(line.under_way):
            await line.answer(number)
        sent = [entry for batch in line.sent for entry in batch]
        waiting = [entry for entry, task in enumerate(tasks) if entry not in sent and not task.done()]
        assert len(line.under_way) <= limits.in_flight
        assert not waiting or len(line.under_way) == limits.in_flight
    while line.under_way:
        await line.answer()
    assert all(task.done() for task in tasks)  # one that was lost fails here, instead of being waited for for ever
    sent = [entry for batch in line.sent for entry in batch]
    assert len(sent) == len(set(sent))
    assert all(len(batch) <= limits.entries for batch in line.sent)
    for entry, task in enumerate(tasks):
        with suppress(asyncio.CancelledError):
            assert await task == entry * 10
        assert entry in sent or task.cancelled()
