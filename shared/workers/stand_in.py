"""Answers on the shared port while no worker does: alive, not ready."""

from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc

from shared.errors import Unavailable
from shared.health import Health
from shared.interceptors import abort
from shared.status import status_of
from winnow.exchange.v1 import exchange_service_pb2

EXCHANGE = exchange_service_pb2.DESCRIPTOR.services_by_name["ExchangeService"]


class StandIn:
    """A server that says what one worker alone would say while it loads its first snapshot.

    Without it nothing would listen until then, and an orchestrator would take a service that waits for a snapshot for
    one that is dead.

    Args:
        services: The full names of the services.
        address: Where to listen, with the port.
    """

    def __init__(self, services: Sequence[str], address: str) -> None:
        self._services = tuple(services)
        self._address = address
        self._serving: tuple[grpc.aio.Server, Health] | None = None

    async def listen(self) -> None:
        """Starts to answer, unless it does already.

        Raises:
            RuntimeError: the address cannot be listened on.
        """
        if self._serving is not None:
            return
        server = grpc.aio.server(options=[("grpc.so_reuseport", 1)])
        health = Health(self._services)
        health_pb2_grpc.add_HealthServicer_to_server(health, server)
        server.add_generic_rpc_handlers((_Refusal(self._services),))
        server.add_insecure_port(self._address)
        self._serving = server, health
        await server.start()

    async def leave(self) -> None:
        """Sends its callers elsewhere, and no longer listens."""
        if self._serving is not None:
            (server, health), self._serving = self._serving, None
            await health.drain()
            await server.stop(1.0)


class _Refusal(grpc.GenericRpcHandler):
    """Every method of the services, as it is while there is no snapshot.

    Streams too: a caller who hears that there are none does without them for a while.
    """

    def __init__(self, services: Sequence[str]) -> None:
        self._prefixes = tuple(f"/{service}/" for service in (*services, EXCHANGE.full_name))

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Returns the refusal for a method of the services, and nothing for others."""
        if not handler_call_details.method.startswith(self._prefixes):
            return None
        return grpc.unary_unary_rpc_method_handler(_refuse)


async def _refuse(_request: bytes, context: Any) -> bytes:
    await abort(context, status_of(Unavailable("no snapshot is loaded yet")))
    raise AssertionError("abort does not return")
