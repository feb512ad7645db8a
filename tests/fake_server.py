"""A fake of one of our services, served for real on a port of loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass


@asynccontextmanager
async def fake_server(register: Callable[[grpc.aio.Server], None], port: int = 0) -> AsyncIterator[str]:
    """Serves what `register` adds to the server, on a free port when it is 0; gives the address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    register(server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def add_method(
    method: MethodDescriptor, behaviour: Callable[[Any, Any], Any], server: grpc.aio.Server | grpc.Server
) -> None:
    """Adds a single method of a service; the others are UNIMPLEMENTED."""
    kinds = {False: grpc.unary_unary_rpc_method_handler, True: grpc.unary_stream_rpc_method_handler}
    handler = kinds[method.server_streaming](
        behaviour,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )
    service = method.containing_service.full_name
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method.name: handler}),))
