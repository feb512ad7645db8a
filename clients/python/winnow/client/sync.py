"""The client that blocks."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import grpc

from winnow.client import explanations, requests, results
from winnow.client.connection import CHANNEL_OPTIONS, DEFAULT_TIMEOUT_SECONDS, resolve_target
from winnow.client.errors import error_of
from winnow.client.items import (
    Item,
    UpsertResult,
    WithdrawResult,
    read_upsert,
    read_withdraw,
    upsert_request,
    withdraw_request,
)
from winnow.client.streaming import SentStream
from winnow.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


class WinnowClient:
    """Calls a gateway. Safe to share between threads; make one and keep it, for it holds the connections.

    Args:
        target: Host and port, or a gRPC target; $WINNOW_TARGET or localhost:50051 by default.
        timeout: Seconds until a call raises `DeadlineExceeded`, retries included, unless the call says otherwise.
        credentials: For TLS; without them the connection is in plain text.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self.target = resolve_target(target)
        self._timeout = timeout
        self._channel = (
            grpc.insecure_channel(self.target, CHANNEL_OPTIONS)
            if credentials is None
            else grpc.secure_channel(self.target, credentials, CHANNEL_OPTIONS)
        )
        self._gateway = GatewayServiceStub(self._channel)

    def recommend(self, user_id: str = "", **options: Unpack[requests.RecommendOptions]) -> results.RecommendResult:
        """Recommends items to a user, best first; an empty id is nobody in particular.

        Raises:
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = requests.recommend_request(user_id, **options)
        return results.read_recommend(self._call(self._gateway.Recommend, request, options.get("timeout")))

    def recommend_similar(self, item_id: str, **options: Unpack[requests.SimilarOptions]) -> results.RecommendResult:
        """Finds the items most like one item.

        Raises:
            NotFound: the catalogue does not have the item.
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = requests.similar_request(item_id, **options)
        return results.read_similar(self._call(self._gateway.RecommendSimilar, request, options.get("timeout")))

    def explain(self, user_id: str = "", **options: Unpack[requests.ExplainOptions]) -> explanations.ExplainResult:
        """Says how the answer to `recommend` with the same options comes about. Nothing is logged of it.

        Raises:
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = requests.explain_request(user_id, **options)
        return explanations.read_explain(self._call(self._gateway.Explain, request, options.get("timeout")))

    def record(
        self, events: Iterable[requests.Event], **options: Unpack[requests.RecordOptions]
    ) -> results.RecordResult:
        """Records 1 to 1,000 events, all or none; when it returns, they are on disk.

        Raises:
            ValueError: an event's time has no time zone, or its type is none.
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = requests.record_request(events, **options)
        return results.read_record(self._call(self._gateway.RecordEvents, request, options.get("timeout")))

    def ingest(
        self, events: Iterable[requests.Event], **options: Unpack[requests.IngestOptions]
    ) -> results.IngestResult:
        """Records as many events as come, in one stream; when it returns, they are on disk.

        The events are taken as the gateway records them: a source that is quicker waits, and none is held in memory.
        When the call fails, the error's `recorded_messages` says how many thousands are on disk; it is safe to send
        them all again.

        Raises:
            ValueError: an event's time has no time zone, or its type is none.
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        stream = SentStream(requests.ingest_requests(events))
        try:
            return results.read_ingest(self._gateway.IngestEvents(iter(stream), timeout=options.get("timeout")))
        except grpc.RpcError as failed:
            if stream.failure is not None:
                raise stream.failure from None
            raise error_of(failed) from failed

    def upsert_items(self, items: Iterable[Item], **options: Unpack[requests.RecordOptions]) -> UpsertResult:
        """Adds 1 to 1,000 items to the catalogue or replaces them, all or none; when it returns, they are on disk.

        They are recommended within seconds, without training.

        Raises:
            Overloaded: also where too many items are in no snapshot yet; its reason is then "TOO_MANY_LIVE_ITEMS".
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = upsert_request(items, **options)
        return read_upsert(self._call(self._gateway.UpsertItems, request, options.get("timeout")))

    def withdraw_items(self, item_ids: Iterable[str], **options: Unpack[requests.RecordOptions]) -> WithdrawResult:
        """Takes 1 to 1,000 items out of every answer, all or none; when it returns, that is on disk.

        Raises:
            WinnowError: the call failed; see `winnow.client.errors`.
        """
        request = withdraw_request(item_ids, **options)
        return read_withdraw(self._call(self._gateway.WithdrawItems, request, options.get("timeout")))

    def forget_user(self, user_id: str, **options: Unpack[requests.RecordOptions]) -> results.ForgetResult:
        """Erases everything that is remembered of a user, and returns a receipt. It may take minutes: give it time.

        Raises:
            WinnowError: the call failed; see `winnow.client.errors`. It is safe to repeat.
        """
        request = requests.forget_request(user_id, **options)
        return results.read_forget(self._call(self._gateway.ForgetUser, request, options.get("timeout")))

    def close(self) -> None:
        """Closes the connections; calls in flight fail."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self, method: grpc.UnaryUnaryMultiCallable[_Request, _Response], request: _Request, seconds: float | None
    ) -> _Response:
        try:
            return method(request, timeout=self._timeout if seconds is None else seconds)
        except grpc.RpcError as failed:
            raise error_of(failed) from failed
