"""Puts the protocol on a server, as generated stubs would if there were any."""

import grpc
from google.protobuf.message_factory import GetMessageClass

from services.ranking.open_inference.messages import SERVICE
from services.ranking.open_inference.servicer import OpenInferenceServicer


def add_open_inference(servicer: OpenInferenceServicer, server: grpc.aio.Server) -> None:
    """Adds every method of the protocol to a server."""
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            getattr(servicer, method.name),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )
        for method in SERVICE.methods
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE.full_name, handlers),))
