"""A client that knows reflection's own messages and nothing else."""

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse


class ReflectionClient:
    """Asks a server for its services and for the files that describe them. Both versions have the same messages.

    Args:
        channel: To the server.
        version: "v1" or "v1alpha".
    """

    def __init__(self, channel: grpc.Channel, version: str) -> None:
        self._channel = channel
        self._ask: Any = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        self._pool = descriptor_pool.DescriptorPool()
        self._files: set[str] = set()

    def services(self) -> list[str]:
        """Returns the full names of all services."""
        return [service.name for service in self._answer(list_services="").list_services_response.service]

    def methods(self, service: str) -> list[MethodDescriptor]:
        """Returns the methods of a service, whose requests and responses are described down to the last field."""
        encoded = self._answer(file_containing_symbol=service).file_descriptor_response.file_descriptor_proto
        files = {file.name: file for file in map(descriptor_pb2.FileDescriptorProto.FromString, encoded)}
        for name in files:
            self._add(name, files)
        return list(self._pool.FindServiceByName(service).methods)  # type: ignore[no-untyped-call]

    def call(self, method: MethodDescriptor, **fields: Any) -> Any:
        """Calls a unary method with a request made of plain values."""
        request, response = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
        call = self._channel.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        return call(request(**fields))

    def problem(self, symbol: str) -> str:
        """Returns what the server says of a symbol that it does not have."""
        message: str = self._answer(file_containing_symbol=symbol).error_response.error_message
        return message

    def _answer(self, **question: str) -> ServerReflectionResponse:
        (answer,) = self._ask(iter([ServerReflectionRequest(**question)]))
        return answer

    def _add(self, name: str, files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
        if name not in self._files:
            self._files.add(name)
            for dependency in files[name].dependency:
                self._add(dependency, files)
            self._pool.Add(files[name])  # type: ignore[no-untyped-call]


def fields_below(method: MethodDescriptor) -> Iterator[str]:
    """Yields the full name of every field that a request or response can hold, at any depth."""
    pending, seen = [method.input_type, method.output_type], set[str]()
    while pending:
        message = pending.pop()
        if message.full_name not in seen:
            seen.add(message.full_name)
            for field in message.fields:
                yield field.full_name
                if field.message_type is not None:
                    pending.append(field.message_type)
