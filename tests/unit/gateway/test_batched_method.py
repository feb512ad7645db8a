"""Questions of several requests in one call to a neighbour."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from services.gateway.backend import Backend
from services.gateway.batched_method import BatchedMethod
from services.gateway.circuit import Circuit
from services.gateway.degradation import NeighbourFailed, Reason
from shared import logs
from shared.batching import BatchLimits
from shared.errors import InvalidArgument

PATIENT = 60.0


def failure(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    """A call that ended with a bare status."""
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "told to fail")


@dataclass
class Method:
    """A neighbour's method: doubles what it is asked, or does as it is told.

    Attributes:
        behave: Called with the questions of a call; may raise.
        held: While it is not set, calls hang.
        calls: The questions of each call.
        request_ids: The request ids that came with each call.
        timeouts: Of each call, in seconds.
    """

    behave: Callable[[list[int]], list[int]] = lambda questions: [2 * question for question in questions]
    held: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[list[int]] = field(default_factory=list)
    request_ids: list[list[str]] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)

    async def __call__(self, request: list[int], timeout: float, metadata: Any) -> list[int]:  # noqa: ASYNC109 - gRPC's
        """Answers a call."""
        self.calls.append(request)
        self.timeouts.append(timeout)
        self.request_ids.append([value for key, value in metadata if key == logs.REQUEST_ID_KEY])
        await self.held.wait()
        return self.behave(request)


def batched(method: Any, waiting: int = 100, circuit: Circuit | None = None) -> BatchedMethod[int, int, Any, Any]:
    """Returns the method, asked with one batch in flight."""

    def read(response: Any, questions: Sequence[int]) -> Sequence[int]:
        if len(response) != len(questions):
            raise InvalidArgument("answers", f"are {len(response)}")
        return list(response)

    return BatchedMethod(
        Backend("recall", circuit or Circuit(1000)),
        method,
        name="Double",
        write=list,
        read=read,
        key=lambda _question: None,
        weight=lambda _question: 1,
        limits=BatchLimits(entries=8, weight=100, waiting=waiting, in_flight=1),
    )


async def ask_all(method: BatchedMethod[int, int, Any, Any], *questions: int, budget: float = PATIENT) -> Any:
    """Asks one after the other, on a task for each question, under a request id of its own."""

    async def one(question: int) -> int:
        logs.request_id.set(f"request-{question}")
        return await method.ask(question, budget)

    tasks = []
    for question in questions:
        tasks.append(asyncio.create_task(one(question)))
        for _ in range(12):
            await asyncio.sleep(0)
    return tasks


async def test_questions_that_come_during_a_call_travel_together_with_their_request_ids() -> None:
    """The neighbour's logs can name every request of a batch."""
    method = Method()
    tasks = await ask_all(batched(method), 1, 2, 3)
    method.held.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    assert method.calls == [[1], [2, 3]]
    assert method.request_ids == [["request-1"], ["request-2", "request-3"]]


async def test_whoever_runs_out_of_time_goes_and_the_others_are_answered() -> None:
    """A hurried request neither waits for patient ones nor takes their answer away."""
    method = Method()
    asked = batched(method)
    patient = await ask_all(asked, 1, 2)
    (hurried,) = await ask_all(asked, 3, budget=0.01)
    with pytest.raises(NeighbourFailed) as failed:
        await hurried
    assert failed.value.reason is Reason.DEADLINE
    method.held.set()
    assert await asyncio.gather(*patient) == [2, 4]
    assert method.calls == [[1], [2]]


async def test_a_call_may_take_as_long_as_the_most_patient_of_its_questions() -> None:
    """Its own question's budget, when it goes alone; what was spent waiting is gone."""
    method = Method()
    asked = batched(method)
    await ask_all(asked, 1, budget=5.0)
    await ask_all(asked, 2, budget=20.0)
    await ask_all(asked, 3, budget=10.0)
    method.held.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert 4.0 < method.timeouts[0] <= 5.0
    assert 19.0 < method.timeouts[1] <= 20.0


async def test_a_question_that_breaks_the_neighbour_fails_no_other() -> None:
    """An error that may be one question's fault is looked for one by one."""

    def choke(questions: list[int]) -> list[int]:
        if 3 in questions:
            raise failure(grpc.StatusCode.INTERNAL)
        return [2 * question for question in questions]

    method = Method(behave=choke)
    tasks = await ask_all(batched(method), 1, 2, 3, 4)
    method.held.set()
    first, second, third, fourth = await asyncio.gather(*tasks, return_exceptions=True)
    assert [first, second, fourth] == [2, 4, 8]
    assert isinstance(third, NeighbourFailed)
    assert third.reason is Reason.ERROR


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, Reason.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, Reason.DEADLINE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED),
    ],
)
async def test_a_neighbour_in_trouble_is_not_asked_again(code: grpc.StatusCode, reason: Reason) -> None:
    """What is no question's fault is told to all of the batch, and costs one call."""

    def trouble(_questions: list[int]) -> list[int]:
        raise failure(code)

    method = Method(behave=trouble)
    tasks = await ask_all(batched(method), 1, 2, 3)
    method.held.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, NeighbourFailed)] == [reason] * 3
    assert method.calls == [[1], [2, 3]]


async def test_an_answer_that_does_not_fit_the_batch_is_an_error() -> None:
    """Alone too: then it is an error of the neighbour."""
    method = Method(behave=lambda _questions: [])
    method.held.set()
    with pytest.raises(NeighbourFailed) as failed:
        await batched(method).ask(1, PATIENT)
    assert failed.value.reason is Reason.ERROR


async def test_when_too_many_wait_the_rest_does_without() -> None:
    """At once, as for a neighbour that is overloaded."""
    method = Method()
    tasks = await ask_all(batched(method, waiting=1), 1, 2, 3)
    with pytest.raises(NeighbourFailed) as failed:
        await tasks[2]
    assert failed.value.reason is Reason.OVERLOADED


async def test_a_neighbour_that_is_taken_to_be_down_is_not_waited_for() -> None:
    """Not even for a place in a batch."""
    circuit = Circuit(1)
    method = Method()
    asked = batched(method, circuit=circuit)
    await ask_all(asked, 1)
    circuit.failed()
    with pytest.raises(NeighbourFailed) as failed:
        await asked.ask(2, PATIENT)
    assert failed.value.reason is Reason.UNAVAILABLE
    assert method.calls == [[1]]
