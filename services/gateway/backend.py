"""Calls to one neighbour: request id and deadline go along, and every failure comes back as a reason."""

from collections.abc import Sequence
from typing import TypeVar

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2

from services.gateway.circuit import Circuit
from services.gateway.degradation import NeighbourFailed, Reason
from shared import logs, tracing
from shared.errors import InvalidArgument, SnapshotNotHeld, StorageFull
from shared.status import error_info

Request = TypeVar("Request")
Response = TypeVar("Response")

REASON_OF_CODE = {
    grpc.StatusCode.UNAVAILABLE: Reason.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Reason.DEADLINE,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Reason.OVERLOADED,
}

#: A call that had less time than this, in seconds, says nothing about the neighbour when it ran out.
FAIR_BUDGET = 0.05

log = structlog.get_logger()


class Backend:
    """One neighbour.

    Args:
        name: What it is called in logs.
        circuit: Spares requests from a neighbour that is down.
    """

    def __init__(self, name: str, circuit: Circuit) -> None:
        self.name = name
        self._circuit = circuit

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        budget: float,
        request_ids: Sequence[str],
        places: Sequence[tracing.Place | None] | None = None,
    ) -> Response:
        """Calls a method within `budget` seconds, without waiting for a connection that is refused.

        Args:
            method: Of the neighbour's stub.
            request: What is asked.
            budget: Seconds.
            request_ids: The requests on whose behalf, for the neighbour's logs.
            places: Where each of them stands in its trace; the request in progress alone when None.

        Raises:
            NeighbourFailed: there is no answer, for whatever reason.
        """
        self.check_up()
        ids = ((logs.REQUEST_ID_KEY, request_id) for request_id in request_ids)
        with tracing.calling(self.name, [tracing.here()] if places is None else places) as traced:
            response = await self._send(method, request, budget, grpc.aio.Metadata(*ids, *traced))
        self._circuit.succeeded()
        return response

    def check_up(self) -> None:
        """Checks that the neighbour is not taken to be down.

        Raises:
            NeighbourFailed: it is.
        """
        if self._circuit.is_open:
            raise NeighbourFailed(Reason.UNAVAILABLE, f"{self.name} was down a moment ago")

    async def ask_state(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, budget: float
    ) -> Response:
        """Calls a method on no request's behalf, even while the neighbour is taken to be down: a sign of life.

        Raises:
            NeighbourFailed: there is no answer, for whatever reason.
        """
        response = await self._send(method, request, budget, grpc.aio.Metadata())
        self._circuit.stirred()
        return response

    def unusable(self, problem: InvalidArgument) -> NeighbourFailed:
        """Returns the neighbour's failure when its answer cannot be used, and logs what is wrong with it."""
        log.warning("a neighbour's answer cannot be used", neighbour=self.name, problem=problem.message)
        return NeighbourFailed(Reason.ERROR, problem.message)

    async def _send(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        budget: float,
        metadata: grpc.aio.Metadata,
    ) -> Response:
        try:
            return await method(request, timeout=budget, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            failure = self._failure(error)
            if failure.reason is Reason.UNAVAILABLE or (failure.reason is Reason.DEADLINE and budget >= FAIR_BUDGET):
                self._circuit.failed()
            elif failure.reason is not Reason.DEADLINE:
                self._circuit.succeeded()  # a refusal is an answer
            raise failure from error

    def _failure(self, error: grpc.aio.AioRpcError) -> NeighbourFailed:
        detail = _error_info(error)
        kind = detail.reason if detail is not None else ""
        reason = REASON_OF_CODE.get(error.code(), Reason.ERROR)
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION and kind == SnapshotNotHeld.reason:
            reason = Reason.SNAPSHOT
        if reason is Reason.ERROR:
            log.warning("a neighbour failed", neighbour=self.name, code=error.code().name, problem=error.details())
        return NeighbourFailed(reason, f"{self.name} answered {error.code().name}", kind == StorageFull.reason, kind)


def _error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo | None:
    try:
        return error_info(error)
    except (ValueError, DecodeError):  # details that contradict the status, or are none
        return None
