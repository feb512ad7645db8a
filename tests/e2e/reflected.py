"""A client that knows no contract: it learns every service, method and message from reflection v1."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2

_REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


@dataclass(frozen=True)
class ReflectedMethod:
    """One method of a server.

    Attributes:
        channel: To the server.
        descriptor: What reflection says of it.
    """

    channel: grpc.Channel
    descriptor: MethodDescriptor

    @property
    def path(self) -> str:
        """The method's path on the wire."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    def __call__(self, request: Message, timeout: float = 20.0) -> None:
        """Calls the method, with one message where it takes a stream, and reads everything that it answers.

        Raises:
            grpc.RpcError: it failed.
        """
        answer = GetMessageClass(self.descriptor.output_type)
        kinds = ("stream" if streams else "unary" for streams in self._streams)
        call = getattr(self.channel, "_".join(kinds))(
            self.path, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
        )
        takes_stream, gives_stream = self._streams
        given = call(iter([request]) if takes_stream else request, timeout=timeout)
        if gives_stream:
            for _ in given:
                pass

    @property
    def _streams(self) -> tuple[bool, bool]:
        """Whether the method takes a stream, and whether it gives one."""
        return bool(self.descriptor.client_streaming), bool(self.descriptor.server_streaming)


def reflected_methods(channel: grpc.Channel) -> Iterator[ReflectedMethod]:
    """Asks a server for its services and returns every method of those that are not gRPC's own."""
    pool = DescriptorPool()
    for name in _service_names(channel):
        if not name.startswith("grpc."):
            _learn(channel, pool, reflection_pb2.ServerReflectionRequest(file_containing_symbol=name))
            for method in pool.FindServiceByName(name).methods:  # type: ignore[no-untyped-call]
                yield ReflectedMethod(channel, method)


def _service_names(channel: grpc.Channel) -> list[str]:
    answer = _ask(channel, reflection_pb2.ServerReflectionRequest(list_services=""))
    return [service.name for service in answer.list_services_response.service]


def _learn(channel: grpc.Channel, pool: DescriptorPool, question: reflection_pb2.ServerReflectionRequest) -> None:
    """Adds the files that answer `question` to the pool, those that they import first."""
    for serialized in _ask(channel, question).file_descriptor_response.file_descriptor_proto:
        file = FileDescriptorProto.FromString(serialized)
        for dependency in file.dependency:
            try:
                pool.FindFileByName(dependency)  # type: ignore[no-untyped-call]
            except KeyError:
                _learn(channel, pool, reflection_pb2.ServerReflectionRequest(file_by_filename=dependency))
        try:
            pool.FindFileByName(file.name)  # type: ignore[no-untyped-call]
        except KeyError:
            pool.Add(file)  # type: ignore[no-untyped-call]


def _ask(
    channel: grpc.Channel, question: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    reflect = channel.stream_stream(
        _REFLECT,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return next(iter(reflect(iter([question]))))
