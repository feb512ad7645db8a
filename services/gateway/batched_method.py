"""One method of a neighbour, asked in batches: the questions of several requests travel in one message."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc

from services.gateway import metrics
from services.gateway.backend import Backend
from services.gateway.degradation import NeighbourFailed, Reason
from shared import logs, tracing
from shared.batching import BatchLimits, InFlightBatcher
from shared.errors import InvalidArgument, Overloaded

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Request = TypeVar("Request")
Response = TypeVar("Response")


@dataclass(frozen=True)
class _Asked(Generic[Question]):
    """A question on behalf of a request.

    Attributes:
        question: What is asked.
        until: When nobody waits for the answer any more, in the loop's time.
        request_id: The request's id in logs.
        place: Where the request stands in its trace, if it has one.
    """

    question: Question
    until: float
    request_id: str
    place: tracing.Place | None


class BatchedMethod(Generic[Question, Answer, Request, Response]):
    """Asks a method. Waiting for a place in a batch counts towards the budget.

    Args:
        backend: Makes the calls.
        method: Of the neighbour's stub.
        name: What it is called in metrics.
        write: Makes one request of questions with an equal key.
        read: Takes the answers from the response, one for each question, in their order. Raises InvalidArgument where
            it cannot be used.
        key: Questions go together only where this is equal.
        weight: Counts towards the weight of a batch.
        limits: How much goes together, and how much may wait.
    """

    def __init__(
        self,
        backend: Backend,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        *,
        name: str,
        write: Callable[[Sequence[Question]], Request],
        read: Callable[[Response, Sequence[Question]], Sequence[Answer]],
        key: Callable[[Question], Hashable],
        weight: Callable[[Question], int],
        limits: BatchLimits,
    ) -> None:
        self._backend = backend
        self._method = method
        self._write = write
        self._read = read
        self._sizes = metrics.BATCH_QUESTIONS.labels(name)
        self._batcher: InFlightBatcher[_Asked[Question], Answer] = InFlightBatcher(
            self._send,
            limits,
            key=lambda asked: key(asked.question),
            weight=lambda asked: weight(asked.question),
            entry_to_blame=_may_be_the_question,
        )

    async def ask(self, question: Question, budget: float) -> Answer:
        """Returns the answer within `budget` seconds.

        Raises:
            NeighbourFailed: there is no answer, for whatever reason.
        """
        self._backend.check_up()
        # A question that goes alone is held to its time by the call's own deadline.
        until = asyncio.get_running_loop().time() + budget
        try:
            return await self._batcher(_Asked(question, until, logs.request_id.get(), tracing.here()), until)
        except TimeoutError as late:
            raise NeighbourFailed(Reason.DEADLINE, f"{self._backend.name} did not answer in time") from late
        except Overloaded as full:
            raise NeighbourFailed(Reason.OVERLOADED, f"too much waits for {self._backend.name}") from full

    async def _send(self, batch: Sequence[_Asked[Question]]) -> Sequence[Answer | Exception]:
        self._sizes.observe(len(batch))
        questions = [asked.question for asked in batch]
        budget = max(asked.until for asked in batch) - asyncio.get_running_loop().time()
        request_ids = [asked.request_id for asked in batch]
        places = [asked.place for asked in batch]
        response = await self._backend.call(self._method, self._write(questions), budget, request_ids, places)
        try:
            return self._read(response, questions)
        except InvalidArgument as unusable:
            raise self._backend.unusable(unusable) from unusable


def _may_be_the_question(error: Exception) -> bool:
    """A neighbour that is down, late, overloaded or on another snapshot is so for every question."""
    return not isinstance(error, NeighbourFailed) or error.reason is Reason.ERROR
