"""The client that blocks."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import grpc

from winnow.client import requests, results
from winnow.client.connection import CHANNEL_OPTIONS, DEFAULT_TIMEOUT_SECONDS, resolve_target
from winnow.client.errors import error_of
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
