"""Which methods of a server can be called over a stream."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import grpc


class UnaryHandler(Protocol):
    """What gRPC makes of a unary method of a servicer."""

    unary_unary: Callable[[Any, Any], Awaitable[Any]]
    request_deserializer: Callable[[bytes], Any]
    response_serializer: Callable[[Any], bytes]


class OfferedMethods:
    """Stands for a server under a generated `add_…Servicer_to_server`: passes everything on, and keeps the unary methods.

    Args:
        server: Gets the servicer.

    Attributes:
        unary: The handlers of unary methods by their full name, such as "/winnow.ranking.v1.RankingService/Score".
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self.unary: dict[str, UnaryHandler] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """See `grpc.aio.Server`."""
        self._server.add_generic_rpc_handlers(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """See `grpc.aio.Server`."""
        self._server.add_registered_method_handlers(service_name, method_handlers)
        for name, handler in method_handlers.items():
            if handler.unary_unary is not None:
                self.unary[f"/{service_name}/{name}"] = handler
